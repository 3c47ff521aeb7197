"""No constructor that a page can name takes a number that makes no sense."""

import math

import pytest
import torch
from torch.nn import Parameter

import hrpose.engine.experiment
import hrpose.engine.optim
import hrpose.metrics  # noqa: F401 - registers its classes
from hrpose.config.registry import _parameters, build, registered
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta

META = KeypointMeta("toy", ["nose", "tail_base"])
SIZES = {"input_size": (64, 64), "heatmap_size": (16, 16)}
NEEDED = {
    "KeypointMeta": {"dataset": "toy", "names": ["nose", "tail"]},
    "CropBox": {"input_size": (64, 64)},
    "CocoPoseDataset": {"ann_file": "none.json", "img_root": "none"},
    "DeepLabCutHeatmap": SIZES,
    "MSRAHeatmap": SIZES,
    "UDPHeatmap": SIZES,
    "HeatmapHead": {"in_channels": 4, "out_channels": 2},
    "SyntheticAnimals": {"length": 4, "seed": 0},
    "TopDown": {
        "backbone": {"type": "HRNet", "width": 4},
        "head": {"type": "HeatmapHead", "in_channels": 4, "out_channels": 2},
        "codec": {"type": "MSRAHeatmap", **SIZES},
        "loss": {"type": "KeypointMSELoss"},
    },
    "RunSettings": {"epochs": 1},
    "DataSettings": {"batch_size": 1},
    **{name: {"lr": 0.1} for name in ("Adam", "AdamW", "SGD")},
}
PIPELINE = [LoadImage(), CropBox((64, 64)), Warp((64, 64))]
MADE = {
    **{name: {"params": [Parameter(torch.zeros(1))]} for name in ("Adam", "AdamW", "SGD")},
    "TopDown": {"keypoints": META},
    "SyntheticAnimals": {"keypoints": META, "pipeline": PIPELINE},
    "CocoPoseDataset": {"keypoints": META, "pipeline": PIPELINE},
}
BELOW_ZERO_IS_FINE = {("TopDown", "mean")}


def numbers(kind: type, infinite: bool) -> list[tuple[str, str]]:
    """(constructor, argument) of all arguments of hrpose that are numbers of `kind`, or lists."""
    found = []
    for name, target in registered().items():
        if target.__module__.startswith("hrpose."):
            for key, parameter in _parameters(target)[0].items():
                words = str(parameter.annotation)
                if words in (f"<class '{kind.__name__}'>", f"{kind.__name__} | None") or (
                    infinite and f"{kind.__name__}]" in words
                ):
                    found.append((name, key))
    return found


def refusal(name: str, key: str, value: float) -> str:
    """The one problem of a part of a page in which `key` is `value`, or a list that begins so."""
    annotation = str(_parameters(registered()[name])[0][key].annotation)
    count = 3 if name == "TopDown" else 2
    given = [value, *[0.5] * (count - 1)] if "[" in annotation else value
    with pytest.raises(ConfigError) as caught:
        build({"type": name, **NEEDED.get(name, {}), key: given}, "part", **MADE.get(name, {}))
    (problem,) = caught.value.problems
    return problem


FLOATS, INTS = numbers(float, True), numbers(int, False)


def test_the_walk_finds_arguments():
    assert len(FLOATS) >= 47 and ("MSRAHeatmap", "sigma") in FLOATS and ("Adam", "betas") in FLOATS
    assert len(INTS) >= 26 and ("RunSettings", "early_stop") in INTS


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
@pytest.mark.parametrize(("name", "key"), FLOATS)
def test_infinite_numbers_are_refused_with_their_path(name, key, value):
    problem = refusal(name, key, value)
    assert problem.startswith(f"part.{key}") and "numbers must be finite" in problem


@pytest.mark.parametrize("value", [1e-300, -1e-45, 1e300, 10**39], ids=str)
def test_numbers_that_models_cannot_hold_are_refused(value):
    for name, key in FLOATS:
        problem = refusal(name, key, value)
        assert problem.startswith(f"part.{key}") and "is 0 or infinite in float32" in problem


@pytest.mark.parametrize(("name", "key"), FLOATS + INTS)
def test_a_number_below_zero_is_refused_where_it_makes_no_sense(name, key):
    if (name, key) in BELOW_ZERO_IS_FINE:
        return
    problem = refusal(name, key, -1)
    assert problem.startswith("part (") and (key.rstrip("s") in problem or "channels" in problem)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_a_rate_of_zero_trains_nothing(name):
    assert "lr 0: must be above 0" in refusal(name, "lr", 0)


def test_an_int_beyond_all_floats_is_refused():
    assert "numbers must be finite" in refusal("PCK", "thr", 10**400)
