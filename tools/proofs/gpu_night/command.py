"""Build, test, train and measure hrpose on a GPU, and write one report of it.

On a machine whose commands are short, name some stages at a time: the report is written from all
that are known, those of earlier commands too. Without a GPU, --rehearse goes the same way with
small settings; tests that need a GPU skip by name.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from hrpose.errors import RunError, shown_to_user

if TYPE_CHECKING:
    from proofs.gpu_night.stages import Night

_PLACES = (Path("data/livestock-horse"), Path("shared/data/livestock-horse"))
"""Where the real horses are looked for, from the root of the checkout."""


def parse() -> argparse.Namespace:
    from proofs.gpu_night.stages import PAGE

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stages", nargs="+", default=[], metavar="STAGE",
        help="some of doctor build tests train test test-amp benchmark (benchmark-step ...); "
        "default: all",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="the report (default: docs/gpu_night.md)")
    parser.add_argument(
        "--folder", type=Path, default=Path("work_dirs/gpu_night"),
        help="where the stages write, and leave what later commands report",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=600, help="most of this command in all (10 on the lease)"
    )
    parser.add_argument(
        "--train-minutes", type=float, default=5, help="most of the training (default: 5)"
    )
    parser.add_argument("--data", type=Path, help="folder of the real horses")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, as small as it goes")
    parser.add_argument("--config", default=PAGE, metavar="CONFIG", help="page (the real horses)")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    for name in ("minutes", "train_minutes"):
        if not getattr(args, name) > 0:
            parser.error(f"--{name.replace('_', '-')}: expected a number above 0")
    if args.rehearse and args.out is None:
        parser.error("--rehearse: name the report with --out; docs/gpu_night.md is for a GPU")
    return args


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose.rundir import provenance
    from hrpose.storage.whole_file import write_whole
    from proofs.gpu_night.record import FAILED, describe_machine, play, read
    from proofs.gpu_night.report import page
    from proofs.gpu_night.stages import ROOT, chosen, stages

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    night = prepared(args)
    out = args.out or ROOT / "docs" / "gpu_night.md"
    try:
        wanted = chosen(args.stages, night)
    except ValueError as error:
        raise RunError(str(error)) from None
    names = [stage.name for stage in stages(night)]
    machine, end = describe_machine(night.gpu), time.monotonic() + args.minutes * 60
    failed = []
    for stage in tqdm(wanted, desc="stages", disable=None):
        record = play(stage, night, end - time.monotonic() - 5, machine)
        tqdm.write(f"{record.name:<20} {record.outcome} ({record.seconds:.0f} s) {record.why}")
        failed += [record.name] * (record.outcome == FAILED)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, page(night, read(night, names), names, provenance.command()))
    print(f"wrote {out}; {len(wanted)} stages, {len(failed)} failed")
    sys.exit(bool(failed))


def prepared(args: argparse.Namespace) -> "Night":
    """What the stages work with.

    Raises:
        RunError: there is no GPU and no rehearsal is asked for; or no such folder of data.
    """
    import torch

    from proofs.gpu_night.stages import ROOT, Night

    gpu = torch.cuda.is_available() and not args.rehearse
    if not gpu and not args.rehearse:
        raise RunError("torch sees no GPU here; --rehearse --out FILE rehearses on the CPU")
    if args.data and not args.data.is_dir():
        raise RunError(f"--data {args.data}: no such folder; name that of the real horses")
    found = [args.data] if args.data else [ROOT / place for place in _PLACES]
    data = next((place.resolve() for place in found if place.is_dir()), None)
    folder = args.folder.resolve()
    return Night(
        args.config, tuple(args.cfg_options), data, gpu, args.rehearse, folder, args.train_minutes
    )


if __name__ == "__main__":
    main()
