import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hrpose.config import registry
from hrpose.config.registry import build, check, register
from hrpose.errors import ConfigError


class Backbone:
    pass


class HRNet(Backbone):
    def __init__(self, width: int = 32) -> None:
        if width % 8:
            raise ValueError(f"width {width}: must be a multiple of 8")
        self.width = width


@dataclass
class Codec:
    input_size: tuple[int, int]
    sigma: float = 2


class TopDown:
    def __init__(self, backbone: Backbone, codec: Codec, keypoints: list[str]) -> None:
        self.backbone, self.codec, self.keypoints = backbone, codec, keypoints


class Compose:
    def __init__(self, steps: Sequence[Callable[..., Any]], table: dict[str, Any] | None = None):
        self.steps, self.table = steps, table


class Anything:
    def __init__(self, **values: Any) -> None:
        self.values = values


def Doubled(number: int) -> int:
    return 2 * number


MODEL = {"type": "TopDown", "backbone": {"type": "HRNet"}, "codec": {"type": "Codec"}}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    for target in (HRNet, Codec, TopDown, Compose, Anything, Doubled):
        assert register(target) is target


def model(**codec):
    return {**MODEL, "codec": {"type": "Codec", **codec}}


def test_builds_from_the_inside_out():
    made = build(model(input_size=[64, 32]), "model", keypoints=["Nose"])
    assert (made.backbone.width, made.codec.input_size, made.keypoints) == (32, [64, 32], ["Nose"])


def test_a_list_gives_a_list_and_each_gets_the_objects():
    made = build([{"type": "Anything", "a": 1}, {"type": "Anything"}], "metrics", meta=7)
    assert [thing.values for thing in made] == [{"a": 1, "meta": 7}, {"meta": 7}]
    assert isinstance(build(({"type": "HRNet"},)), tuple)


def test_objects_reach_only_the_outermost_constructor():
    made = build({"type": "Anything", "inner": [{"type": "Anything"}]}, extra=1)
    assert made.values["extra"] == 1
    assert made.values["inner"][0].values == {}


def test_objects_inside_lists_and_dicts_are_built():
    steps = [{"type": "Anything"}]
    made = build({"type": "Compose", "steps": steps, "table": {"a": [{"type": "HRNet"}], "b": 1}})
    assert isinstance(made.steps[0], Anything)
    assert isinstance(made.table["a"][0], HRNet)
    assert made.table["b"] == 1


def test_a_function_is_registered_too():
    assert build({"type": "Doubled", "number": 21}) == 42


def test_the_config_is_not_changed_and_not_shared():
    cfg = {"type": "Anything", "items": [1, 2]}
    build(cfg).values["items"].append(3)
    assert cfg == {"type": "Anything", "items": [1, 2]}


def test_a_name_is_given_only_once():
    first = HRNet

    class Other:
        pass

    Other.__name__ = "HRNet"
    with pytest.raises(ValueError, match="'HRNet' is registered twice") as caught:
        register(Other)
    assert str(caught.value).count("test_registry.py:") == 2  # both places
    assert build({"type": "HRNet"}).__class__ is first


@pytest.mark.parametrize(
    ("cfg", "expected"),
    [
        (
            {**model(input_size=(64, 64)), "backbone": {"type": "HRNett"}},
            ["model.backbone: no 'HRNett' is registered; did you mean 'HRNet'?"],
        ),
        (
            model(input_size=(64, 64), sigm=3),
            ["model.codec (Codec): unexpected key 'sigm'; did you mean 'sigma'?"],
        ),
        (model(), ["model.codec (Codec): 'input_size' is missing"]),
        (model(input_size=256), ["model.codec.input_size: got 256, expected a pair (int, int)"]),
        (
            {**model(input_size=(64, 64)), "backbone": {"type": "Codec", "input_size": (1, 1)}},
            [
                "model.backbone: got dict(type='Codec', ...), "
                "expected a dict with 'type' that makes Backbone"
            ],
        ),
        (
            {**model(input_size=(64, 64)), "keypoints": []},
            ["model (TopDown): 'keypoints' is filled in by the program; leave it out"],
        ),
        ({"backbone": 1}, ["model: 'type' is missing (the name of a registered class)"]),
        ({"type": 3}, ["model.type: got 3, expected the name of a registered class"]),
        (["$x"], ["model.0: got '$x', expected a dict with 'type'"]),
    ],
)
def test_sentences(cfg, expected):
    assert check(cfg, "model", keypoints=[]) == expected


def test_a_name_like_no_other_lists_what_there_is():
    (line,) = check({"type": "Zzz"})
    assert line.startswith("no 'Zzz' is registered; known are Anything, Codec, ")


def test_an_object_that_the_constructor_does_not_take():
    assert check({"type": "HRNet"}, "data.train", pipeline=[]) == [
        "data.train (HRNet): takes no 'pipeline', which the program hands in here"
    ]


def test_all_problems_come_at_once_and_nothing_is_built(monkeypatch):
    built = []
    monkeypatch.setattr(HRNet, "__init__", lambda self, width: built.append(width))
    broken = {"type": "TopDown", "backbone": {"type": "HRNet", "widht": 8}, "codec": {"type": "X"}}
    with pytest.raises(ConfigError) as caught:
        build(broken, "model")
    assert built == []
    assert sorted(line.split(":")[0] for line in caught.value.problems) == [
        "model (TopDown)",  # keypoints
        "model.backbone (HRNet)",  # unexpected widht
        "model.backbone (HRNet)",  # missing width
        "model.codec",
    ]


def test_refusals_of_siblings_come_together_with_their_paths():
    steps = [{"type": "HRNet", "width": 7}, {"type": "HRNet"}, {"type": "HRNet", "width": 9}]
    cfg = {"type": "Compose", "steps": steps}
    with pytest.raises(ConfigError) as caught:
        build(cfg, "train")
    assert caught.value.problems == [
        "train.steps.0 (HRNet): width 7: must be a multiple of 8",
        "train.steps.2 (HRNet): width 9: must be a multiple of 8",
    ]
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [OverflowError, MemoryError, RuntimeError])
def test_a_size_beyond_all_bounds_is_named_with_its_path(monkeypatch, error):
    def broken(self, width: int = 32) -> None:
        raise error("too large")

    monkeypatch.setattr(HRNet, "__init__", broken)
    with pytest.raises(ConfigError, match=rf"model \(HRNet\): {error.__name__}: too large"):
        build({"type": "HRNet"}, "model")


def test_an_error_that_is_no_refusal_passes_through(monkeypatch):
    def broken(self, width: int = 32) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(HRNet, "__init__", broken)
    with pytest.raises(ZeroDivisionError):
        build({"type": "HRNet"})


def test_importing_the_registry_imports_no_torch():
    code = "import hrpose.config.registry, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
