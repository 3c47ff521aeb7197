"""Each mode from a page to the JSON file."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from proofs.benchmark import Request, benchmark, run
from proofs.benchmark.scoring import eval_section
from proofs.benchmark.startup import summarise_imports

from hrpose.errors import ConfigError, DataError, HrposeError, RunError

ROOT = Path(__file__).resolve().parent.parent.parent
HORSE10 = "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py"
QUICK = {"changes": ["model.backbone.width=2"], "repeats": 2, "seconds": 0.001}


def measured(mode, page, folder, **more):
    out = folder / "out.json"
    benchmark(Request(mode, page, **{**QUICK, **more}, out=out))
    return json.loads(out.read_text())


@pytest.fixture
def few(monkeypatch):
    """Score hundreds, not thousands."""
    monkeypatch.setattr(run, "eval_section", partial(eval_section, counts=(300, 200)))


def rows(report, mode):
    found = report["sections"][mode]["rows"]
    assert all(row["min"] <= row["median"] <= row["max"] for row in found)
    assert all(row["runs"] == report["repeats"] for row in found)
    return {(row.get("variant"), row["name"]): row for row in found}


def test_what_every_file_says(tmp_path, tiny, capsys, few):
    report = measured("eval", tiny, tmp_path)
    assert report["machine"]["processors"] >= report["machine"]["processors_allowed"] >= 1
    assert report["machine"]["memory_gib"] > 0.1 and report["machine"]["cpu"]
    assert {"hrpose", "python", "torch", "numpy", "opencv", "xtcocotools"} <= set(
        report["versions"]
    )
    assert len(report["config_sha256"]) == 64 and report["changes"] == QUICK["changes"]
    assert report["page"]["model"]["backbone"]["width"] == 2
    assert (report["repeats"], report["left_out"]) == (2, {})
    found = rows(report, "eval")
    ap = found[None, "AP by hrpose"]
    assert ap["predictions"] == 300 and 0.5 < ap["AP"] < 0.99 and ap["unit"] == "s"
    other = found[None, "AP by pycocotools"]
    assert other["largest_difference"] < 1e-9
    assert found[None, "AP by pycocotools, ratio to hrpose"]["median"] > 0
    assert found[None, "PCK + NME"]["predictions"] == 200
    assert "AP by hrpose" in capsys.readouterr().out


def test_step_with_a_variant(tmp_path, tiny):
    report = measured(
        "step", tiny, tmp_path, variants=[["bf16", "runner.precision=bf16", "data.batch_size=2"]],
        profile=tmp_path / "profile",
    )  # fmt: skip
    found = rows(report, "step")
    page, bf16 = found["page", "training step"], found["bf16", "training step"]
    assert (page["precision"], bf16["precision"], page["batch"], bf16["batch"]) == (
        "fp32", "bf16", 4, 2,
    )  # fmt: skip
    assert page["unit"] == "img/s" and page["median"] > 0.1
    assert page["GFLOP_per_image"] == bf16["GFLOP_per_image"] > 0
    assert page["MB_per_image_op_by_op"] > page["MB_per_image_fused"] > 0
    peak = report["peaks"]["fp32"]
    limit = min(page["bound_arithmetic_img_per_s"], page["bound_memory_fused_img_per_s"])
    assert page["share_of_roofline"] == pytest.approx(page["median"] / limit)
    assert page["bound_arithmetic_img_per_s"] == pytest.approx(
        1000 * peak["product"]["max"] / page["GFLOP_per_image"]
    )
    assert found["bf16", "training step, ratio to page"]["unit"] == "x"
    assert report["variants"]["bf16"]["config_sha256"] != report["config_sha256"]
    trace = json.loads((tmp_path / "profile/step.json").read_text())
    assert len(trace["traceEvents"]) > 100
    assert "aten::convolution_backward" in (tmp_path / "profile/step.txt").read_text()


def test_inference_with_and_without_flip_test(tmp_path, tiny):
    found = rows(measured("inference", tiny, tmp_path), "inference")
    assert [name for _, name in found] == [
        "heatmaps", "keypoints, no flip test", "keypoints, flip test",
    ]  # fmt: skip
    flip, plain = found[None, "keypoints, flip test"], found[None, "keypoints, no flip test"]
    assert flip["GFLOP_per_image"] == 2 * plain["GFLOP_per_image"]


def test_train_counts_the_wait_and_the_start(tmp_path, tiny):
    report = measured("train", tiny, tmp_path, repeats=1)
    found = rows(report, "train")
    whole = found[None, "training, end to end"]
    assert whole["batch"] == 4 and whole["workers"] == 0 and whole["first_batch_after_s"] > 0
    assert 0 < found[None, "data-wait share"]["median"] < 1
    assert found[None, "end to end, ratio to resident steps"]["median"] > 0
    marks = [row["median"] for (_, name), row in found.items() if name.startswith("start-up")]
    assert len(marks) == 3 and 0 < marks[0] < marks[1] < marks[2]


def test_test_on_more_animals_than_there_are(tmp_path, tiny):
    found = rows(measured("test", tiny, tmp_path, animals=9), "test")
    whole = found[None, "test, end to end"]
    assert (whole["animals"], whole["flip_test"], whole["unit"]) == (9, True, "animals/s")
    assert len(found) == 4


def test_all_leaves_out_what_has_no_data(tmp_path, monkeypatch, few):
    monkeypatch.setattr(run, "MODES", ("loader", "eval", "test"))
    changes = ["data.root=/nowhere/horse10", "model.backbone.width=2"]
    report = measured("all", str(ROOT / HORSE10), tmp_path, changes=changes)
    assert list(report["sections"]) == ["eval"]
    assert set(report["left_out"]) == {"loader", "test"}
    assert "/nowhere/horse10" in report["left_out"]["test"]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (Request("test", HORSE10, ["data.root=/nowhere"]), DataError, ["/nowhere", "data.root"]),
        (Request("step", HORSE10, variants=[["bf16"]]), RunError, ["--variant bf16", "a name"]),
        (Request("step", HORSE10, variants=[["runner.compile=True"]]), RunError, ["a name"]),
        (Request("step", HORSE10, variants=[["page", "a=1"]]), RunError, ["taken"]),
        (Request("step", HORSE10, variants=[["x", "runner.precison=bf16"]]), ConfigError,
         ["did you mean 'precision'?"]),
        (Request("eval", HORSE10, out=Path("/proc/no/out.json")), RunError, ["--out", "written"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(request_, error, words, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(HrposeError) as caught:
        benchmark(request_)
    assert caught.type is error
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["race", HORSE10], "invalid choice: 'race'"),
        (["step", HORSE10, "--repeats", "0"], "--repeats 0: expected 1 or more"),
        (["test", HORSE10, "--animals", "0"], "--animals 0: expected 1 or more"),
        (["step", HORSE10, "--seconds", "0"], "--seconds 0.0: expected a number above 0"),
        (["loader", HORSE10, "--workers", "-1"], "--workers -1: expected 0 or more"),
    ],
)
def test_a_wrong_option_ends_with_one_line(options, words):
    command = [sys.executable, "tools/benchmark.py", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_imports_are_summed_by_package():
    text = "\n".join(
        [
            "import time: self [us] | cumulative | imported package",
            "import time:      1500 |       1500 |   torch.nn",
            "import time:       500 |       2000 | torch",
            "import time:       100 |        100 | numpy",
            "another line",
        ]
    )
    assert summarise_imports(text, top=1).splitlines() == [
        "      2.1 ms  in all",
        "      2.0 ms  torch",
    ]
