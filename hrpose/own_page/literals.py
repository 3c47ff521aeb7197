"""Values as Python source, as they stand on a page."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

WIDTH = 100
"""Columns of a line."""


def literal(value: object) -> str:
    """`value` as Python source, on one line; texts in double quotes where that needs no escape."""
    if isinstance(value, tuple | list):
        inside = ", ".join(map(literal, value))
        comma = "," if len(value) == 1 else ""
        return f"({inside}{comma})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, dict):
        return f"dict({', '.join(f'{key}={literal(item)}' for key, item in value.items())})"
    # mmengine fills in '{{ ... }}' all over a page
    text = repr(value).replace("{{", "{\\x7b") if isinstance(value, str) else f"{value!r}"
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text


def listed(items: Sequence[object], before: str, depth: int) -> str:
    """`before` and a list of `items` that is indented by `depth`, several in a line."""
    line = f"{' ' * depth}{before}{literal(list(items))},"
    if len(line) <= WIDTH:
        return line
    lines = [""]
    for item in map(literal, items):
        if len(lines[-1]) + len(item) + depth + 6 > WIDTH:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{item},"
    body = indent("\n".join(lines), " " * (depth + 4))
    return f"{' ' * depth}{before}[\n{body}\n{' ' * depth}],"


def laid_out(value: object, before: str, depth: int) -> str:
    """`before` and any `value`, indented by `depth`: on one line, or a line for each item of a dict
    and for each dict of a list.
    """
    line = f"{' ' * depth}{before}{literal(value)},"
    if len(line) <= WIDTH:
        return line
    if isinstance(value, dict):
        rows = [laid_out(item, f"{key}=", depth + 4) for key, item in value.items()]
        opening, closing = "dict(", ")"
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        rows = [laid_out(item, "", depth + 4) for item in value]
        opening, closing = "[", "]"
    elif isinstance(value, list | tuple):
        return listed(value, before, depth)
    else:
        return line
    return "\n".join([f"{' ' * depth}{before}{opening}", *rows, f"{' ' * depth}{closing},"])
