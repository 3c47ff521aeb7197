import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrpose.config import as_python, dump, load
from hrpose.errors import ConfigError

BASE = """
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
    """Writes a page into a fresh folder, which holds base.py already."""
    (tmp_path / "base.py").write_text(BASE)

    def write(text: str, name: str = "page.py") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def problems(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return caught.value.problems


def test_a_page_becomes_plain_python_with_references_resolved(page):
    values = load(page(BASE))
    codec = {"type": "MSRAHeatmap", "input_size": (256, 256), "sigma": 2}
    assert values == {
        "keypoints": {"names": ["Nose", "Eye"]},
        "codec": codec,
        "model": {"codec": codec, "backbone": {"width": 32}, "head": {"channels": 32}},
        "train_pipeline": [{"type": "LoadImage"}, {"type": "RandomFlip", "prob": 0.5}],
        "data": {"val": {"ann_file": "val.json"}, "test": {"ann_file": "val.json"}},
        "runner": {"ema": None},
    }
    assert type(values["codec"]) is dict
    assert type(values["train_pipeline"][0]) is dict
    assert type(values["codec"]["input_size"]) is tuple
    assert values["codec"] is not values["model"]["codec"]


def test_own_values_are_merged_over_those_of_the_base(page):
    path = page("_base_ = 'base.py'\nmodel = dict(backbone=dict(width=48))\npretrained = None")
    values = load(str(path))
    assert values["model"]["head"]["channels"] == 48
    assert values["model"]["codec"]["sigma"] == 2
    assert values["pretrained"] is None


def test_delete_replaces_a_dict_and_never_stays(page):
    path = page(
        "_base_ = ['base.py']\ncodec = dict(_delete_=True, type='UDP')\n"
        "metrics = [dict(_delete_=True, type='EPE')]\noptimizer = dict(_delete_=False, lr=1)"
    )
    values = load(path)
    assert values["codec"] == {"type": "UDP"}
    assert values["metrics"] == [{"type": "EPE"}]
    assert values["optimizer"] == {"lr": 1}


def test_mmengine_substitutions_still_work(page, monkeypatch):
    monkeypatch.setenv("HRPOSE_TEST_ROOT", "/data")
    path = page(
        "_base_ = ['base.py']\noptimizer = dict(size={{_base_.codec.input_size}})\n"
        "load_from = '{{fileBasenameNoExtension}}.pth'\ndata = dict(root='{{$HRPOSE_TEST_ROOT:x}}')"
    )
    values = load(path)
    assert values["optimizer"]["size"] == (256, 256)
    assert values["load_from"] == "page.pth"
    assert values["data"]["root"] == "/data"


def test_all_problems_of_a_page_come_together(page):
    path = page(
        BASE + "\nmodell = 1\nimport math\ncodec['f'] = math.pi, math.sin, {1: 2}, object\n"
    )
    assert problems(path, "x", "model.x=$y") == [
        "codec.f.1: a builtin_function_or_method cannot stand in a page; "
        "write numbers, strings, lists",
        "codec.f.2: got the key 1, expected a str",
        "codec.f.3: a type cannot stand in a page; write numbers, strings, lists",
        "'x': expected KEY=VALUE, as in codec.sigma=3",
        "model.x: '$y': the page has no 'y'",
        "modell: no such top-level name in a page; did you mean 'model'?",
    ]


def test_a_missing_page_names_its_neighbour(page, tmp_path):
    page(BASE, "hrnet_w32_horse.py")
    (line,) = problems(tmp_path / "hrnet_w32_hrose.py")
    assert line == (
        f"{tmp_path}/hrnet_w32_hrose.py: no such config page (a .py file); "
        "did you mean 'hrnet_w32_horse'?"
    )
    assert "holds no page" in problems(tmp_path / "nowhere" / "a.py")[0]
    assert "no such config page" in problems(tmp_path)[0]


def test_a_missing_base_names_the_page_that_wants_it(page, tmp_path):
    path = page("_base_ = 'middle.py'")
    middle = page("_base_ = ['bose.py']", "middle.py")
    (line,) = problems(path)
    assert line.startswith(f"{tmp_path}/bose.py (the _base_ of {middle} of {path}): no such config")
    assert line.endswith("did you mean 'base'?")


def test_bases_in_a_circle(page):
    first = page("_base_ = 'second.py'", "first.py")
    second = page("_base_ = 'first.py'", "second.py")
    assert problems(first) == [
        f"_base_ leads back to the page itself: {first} -> {second} -> {first}"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\ncodec = dict(\n", ":2: '(' was never closed"),
        ("a = 1\ncodec = undefined\n", ":2: NameError: name 'undefined' is not defined"),
        ("codec = dict()\n\ncodec['a']['b']", ":3: KeyError: a"),
        ("_base_ = 3", ":1: _base_ is a path or a list of paths"),
        ("x = 2\n_base_ = [name]", ":2: _base_ is a path or a list of paths"),
        ("filename = 3", ": KeyError: filename is reserved for config file"),
        ("_base_ = 'base.py'\ntrain_pipeline = dict(a=1)", "train_pipeline is a dict in the child"),
        ("_base_ = ['base.py', 'other.py']", "Duplicate keys: {'codec'}"),
    ],
)
def test_a_page_that_does_not_run_names_file_and_line(page, text, expected):
    page("codec = dict()", "other.py")
    path = page(text)
    (line,) = problems(path)
    assert line.startswith(f"{path}:")
    assert expected in line


def test_an_error_in_a_base_names_the_base(page, tmp_path):
    page("codec = 1 / 0", "base.py")
    (line,) = problems(page("_base_ = 'base.py'"))
    assert line == f"{tmp_path}/base.py:1: ZeroDivisionError: division by zero"


def test_a_page_that_is_no_text(tmp_path):
    (tmp_path / "page.py").write_bytes(b"\xff\xfe\x00")
    assert f"{tmp_path}/page.py" in problems(tmp_path / "page.py")[0]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
plain = st.recursive(
    scalars.filter(lambda value: not str(value).startswith("$")),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text().filter(lambda key: key != "_delete_"), inner)
    ),
    max_leaves=12,
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(st.dictionaries(st.text().filter(lambda key: key != "_delete_"), plain))
def test_a_dumped_page_loads_back_equal(tmp_path, values):
    dump({"model": values, "metrics": list(values.values())}, tmp_path / "dumped.py")
    loaded = load(tmp_path / "dumped.py")
    assert repr(loaded) == repr({"model": values, "metrics": list(values.values())})


def test_a_key_that_python_would_change_stays(tmp_path):
    """As an identifier the micro sign becomes the Greek letter mu."""
    values = {"model": {"\xb5": 1, "plain": 2}}
    dump(values, tmp_path / "dumped.py")
    assert load(tmp_path / "dumped.py") == values


def test_a_dumped_page_is_plain_to_read(page, tmp_path):
    values = load(page(BASE))
    values["model"]["class"] = {"a b": [float("inf")], "x": "{{ fileBasename }}" + 50 * "y"}
    text = as_python(values)
    assert "train_pipeline = [dict(type='LoadImage'), dict(type='RandomFlip', prob=0.5)]\n" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "\n    'class': {\n        'a b': [float('inf')],\n" in text
    dump(values, tmp_path / "again.py")
    assert load(tmp_path / "again.py") == values


def test_importing_config_is_light():
    code = "import hrpose.config, sys; sys.exit(bool({'torch', 'mmengine'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import hrpose.config as c, sys; c.load(sys.argv[1]); sys.exit('torch' in sys.modules)"
    page = Path(__file__).parents[2] / "configs/animal/hrnet/atrw/hrnet_w32_atrw_256x256.py"
    subprocess.run([sys.executable, "-c", code, str(page)], check=True)
