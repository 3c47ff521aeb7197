"""Config pages."""

import pytest
from runs import TINY

import hrpose.keypoints  # noqa: F401 - registers KeypointMeta
from hrpose import config
from hrpose.config.registry import build
from hrpose.errors import ConfigError


@pytest.mark.fault(
    name="`_base_` cycle",
    does="a page names itself as `_base_`; three pages name one another in a ring",
    expects="ConfigError with the chain of pages, before anything is executed",
)
@pytest.mark.parametrize("ring", [["a"], ["a", "b", "c"]], ids=["itself", "three pages"])
def test_base_cycle(tmp_path, happened, ring):
    for name, base in zip(ring, ring[1:] + ring[:1], strict=True):
        text = f"_base_ = './{base}.py'\nopen({str(tmp_path / 'ran')!r}, 'w')\n"
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / "a.py")
    chain = " -> ".join(str(tmp_path / f"{name}.py") for name in [*ring, "a"])
    assert f"_base_ leads back to the page itself: {chain}" in str(caught.value)
    assert not (tmp_path / "ran").exists()
    happened(f"refused with {' -> '.join([*ring, 'a'])}; no page was executed")


@pytest.mark.fault(
    name="a page that ends the program",
    does="a page calls sys.exit(0), exit(3); imports a module that does",
    expects="ConfigError with the line: no command ends as if all were done",
)
def test_page_that_exits(tmp_path, happened, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "leaves_at_once.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "base.py").write_text("import sys\nsys.exit(0)\n")
    for text in ("import sys\nsys.exit(0)", "\nexit(3)", "\nimport leaves_at_once"):
        (tmp_path / "page.py").write_text(text)
        with pytest.raises(ConfigError, match=r"page\.py:2: SystemExit"):
            config.load(tmp_path / "page.py")
    (tmp_path / "page.py").write_text("_base_ = './base.py'")
    with pytest.raises(ConfigError, match=r"base\.py:2: SystemExit"):
        config.load(tmp_path / "page.py")
    happened("ConfigError: page.py:2: SystemExit: 0")


@pytest.mark.fault(
    name="flip pairs that are no involution",
    does="a keypoint is paired with two others; with itself; with an unknown name",
    expects="an error that names the keypoint and both partners",
)
def test_flip_pairs(happened):
    names = ["nose", "left_ear", "right_ear", "left_eye"]
    cases = {
        (("left_ear", "right_ear"), ("left_ear", "left_eye")): "'left_ear' is paired with "
        "'right_ear' and with 'left_eye'",
        (("nose", "nose"),): "'nose' is paired with itself",
        (("left_ear", "right_aer"),): "did you mean 'right_ear'?",
    }
    for pairs, words in cases.items():
        page = {"type": "KeypointMeta", "dataset": "toy", "names": names, "flip_pairs": pairs}
        with pytest.raises(ConfigError) as caught:
            build(page, "keypoints")
        assert "keypoints" in str(caught.value) and words in str(caught.value)
    happened("ConfigError at `keypoints` names the keypoint and its partners; a typing error is "
             "answered by the name that was meant")  # fmt: skip


@pytest.mark.fault(
    name="numbers that make no sense on a page",
    does="a rate, a width of the target or a decay that is infinite, NaN, zero or below; no "
    "metric; an early stop in a run without validation",
    expects="ConfigError with the config path, before any data is read",
)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("optimizer.lr=1e999", "optimizer.lr: got inf, expected a float; numbers must be finite"),
        ("optimizer.lr=-1e-3", "optimizer (Adam): lr -0.001: must be above 0"),
        ("optimizer.lr=0", "optimizer (Adam): lr 0: must be above 0"),
        ("optimizer.lr=float('nan')", "optimizer.lr: got"),
        ("optimizer.betas=(0.9,1e999)", "optimizer.betas: got (0.9, inf), expected a pair"),
        ("codec.sigma=1e999", "sigma: got inf, expected a float; numbers must be finite"),
        ("codec.sigma=100", "sigma 100: must be above 0 and below the heatmap's size"),
        ("schedule.gamma=-1", "schedule (WarmupStep): gamma is -1: expected a factor above 0"),
        ("runner.clip_grad=1e999", "runner.clip_grad: got inf"),
        ("data.timeout=1e999", "data.timeout: got inf"),
        ("model.std=[0.2,0.2,-1e999]", "model.std.2: got -inf"),
        ("metrics=[]", "metrics: the page lists none, so nothing could be measured; name one"),
        ("runner.early_stop=3", "early_stop needs validations: val_interval is 0"),
    ],
)
def test_senseless_numbers(happened, change, words):
    from hrpose.engine.experiment import prepare

    changes = ["runner.val_interval=0", "runner.save_best='PCK@0.3'", change]
    with pytest.raises(ConfigError) as caught:
        prepare(config.load(TINY, changes))
    assert words in str(caught.value)
    happened("ConfigError with path, value and expectation")
