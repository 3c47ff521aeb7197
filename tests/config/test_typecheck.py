from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from hrpose.config.typecheck import describe, did_you_mean, mismatches, shown


class Base:
    pass


class Derived(Base):
    pass


class Quacks(Protocol):
    def quack(self) -> None: ...


CLASSES = {"Base": Base, "Derived": Derived, "int": int, "function": lambda: None}
DERIVED = {"type": "Derived"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, int),
        (1, float),
        (1.5, float),
        (True, bool),
        ("a", str),
        (None, None),
        (None, int | None),
        ([1, 2], tuple[int, int]),
        ((1, 2), tuple[int, ...]),
        ([], Sequence[str]),
        (("a", "b"), list[str]),
        ([("a", "b")], Sequence[Sequence[str]]),
        ({"a": 1}, dict),
        ({"a": 1}, Mapping[str, int]),
        ("data", Path),
        ("box", Literal["box", "head"] | tuple[str, str]),
        (["Nose", "Eye"], Literal["box", "head"] | tuple[str, str]),
        (DERIVED, Base),
        (DERIVED, Base | None),
        ([DERIVED], Sequence[Base]),
        (Derived(), Base),
        (DERIVED, Callable[[int], int]),
        ({"type": "function"}, Base),
        ({"type": "unknown"}, Base),
        (3, Quacks),
        (DERIVED, Quacks),
        (object(), Any),
        ([object()], list),
    ],
)
def test_fits(value, wanted):
    assert mismatches(value, wanted, "here", CLASSES.get) == []


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        (True, int, "here: got True, expected an int"),
        (True, float, "here: got True, expected a float"),
        (1, bool, "here: got 1, expected True or False"),
        (1.0, int, "here: got 1.0, expected an int"),
        ("1", float, "here: got '1', expected a float"),
        (None, int, "here: got None, expected an int"),
        ("x", int | None, "here: got 'x', expected an int or None"),
        (1, str, "here: got 1, expected a str"),
        ([1], tuple[int, int], "here: got [1], expected a pair (int, int)"),
        ((1, 2, "3"), tuple[int, int, int], "here: got (1, 2, '3'), expected 3 values ("),
        ("Nose", Sequence[str], "here: got 'Nose', expected a list of str"),
        (["a", 3], Sequence[str], "here.1: got 3, expected a str"),
        ([["a"], "b"], Sequence[Sequence[str]], "here.1: got 'b', expected a list of str"),
        ((0.1, "b"), Sequence[float] | None, "here.1: got 'b', expected a float"),
        ("darc", Literal["none", "dark"], "expected 'none' or 'dark'; did you mean 'dark'?"),
        (True, Literal[1, 3], "here: got True, expected 1 or 3"),
        ([], dict, "here: got [], expected a dict"),
        ({"a": "x"}, dict[str, int], "here: got {'a': 'x'}, expected a dict"),
        (DERIVED, int, "here: got dict(type='Derived', ...), expected an int"),
        (DERIVED, dict, "here: got dict(type='Derived', ...), expected a dict"),
        (
            {"type": "Base"},
            Derived,
            "here: got dict(type='Base', ...), expected a dict with 'type'",
        ),
        ("HRNet", Base, "here: got 'HRNet', expected a dict with 'type' that makes Base"),
        (3, Callable[[int], int], "here: got 3, expected a dict with 'type'"),
        (3, Path, "here: got 3, expected a path"),
    ],
)
def test_does_not_fit(value, wanted, expected):
    (line,) = mismatches(value, wanted, "here", CLASSES.get)
    assert expected in line


def test_every_wrong_item_of_a_list_is_named():
    assert mismatches([1, "a", 2, None], Sequence[int], "steps", CLASSES.get) == [
        "steps.1: got 'a', expected an int",
        "steps.3: got None, expected an int",
    ]


def test_describe():
    assert describe(Sequence[Sequence[str]] | None) == "a list of lists of str or None"
    assert describe(tuple[float, ...]) == "a list of float"


def test_did_you_mean_says_nothing_rather_than_nonsense():
    assert did_you_mean("widht", ["width", "height"]) == "; did you mean 'width'?"
    assert did_you_mean("zzz", ["width", "height"]) == ""
    assert did_you_mean(3, ["width"]) == ""


def test_shown_keeps_the_ends_of_a_long_value():
    text = shown(list(range(1000)))
    assert text.startswith("[0, 1, 2")
    assert text.endswith("999]")
    assert len(text) < 80
