"""Samples as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hrpose
from hrpose.browse.browse import Look
from hrpose.visualize.html.keypoints import keypoint_key
from hrpose.visualize.html.page import render
from hrpose.visualize.html.pictures import embed, share

_HEIGHT = 400  # px of a picture: its names can be read
_LEAST_HEIGHT = 160
_BYTES_A_PIXEL = 0.16  # of such pictures as JPEG


def page_of(found: Look) -> str:
    """The page of what was chosen.

    Raises:
        RunError: it would be larger than a page may be.
    """
    most = share(len(found.indices) * found.views_each)
    height = int(min(_HEIGHT, max(_LEAST_HEIGHT, (most / _BYTES_A_PIXEL / 1.3) ** 0.5)))
    cards: list[dict[str, Any]] = []
    for card in found.cards(height):
        views = [
            {
                "caption": view.caption,
                "picture": embed(view.image, f"{card.title}, {view.caption}", most),
            }
            for view in card.views
        ]
        cards.append({"title": card.title, "problem": card.problem, "views": views})
    request = found.request
    chosen = "those that --ids names" if request.ids else f"drawn with seed {request.seed}"
    return render(
        Path(__file__).with_name("page.html"),
        title=found.title,
        lead=f"From {found.dataset.source or 'drawn animals'}; {chosen}.",
        keypoints=keypoint_key(found.dataset.meta),
        cards=cards,
        wide=found.views_each > 2,
        version=hrpose.__version__,
    )
