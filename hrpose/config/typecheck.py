"""Does a config value fit a type annotation, and the sentence that says why not."""

import inspect
import math
import types
from collections import abc
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

_PLAIN = {
    bool: "True or False",
    int: "an int",
    float: "a float",
    str: "a str",
    type(None): "None",
    Path: "a path",
}
_SEQUENCES = (list, abc.Sequence, abc.Iterable, abc.Collection)
_MAPPINGS = (dict, abc.Mapping)
_UNIONS = (Union, types.UnionType)
Lookup = Callable[[str], Any]
_SMALLEST, _LARGEST = 2.0**-126, 3.4e38
"""Of the normal numbers above 0 in float32."""


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """`; did you mean 'x'?` for the known name closest to `name`, or nothing."""
    near = get_close_matches(str(name), [str(other) for other in known], n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def shown(value: object) -> str:
    """`value` for an error message: its repr; only its ends if long, its type if it has one."""
    if isinstance(value, dict) and "type" in value:
        return f"dict(type={value['type']!r}, ...)"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; endless brackets
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= 70 else f"{text[:50]} ... {text[-12:]}"


def mismatches(value: Any, wanted: Any, path: str, lookup: Lookup) -> list[str]:
    """The sentences on what in `value` does not fit the annotation `wanted`; empty if all does.

    A float must be finite: nothing on a page has reason to be infinite, and a NaN is in no range.
    Nor may it be beyond what models compute with: the smallest become 0 there, and divide.
    A dict with 'type' stands for the object to be built from it: `lookup` gives the class behind
    its name, or None. What an annotation does not pin down (Any, protocols, type variables) fits.
    """
    if _fits(value, wanted, lookup):
        return []
    arms = get_args(wanted) if get_origin(wanted) in _UNIONS else (wanted,)
    lists = [arm for arm in arms if _is_list(arm)]
    if len(lists) == 1 and isinstance(value, list | tuple):
        item = get_args(lists[0])[0]
        pairs = enumerate(value)
        return [line for i, part in pairs for line in mismatches(part, item, f"{path}.{i}", lookup)]
    hint = "; numbers must be finite" if _holds_infinite(value) else ""
    if not hint and _vanishes(value):
        hint = "; such a number is 0 or infinite in float32, which models compute with"
    if isinstance(value, str):
        hint = did_you_mean(value, [word for word in _words(wanted) if isinstance(word, str)])
    return [f"{path}: got {shown(value)}, expected {describe(wanted)}{hint}"]


def describe(wanted: Any, plural: bool = False) -> str:
    """An annotation in words, as in `a pair (int, int)`."""
    origin, args = get_origin(wanted) or wanted, get_args(wanted)
    if origin in _UNIONS:
        words = [describe(arg) for arg in args if arg is not type(None)]
        return " or ".join(words + ["None"] * (type(None) in args))
    if origin is Literal:
        words = [repr(arg) for arg in args]
        return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
    if origin is tuple and not _is_list(wanted):
        inside = ", ".join(getattr(arg, "__name__", str(arg)) for arg in args)
        return f"a pair ({inside})" if len(args) == 2 else f"{len(args)} values ({inside})"
    if _is_list(wanted):
        return ("lists" if plural else "a list") + (
            f" of {describe(args[0], True)}" if args else ""
        )
    if origin in _MAPPINGS:
        return "dicts" if plural else "a dict"
    if origin in _PLAIN:
        return origin.__name__ if plural and origin in (int, float, str) else _PLAIN[origin]
    if origin is abc.Callable:
        return "a dict with 'type'"
    return f"a dict with 'type' that makes {getattr(origin, '__name__', origin)}"


def _words(wanted: Any) -> list[Any]:
    """All values that the Literals in `wanted` allow."""
    if get_origin(wanted) is Literal:
        return list(get_args(wanted))
    return [word for arg in get_args(wanted) for word in _words(arg)]


def _fits(value: Any, wanted: Any, lookup: Lookup) -> bool:
    wanted = type(None) if wanted is None else wanted
    origin, args = get_origin(wanted) or wanted, get_args(wanted)
    if origin in _UNIONS:
        return any(_fits(value, arg, lookup) for arg in args)
    if origin is Literal:
        return any(value == arg and type(value) is type(arg) for arg in args)
    if isinstance(value, dict) and "type" in value:
        return _makes(lookup(str(value["type"])), origin)
    if origin is type(None):
        return value is None
    if origin is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and not (_holds_infinite(value) or _vanishes(value))
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is Path:
        return isinstance(value, str | Path)
    if origin is tuple and not _is_list(wanted):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(args)
            and all(_fits(part, arg, lookup) for part, arg in zip(value, args, strict=True))
        )
    if _is_list(wanted):
        item = args[0] if args else Any
        return isinstance(value, list | tuple) and all(_fits(v, item, lookup) for v in value)
    if origin in _MAPPINGS:
        key, item = args or (Any, Any)
        return isinstance(value, dict) and all(
            _fits(k, key, lookup) and _fits(v, item, lookup) for k, v in value.items()
        )
    if origin is abc.Callable:
        return callable(value)
    return not _is_checked(origin) or isinstance(value, origin)


def _holds_infinite(value: Any) -> bool:
    """Whether `value`, or an item of it, is infinite, NaN, or an int that no float can hold."""
    if isinstance(value, list | tuple):
        return any(_holds_infinite(item) for item in value)
    try:
        return isinstance(value, int | float) and not math.isfinite(value)
    except OverflowError:
        return True


def _vanishes(value: Any) -> bool:
    """Whether `value`, or an item of it, is a number that float32 makes 0 or infinite."""
    if isinstance(value, list | tuple):
        return any(_vanishes(item) for item in value)
    number = isinstance(value, int | float)
    return number and not (value == 0 or _SMALLEST <= abs(value) <= _LARGEST)


def _is_list(wanted: Any) -> bool:
    """Whether `wanted` is any number of values of one kind; tuple[int, int] is not."""
    args = get_args(wanted)
    return (get_origin(wanted) or wanted) in (*_SEQUENCES, tuple) and args[1:] in ((), (...,))


def _makes(maker: Any, wanted: Any) -> bool:
    """Whether what `maker` constructs can stand where `wanted` is expected."""
    if maker is None or wanted is abc.Callable or not _is_checked(wanted):
        return True
    return not inspect.isclass(maker) or issubclass(maker, wanted)


def _is_checked(wanted: Any) -> bool:
    return (
        inspect.isclass(wanted) and wanted is not Any and not getattr(wanted, "_is_protocol", False)
    )
