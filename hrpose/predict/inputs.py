"""INPUT... on a command line: which videos and which images, and what their tables are called.

Everything that can be seen to be wrong with them is said before any work, in one error.
"""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hrpose.config.typecheck import did_you_mean
from hrpose.errors import DataError
from hrpose.storage.json_file import read_json

_IMAGES = ".jpg .jpeg .png .bmp .tif .tiff .webp .jp2 .ppm .pgm"
_VIDEOS = (
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .ts .mts .m2ts .h264 .264 .mjpeg .mjpg "
    ".ogv .3gp .gif"
)
IMAGES, VIDEOS = frozenset(_IMAGES.split()), frozenset(_VIDEOS.split())
_SLURM = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT")


@dataclass
class Job:
    """What one table is made of: a video, or images."""

    stem: str
    kind: Literal["video", "images"]
    paths: list[Path]
    """The video; or the images, in order."""
    labels: list[str] = field(default_factory=list)
    """Of images: the first column of the table."""
    image_ids: list[str | int] = field(default_factory=list)
    """Of images from a COCO file: their ids there."""
    folder: Path = Path()
    """Where below the output folder the table goes."""
    source: str = ""
    """As the user named it, for messages."""

    def __str__(self) -> str:
        return self.source or str(self.paths[0])


def jobs_of(
    inputs: Sequence[str], keep_tree: bool = False, image_root: Path | None = None
) -> list[Job]:
    """The jobs that `inputs` ask for: one a video, one for all images of a folder.

    Args:
        inputs: images, folders, patterns, videos, COCO files with images, '@list.txt', and '-' for
            a list on stdin.
        keep_tree: folders with all below them; tables lie below the output folder as files do here.
        image_root: where the images of COCO files lie; beside the file if None.

    Raises:
        DataError: with all that is wrong, one line each.
    """
    problems: list[str] = []
    jobs: list[Job] = []
    images: list[Path] = []
    for name in _listed(inputs, problems):
        try:
            for path in _paths(name, keep_tree):
                suffix = path.suffix.lower()
                if suffix == ".json":
                    jobs.append(_coco_job(path, image_root))
                elif suffix in IMAGES:
                    images.append(path)
                elif suffix in VIDEOS:
                    jobs.append(Job(path.stem, "video", [path], source=str(path)))
                else:
                    problems.append(f"{path}: neither an image nor a video by its name")
        except DataError as error:
            problems.append(str(error))
    jobs += _image_jobs(images)
    if keep_tree:
        _keep_tree(jobs)
    problems += _same_names(jobs)
    if problems or not jobs:
        raise DataError("\n".join(problems or ["no INPUT: name images, folders or videos"]))
    return jobs


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """For sorting: digits count as numbers, img2 comes before img10."""
    parts = [part for part in re.split(r"(\d+)", text) if part]
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def _listed(inputs: Iterable[str], problems: list[str]) -> list[str]:
    """`inputs` with lists replaced by what they list, each once."""
    names: list[str] = []
    for name in inputs:
        if name == "-":
            names += sys.stdin.read().splitlines()
        elif name.startswith("@") and not Path(name).exists():
            try:
                names += Path(name[1:]).read_text(encoding="utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{name}: the list {name[1:]} cannot be read ({error})")
        else:
            names.append(name)
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _paths(name: str, keep_tree: bool) -> list[Path]:
    """The files that one name stands for."""
    path = Path(name).expanduser()
    if path.is_dir():
        return _in_folder(path, keep_tree)
    if path.exists():
        return [path]
    if glob.has_magic(name):
        found = sorted(glob.glob(str(path), recursive=True), key=natural_key)  # noqa: PTH207
        files = [Path(file) for file in found if Path(file).is_file()]
        if not files:
            raise DataError(f"{name}: no file is called so")
        return files
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    where = "" if path.parent.is_dir() else f"; there is no folder {path.parent}"
    raise DataError(f"{name}: no such file or folder{where}{did_you_mean(path.name, beside)}")


