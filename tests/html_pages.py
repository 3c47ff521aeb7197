"""Pages of ours as a browser finds them: parsed, and as a picture of chromium."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

TINY = Path(__file__).resolve().parent / "pages/tiny.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the page with")
_OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


def screenshot(page: Path, width: int, height: int, *options: str) -> np.ndarray:
    """What chromium shows of `page` in a window of that size: (H, W, 3) uint8 RGB."""
    out = page.with_suffix(".png")
    command = [
        *(str(CHROMIUM), *_OPTIONS, f"--user-data-dir={page.parent / 'profile'}", *options),
        *(f"--screenshot={out}", f"--window-size={width},{height}", page.as_uri()),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return cv2.imread(str(out))[..., ::-1]


class Seen(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element `tag`."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All words that are read, with single spaces."""
        return " ".join(" ".join(self.words).split())


def sound_page(text: str) -> Seen:
    """The parsed page, after a look at what every page of ours must keep."""
    seen = Seen(text)
    assert len(text.encode()) <= 8_000_000
    assert "http:" not in text and "https:" not in text and "//" not in _addresses(seen)
    for image in seen.all("img"):
        assert image["alt"] and image["loading"] == "lazy"
        assert image["src"].startswith("data:image/jpeg;base64,")
    assert len(seen.all("script")) == 1 and not any("src" in one for one in seen.all("script"))
    assert seen.all("link") == [] and seen.all("html") == [{"lang": "en"}]
    buttons = [one for one in seen.all("button") if one.get("class") == "zoom"]
    assert len(buttons) == len(seen.all("img"))  # the keyboard reaches each picture
    named = [one["aria-labelledby"] for one in seen.all("section")]
    assert set(named) <= {one.get("id") for _, one in seen.elements}
    return seen


def _addresses(seen: Seen) -> str:
    return " ".join(
        str(value)
        for _, attributes in seen.elements
        for key, value in attributes.items()
        if key in ("href", "src", "action", "poster", "srcset")
        and not str(value).startswith("data:")
    )


def cats_page(folder: Path, content: dict[str, Any], *lines: str) -> Path:
    """Write `content` as a COCO file of cats, and a page on them with `lines` at its end."""
    (folder / "cats.json").write_text(json.dumps(content))
    names = content["categories"][0]["keypoints"]
    files = "dict(_delete_=True, type='CocoPoseDataset', ann_file='cats.json', img_root='images')"
    text = f"""_base_ = {str(TINY)!r}
keypoints = dict(_delete_=True, type="KeypointMeta", dataset="cats", names={names!r},
    flip_pairs=[("left_paw", "right_paw")], skeleton=[("nose", "left_paw"), ("nose", "right_paw")])
data = dict(root={str(folder)!r}, train={files}, val={files}, test={files})
"""
    path = folder / "page.py"
    path.write_text(text + "\n".join(lines))
    return path
