"""Every link of the chain from image to table, measured against MMPose's own numbers.

`tools/parity.py` runs all of them and writes docs/parity.md; `test_parity.py` runs them as tests.
"""

from parity import codecs, crops, geometry, metrics, models, moves, training, whole
from parity.links import LINKS, Link, Measured, Reference, Worst

CHAPTERS = (
    crops.CHAPTER,
    geometry.CHAPTER,
    moves.CHAPTER,
    *codecs.CHAPTERS,
    models.CHAPTER,
    whole.CHAPTER,
    metrics.CHAPTER,
    training.CHAPTER,
)
LINKS.sort(key=lambda link: CHAPTERS.index(link.chapter))

__all__ = ["CHAPTERS", "LINKS", "Link", "Measured", "Reference", "Worst"]
