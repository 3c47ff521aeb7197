"""The rows of a run (metrics.jsonl)."""

import shutil

import pytest
from runs import TINY, weights

from hrpose import config
from hrpose.engine.train import train

PAGE = ["runner.log_interval=1"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run of one epoch, five rows long, and the same run of two epochs."""
    folder = tmp_path_factory.mktemp("rows")
    train(config.load(TINY, [*PAGE, "runner.epochs=1"]), folder / "begun")
    train(config.load(TINY, PAGE), folder / "whole")
    return folder


@pytest.mark.fault(
    name="a damaged row in metrics.jsonl",
    does="a byte is turned, or a row is no JSON, no UTF-8, no row, lacks keys, holds huge numbers; "
    "then `--resume`",
    expects="that row is kept in metrics.damaged.jsonl and named; the others stay; the run goes on",
)
@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (lambda row: row[:9] + b"x" + row[10:], "not JSON"),
        (lambda row: row[:9] + b"\xff" + row[10:], "not UTF-8"),
        (lambda row: row.replace(b"null", b"0").replace(b'{"kind"', b'["kind"'), "not JSON"),
        (lambda row: b"\0" * len(row), "not JSON"),
        (lambda row: b"[" * 100_000, "not JSON"),
        (lambda row: b"[1, 2]", "not a row"),
        (lambda row: b"null", "not a row"),
        (lambda row: b"{}", "kind"),
        (lambda row: row.replace(b'"epoch"', b'"epoc1"'), "epoch"),
        (lambda row: row.replace(b'"epoch": 0', b'"epoch": "0"'), "epoch"),
        (lambda row: row.replace(b'"epoch": 0', b'"epoch": true'), "epoch"),
        (lambda row: row.replace(b'"iteration": 2', b'"iteration": -2'), "iteration"),
        (lambda row: row.replace(b'"iteration": 2', b'"iteration": 1' + b"0" * 5000), "not JSON"),
        (lambda row: row.replace(b'"iteration": 2', b'"iteration": 1' + b"0" * 400), "iteration"),
        (lambda row: row.replace(b'"loss": ', b'"loss": 1e999, "was": '), "loss"),
        (lambda row: row.replace(b'"loss": ', b'"loss": [], "was": '), "loss"),
        (lambda row: row.replace(b'"lr": ', b'"lr": null, "was": '), "lr"),
        (lambda row: row.replace(b'"train"', b'"val"'), "metrics"),
        (lambda row: row.replace(b'"train"', b'"tra1n"'), "kind"),
    ],
)
def test_damaged_row(folders, tmp_path, happened, damaged, reason):
    folder = tmp_path / "run"
    shutil.copytree(folders / "begun", folder)
    path = folder / "metrics.jsonl"
    lines = path.read_bytes().splitlines()
    bad = damaged(lines[1])
    assert bad != lines[1]
    path.write_bytes(b"\n".join([lines[0], bad, *lines[2:], b""]))
    train(config.load(TINY, [*PAGE, "runner.epochs=1"]), folder, "auto")  # nothing is left to train
    assert path.read_bytes().splitlines() == [lines[0], *lines[2:]]
    assert (folder / "metrics.damaged.jsonl").read_bytes() == bad + b"\n"
    said = (folder / "train.log").read_text()
    assert "metrics.jsonl: 1 damaged row (line 2: " in said and reason in said
    assert "kept in metrics.damaged.jsonl" in said
    happened("kept aside and named, the rows around it stay")


@pytest.mark.fault(
    name="two damaged rows in metrics.jsonl, one after the other",
    does="a byte of a row is turned, `--resume` for an epoch; the same once more",
    expects="both rows are kept; weights and the other rows equal those of the undisturbed run",
)
def test_goes_on(folders, tmp_path, happened):
    folder, whole = tmp_path / "run", folders / "whole"
    shutil.copytree(folders / "begun", folder)
    path = folder / "metrics.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first.replace(b":", b";", 1), *others]))
    train(config.load(TINY, PAGE), folder, "auto")
    assert path.read_bytes() == (whole / "metrics.jsonl").read_bytes()[len(first) :]
    last = path.read_bytes().splitlines(keepends=True)[-1]
    path.write_bytes(path.read_bytes()[: -len(last)] + last.replace(b'"', b"'"))
    train(config.load(TINY, PAGE), folder, "auto")
    kept = (folder / "metrics.damaged.jsonl").read_bytes()
    assert kept == first.replace(b":", b";", 1) + last.replace(b'"', b"'")
    now, then = weights(folder / "latest.pth"), weights(whole / "latest.pth")
    assert all((now[name] == then[name]).all() for name in then)
    happened("two rows kept aside; the rest equal to the bit")
