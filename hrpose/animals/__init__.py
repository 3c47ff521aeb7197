"""Painted animals: `body` (skeleton), `scene` (camera), `coat` and `scenery` (paint).

`draw_scene` makes a scene from random numbers, `render` its image.
"""

from hrpose.animals.body import KEYPOINTS
from hrpose.animals.scene import Scene, draw_scene
from hrpose.animals.scenery import render
from hrpose.animals.texture import TILE

__all__ = ["KEYPOINTS", "TILE", "Scene", "draw_scene", "render"]
