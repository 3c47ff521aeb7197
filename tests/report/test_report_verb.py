"""`hrpose report`: the page and the file of numbers, from the command line on."""

import json
import shutil
import sys

import pytest
from html_pages import sound_page
from report_cases import NAMES, poses

from hrpose.cli import main

QUICK = ("--resamples", "50")


@pytest.fixture
def report(cattery, monkeypatch, capsys):
    """Run the verb: exit status, the page, the numbers, and all that was said."""

    def do(*words):
        out = cattery.folder / "report.html"
        command = ["hrpose", "report", *map(str, words), "--out", str(out), *QUICK]
        monkeypatch.setattr(sys, "argv", command)
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        said = "".join(capsys.readouterr())
        if status:
            assert not out.exists() and not out.with_suffix(".json").exists()
            return status, "", {}, said
        numbers = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
        return status, out.read_text(encoding="utf-8"), numbers, said

    return do


def test_equal_runs_differ_by_nothing_and_a_worse_one_by_what_it_is_worse(report, cattery):
    """The nose 20 px off in one run: PCK is .25 lower, the mean error .05 higher."""
    page, off = cattery.page(), poses(12)
    off[:, 0, 0] += 20
    runs = [cattery.predictions(name, found) for name, found in
            (("one", poses(12)), ("same", poses(12)), ("worse", off))]  # fmt: skip
    _, text, numbers, _ = report(*runs, "--config", page)
    seen = sound_page(text)
    assert [run["name"] for run in numbers["runs"]] == ["one", "same", "worse"]
    same, worse = (step["metrics"] for step in numbers["differences"])
    nothing = {"value": 0, "low": 0, "high": 0, "p": 1}
    for kind in ("by_image", "by_group"):
        assert same["PCK@0.1"][kind] == same["NME"][kind] == nothing
        clear = worse["PCK@0.1"][kind]
        assert (clear["value"], clear["low"], clear["high"]) == (-0.25, -0.25, -0.25)
        assert worse["NME"][kind]["value"] == pytest.approx(0.05)
    assert numbers["over_runs"]["PCK@0.1"]["mean"] == pytest.approx((1 + 1 + 0.75) / 3)
    assert numbers["test_set"]["groups"] == {"a": 6, "b": 6}
    assert "-0.2500" in seen.text and "+0.0000 to +0.0000" in seen.text
    assert "too few to trust" in seen.text  # two groups, twelve images
    assert len(seen.all("img")) == 2 * 12 * 3  # worst and random, a picture of each run


def test_the_page_says_what_the_file_says(report, cattery):
    off = poses(12)
    off[:3, 0, 0] += 20
    off[0] += 30
    _, text, numbers, _ = report(cattery.predictions("one", off), "--config", cattery.page())
    seen = sound_page(text)
    (run,) = numbers["runs"]
    assert run["keypoints"][0]["pck"] == 0.75 and "nose, 12 0.750" in seen.text
    low, high = run["metrics"]["PCK@0.1"]["by_group"]
    assert f"{run['metrics']['PCK@0.1']['value']:.4f} ({low:.4f} to {high:.4f})" in seen.text
    assert [numbers["worst"][0][key] for key in ("image", "annotation")] == ["a_0000.png", 1]
    first = numbers["worst"][0]["runs"][0]
    assert (
        first["wrong"] == list(NAMES) and first["error"] > numbers["worst"][1]["runs"][0]["error"]
    )
    assert {row["image"] for row in numbers["random"]} == set(cattery.names)
    (worst, *_) = [image["alt"] for image in seen.all("img")]
    assert worst.startswith("a_0000.png, annotation 1, mean error 0.") and "4 of 4 points" in worst


def test_names_are_text_and_everything_is_reached(report, cattery):
    cattery.content["categories"][0]["name"] = "<i>cat</i>"
    _, text, _, _ = report(cattery.predictions("a<b>", poses(12)), "--config", cattery.page())
    seen = sound_page(text)
    assert "<b>tail" not in text and "a<b>" not in text
    assert "<b>tail</b>" in seen.text and "a<b>" in seen.text
    ids = {attributes.get("id") for _, attributes in seen.elements}
    links = [one["href"][1:] for one in seen.all("a") if one["href"].startswith("#")]
    assert len(links) > 8 and set(links) <= ids
    charts = [one for one in seen.all("svg") if "aria-hidden" not in one]
    assert len(charts) >= 6 and all(one["role"] == "img" and one["aria-label"] for one in charts)
    script = text[text.index("<script>") : text.index("</script>")]
    assert script.count("\n") <= 200
    assert all("scope" in cell for cell in seen.all("th"))


