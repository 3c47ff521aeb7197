"""Rows measured end to end against a server on this machine."""

import hashlib
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from stand_in import METAFILE, ROOT, make_data, publish, serving, write_metafile

from hrpose import config
from hrpose.engine.test import run_test
from hrpose.engine.train import train
from hrpose.errors import ConfigError, DataError, RunError
from hrpose.reproduce import Request, reproduce
from hrpose.storage import download

NAME = "hrnet_tiny_horse10_64x64-split1"
REAL = (
    "horse10/hrnet_w32_horse10_256x256-split1",
    "macaque/hrnet_w32_macaque_256x192",
    "atrw/hrnet_w48_atrw_256x256",
    "ap10k/hrnet_w32_ap10k_256x256",
    "animalpose/hrnet_w32_animalpose_256x256",
    "ak/hrnet_w32_animalkingdom_P3_bird_256x256",
)
SMALL = ("codec.input_size=(64,64)", "codec.heatmap_size=(16,16)", "codec.sigma=1")


def measured(world) -> dict[str, float]:
    return world.results()[NAME]["published"]["values"]


def test_a_row_is_done_once_and_again_when_an_input_has_changed(world, capsys):
    assert world.run() == 1  # random weights are not within 0.003 of 0.5
    first = world.results()[NAME]["published"]
    values = measured(world)
    out = capsys.readouterr().out
    assert "testing the published checkpoint" in out
    assert "Nearhindfetlock" in out  # the table of keypoints
    assert re.search(r"PCK@0\.3 +0\.500 +0\.\d{4} +[+-]0\.\d{4} +\d\.\d{4} \.\. \d\.\d{4} +NO", out)
    assert "0 of 1 rows are within 0.003" in out
    assert [name for name, _ in world.server.asked] == [Path(world.rows[0]["checkpoint"]).name]
    prefix = re.search(r"-(\w{8})_", world.rows[0]["checkpoint"])[1]
    assert first["made_from"]["checkpoint_sha256"].startswith(prefix)
    file = world.folder / "data/horse10/annotations/horse10-test-split1.json"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert first["made_from"]["annotation_files"] == {f"annotations/{file.name}": digest}

    # what was published is no input of the measurement
    world.rows[0]["paper"] = {name: round(values[name], 3) for name in ("PCK@0.3", "NME")}
    assert world.run() == 0
    again = world.results()[NAME]["published"]
    assert again["made_from"] == first["made_from"]
    out = capsys.readouterr().out
    assert "nothing has changed since" in out and "1 of 1 rows are within" in out

    for file in (world.folder / "data/horse10/annotations").iterdir():
        file.write_text(file.read_text() + " ")
    assert world.run() == 0
    changed = world.results()[NAME]["published"]["made_from"]
    assert changed["annotations_sha256"] != first["made_from"]["annotations_sha256"]
    assert "testing the published checkpoint" in capsys.readouterr().out

    assert world.run(options=["model.flip_test=False"], tolerance=10.0) == 0
    other = world.results()[NAME]["published"]["made_from"]
    assert other["config_sha256"] != changed["config_sha256"]

    old = Path(world.rows[0]["checkpoint"]).name
    shelf = world.folder / "shelf/mmpose/animal/hrnet"
    (world.folder / "cache" / old).unlink()
    world.run(options=["model.flip_test=False"])  # done: the checkpoint is not even wanted
    assert len(world.server.asked) == 1
    page = Path(world.rows[0]["page"])
    page.write_text(page.read_text() + "runner['seed'] = 5\n")
    (shelf / old).unlink()
    world.rows = [publish(world.folder / "shelf", page, {"PCK@0.3": 0.0})]
    assert world.run(tolerance=1.0) == 0
    assert (
        world.results()[NAME]["published"]["made_from"]["checkpoint_sha256"][:8]
        in (world.rows[0]["checkpoint"])
    )


def test_a_new_version_of_hrpose_measures_anew(world, capsys, monkeypatch):
    world.run()
    monkeypatch.setattr("hrpose.__version__", "99.0")
    world.run()
    assert "nothing has changed" not in capsys.readouterr().out
    assert world.results()[NAME]["published"]["made_from"]["versions"]["hrpose"] == "99.0"


