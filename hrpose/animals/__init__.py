"""Painted animals: `body` (skeleton), `scene` (camera), `coat` and `scenery` (paint).

`compose` makes a scene from random numbers, `render` its image.
"""

from hrpose.animals.body import KEYPOINTS
from hrpose.animals.scene import Scene, compose
from hrpose.animals.scenery import render
from hrpose.animals.texture import TILE

__all__ = ["KEYPOINTS", "TILE", "Scene", "compose", "render"]
