"""The image files that labels name, in folders where they may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hrpose.convert.images import SUFFIXES
from hrpose.errors import DataError


def folder_of(name: str) -> str:
    """The folder of an image's name, '' where it has none."""
    parent = PurePosixPath(name).parent
    return "" if parent == PurePosixPath(".") else str(parent)


class ImageFinder:
    """Image files below some folders, by the end of their paths.

    Args:
        folders: where to look, the first first; hidden folders are left out.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(dict.fromkeys(folders))
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path | None:
        """The file that the path `name` means, parted by / or backslashes, if there is one.

        First below a folder by its whole path, then the only file that has the most parts of the
        path in common from its end.

        Raises:
            DataError: several files fit as well.
        """
        plain = PurePosixPath(name.replace("\\", "/"))
        for folder in self.folders:
            if not plain.is_absolute() and ".." not in plain.parts and (folder / plain).is_file():
                return folder / plain
        alike = self._all().get(plain.name, [])
        for length in range(len(plain.parts), 0, -1):
            end = plain.parts[-length:]
            fit = [path for path in alike if path.parts[-length:] == end]
            if len(fit) > 1:
                raise DataError(
                    f"image {name!r} may be {fit[0]} or {fit[1]}; name the folder of the images "
                    "that were labelled with --images"
                )
            if fit:
                return fit[0]
        return None

    def _all(self) -> dict[str, list[Path]]:
        if self._by_name is None:
            self._by_name = {}
            for path in dict.fromkeys(p for f in self.folders for p in sorted(f.rglob("*"))):
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    self._by_name.setdefault(path.name, []).append(path)
        return self._by_name

    def name_of(self, path: Path) -> str:
        """What to call `path` in what is written: below the folder that it was found in."""
        for folder in self.folders:
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return path.name
