"""Train a model from a config page. Checkpoints, logs and curves go to the run directory."""

from __future__ import annotations

import argparse

from hrpose.commands import common
from hrpose.environment import refuse_opencv_5
from hrpose.processes.collector import collector_still


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose train`."""
    parser.epilog = "Several GPUs: torchrun --standalone --nproc-per-node GPUS -m hrpose train ..."
    common.add_config(parser)
    common.add_work_dir(parser, "run directory")
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
    common.add_allow_opencv_5(parser)
    common.add_cfg_options(
        parser, "data.batch_size=32 codec.sigma=3 'schedule.steps=(16, 19)' runner.epochs=50"
    )


def run(args: argparse.Namespace) -> None:
    """Train."""
    page = common.load_page(args, switches(args))
    refuse_opencv_5(args.allow_opencv_5)
    with collector_still(stays=True):
        import torch._dynamo  # noqa: F401  an optimizer's first step does it, with the collector on

        from hrpose.engine.train import train

    train(page, common.work_dir(args), args.resume, args.allow_data_change)


def switches(args: argparse.Namespace) -> list[str]:
    """The command line's switches as changes of the page."""
    changes = [
        (args.amp, "runner.precision='amp'"),
        (args.seed is not None, f"runner.seed={args.seed}"),
        (args.deterministic, "runner.deterministic=True"),
        (args.no_validate, "runner.val_interval=0"),
        (args.auto_scale_lr, "runner.auto_scale_lr=True"),
        (args.load_from is not None, f"load_from={args.load_from!r}"),
    ]
    return [change for on, change in changes if on]
