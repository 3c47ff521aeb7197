"""Whatever stands on a page or in --cfg-options: a ConfigError with a path, or an experiment."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mutations import ODD, garbage, mutated

from hrpose.config import as_python, load
from hrpose.config.overrides import put_in
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError

TINY = Path(__file__).resolve().parent.parent / "pages" / "tiny.py"
SOUND = load(TINY)
WORDS = [*SOUND, "type", "_delete_", "_base_", "HRNet", "PCK", "CocoAP", "MSRAHeatmap", "$model"]


def paths(node, path=""):
    """Config paths of all that is in `node`."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, item in items:
        here = f"{path}.{key}" if path else str(key)
        yield here
        if isinstance(item, dict | list | tuple):
            yield from paths(item, here)


PATHS = list(paths(SOUND))


def lists(node):
    """`node` with lists for tuples, so that it can be changed."""
    if isinstance(node, dict):
        return {key: lists(item) for key, item in node.items()}
    return [lists(item) for item in node] if isinstance(node, list | tuple) else node


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return tmp_path_factory.mktemp("pages") / "page.py"


def tried(make):
    """What `make` gives, None if it was refused; anything but a ConfigError fails the test."""
    try:
        return make()
    except ConfigError as error:
        assert error.problems and all(isinstance(line, str) and line for line in error.problems)
        return None


def prepared(values):
    with torch.device("meta"):  # checks everything, allocates nothing
        return tried(lambda: prepare(values))


def test_the_sound_page():
    assert prepared(SOUND).settings.epochs == 2


@given(values=mutated(lists(SOUND), WORDS))
def test_mutated_pages(page, values):
    page.write_text(as_python(values), encoding="utf-8", errors="surrogatepass")
    loaded = tried(lambda: load(page))
    if loaded is not None:
        prepared(loaded)


@given(st.data())
def test_text_that_was_cut_or_overwritten(page, data):
    text = as_python(SOUND)
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 30)))
    pieces = ["(" * 300, "'", '"""', "\\", "\t", "\x00", "=", "lambda: ", "1/0", "9" * 5000, "$"]
    piece = data.draw(st.sampled_from(pieces) | st.text(max_size=3))
    page.write_text(text[:start] + piece + text[end:], encoding="utf-8")
    tried(lambda: load(page))


values_of_overrides = (
    st.text(max_size=20)
    | garbage(WORDS).map(repr)
    | st.sampled_from([*map(str, ODD[1:]), "[" * 3000, "{'a': " * 90, "-" * 3000 + "1", "$", "$."])
    | st.sampled_from(["[" * 150 + "]" * 150, "{'a': " * 99 + "1" + "}" * 99])
    | st.sampled_from([f"${path}" for path in PATHS])
    | st.sampled_from(["1+" * 5000 + "1", "dict(" * 80, "9" * 5000, "not " * 2000, "f'{x}'"])
)
ENDS = [".", ".type", ".0", ".-1", ".a" * 5000, ".²"]
keys_of_overrides = (
    st.sampled_from([*PATHS, "custom_imports", "custom_imports.0", "pretrained"])
    | st.text(max_size=20)
    | st.builds(str.__add__, st.sampled_from(PATHS), st.sampled_from(ENDS))
)  # fmt: skip
overrides = (
    st.tuples(keys_of_overrides, values_of_overrides).map("=".join) | st.text(max_size=20)
)  # fmt: skip


@given(changes=st.lists(overrides, min_size=1, max_size=3))
def test_overrides(changes):
    loaded = tried(lambda: load(TINY, changes))
    if loaded is not None:
        prepared(loaded)


@given(text=values_of_overrides)
def test_a_value_is_read_or_refused_with_a_reason(text):
    problems = []
    page = put_in({}, f"a.b={text}", problems)
    if problems:
        assert page == {} and problems[0]
    else:
        assert isinstance(page["a"]["b"], dict | list | tuple | int | float | str | None)
