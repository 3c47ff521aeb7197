"""What an expression of a page is worth, worked out from its syntax tree: nothing is run.

Known are literals, names of the page, `dict(...)` and a few more builtins, arithmetic, f-strings,
subscripts, and mmengine's `{{_base_.name}}`. All else is refused with the place where it stands.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LONGEST = 100_000
"""Items or letters of a value, which bounds what `[0] * n` can be asked for."""
_HIGHEST_POWER = 64
_MOST_BITS = 4096
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_BUILTINS: dict[str, Callable[..., Any]] = {
    "dict": dict,
    "list": list,
    "tuple": tuple,
    "range": range,
    "len": len,
    "int": int,
    "float": float,
}
_METHODS: dict[type, tuple[str, ...]] = {
    dict: ("update", "copy", "pop", "get", "setdefault"),
    list: ("append", "extend", "insert", "copy"),
}
_FILLED_IN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_KINDS = {
    "IfExp": "a conditional",
    "BoolOp": "a conditional",
    "Compare": "a comparison",
    "ListComp": "a loop",
    "DictComp": "a loop",
    "SetComp": "a loop",
    "GeneratorExp": "a loop",
    "Lambda": "a function",
}


class NotData(Exception):
    """What stands at `node` would have to be run, or fails."""

    def __init__(self, node: ast.AST, why: str) -> None:
        super().__init__(why)
        self.line = getattr(node, "lineno", 0)


@dataclass
class Names:
    """What names mean in a page so far.

    Args:
        path: of the page.
        base: values of its `_base_` pages, merged.
        values: what it assigned itself.
        imported: names that it imports, which have no value here.
        used: names of its own that expressions refer to.
    """

    path: Path
    base: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def look_up(self, node: ast.Name) -> Any:
        """The value of a name."""
        if node.id == "_base_":
            return self.base
        if node.id in self.values:
            self.used.add(node.id)
            return self.values[node.id]
        if node.id in self.imported:
            raise NotData(node, f"'{node.id}' is imported, and pages are read, not run")
        raise NotData(node, f"'{node.id}' has no value before this line")


def value_of(node: ast.expr, names: Names) -> Any:
    """The value of an expression.

    Raises:
        NotData: it is none of what is known here, or it fails.
    """
    try:
        return _checked(node, _value(node, names))
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise NotData(node, f"{type(error).__name__}: {error}") from None


def _value(node: ast.expr, names: Names) -> Any:
    match node:
        case ast.Constant(value=str() as text):
            return _FILLED_IN.sub(lambda found: _fill_in(node, found[1], names.path), text)
        case ast.Constant(value=value):
            return value
        case ast.Name():
            return names.look_up(node)
        case ast.List(elts=items):
            return _items(items, names)
        case ast.Tuple(elts=items):
            return tuple(_items(items, names))
        case ast.Dict(keys=keys, values=values):
            return _merged(zip(keys, values, strict=True), names)
        case ast.Set(elts=[ast.Set(elts=[inner])]):  # {{_base_.name}}
            return value_of(inner, names)
        case ast.Set(elts=items):
            return set(_items(items, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _reckon(node, value_of(left, names), value_of(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            return _SIGNS[type(op)](value_of(operand, names))
        case ast.Subscript(value=holder, slice=ast.Slice() as part):
            ends = (part.lower, part.upper, part.step)
            return value_of(holder, names)[slice(*(end and value_of(end, names) for end in ends))]
        case ast.Subscript(value=holder, slice=key):
            return value_of(holder, names)[value_of(key, names)]
        case ast.Attribute(value=holder, attr=key):
            return _member(node, value_of(holder, names), key)
        case ast.JoinedStr(values=parts):
            return "".join(_formatted(part, names) for part in parts)
        case ast.Call():
            return _called(node, names)
    raise NotData(node, f"{_KINDS.get(type(node).__name__, 'this')} is not data")


def _items(nodes: Iterable[ast.expr], names: Names) -> list[Any]:
    items: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            items += value_of(node.value, names)
        else:
            items.append(value_of(node, names))
    return items


def _merged(pairs: Iterable[tuple[ast.expr | None, ast.expr]], names: Names) -> dict[Any, Any]:
    """A dict of keys and values; without a key stands what `**` spreads."""
    result: dict[Any, Any] = {}
    for key, node in pairs:
        value = value_of(node, names)
        result.update(value if key is None else {value_of(key, names): value})
    return result


def _reckon(node: ast.BinOp, left: Any, right: Any) -> Any:
    for count, other in ((left, right), (right, left)):
        long = isinstance(other, str | list | tuple) and isinstance(count, int)
        if long and isinstance(node.op, ast.Mult) and len(other) * count > _LONGEST:
            raise NotData(node, f"makes more than {_LONGEST:,} items")
    if isinstance(node.op, ast.Pow) and not abs(right) <= _HIGHEST_POWER:
        raise NotData(node, f"a power above {_HIGHEST_POWER}")
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        raise NotData(node, "'%' on a text is not known here; write the text itself")
    return _ARITHMETIC[type(node.op)](left, right)


def _member(node: ast.expr, holder: Any, key: str) -> Any:
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    raise NotData(node, f"there is no '{key}' in it" if isinstance(holder, dict) else "not data")


def _formatted(part: ast.expr, names: Names) -> str:
    if isinstance(part, ast.FormattedValue) and part.conversion == -1 and not part.format_spec:
        return str(value_of(part.value, names))
    if isinstance(part, ast.FormattedValue):
        raise NotData(part, "a format in an f-string is not known here; write the text itself")
    return str(value_of(part, names))


def _called(node: ast.Call, names: Names) -> Any:
    """What a call of a known builtin, or of a method of a dict, list or text, gives."""
    match node.func:
        case ast.Name(id=name) if name in _BUILTINS and name not in names.values:
            function = _BUILTINS[name]
        case ast.Attribute(value=holder, attr=name):
            owner = value_of(holder, names)
            if name not in _METHODS.get(type(owner), ()):
                raise NotData(node, f"a call of '{ast.unparse(node.func)}' is not data")
            function = getattr(owner, name)
        case other:
            raise NotData(node, f"a call of '{ast.unparse(other)}' is not data")
    keywords = _merged(
        ((ast.Constant(word.arg) if word.arg else None, word.value) for word in node.keywords),
        names,
    )
    args = _items(node.args, names)
    if function is range and any(isinstance(n, int) and abs(n) > _LONGEST for n in args):
        raise NotData(node, f"makes more than {_LONGEST:,} items")
    return function(*args, **keywords)


def _fill_in(node: ast.expr, name: str, path: Path) -> str:
    """What mmengine puts in place of `{{ name }}` in a text."""
    known = {
        "fileDirname": path.parent.as_posix(),
        "fileBasename": path.name,
        "fileBasenameNoExtension": path.stem,
        "fileExtname": path.suffix,
    }
    if name not in known:
        raise NotData(node, f"'{{{{ {name} }}}}' is not known; there are {', '.join(known)}")
    return known[name]


def _checked(node: ast.expr, value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict | range) and len(value) > _LONGEST:
        raise NotData(node, f"has more than {_LONGEST:,} items")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise NotData(node, f"a number of more than {_MOST_BITS} bits")
    return value
