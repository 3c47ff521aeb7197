"""Arguments that several verbs take, and what they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from hrpose.config import Page, read
from hrpose.config.pages import find_page
from hrpose.errors import ConfigError, RunError
from hrpose.storage.whole_file import draft


def add_config(parser: argparse.ArgumentParser) -> None:
    """CONFIG."""
    parser.add_argument(
        "config", metavar="CONFIG",
        help="config page: a .py file, or the name of a page that comes with hrpose, such as "
        "hrnet_w32_horse10_256x256-split1",
    )  # fmt: skip


def add_cfg_options(parser: argparse.ArgumentParser, example: str) -> None:
    """--cfg-options."""
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help=f"values to change on the page, e.g. {example}",
    )  # fmt: skip


def add_work_dir(parser: argparse.ArgumentParser, what: str) -> None:
    """--work-dir."""
    parser.add_argument("--work-dir", help=f"{what} (default: work_dirs/<name of the page>)")


def add_labels(parser: argparse.ArgumentParser) -> None:
    """--ann-file and --img-root."""
    parser.add_argument("--ann-file", help="COCO annotations to use instead of the page's")
    parser.add_argument("--img-root", help="folder of the images of --ann-file")


def add_allow_opencv_5(parser: argparse.ArgumentParser) -> None:
    """--allow-opencv-5."""
    parser.add_argument(
        "--allow-opencv-5", action="store_true",
        help="run with OpenCV 5, whose crops differ by up to 5 grey levels",
    )  # fmt: skip


def count(text: str) -> int:
    """An argument that is a whole number from 1."""
    return _whole_number(text, 1)


def index(text: str) -> int:
    """An argument that is a whole number from 0."""
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}': expected a whole number from {least}")
    return int(text)


def new_file(*suffixes: str) -> Callable[[str], Path]:
    """Makes of an argument a file to write, which ends in one of `suffixes` and has a folder."""

    def path_of(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in suffixes:
            raise argparse.ArgumentTypeError(f"'{text}': must end in {', '.join(suffixes)}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"'{text}': there is no folder {path.parent}")
        return path

    return path_of


def write_file(path: Path, data: bytes) -> None:
    """Write the whole file, and say so.

    Raises:
        RunError: it cannot be written.
    """
    try:
        with draft(path) as file:
            file.write(data)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from None
    say_written(path)


def say_written(path: Path) -> None:
    """Name a file that is there now, with its size."""
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


def load_page(args: argparse.Namespace, changes: Sequence[str] = ()) -> Page:
    """The page that CONFIG means, with `changes`; --cfg-options has the last word.

    Raises:
        ConfigError: there is no such page, or it cannot be read; with all else that is wrong with
            it, for nobody wants to hear of one mistake at a time.
    """
    path = find_page(args.config)
    page, problems = read(path, [*changes, *args.cfg_options])
    if problems:
        raise ConfigError([*problems, *_further(page, problems)], str(path))
    return page


def _further(page: Page, known: Sequence[str]) -> list[str]:
    """What else training would refuse in `page`, parts of which are left out or unresolved."""
    from hrpose.engine.experiment import prepare

    told = {line.split(":")[0].split(".")[0] for line in known}
    try:
        prepare(page)
    except ConfigError as error:
        missing = {f"{name}: the page does not say it" for name in told}
        return [line for line in error.problems if line not in missing and "got '$" not in line]
    return []


def label_changes(args: argparse.Namespace) -> list[str]:
    """--ann-file and --img-root as changes of the page; such paths start from here."""
    files = {"ann_file": args.ann_file, "img_root": args.img_root}
    return [
        f"data.test.{key}={str(Path(value).absolute())!r}" for key, value in files.items() if value
    ]


def work_dir(args: argparse.Namespace) -> Path:
    """--work-dir, or the folder that is named after the page."""
    return Path(args.work_dir or Path("work_dirs") / find_page(args.config).stem)
