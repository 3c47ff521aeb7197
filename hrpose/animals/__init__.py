"""Painted animals: `body` (skeleton), `scene` (camera), `coat` and `scenery` (paint).

`make_scene` makes a scene from random numbers, `render` its image.
"""

from hrpose.animals.body import KEYPOINTS
from hrpose.animals.scene import Scene, make_scene
from hrpose.animals.scenery import render
from hrpose.animals.texture import TILE

__all__ = ["KEYPOINTS", "TILE", "Scene", "make_scene", "render"]
