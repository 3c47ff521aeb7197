"""Painted animals: `body` (skeleton), `scene` (camera), `coat` and `scenery` (paint)."""