def test_a_run_directory_is_tested_once(report, cattery, tiny):
    """Its best checkpoint; the second report takes the predictions that are there."""
    from hrpose.engine.train import train

    run = cattery.folder / "run"
    train(tiny("runner.epochs=1"), run)
    status, text, numbers, said = report(run)
    assert status == 0 and "6 animals in " in said
    (one,) = numbers["runs"]
    written = json.loads((run / "metrics.json").read_text())
    values = {name: row["value"] for name, row in one["metrics"].items()}
    assert values == pytest.approx(written["metrics"])
    assert one["facts"]["Checkpoint"].startswith(next(run.glob("best_*.pth")).name)
    assert one["facts"]["Trained"] == "1 epochs, 4 steps (metrics.jsonl)"
    assert len(one["curves"]["train"]["loss"]) == 2
    assert len(sound_page(text).all("img")) == 12  # drawn animals have pictures, too
    again = report(run)
    assert "6 animals in " not in again[3] and again[2]["runs"][0]["metrics"] == one["metrics"]
    # a folder of a test has its page in metrics.json
    other = cattery.folder / "tested"
    other.mkdir()
    for name in ("predictions.json", "metrics.json"):
        shutil.copy(run / name, other)
    assert report(other)[2]["runs"][0]["metrics"] == one["metrics"]
    # numbers of other predictions are not believed
    written["metrics"]["PCK@0.3"] = 0.5
    (other / "metrics.json").write_text(json.dumps(written))
    _, _, numbers, _ = report(other)
    assert "has another PCK@0.3 than they have here" in numbers["runs"][0]["warnings"][0]
    assert "Checkpoint" not in numbers["runs"][0]["facts"]


def test_what_cannot_be_reported_on(report, cattery):
    page, empty = cattery.page(), cattery.folder / "empty"
    empty.mkdir()
    one = cattery.predictions("one", poses(12))
    few = cattery.predictions("few", poses(9))
    for words, complaint in [
        ([cattery.folder / "nowhere"], "nowhere: there is no such run directory or file"),
        ([one], "neither config.py nor the page in metrics.json is there"),
        ([empty, "--config", page], "empty: holds neither predictions.json nor a checkpoint"),
        ([one, one, "--config", page], "is named twice"),
        ([few, "--config", page], "few/predictions.json: 3 of 12 animals have no answer"),
        ([one, few, "--config", page, "--allow-missing"], "answer different animals (3 are in one"),
        ([one, "--config", page, "--thr", "0"], "--thr 0: expected a positive number"),
        ([*[one] * 9, "--config", page], "9 runs: a page shows 8 side by side at most"),
    ]:
        status, _, _, said = report(*words)
        assert (status, complaint in said, "Traceback" in said) == (2, True, False), said
    status, _, numbers, _ = report(few, "--config", page, "--allow-missing")
    assert status == 0 and len(numbers["worst"]) == 9


def test_runs_on_other_labels_cannot_be_compared(report, cattery):
    one = cattery.predictions("one", poses(12))
    two = cattery.predictions("two", poses(12))
    shutil.copy(cattery.page(), one.parent / "config.py")
    cattery.content["annotations"][0]["keypoints"][0] += 5
    (cattery.folder / "other.json").write_text(json.dumps(cattery.content))
    other = cattery.page("data['test']['ann_file'] = 'other.json'")
    shutil.copy(other, two.parent / "config.py")
    cattery.content["annotations"][0]["keypoints"][0] -= 5
    cattery.page()
    status, _, _, said = report(one, two)
    assert status == 2 and "two: is tested on other labels than" in said


def test_without_photographs_the_numbers_stay(report, cattery):
    page = cattery.page()
    shutil.rmtree(cattery.folder / "images")
    _, text, numbers, _ = report(cattery.predictions("one", poses(12)), "--config", page)
    assert "no picture: " in sound_page(text).text
    assert numbers["runs"][0]["metrics"]["PCK@0.1"]["value"] == 1