def test_a_download_that_broke_off_goes_on_in_the_next_run(world, capsys, monkeypatch):
    monkeypatch.setattr(download, "TRIES", 1)
    world.server.breaks.append(1000)
    assert world.run() == 2
    out = capsys.readouterr().out
    assert "broke off after 1,000 of" in out and "1,000 bytes are kept" in out
    assert f"not measured: {NAME}" in out
    assert not (world.request.work_dir / "results.json").exists()
    assert world.run() == 1
    assert [wanted for _, wanted in world.server.asked] == [None, "bytes=1000-"]


def test_a_wrong_hash_and_a_server_that_is_down_leave_a_row_out(world, capsys):
    good = world.rows[0]
    twin = Path(good["page"]).with_name("hrnet_twin_horse10_64x64-split2.py")
    twin.write_text(Path(good["page"]).read_text())
    other = publish(world.folder / "shelf", twin, good["paper"])
    name = Path(other["checkpoint"]).name
    (world.folder / "shelf/mmpose/animal/hrnet" / name).write_bytes(b"something else")
    lost = {**good, "checkpoint": good["checkpoint"].replace("hrnet_tiny", "hrnet_lost")}
    world.rows = [other, good]
    assert world.run(tolerance=10.0) == 2
    out = capsys.readouterr().out
    assert f"{name}: could not be downloaded" in out and "its name promises" in out
    assert "1 of 2 rows are within 10" in out
    assert list(world.results()) == [NAME]
    # now it is out of reach: what was measured of other inputs does not stay
    world.rows = [lost]
    for file in (world.folder / "data/horse10/annotations").iterdir():
        file.write_text(file.read_text() + " ")
    assert world.run() == 2
    assert "HTTP Error 404" in capsys.readouterr().out
    assert list(world.results()) == []


def test_no_server(world, capsys, monkeypatch):
    monkeypatch.setenv("HRPOSE_MIRROR", "http://127.0.0.1:1")
    assert world.run() == 2
    assert re.search(r"http://127\.0\.0\.1:1/mmpose/.* refused", capsys.readouterr().out)


def test_wrong_pages_rows_and_data_end_it_before_any_download(world):
    with pytest.raises(ConfigError, match="did you mean 'flip_test'"):
        world.run(options=["model.flip_tset=False"], data_root=world.folder / "nowhere")
    with pytest.raises(RunError, match=r"no row is called 'hrnet_tiny'"):
        world.run(rows=["hrnet_tiny"])
    with pytest.raises(DataError, match="nothing was done"):
        world.run(data_root=world.folder / "nowhere")
    world.request.work_dir.mkdir()
    (world.request.work_dir / "results.json").write_text("{")
    with pytest.raises(RunError, match=r"results\.json: not the results of an earlier run"):
        world.run()
    assert world.server.asked == []


def test_a_number_that_the_page_does_not_measure(world):
    world.rows[0]["paper"]["AP"] = 0.9
    with pytest.raises(RunError, match="has a value of 'AP', which the page does not measure"):
        world.run()


def test_torchrun_is_refused(world, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="torchrun"):
        world.run()


