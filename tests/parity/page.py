"""docs/parity.md: every link, how far apart, how far allowed."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from parity.links import Link, Measured

TEMPLATE = Path(__file__).parent / "template.md"


def page(results: Sequence[tuple[Link, Measured]], command: str) -> str:
    """The page as Markdown."""
    failed = [link for link, measured in results if not link.holds(measured)]
    names = ", ".join(link.name for link in failed)
    verdict = f"{len(failed)} of {len(results)} links do not hold: {names}."
    if not failed:
        verdict = f"All {len(results)} links hold."
    chapter, tables = "", ""
    for link, measured in results:
        if link.chapter != chapter:
            chapter = link.chapter
            tables += f"\n## {chapter}\n\n| link | reference | inputs | largest difference | "
            tables += "tolerance | holds |\n|---|---|---|--:|--:|---|\n"
        tables += row(link, measured)
    return TEMPLATE.read_text(encoding="utf-8").format(
        verdict=verdict,
        date=date.today().isoformat(),
        command=command,
        versions=versions(),
        tables=tables,
    )


def row(link: Link, measured: Measured) -> str:
    """One line of a table."""
    holds = "yes" if link.holds(measured) else "**NO**"
    return (
        f"| {link.name} | {link.files} | {measured.inputs} | {measured.difference:.2g} | "
        f"{link.tolerance:g} {link.unit} | {holds} |\n"
    )


def versions() -> str:
    """Of Python and of what the numbers depend on."""
    found = [f"Python {platform.python_version()}"]
    for name in ("torch", "numpy", "opencv-python", "xtcocotools", "pycocotools"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
