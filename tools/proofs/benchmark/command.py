"""Measure how fast a config page loads, trains, predicts and scores on this machine."""

import argparse
from pathlib import Path

from hrpose.errors import shown_to_user

MODES = ("loader", "inference", "step", "train", "test", "eval", "all")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure a config page: median and spread of repeated runs after warm-up, with "
        "machine\nand versions, on the screen and as JSON.\n\n"
        "  loader     samples a second, one process and several; each transform; decode + warp\n"
        "  inference  heatmaps, keypoints without and with flip test, from resident crops\n"
        "  step       forward, loss, backward, optimizer step, from resident crops\n"
        "  train      training with the loader, share of time it waits for data, start-up\n"
        "  test       a whole test and its parts\n"
        "  eval       scoring alone: AP of 5,000, PCK and NME of 4,000 predictions\n"
        "  all        all of them",
        epilog="loader, train and test need the page's data; the others need none. Figures are "
        "explained in docs/performance.md.",
    )
    parser.add_argument("mode", choices=MODES, metavar="MODE", help="|".join(MODES))
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="runs that count (default: 5)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S",
        help="least length of one run (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--device", choices=("auto", "cuda", "mps", "cpu"), help="instead of runner.device"
    )
    parser.add_argument(
        "--workers", type=int, nargs="+", metavar="N",
        help="loader: numbers of worker processes (default: 1 and data.workers)",
    )  # fmt: skip
    parser.add_argument(
        "--animals", type=int, metavar="N",
        help="test: on N animals, spread over the test set or that several times over "
        "(default: the test set)",
    )  # fmt: skip
    parser.add_argument(
        "--variant", nargs="+", action="append", default=[], metavar=("NAME", "KEY=VALUE"),
        help="step, inference: measure the page with these changes too, in turns, with the ratio; "
        "may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--profile", type=Path, metavar="DIR",
        help="also write a trace and a table of operators for step and inference, and of imports "
        "for train",
    )  # fmt: skip
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change on the page, e.g. runner.precision=bf16 data.batch_size=64",
    )  # fmt: skip
    args = parser.parse_args()
    check(parser, args)
    return args


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End with a message where a number makes no sense."""
    for name in ("repeats", "animals"):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f"--{name} {value}: expected 1 or more")
    if not args.seconds > 0:
        parser.error(f"--seconds {args.seconds}: expected a number above 0")
    if min(args.workers or [0]) < 0:
        parser.error(f"--workers {min(args.workers)}: expected 0 or more")


@shown_to_user
def main() -> None:
    args = parse()
    from proofs.benchmark import Request, benchmark

    device = [f"runner.device={args.device!r}"] if args.device else []
    benchmark(
        Request(
            mode=args.mode,
            config=args.config,
            changes=[*args.cfg_options, *device],
            variants=args.variant,
            repeats=args.repeats,
            seconds=args.seconds,
            workers=args.workers,
            animals=args.animals,
            out=args.out,
            profile=args.profile,
        )
    )


if __name__ == "__main__":
    main()
