"""`a.b=value` and `'$a.b'`: what they mean, and what is said where they mean nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrpose.config import load
from hrpose.config.overrides import put_in
from hrpose.config.references import resolve
from hrpose.errors import ConfigError

PAGE = """
_width = 32
codec = dict(type='MSRAHeatmap', input_size=(256, 256), sigma=2)
model = dict(codec='$codec', backbone=dict(width=_width))
model['head'] = dict(channels='$model.backbone.width')
keypoints = dict(names=['Nose', 'Eye'])
train_pipeline = [dict(type='LoadImage'), dict(type='RandomFlip', prob=0.5)]
data = dict(val=dict(ann_file='val.json'), test='$data.val')
runner = dict(ema=None)
"""


@pytest.fixture
def page(tmp_path):
    (tmp_path / "page.py").write_text(PAGE)
    return tmp_path / "page.py"


def problems(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return caught.value.problems


@pytest.mark.parametrize(
    ("override", "where", "expected"),
    [
        ("codec.sigma=3", "model.codec.sigma", 3),
        ("codec.sigma= 1e-3 ", "codec.sigma", 1e-3),
        ("codec.input_size=(128,96)", "model.codec.input_size", (128, 96)),
        ("codec.input_size=[128, 96]", "codec.input_size", [128, 96]),
        ("codec.input_size=128,96", "codec.input_size", [128, 96]),
        ("codec.input_size=(1,2),(3,4)", "codec.input_size", ((1, 2), (3, 4))),
        ("codec.input_size=a,[b,1],", "codec.input_size", ["a", ["b", 1]]),
        ("codec.sigma=-1", "codec.sigma", -1),
        ("codec.sigma=true", "codec.sigma", True),
        ("codec.sigma=[False,none,Nose]", "codec.sigma", [False, None, "Nose"]),
        ("codec.sigma=none", "codec.sigma", None),
        ("codec.sigma='none'", "codec.sigma", "none"),
        ("codec.sigma=", "codec.sigma", ""),
        ("codec.sigma=a=b", "codec.sigma", "a=b"),
        ("runner.save_best=PCK@0.3", "runner.save_best", "PCK@0.3"),
        ("load_from=https://a.b/c-1.pth", "load_from", "https://a.b/c-1.pth"),
        ("load_from=it's", "load_from", "it's"),
        ("codec={'sigma': (1, 2)}", "codec.sigma", (1, 2)),
        ("codec=dict(sigma=dict(x=1))", "codec.sigma.x", 1),
        ("codec=dict(sigma=5)", "codec.type", "MSRAHeatmap"),
        ("codec=dict(_delete_=True, sigma=5)", "codec", {"sigma": 5}),
        ("runner.ema=dict(decay=0.9)", "runner.ema.decay", 0.9),
        ("optimizer.new.key=1", "optimizer.new.key", 1),
        ("train_pipeline.1.prob=0", "train_pipeline.1.prob", 0),
        ("train_pipeline.1=dict(prob=0)", "train_pipeline.1.type", "RandomFlip"),
        ("codec.input_size.0=64", "codec.input_size", (64, 256)),
        ("model.head.channels=$keypoints.names.1", "model.head.channels", "Eye"),
        ("model.backbone.width=48", "model.head.channels", 48),
        ("codec.sigma=$model.codec.input_size.0", "codec.sigma", 256),
        ("data.test=dict(_delete_=True, ann_file=t)", "data.test.ann_file", "t"),
    ],
)
def test_overrides(page, override, where, expected):
    value = load(page, [override])
    for key in where.split("."):
        value = value[int(key) if isinstance(value, list | tuple) else key]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("codec.sigma", "'codec.sigma': expected KEY=VALUE, as in codec.sigma=3"),
        ("codec..sigma=3", "'codec..sigma=3': a part of the key is empty"),
        ("=3", "'=3': a part of the key is empty"),
        ("codec.sigma=[1,2", "codec.sigma: cannot read '[1,2'; is a bracket or quote left open?"),
        ("codec.sigma=1,[2", "codec.sigma: cannot read '1,[2'; is a bracket or quote left open?"),
        ("codec.sigma='a", 'codec.sigma: cannot read "\'a"; is a bracket or quote left open?'),
        ("codec.sigma=[open('x')]", "codec.sigma: cannot read \"open('x')\"; write numbers,"),
        ("codec.sigma={1, 2}", "codec.sigma: cannot read '{1, 2}'; write numbers,"),
        ("codec.sigma={1: 2}", "codec.sigma: 1 cannot be a key, expected a str"),
        ("codec.sigma=dict(**x)", "codec.sigma: cannot read 'dict(**x)'; write numbers,"),
        (
            "train_pipeline.2.prob=0",
            "train_pipeline.2.prob: train_pipeline is a list of 2 and has no item '2'",
        ),
        (
            "train_pipeline.-1.prob=0",
            "train_pipeline.-1.prob: train_pipeline is a list of 2 and has no item '-1'",
        ),
        ("codec.sigma.x=1", "codec.sigma.x: codec.sigma is 2, which has no 'x'"),
        ("runner.ema.decay=1", "runner.ema.decay: runner.ema is None, which has no 'decay'"),
        (
            "model.codec.sigma=3",
            "model.codec.sigma: model.codec is '$codec', so set codec.sigma",
        ),
        ("modle.width=3", "modle: no such top-level name in a page; did you mean 'model'?"),
        (
            "codec.sigma=$model.backbone.widht",
            "codec.sigma: '$model.backbone.widht': "
            "model.backbone has no 'widht'; did you mean 'width'?",
        ),
        (
            "codec.sigma=$modle",
            "codec.sigma: '$modle': the page has no 'modle'; did you mean 'model'?",
        ),
        (
            "codec.sigma=$keypoints.names.2",
            "codec.sigma: '$keypoints.names.2': keypoints.names has 2 items, no '2'",
        ),
        ("codec=3", "codec: got 3, expected a dict"),
        ("runner=none", "runner: got None, expected a dict"),
        ("metrics={'type': 'PCK'}", "metrics: got dict(type='PCK', ...), expected a list"),
        ("pretrained=1", "pretrained: got 1, expected a str or None"),
        ("custom_imports=a.b", "custom_imports: got 'a.b', expected a list of str"),
        ("custom_imports=a,1", "custom_imports.1: got 1, expected a str"),
        ("codec.sigma=$", "codec.sigma: '$': the page has no ''"),
        (
            "codec.sigma=$codec.sigma",
            "codec.sigma: a reference leads back to itself: $codec.sigma -> $codec.sigma",
        ),
        (
            "codec.sigma=$codec",
            "codec.sigma: a reference leads back to itself: $codec -> $codec",
        ),
    ],
)
def test_bad_overrides_are_one_problem(page, override, expected):
    found = problems(page, override)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_cycle_is_told_once_with_its_chain(page):
    found = problems(page, "codec.a=$codec.b", "codec.b=$codec.c", "codec.c=$codec.a")
    assert found == [
        "codec.a: a reference leads back to itself: $codec.a -> $codec.b -> $codec.c -> $codec.a"
    ]


keys = st.sampled_from(["codec", "sigma", "model", "head", "train_pipeline", "1", "", "$", "data"])
fragments = st.sampled_from(
    [
        *"[](){},:'\"1a= \\\x00\né-.",
        "$codec",
        "$model.head",
        "dict(",
        "e9",
        "_delete_",
        "None",
        "**",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda path, value: ".".join(path) + "=" + "".join(value),
            st.lists(keys, min_size=1, max_size=4),
            st.lists(fragments, max_size=8),
        )
        | st.text(max_size=20),
        max_size=3,
    )
)
def test_no_override_ends_in_another_exception(overrides):
    page = {
        "codec": {"sigma": 2},
        "model": {"codec": "$codec", "head": "$codec.sigma"},
        "train_pipeline": [{"prob": 1}, {"prob": (2, 3)}],
    }
    found: list[str] = []
    for override in overrides:
        page = put_in(page, override, found)
    resolved, unresolved = resolve(page)
    assert all(isinstance(line, str) and line for line in found + unresolved)
    assert unresolved or "$" not in repr(resolved) or "$" in repr(overrides)


def test_deep_nesting_is_a_problem_not_a_crash(page):
    assert "cannot read" in problems(page, "codec.x=" + "(" * 5000 + ")" * 5000)[0]
    assert "cannot read" in problems(page, "codec.x=" + "[" * 90 + "]" * 80)[0]
