"""`hrpose VERB ...`, `python -m hrpose VERB ...` and the tools: one command line.

The module of a verb, `hrpose.commands.<verb>`, is imported only when the verb is named. It has
`add_arguments(parser)` and `run(args)`; its docstring is the first paragraph of its help.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys

import hrpose
from hrpose.errors import shown_to_user
from hrpose.processes.sharing import spin_briefly

VERBS = {
    "convert": "make COCO files of the labels of other programs, and back",
    "init": "write a config page for annotations of one's own",
    "convert-config": "make a page of hrpose of a config page of MMPose",
    "train": "train a model from a config page",
    "test": "test a checkpoint on the test set of a page",
    "predict": "find the keypoints in images and videos: tables and pictures",
    "suggest": "choose the frames of a video that are worth labelling next",
    "export": "write a model as one ONNX file that needs neither page nor torch",
    "publish": "write the weights of a checkpoint to hand on, with page and licence inside",
    "evaluate": "score predictions of any origin, without images",
    "report": "make one page of runs: numbers with intervals, charts, the worst predictions",
    "check": "look at a page, its annotations and its images before a run",
    "browse": "draw samples: as annotated, in a mirror, and as the network gets them",
    "config": "print a page with everything filled in",
    "flops": "count parameters, multiply-adds and memory of a model",
    "reproduce": "make the results table again and compare",
    "doctor": "see whether this machine is ready for hrpose",
}
"""What each verb does, in the order of the help."""


@shown_to_user
def main(verb: str | None = None) -> None:
    """Do what the command line says; without `verb` its first word is the verb."""
    _survive_any_encoding()
    words = sys.argv[1:] if verb is None else [verb, *sys.argv[1:]]
    if not words or words[0] not in VERBS:
        _no_verb(words)
        return
    spin_briefly()
    command = importlib.import_module(f"hrpose.commands.{words[0].replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"hrpose {words[0]}", description=command.__doc__)
    command.add_arguments(parser)
    if any(not word or (word.startswith("--") and word.endswith("=")) for word in words):
        # it would mean the default: a folder, a new run, weights that nobody chose
        parser.error("an argument is empty; a variable of the shell that is not set?")
    status = command.run(parser.parse_intermixed_args(words[1:]))
    if status is not None:
        sys.exit(status)


def _no_verb(words: list[str]) -> None:
    """The help, the version, or what is wrong with the first word."""
    width = max(map(len, VERBS))
    parser = argparse.ArgumentParser(
        prog="hrpose",
        usage="hrpose VERB ...",
        description="Pose estimation of animals.",
        epilog="verbs:\n"
        + "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items())
        + "\n\n`hrpose VERB --help` lists what a verb takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hrpose {hrpose.__version__}")
    if words and not words[0].startswith("-"):
        from hrpose.config.typecheck import did_you_mean

        hint = did_you_mean(words[0], VERBS) or f"; there are {', '.join(VERBS)}"
        parser.error(f"no verb '{words[0]}'{hint}")
    parser.parse_args(words)
    parser.error("a verb is missing; `hrpose --help` lists them")


def _survive_any_encoding() -> None:
    r"""Let output show a letter that its encoding lacks as `\u99ac`, instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):  # closed, or broken: nothing to show
                stream.reconfigure(errors="backslashreplace")
