#!/usr/bin/env python
"""Train a model from a config page."""

import argparse
from pathlib import Path

from hrpose.errors import shown_to_user


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a model from a config page. Checkpoints, logs and curves go to the "
        "run directory.",
        epilog="Several GPUs: tools/dist_train.sh CONFIG GPUS [options].",
    )
    parser.add_argument("config", metavar="CONFIG", help="config page, a .py file under configs/")
    parser.add_argument("--work-dir", help="run directory (default: work_dirs/<config name>)")
    parser.add_argument(
        "--resume", nargs="?", const="auto", metavar="CKPT",
        help="go on with the run in the run directory, from CKPT or from its newest checkpoint",
    )  # fmt: skip
    parser.add_argument(
        "--allow-data-change", action="store_true",
        help="resume although the annotations are not those of that run",
    )  # fmt: skip
    parser.add_argument(
        "--load-from",
        metavar="CKPT",
        help="start from the weights of this checkpoint (path or URL)",
    )
    parser.add_argument(
        "--amp", action="store_true", help="mixed precision: bf16, or fp16 on older GPUs"
    )
    parser.add_argument(
        "--seed", type=int, help="seed of weights, order and augmentation (default: the page's)"
    )
    parser.add_argument(
        "--deterministic", action="store_true", help="only deterministic GPU kernels"
    )
    parser.add_argument("--no-validate", action="store_true", help="train without validation")
    parser.add_argument(
        "--auto-scale-lr", action="store_true",
        help="scale the learning rate by the real batch over runner.base_batch_size",
    )  # fmt: skip
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE",
        help="values to change: data.batch_size=32 codec.sigma=3 'schedule.steps=(16, 19)'",
    )  # fmt: skip
    return parser.parse_args()


def options(args: argparse.Namespace) -> list[str]:
    """The command line's switches as changes of the page; --cfg-options has the last word."""
    changes = [
        (args.amp, "runner.precision='amp'"),
        (args.seed is not None, f"runner.seed={args.seed}"),
        (args.deterministic, "runner.deterministic=True"),
        (args.no_validate, "runner.val_interval=0"),
        (args.auto_scale_lr, "runner.auto_scale_lr=True"),
        (args.load_from is not None, f"load_from={args.load_from!r}"),
    ]
    return [change for on, change in changes if on] + args.cfg_options


@shown_to_user
def main() -> None:
    args = parse()
    from hrpose import config
    from hrpose.engine.train import train

    page = config.load(args.config, options(args))
    work_dir = Path(args.work_dir or Path("work_dirs") / Path(args.config).stem)
    train(page, work_dir, args.resume, args.allow_data_change)


if __name__ == "__main__":
    main()
