import json
import sys

import numpy as np
import pytest
from scoring_cases import HORSES, ROOT, TIGERS, page_for, write

from hrpose.commands.evaluate import score_file
from hrpose.errors import DataError, RunError
from hrpose.metrics import write_predictions
from hrpose.metrics.results.scorer import ScoringSettings

sys.path.insert(0, str(ROOT / "tests" / "metrics"))
from metric_cases import golden_case, read_json, truth_of

QUICK = ScoringSettings(resamples=0)


def files(golden, folder, name):
    """Labels and predictions of the reference's case `name`, as files."""
    answers, truth, coco, _ = golden_case(golden / "metrics", name)
    for image in coco["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    write_predictions(answers, truth, folder / "predictions.json")
    return write(folder / "labels.json", coco), folder / "predictions.json"


@pytest.fixture
def horses(golden, tmp_path):
    return files(golden, tmp_path, "horse10")


def test_horse10_as_mmpose_measured_it(horses, golden, tmp_path, capsys):
    labels, predictions = horses
    measured = read_json(golden / "metrics" / "results.json.gz")
    then, later = measured["horse10_v014"], measured["horse10_v029"]
    out = tmp_path / "new" / "metrics.json"
    report, _ = score_file(page_for(labels), predictions, ScoringSettings(resamples=40), out)
    expected = {
        "PCK@0.3": then["evaluate_PCK"]["PCK"],
        "NME": then["evaluate_NME"]["NME"],
        "horse10-2021/PCK@0.3": then["evaluate_PCK"]["PCK"],
        "horse10-2021/NME": then["evaluate_NME"]["NME"],
        "mmpose-0.19+/PCK@0.2": later["evaluate_PCK"]["PCK"],
        "strict/PCK@0.3": then["func_PCK@0.3_only_samples_with_both_nose_and_eye"],
        "strict/NME": then["func_NME_only_samples_with_both_nose_and_eye"],
    }
    assert report.values == pytest.approx(
        {**expected, "benchmark/PCK@0.3": None, "benchmark/NME": None}, abs=1e-7
    )
    low, high = report.intervals["PCK@0.3"]
    assert 0.6 < low < report.values["PCK@0.3"] < high < 0.85
    written = json.loads(out.read_text())
    assert set(written) == {"metrics", "per_keypoint", "notes", "intervals", "provenance"}
    assert written["metrics"] == report.values
    assert written["intervals"]["PCK@0.3"] == [low, high]
    assert written["intervals"]["benchmark/NME"] is None
    made_from = written["provenance"]
    assert (made_from["animals"], made_from["left_out"], made_from["resamples"]) == (229, 3, 40)
    assert len(made_from["predictions_sha256"]) == len(made_from["annotations_sha256"]) == 64
    shown = capsys.readouterr().out
    assert f"strict/PCK@0.3        {expected['strict/PCK@0.3']:.4f}  (0." in shown
    assert "81 of 229 instances have no usable distance Nose-Eye and are left out [strict/" in shown
    assert "Nearhindfetlock" in shown
    page = (ROOT / "docs" / "evaluation.md").read_text()
    for name, value in expected.items():
        assert f"`{name}` | {value:.4f} |" in page


@pytest.mark.parametrize(("nms", "expected"), [(False, "no_nms"), (True, "config_default")])
@pytest.mark.parametrize("name", ["atrw", "macaque"])
def test_ap_of_the_file_as_it_is_and_with_suppression(golden, tmp_path, name, nms, expected):
    labels, predictions = files(golden, tmp_path, name)
    page = TIGERS.parent.parent / "macaque/hrnet_w32_macaque_256x192.py"
    page = page_for(labels, TIGERS if name == "atrw" else page, "data.test.box_clean_up='none'")
    report, _ = score_file(page, predictions, ScoringSettings(nms=nms, resamples=0))
    measured = read_json(golden / "metrics" / "results.json.gz")[name][expected]["stats"]
    *values, by_instance = report.values.values()
    assert values == pytest.approx(list(measured.values()), abs=1e-12)
    assert by_instance is None  # a detector's boxes: nobody knows which animal is meant
    assert any(note.startswith("PCK@0.2: does not exist: ") for note in report.notes)


def test_compared_with_another_file(horses, tmp_path, capsys):
    labels, predictions = horses
    rows = json.loads(predictions.read_text())
    for row in rows:
        row["keypoints"][0::3] = [value + 3 for value in row["keypoints"][0::3]]
    other = write(tmp_path / "other.json", rows[::-1])  # the order of a file means nothing
    out, settings = tmp_path / "metrics.json", ScoringSettings(resamples=100)
    report, steps = score_file(page_for(labels), predictions, settings, out, other)
    worse, _ = score_file(page_for(labels), other, settings)
    assert steps["NME"].value == pytest.approx(report.values["NME"] - worse.values["NME"])
    assert steps["NME"].high < 0 < steps["PCK@0.3"].low
    assert steps["NME"].p == pytest.approx(2 / 101)
    assert steps["benchmark/NME"] is None
    shown = capsys.readouterr().out
    assert f"{report.values['NME']:.4f} - {worse.values['NME']:.4f} = -0." in shown
    written = json.loads(out.read_text())["comparison"]
    assert written["differences"]["NME"]["p"] == steps["NME"].p
    assert written["metrics"] == worse.values
    same, steps = score_file(page_for(labels), predictions, settings, None, predictions)
    assert {(step.value, step.p) for step in steps.values() if step} == {(0, 1)}
    assert same.values == report.values
    fewer = write(tmp_path / "fewer.json", rows[5:])
    with pytest.raises(DataError, match=r"other.json and .*fewer.json answer different animals"):
        score_file(page_for(labels), other, ScoringSettings(allow_missing=True), None, fewer)
    with pytest.raises(RunError, match="--compare tests by resampling"):
        score_file(page_for(labels), predictions, QUICK, None, other)
    with pytest.raises(RunError, match="--resamples -1"):
        ScoringSettings(resamples=-1)


def test_missing_and_unclear_answers_stop_a_page_without_ap(horses, tmp_path):
    labels, predictions = horses
    rows = json.loads(predictions.read_text())
    fewer = write(tmp_path / "fewer.json", rows[2:])
    with pytest.raises(DataError, match=r"fewer.json: 2 of 229 animals have no answer: annotation"):
        score_file(page_for(labels), fewer, QUICK)
    report, _ = score_file(
        page_for(labels), fewer, ScoringSettings(allow_missing=True, resamples=0)
    )
    assert "NME: 2 of 229 instances have no prediction and do not count" in report.notes
    for row in rows:
        del row["annotation_id"]
    with pytest.raises(DataError, match="has no annotation_id, and its image has 2 animals"):
        score_file(page_for(labels), write(tmp_path / "bare.json", rows), QUICK)


def test_scores_are_only_needed_for_ap(horses, golden, tmp_path):
    labels, predictions = horses
    rows = [
        {key: row[key] for key in ("image_id", "annotation_id", "keypoints")}
        for row in json.loads(predictions.read_text())
    ]
    bare = write(tmp_path / "bare.json", rows)
    assert score_file(page_for(labels), bare, QUICK)[0].values["PCK@0.3"] > 0.7
    page = page_for(
        labels, HORSES, "metrics=[{'type': 'CocoAP'}]", f"keypoints.sigmas={[0.05] * 22}",
        "runner.save_best='AP'",
    )  # fmt: skip
    with pytest.raises(DataError, match=r"entry 0 .*has no score, which AP ranks by"):
        score_file(page, bare, QUICK)


def test_some_images_only(horses, tmp_path):
    labels, predictions = horses
    content = json.loads(labels.read_text())
    chosen = [image for image in content["images"] if image["id"] % 2]
    (tmp_path / "list.txt").write_text("\n".join(image["file_name"] for image in chosen))
    settings = ScoringSettings(images=str(tmp_path / "list.txt"), resamples=0)
    report, _ = score_file(page_for(labels), predictions, settings)
    ids = {image["id"] for image in chosen}
    content["images"] = chosen
    content["annotations"] = [row for row in content["annotations"] if row["image_id"] in ids]
    rows = [row for row in json.loads(predictions.read_text()) if row["image_id"] in ids]
    assert 0 < len(rows) < 229
    page = page_for(write(tmp_path / "half.json", content))
    again, _ = score_file(page, write(tmp_path / "half_predictions.json", rows), QUICK)
    assert report.values == again.values


def test_one_length_a_horse(tmp_path, data_dir):
    """MMPose's own file for its three sample horses, with the videos' names given back.

    Their image ids are the places of the images in the benchmark's table.
    """
    content = read_json(data_dir / "mmpose-samples/horse10/test_horse10.json")
    videos = {100: "BrownHorseintoshadow", 500: "Brownhorselight", 900: "Brownhorseoutofshadow"}
    for image in content["images"]:
        image["file_name"] = f"labeled-data/{videos[image['id']]}/{image['file_name']}"
    labels = write(tmp_path / "labels.json", content)
    predictions = ROOT / "tests/golden/formats/result_keypoints_horse10.json"
    report, _ = score_file(page_for(labels), predictions, QUICK)
    assert report.values["PCK@0.3"] == pytest.approx(0.1894, abs=5e-5)  # as v0.14 found
    assert report.values["mmpose-0.19+/PCK@0.2"] == pytest.approx(0.03787878787878787)  # v0.29
    truth = truth_of(content)
    answers = np.array([row["keypoints"] for row in json.loads(predictions.read_text())])
    away = np.linalg.norm(answers[..., :2] - truth.keypoints, axis=2)
    lengths = np.array([17.4012930073639, 15.565346125287428, 16.224980739587952])
    shares = (away / lengths[:, None])[truth.visible > 0]
    assert report.values["benchmark/NME"] == pytest.approx(shares.mean(), rel=1e-5)


SIGMAS = {
    "origin": np.sqrt(2.5) / 100,
    "mmpose": None,
    "script": 1 / 100,
}
SQUARES = np.array(
    [5.8, 51.2, 52.2, 3.1, 38.8, 5.2, 31.5, 6.9, 14.7, 7.6, 8.4, 22.6, 5.2, 35.3, 21.9]
)
TIGER_FILES = {"val": "keypoint_val.json", "test": "pose_tiger02_test.json"}
KNOWN = {
    ("val", "origin"): (0.9230, 0.9748, 0.9588, 0.9484, 0.9883, 0.9738),
    ("val", "mmpose"): (0.8783, 0.9709, 0.9297, 0.9122, 0.9854, 0.9534),
    ("val", "script"): (0.8518, 0.9708, 0.9166, 0.8898, 0.9825, 0.9417),
    # of the test set with annotation 0 counted, see tests/metrics/ap/test_referees.py
    ("test", "origin"): (0.9311, 0.9875, 0.9542, 0.9540, 0.9953, 0.9735),
    ("test", "mmpose"): (0.8852, 0.9875, 0.9267, 0.9173, 0.9938, 0.9579),
    ("test", "script"): (0.8573, 0.9854, 0.9260, 0.8942, 0.9906, 0.9501),
}


@pytest.mark.parametrize(("split", "sigmas"), KNOWN)
def test_real_tigers(data_dir, split, sigmas):
    """A real HRNet-W32's predictions for the real labels of ATRW, without its images."""
    folder = data_dir / "atrw-annotations"
    factor = SIGMAS[sigmas]
    change = [] if factor is None else [f"metrics.0.sigmas={(np.sqrt(SQUARES) * factor).tolist()}"]
    report, _ = score_file(
        page_for(folder / TIGER_FILES[split], TIGERS, *change),
        folder / f"hrnet_w32_288x384_{split}_predictions.json",
        QUICK,
    )
    names = ("AP", "AP50", "AP75", "AR", "AR50", "AR75")
    assert tuple(round(report.values[name], 4) for name in names) == KNOWN[split, sigmas]
    assert report.values["PCK@0.2"] > 0.98


def test_the_page_on_evaluation_shows_real_output(data_dir, capsys):
    folder = data_dir / "atrw-annotations"
    predictions = folder / "hrnet_w32_288x384_val_predictions.json"
    score_file(page_for(folder / TIGER_FILES["val"], TIGERS), predictions, ScoringSettings())
    shown = capsys.readouterr().out.splitlines()
    page = (ROOT / "docs" / "evaluation.md").read_text()
    lines = [line for line in shown if line.startswith(("  AP", "  PCK", "  note", "scored"))]
    assert len(lines) == 10 and all(f"    {line}\n" in page for line in lines)
