"""A page from a template that extends `base.html`, which brings style and script into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from hrpose.errors import RunError

MOST_BYTES = 8_000_000
"""Of a page: what a mail takes, and a phone opens at once."""

_HERE = Path(__file__).parent


def render(template: Path, **content: Any) -> str:
    """The page that `template` makes of `content`; what stands in `content` is text, never HTML.

    The template may take blocks of `base.html` and macros of `parts.html`.

    Raises:
        RunError: the page has over `MOST_BYTES`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template.name).render(**content)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise RunError(
            f"the page would have {size / 1e6:.1f} MB, and no more than {MOST_BYTES / 1e6:.0f} MB "
            "open well on a phone; ask for fewer animals"
        )
    return text
