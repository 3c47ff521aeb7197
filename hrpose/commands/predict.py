"""Find the keypoints of animals in images and videos: one table a video, one for all images of a
folder, and with them a JSON file that says what they were made from.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.commands import common
from hrpose.commands.test import the_one_file
from hrpose.config.pages import find_page
from hrpose.environment import refuse_opencv_5
from hrpose.errors import DataError, HrposeError, RunError, say
from hrpose.predict.tables.formats import FORMATS, require_formats
from hrpose.processes.collector import collector_still
from hrpose.storage.addresses import is_address
from hrpose.storage.download import fetch

if TYPE_CHECKING:
    from hrpose.api.load import Trained
    from hrpose.predict.inputs import Job
    from hrpose.predict.run import Order

_DECIDES = ("page_sha256", "checkpoint_sha256", "precision", "flip_test")
_ASKED = ("animals", "batch_size", "start", "stop", "stride")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose predict`."""
    parser.epilog = "An exported model, without a page: hrpose predict M.onnx INPUT... --out DIR"
    common.add_config(parser)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="path or URL of a .pth file")
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="*",
        help="images, folders, patterns, videos, COCO files with images, @list.txt, or - for a "
        "list on stdin",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the tables")
    _add_boxes(parser)
    _add_output(parser)
    parser.add_argument("--batch-size", type=common.count, default=32, metavar="N")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: a GPU if there is one)")
    parser.add_argument(
        "--amp", action="store_true",
        help="in half precision: faster on a GPU, and on a CPU that has bf16",
    )  # fmt: skip
    parser.add_argument(
        "--no-flip", action="store_true", help="without the mirror image: twice as fast"
    )
    _add_parts(parser)
    common.add_allow_opencv_5(parser)
    common.add_cfg_options(parser, "codec.dark=True")


def _add_boxes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bbox", default="full", metavar="full|X,Y,W,H|FILE|zoom",
        help="where to look: the whole frame; a box in px; a csv file with frame or image, x, y, "
        "w, h, id; a COCO file; or the box of the points found before (default: full)",
    )  # fmt: skip
    parser.add_argument(
        "--animals", type=common.count, default=1, metavar="N",
        help="how many animals a table has room for (default: 1); for more a box FILE is needed",
    )  # fmt: skip
    parser.add_argument("--img-root", type=Path, help="folder of the images of COCO files")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--formats", nargs="+", choices=FORMATS, default=["csv"],
        help="tables to write; csv is always written, the others are made of it (default: csv)",
    )  # fmt: skip
    parser.add_argument(
        "--dlc-project", type=Path, metavar="CONFIG_YAML",
        help="config.yaml of the DeepLabCut project that the format dlc is for",
    )  # fmt: skip
    parser.add_argument("--shuffle", type=int, default=1, help="of that project (default: 1)")
    parser.add_argument("--draw", action="store_true", help="write images, or an MP4, of the poses")
    parser.add_argument(
        "--draw-min-score", type=float, default=0.3, metavar="S",
        help="draw points from this score on (default: 0.3)",
    )  # fmt: skip
    parser.add_argument("--keep-tree", action="store_true", help="mirror the folders of the inputs")


def _add_parts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", type=common.index, default=0, metavar="FRAME", help="of videos")
    parser.add_argument(
        "--stop", type=common.count, metavar="FRAME", help="the frame after the last"
    )
    parser.add_argument(
        "--stride", type=common.count, default=1, metavar="N", help="each N-th frame"
    )
    parser.add_argument(
        "--shard", type=_shard, metavar="I/N",
        help="do part I of N of the inputs, and skip what is finished (in a Slurm array: its own)",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--resume", action="store_true", help="go on with what was cut off, skip what is finished"
    )
    which.add_argument("--overwrite", action="store_true", help="replace tables that are there")


def run(args: argparse.Namespace) -> int:
    """Predict; the exit status is 1 if some inputs failed, 2 if nothing was done."""
    from hrpose.predict.inputs import jobs_of, shard, shard_of_slurm
    from hrpose.predict.run import do_job
    from hrpose.predict.tables.places import check_places

    page = None if _is_exported(args) else common.load_page(args)
    refuse_opencv_5(args.allow_opencv_5)
    _refuse_contradictions(args)
    require_formats(args.formats)
    jobs = jobs_of(args.inputs, args.keep_tree, args.img_root)
    if "dlc" in args.formats:
        _look_at_dlc(args, jobs)
    part = args.shard or shard_of_slurm(os.environ)
    if part:
        print(f"part {part[0]} of {part[1]}: {len(shard(jobs, *part))} of {len(jobs)} inputs")
        jobs = shard(jobs, *part)
    args.resume = args.resume or (part is not None and not args.overwrite)
    check_places(jobs, Path(args.out), args.resume, args.overwrite)
    order = make_order(args, page, jobs)
    done = failed = 0
    for job in jobs:
        try:
            print(do_job(order, job), flush=True)
            done += 1
        except HrposeError as error:
            say(f"{type(error).__name__}: {error}")
            failed += 1
    if not failed:
        return 0
    say(f"{failed} of {len(jobs)} inputs failed")
    return 1 if done else 2


