"""The page tells the truth, holds all links, and the measures can fail."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import parity
from parity import CHAPTERS, LINKS, Link, Measured, Reference, Worst
from parity.links import link
from parity.moves import LIMIT, two_samples
from parity.page import page

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def made(name, tolerance=1e-3, chapter="Model"):
    return Link(chapter, name, "a.npz", tolerance, "px", lambda _: Measured(0, "none"), False)


def test_links_have_names_chapters_and_tolerances_of_their_own():
    assert len(LINKS) > 50
    assert max(Counter(link.name for link in LINKS).values()) == 1
    assert {link.chapter for link in LINKS} == set(CHAPTERS)
    with pytest.raises(AssertionError, match="Test crops, uint8"):
        link("Model", "Test crops, uint8", "", 0, "")(lambda _: Measured(0, ""))


def test_the_page_of_the_repository_lists_every_link_and_all_hold():
    text = (ROOT / "docs" / "parity.md").read_text()
    rows = re.findall(r"^\| (.+?) \| .+ \| (\S+) (.+?) \| (yes|\*\*NO\*\*) \|$", text, re.MULTILINE)
    assert rows == [(link.name, f"{link.tolerance:g}", link.unit, "yes") for link in LINKS]
    assert f"All {len(LINKS)} links hold." in text


def test_a_page_by_hand():
    good, bad, lost = made("good"), made("bad"), made("lost", chapter="Training")
    results = [(good, Measured(1e-3, "2 maps")), (bad, Measured(0.0011, "3 maps"))]
    text = page([*results, (lost, Measured(float("nan"), "none"))], "do it")
    assert "| good | a.npz | 2 maps | 0.001 | 0.001 px | yes |" in text
    assert "| bad | a.npz | 3 maps | 0.0011 | 0.001 px | **NO** |" in text
    assert "| lost | a.npz | none | nan | 0.001 px | **NO** |" in text
    assert "2 of 3 links do not hold: bad, lost." in text
    assert text.index("## Model") < text.index("## Training")
    assert "All 1 links hold." in page(results[:1], "do it")


def test_the_tool_writes_the_page_and_its_status(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location(
        "parity_tool", ROOT / "tools" / "proofs" / "parity.py"
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    out = tmp_path / "page.md"
    arguments = ["parity.py", "--golden", str(tmp_path), "--data", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(parity, "LINKS", [made("good"), made("exact", 0)])
    tool.main()
    assert "All 2 links hold." in out.read_text()
    monkeypatch.setattr(parity, "LINKS", [made("good"), made("bad", -1)])
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == 1
    assert "1 of 2 links do not hold: bad." in out.read_text()
    assert "Model: bad: 0 of -1 px: DOES NOT HOLD" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*arguments[:2], "nowhere"])
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == 2
    assert "--golden nowhere: must be a folder that exists" in capsys.readouterr().err


def test_worst_by_hand():
    worst = Worst()
    worst.absolute([1.0, 2.0], [1.5, 2.0])
    assert worst.value == 0.5
    worst.absolute([9.0], [9.0])
    assert worst.value == 0.5
    worst.relative([0.0, 30.0], [0.0, 10.0])
    assert worst.value == 2.0
    worst.relative([1.0], [0.0])
    assert worst.value == np.inf
    worst.absolute([float("nan")], [1.0])
    worst.absolute([1.0], [1.0])
    assert np.isnan(worst.value)


def test_another_shape_is_no_agreement():
    for measure in (Worst.absolute, Worst.relative):
        worst = Worst()
        measure(worst, [1.0, 1.0], [1.0])
        assert np.isnan(worst.value)
    worst = Worst()
    worst.unequal(["a", "b", "c"], ["a", "x", "y"])
    worst.unequal(["a"], ["a", "b"])
    assert worst.value == 3


def test_two_samples_by_hand():
    assert two_samples(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 4])) == 0
    assert two_samples(np.array([1, 1, 1, 1]), np.array([2, 2])) == 1
    # up to 2 there are 2 of 4 and 1 of 4
    assert two_samples(np.array([1, 2, 5, 5]), np.array([2, 3, 5, 6])) == 0.25
    random = np.random.default_rng(0)
    first, second = random.normal(0, 1, 20_000), random.normal(0.06, 1, 20_000)
    assert two_samples(first, random.normal(0, 1, 20_000)) < LIMIT < two_samples(first, second)


def test_a_wrong_reference_does_not_hold(tmp_path):
    """The link of the affine matrices, with one entry of the stored matrices moved by 0.1 px."""
    (forward,) = (link for link in LINKS if link.name == "Affine matrices, image to crop")
    with np.load(GOLDEN / "funcs" / "affine.npz") as file:
        rows, matrices = file["inputs"], file["forward"].copy()
    for change, holds in ((0.0, True), (0.1, False)):
        matrices[7, 1, 2] += change
        names = {"inputs_cx_cy_sx_sy_rot_w_h": rows, "forward": matrices}
        folder = tmp_path / str(holds)
        (folder / "funcs").mkdir(parents=True)
        np.savez(folder / "funcs" / "affine.npz", **names)
        assert forward.holds(forward.measure(Reference(folder, folder))) == holds


def test_copies_are_small_and_described():
    files = [path for path in GOLDEN.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2 * 2**20
    text = (GOLDEN / "README.md").read_text()
    for folder in (path for path in GOLDEN.iterdir() if path.is_dir()):
        assert f"| `{folder.name}/`" in text