def test_rows_are_trained_over_seeds(world, capsys):
    assert world.run(seeds=1, tolerance=10.0) == 0
    row = world.results()[NAME]["trained"]
    assert row["spread"]["PCK@0.3"] is None
    assert "training in" in capsys.readouterr().out

    assert world.run(seeds=2, tolerance=0.0) == 1
    out = capsys.readouterr().out
    assert out.count("nothing has changed since") == 1 and out.count("training in") == 1
    assert "spread over seeds" in out
    row = world.results()[NAME]["trained"]
    values = [row["seeds"][seed]["values"]["PCK@0.3"] for seed in "01"]
    assert row["values"]["PCK@0.3"] == pytest.approx(sum(values) / 2)
    # of two numbers: half their distance times the root of 2
    assert row["spread"]["PCK@0.3"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    runs = sorted(path for path in (world.request.work_dir / NAME).iterdir() if path.is_dir())
    assert [path.name[:6] for path in runs] == ["seed0-", "seed1-"]
    page = (runs[1] / "config.py").read_text()
    assert "accumulate=2" in page and "seed=1" in page  # 4 animals a step in batches of 2

    assert "published" not in world.results()[NAME]
    assert world.run(tolerance=10.0) == 0
    assert set(world.results()[NAME]) >= {"published", "trained"}
    text = (world.request.work_dir / "results.md").read_text()
    assert "## Published checkpoints" in text and "## Trained from ImageNet weights" in text
    assert f"### {NAME}, seed 1" in text


def test_every_data_set_with_the_real_networks(tmp_path, samples, monkeypatch, capsys):
    """W32 and W48 with all their keys, in the layouts that people have on disk."""
    make_data(tmp_path / "data", samples)
    pages = [METAFILE.parent / f"{name}.py" for name in REAL]
    paper = [{"PCK@0.3": 0.0, "NME": 0.0}, {"AP": 0.0, "AR": 0.0}, {"AP": 0.0, "AR50": 0.0}]
    paper += [{"AP": 0.0, "AP(M)": 0.0, "AP(L)": 0.0}, {"AP": 0.0, "AR": 0.0}, {"PCK@0.05": 0.0}]
    rows = [publish(tmp_path / "shelf", *pair) for pair in zip(pages, paper, strict=True)]
    metafile = write_metafile(tmp_path / "metafile.json", rows)
    with serving(tmp_path / "shelf") as (address, server):
        monkeypatch.setenv("HRPOSE_MIRROR", address)
        monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
        request = Request(
            metafile=metafile,
            work_dir=tmp_path / "work",
            data_root=tmp_path / "data",
            options=["data.workers=0", "runner.device=cpu", *SMALL],
        )
        assert reproduce(request) in (0, 1)
    assert len(server.asked) == len(REAL)
    out = capsys.readouterr().out
    for row in rows:
        path = tmp_path / "cache" / Path(row["checkpoint"]).name
        assert f"model: loaded 1,754 of 1,754 entries from {path}" in out
    content = json.loads((tmp_path / "work/results.json").read_text())
    assert list(content["rows"]) == [page.stem for page in pages]
    for name in content["rows"]:
        record = content["rows"][name]["published"]
        assert record["made_from"]["left_out"] == 0
        assert all(value >= 0 for value in record["values"].values() if value is not None)
    text = (tmp_path / "work/results.md").read_text()
    assert "| hrnet_w48_atrw_256x256 | AR50 | 0.000 |" in text
    assert "| tail | " in text


def test_the_command_line(world, monkeypatch, capsys):
    write_metafile(world.request.metafile, world.rows)

    def tool(*arguments):
        command = ["tools/reproduce.py", "--metafile", world.request.metafile,
                   "--work-dir", world.request.work_dir, *arguments]  # fmt: skip
        monkeypatch.setattr(sys, "argv", list(map(str, command)))
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(ROOT / "tools/reproduce.py"), run_name="__main__")
        return end.value.code, *capsys.readouterr()

    data = ("--data-root", world.request.data_root)
    monkeypatch.delenv("HRPOSE_MIRROR")
    assert tool(*data, "--mirror", world.address)[0] == 1
    status, out, _ = tool(*data, "--tolerance", 99, "--mirror", "http://127.0.0.1:1")
    assert status == 0  # the row is done: no need of a server
    assert "1 of 1 rows are within 99" in out
    status, _, errors = tool("--data-root", "/nowhere", "*horse10*")
    assert status == 2 and "horse10_annotations.tar" in errors and "Traceback" not in errors
    for wrong in (("--seeds", 2), ("--train", "--seeds", 0), ("--tolerance", -1)):
        status, _, errors = tool(*data, *wrong)
        assert status == 2 and wrong[-2] in errors
    monkeypatch.delenv("HRPOSE_MIRROR")


@pytest.mark.parametrize("name", REAL[3:])
def test_an_epoch_and_a_test_of_the_later_data_sets(name, tmp_path, samples, capsys):
    make_data(tmp_path, samples)
    folder = name.split("/")[0]
    page = config.load(
        METAFILE.parent / f"{name}.py",
        [*SMALL, "model.backbone.width=4", "pretrained=None", f"data.root='{tmp_path / folder}'",
         "data.workers=0", "data.batch_size=2", "runner.epochs=1", "runner.val_interval=1",
         "runner.base_batch_size=2", "runner.device=cpu"],
    )  # fmt: skip
    progress = train(page, tmp_path / "run")
    assert progress.best_file
    report, dataset = run_test(page, str(tmp_path / "run" / progress.best_file), tmp_path / "test")
    assert len(dataset) == 2 and dataset.left_out == []
    expected = {"PCK@0.05", "AUC"} if folder == "ak" else {"AP", "AP(M)", "AP(L)", "PCK@0.2"}
    assert expected <= set(report.values)
    loss = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert all(entry["loss"] > 0 for entry in loss if "loss" in entry)