def _in_folder(folder: Path, deep: bool) -> list[Path]:
    """The images and videos in `folder`, in natural order."""
    entries = folder.rglob("*") if deep else folder.iterdir()
    known = IMAGES | VIDEOS
    files = [
        path
        for path in entries
        if path.suffix.lower() in known and path.is_file() and not path.name.startswith(".")
    ]
    if not files:
        below = next((p for p in folder.rglob("*") if p.suffix.lower() in known), None)
        hint = f"; there is {below}: name that folder, or set --keep-tree" if below else ""
        raise DataError(f"{folder}: no image and no video in this folder{hint}")
    return sorted(files, key=lambda path: natural_key(path.as_posix()))


def _coco_job(path: Path, root: Path | None) -> Job:
    """The images that a COCO file lists, whether or not it has annotations."""
    content, _ = read_json(path, "input")
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list) or not images:
        raise DataError(f"{path}: expected a COCO file with a list of 'images'")
    root = path.parent if root is None else root
    job = Job(path.stem, "images", [], source=str(path))
    for image in images:
        name = image.get("file_name", image.get("filename")) if isinstance(image, dict) else None
        if not isinstance(name, str) or type(image.get("id")) not in (int, str):
            raise DataError(f"{path}: {str(image)[:80]}: expected an image with id and file_name")
        job.paths.append(root / name.replace("\\", "/"))
        job.labels.append(name)
        job.image_ids.append(image["id"])
    if not any(file.exists() for file in job.paths):
        raise DataError(
            f"{path}: none of its {len(images)} images is in {root} ({job.labels[0]!r} is the "
            "first); say with --img-root where they are"
        )
    return job


def _image_jobs(images: Iterable[Path]) -> list[Job]:
    """One job for all images of a folder."""
    folders: dict[Path, Job] = {}
    for path in dict.fromkeys(images):
        stem = path.absolute().parent.name or "images"
        job = folders.setdefault(path.parent, Job(stem, "images", [], source=str(path.parent)))
        job.paths.append(path)
        job.labels.append(path.as_posix())
    return list(folders.values())


def _keep_tree(jobs: Sequence[Job]) -> None:
    """Let each job's folder be that of its input, from the folder on that all have in common."""
    homes = [job.paths[0].absolute().parent for job in jobs]
    for place, job in enumerate(jobs):
        if job.kind == "images":  # their table is called like their folder, and lies beside it
            homes[place] = homes[place].parent
    common = homes[0]
    while not all(home.is_relative_to(common) for home in homes):
        common = common.parent
    for job, home in zip(jobs, homes, strict=True):
        job.folder = home.relative_to(common)


def _same_names(jobs: Sequence[Job]) -> list[str]:
    """A line for each two jobs whose tables would have one name, whatever the system's case."""
    problems: list[str] = []
    seen: dict[str, Job] = {}
    for job in jobs:
        key = (job.folder / job.stem).as_posix().casefold()
        if key in seen:
            problems.append(
                f"{seen[key]} and {job}: both tables would be called {job.stem}.csv; rename one, "
                "take them one by one, or set --keep-tree"
            )
        seen.setdefault(key, job)
    return problems


def shard(jobs: Sequence[Job], index: int, count: int) -> list[Job]:
    """Part `index` of `count` (from 1) of `jobs`; every job is in one of them."""
    ordered = sorted(jobs, key=lambda job: natural_key((job.folder / job.stem).as_posix()))
    return ordered[index - 1 :: count]


def shard_of_slurm(environ: Mapping[str, str]) -> tuple[int, int] | None:
    """The place of this task in a Slurm array, from 1, and the number of tasks; None outside."""
    if not all(environ.get(name, "").isdecimal() for name in _SLURM):
        return None
    task, first, count = (int(environ[name]) for name in _SLURM)
    return task - first + 1, count
