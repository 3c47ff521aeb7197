"""`hrpose VERB ...` as a user meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hrpose import __version__
from hrpose.cli import VERBS, main

ROOT = Path(__file__).resolve().parent.parent
TINY = str(ROOT / "tests/pages/tiny.py")
OPTIONS = {
    "convert": ["FORMAT", "SRC", "DST", "--split", "--by", "--seed", "--copy", "--link", "--images",
                "--category", "--predicted", "--labels", "--overwrite", "deeplabcut", "to-coco"],
    "init": ["ANNOTATIONS", "--images", "--name", "--category", "--size", "--input",
             "--whole-frame", "--norm", "--minutes", "--from", "--no-flip", "--out", "--overwrite"],
    "convert-config": ["FILE", "--out", "--overwrite"],
    "train": ["CONFIG", "--work-dir", "--resume", "--allow-data-change", "--load-from", "--amp",
              "--seed", "--deterministic", "--no-validate", "--auto-scale-lr", "--allow-opencv-5",
              "--cfg-options"],
    "test": ["CONFIG", "CHECKPOINT", "--work-dir", "--ann-file", "--img-root", "--out",
             "--allow-opencv-5", "--cfg-options"],
    "predict": ["CONFIG", "CHECKPOINT", "INPUT", "--out", "--bbox", "--animals", "--img-root",
                "--formats", "--dlc-project", "--shuffle", "--draw", "--draw-min-score",
                "--keep-tree", "--batch-size", "--device", "--amp", "--no-flip", "--start",
                "--stop", "--stride", "--shard", "--resume", "--overwrite", "--allow-opencv-5",
                "--cfg-options"],
    "suggest": ["PREDICTIONS", "VIDEO", "--n", "--as", "--out", "--config", "--overwrite"],
    "export": ["CONFIG", "CHECKPOINT", "--out", "--no-flip", "--check", "--cfg-options"],
    "publish": ["CONFIG", "CHECKPOINT", "--out", "--format", "--metrics", "--licence", "--card",
                "--cfg-options"],
    "evaluate": ["CONFIG", "PREDICTIONS", "--ann-file", "--img-root", "--out", "--compare", "--nms",
                 "--images", "--allow-missing", "--resamples", "--seed", "--cfg-options"],
    "report": ["RUN", "--out", "--config", "--by", "--thr", "--allow-missing", "--resamples",
               "--seed", "--allow-opencv-5", "--cfg-options"],
    "check": ["CONFIG", "--full", "--splits", "--html", "--cfg-options"],
    "browse": ["CONFIG", "--out", "--split", "--n", "--seed", "--ids", "--transformed",
               "--heatmaps", "--cfg-options"],
    "config": ["CONFIG", "--no-check", "--out", "--cfg-options"],
    "flops": ["CONFIG", "--shape", "--cfg-options"],
    "reproduce": ["ROW", "--data-root", "--work-dir", "--tolerance", "--train", "--seeds",
                  "--mirror", "--metafile", "--allow-opencv-5", "--cfg-options"],
    "doctor": ["exit status 1 if anything hinders"],
}  # fmt: skip


@pytest.fixture
def hrpose(monkeypatch, capsys):
    """Do a command line in this process: its exit status, output and errors."""

    def do(*words):
        monkeypatch.setattr(sys, "argv", ["hrpose", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    return do


def test_help_lists_every_verb_with_what_it_does(hrpose):
    status, out, _ = hrpose("--help")
    assert status == 0
    assert all(f"  {verb} " in out and summary in out for verb, summary in VERBS.items())
    assert sorted(VERBS) == sorted(
        path.stem.replace("_", "-")
        for path in (ROOT / "hrpose/commands").glob("*.py")
        if path.stem not in ("__init__", "common")
    )


@pytest.mark.parametrize("verb", OPTIONS)
def test_the_help_of_a_verb_lists_its_options(hrpose, verb):
    status, out, _ = hrpose(verb, "--help")
    assert (status, out.startswith(f"usage: hrpose {verb} ")) == (0, True)
    words = " ".join(out.split()).replace("Exit", "exit")
    assert [option for option in OPTIONS[verb] if option not in words] == []
    assert "%%" not in out


def test_every_verb_is_tested():
    assert sorted(OPTIONS) == sorted(VERBS)


def test_the_version(hrpose):
    assert hrpose("--version") == (0, f"hrpose {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian", TINY], "no verb 'trian'; did you mean 'train'?"),
        (["zzz"], f"no verb 'zzz'; there are {', '.join(VERBS)}"),
        ([], "a verb is missing"),
        (["--verbose"], "unrecognized arguments: --verbose"),
        (["config"], "the following arguments are required: CONFIG"),
        (["config", "hrnet_w32_synthetic_96x69"], "did you mean 'hrnet_w32_synthetic_96x96'?"),
        (["train", TINY, "--resume", ""], "an argument is empty"),
        (["train", TINY, "--load-from="], "an argument is empty"),
        (["test", TINY, "", "--work-dir", "x"], "an argument is empty"),
        (["config", ""], "an argument is empty"),
        (["reproduce", "--seeds", "2"], "RunError: --seeds goes with --train"),
    ],
)
def test_a_wrong_word_ends_with_a_message_and_status_2(hrpose, words, says):
    status, out, errors = hrpose(*words)
    assert (status, out) == (2, "")
    assert says in errors and "Traceback" not in errors


def test_a_refusal_in_a_run_stands_once_on_the_console_and_in_its_log(hrpose, tmp_path):
    status, out, errors = hrpose("train", TINY, "--work-dir", tmp_path, "--load-from", "gone.pth")
    assert status == 2 and errors.startswith("CheckpointError: gone.pth: ")
    assert f"run directory {tmp_path}" in out and "gone.pth: " not in out
    log = (tmp_path / "train.log").read_text()
    assert f"INFO stopped: {errors}" in log


def test_the_help_needs_neither_torch_nor_mmengine():
    """As a process of its own, by `python -m hrpose`; and no verb's module but the one named."""
    code = (
        "import runpy, sys\n"
        "sys.argv = ['hrpose', *sys.argv[1:]]\n"
        "try: runpy.run_module('hrpose', run_name='__main__')\n"
        "except SystemExit as end: status = end.code\n"
        "heavy = {'torch', 'numpy', 'cv2', 'mmengine', 'hrpose.commands.test'} & set(sys.modules)\n"
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)\n"
    )
    for words in (["--help"], ["train", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage: hrpose" in done.stdout


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        ("/venv/bin/hrpose", "hrpose train x.py"),
        ("hrpose.exe", "hrpose train x.py"),
        ("/venv/lib/site-packages/hrpose/__main__.py", "hrpose train x.py"),
        ("tools/train.py", f"{Path(sys.executable).name} tools/train.py train x.py"),
    ],
)
def test_a_run_records_its_command_as_it_can_be_typed_again(monkeypatch, program, typed):
    from hrpose.rundir import provenance

    monkeypatch.setattr(sys, "argv", [program, "train", "x.py"])
    assert provenance.command() == typed


def test_output_survives_an_encoding_without_our_letters(tmp_path):
    page = tmp_path / "Žemaitis 馬.py"
    (tmp_path / "馬").mkdir()
    page.write_text(f"_base_ = {TINY!r}\ndata = dict(root={str(tmp_path / '馬')!r}, val=dict("
                    "_delete_=True, type='CocoPoseDataset', ann_file='馬.json', img_root=''))\n",
                    encoding="utf-8")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "hrpose", "check", page, "--splits", "val"],
        capture_output=True, check=False, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert rb"val: DataError: " in done.stdout and rb"\u99ac.json" in done.stdout
    assert done.stdout.endswith(b"1 fault\n")