def _is_exported(args: argparse.Namespace) -> bool:
    """Whether CONFIG is a file of `hrpose export`; what follows it are all inputs then.

    Raises:
        RunError: options ask it to be another one, or inputs are missing.
    """
    if not args.config.lower().endswith(".onnx"):
        if not args.inputs:
            raise RunError("INPUT is missing: images, folders or videos, after the checkpoint")
        return False
    args.inputs.insert(0, args.checkpoint)
    fixed = {"--amp": args.amp, "--no-flip": args.no_flip, "--cfg-options": args.cfg_options}
    fixed["--device"] = args.device not in (None, "auto", "cpu")
    if option := next((option for option, given in fixed.items() if given), None):
        raise RunError(f"{option}: {args.config} is as it was exported, and runs on the CPU")
    return True


def make_order(args: argparse.Namespace, page: dict[str, Any] | None, jobs: list[Job]) -> Order:
    """What is asked for, with the model loaded.

    Args:
        page: None for a file of `hrpose export`, which holds its own.

    Raises:
        HrposeError: the box file, the checkpoint or the device cannot be used.
    """
    from hrpose.export.exported import read_exported
    from hrpose.predict.pipeline import Pipeline
    from hrpose.predict.run import Order
    from hrpose.predict.tables.places import check_jobs
    from hrpose.rundir import provenance

    exported = read_exported(args.config) if page is None else None
    page = exported.page if exported else page or {}
    look, boxes = _look(args, page, jobs)
    asked = {**boxes, **{name: getattr(args, name) for name in _ASKED}}
    check_jobs(jobs, Path(args.out), asked, args.resume)
    trained = exported or _trained(args, page)  # torch, after all that may be refused
    print(trained.said)
    digest = trained.made_from["checkpoint_sha256"]
    asked = {**{name: trained.made_from[name] for name in _DECIDES}, **asked}
    name = exported.name if exported else find_page(args.config).stem
    made_from = {"versions": provenance.versions(), "command": provenance.command()}
    return Order(
        Pipeline(trained.cropper, trained.estimate, args.animals, args.batch_size), look,
        f"hrpose_{name}_{digest[:8]}", Path(args.out), asked, {**trained.made_from, **made_from},
        tuple(dict.fromkeys(args.formats)), args.start, args.stop, args.stride, args.resume,
        args.draw_min_score if args.draw else None,
        (args.dlc_project, args.shuffle) if args.dlc_project else None,
    )  # fmt: skip


def _trained(args: argparse.Namespace, page: dict[str, Any]) -> Trained:
    checkpoint = the_one_file(args.checkpoint)
    if not is_address(checkpoint):
        fetch(checkpoint)  # says that it is not there, before torch is imported
    with collector_still(stays=True):
        from hrpose.api.load import load_trained

    how = ("amp" if args.amp else "fp32", False if args.no_flip else None)
    return load_trained(page, checkpoint, args.device, *how)


def _look(
    args: argparse.Namespace, page: dict[str, Any], jobs: list[Job]
) -> tuple[Any, dict[str, str]]:
    """Where to look, and the same in words, with the digest of a file."""
    from hrpose.predict.look.boxes import FixedBox, WholeFrame, check_boxes, parse_box, read_boxes
    from hrpose.predict.look.search import unfamiliar
    from hrpose.storage.digests import file_digest

    if args.bbox in ("full", "zoom"):
        if warning := unfamiliar(page, args.bbox):
            say(warning)
        return WholeFrame() if args.bbox == "full" else None, {"bbox": args.bbox}
    if box := parse_box(args.bbox):
        return FixedBox(box), {"bbox": args.bbox}
    path = Path(args.bbox).expanduser()
    if not path.is_file():
        raise DataError(f"--bbox {args.bbox}: neither full, zoom, X,Y,W,H, nor a file")
    clean_up = page.get("data", {}).get("test", {}).get("box_clean_up", "none")
    boxes = read_boxes(path, args.animals, clean_up)
    check_boxes(boxes, jobs)
    return boxes, {"bbox": path.name, "boxes_sha256": file_digest(path)}


def _look_at_dlc(args: argparse.Namespace, jobs: list[Job]) -> None:
    """DataError where the format dlc cannot be written: images, or no shuffle in the project."""
    from hrpose.predict.tables.dlc import scorer_of

    scorer_of(args.dlc_project, args.shuffle)
    images = [job for job in jobs if job.kind == "images"]
    if images:
        raise DataError(f"--formats dlc: {images[0]} is images; DeepLabCut has this for videos")


def _refuse_contradictions(args: argparse.Namespace) -> None:
    """RunError for options that do not go together."""
    if args.stop is not None and args.stop <= args.start:
        raise RunError(f"--stop {args.stop}: must be above --start {args.start}")
    if "dlc" in args.formats and not args.dlc_project:
        raise RunError("--formats dlc: name the project with --dlc-project config.yaml")
    if args.animals > 1 and not Path(args.bbox).is_file():
        raise RunError(
            f"--animals {args.animals}: several animals need their boxes, in a file (--bbox FILE); "
            "there is no detector here"
        )


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"'{text}': expected I/N, with I from 1 to N")
    return int(found[1]), int(found[2])
