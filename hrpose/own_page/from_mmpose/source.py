"""A page and its bases as values. The files are parsed, never executed."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrpose.errors import ConfigError
from hrpose.own_page.from_mmpose.expressions import Names, NotData, value_of
from hrpose.own_page.from_mmpose.known import known_base

_STATEMENTS = {
    "FunctionDef": "a function",
    "AsyncFunctionDef": "a function",
    "ClassDef": "a class",
    "For": "a loop",
    "While": "a loop",
    "If": "a conditional",
    "Try": "try",
    "With": "`with`, as in mmengine's `with read_base():`,",
    "Assert": "assert",
    "Raise": "raise",
}


@dataclass
class Source:
    """What a page says.

    Args:
        values: of its top-level names, merged with those of its bases.
        lines: where it assigns a name itself.
        used: names that its own expressions refer to: helpers, whatever they are called.
        notes: on bases that were not read.
    """

    path: Path
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def read_source(path: Path) -> Source:
    """The page in file `path`, with its `_base_` pages.

    Raises:
        ConfigError: a file cannot be read, or has a line that is not data; names both.
    """
    try:
        return _read(path, ())
    except (RecursionError, MemoryError):
        raise ConfigError("brackets are nested too deep", str(path)) from None


def _read(path: Path, above: tuple[Path, ...]) -> Source:
    if path.resolve() in above:
        raise ConfigError("_base_ leads back to the page itself", str(path))
    tree = _parse(path)
    result = Source(path, {})
    names = Names(path, {})
    for node in tree.body:
        try:
            match node:
                case ast.Assign(targets=[ast.Name(id="_base_")], value=value):
                    bases = _bases(value, names)
                    read = [_base(path, base, (*above, path.resolve())) for base in bases]
                    for base in read:
                        merge(names.base, base.values)
                        result.notes += base.notes
                        result.used |= base.used
                case _:
                    _do(node, names, result.lines)
        except NotData as error:
            what = ast.unparse(node).splitlines()[0]
            raise ConfigError(
                f"line {error.line or node.lineno}: {error} (in `{what:.60}`); pages are read as "
                "data: write there the value that it comes to",
                str(path),
            ) from None
    result.values = merge(copy.deepcopy(names.base), names.values)
    result.used |= names.used
    return result


def _parse(path: Path) -> ast.Module:
    if path.suffix != ".py":
        raise ConfigError("expected a page as a Python file (.py)", str(path))
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        text = (error.text or "").strip()
        raise ConfigError(f"line {error.lineno}: {error.msg}: {text:.60}", str(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"cannot be read: {reason}", str(path)) from None


def _bases(node: ast.expr, names: Names) -> list[str]:
    value = value_of(node, names)
    bases = [value] if isinstance(value, str) else value
    if isinstance(bases, list | tuple) and all(isinstance(base, str) for base in bases):
        return list(bases)
    raise NotData(node, "_base_ is a path or a list of paths")


def _base(page: Path, base: str, above: tuple[Path, ...]) -> Source:
    """A base of `page`: the file where it is there, else what is known of it by its name."""
    path = page.parent / base
    if "::" not in base and path.is_file():
        return _read(path, above)
    known = known_base(base)
    if known is None:
        raise ConfigError(
            f"_base_ '{base}' is not at {path}, and its name says nothing; put the file there",
            str(page),
        )
    values, note = known
    return Source(path, values, notes=[f"_base_ '{base}' is not there: {note}"])


def _do(node: ast.stmt, names: Names, lines: dict[str, int]) -> None:
    """A statement of the page, done to `names`."""
    match node:
        case ast.Assign(targets=targets, value=value):
            result = value_of(value, names)
            for target in targets:
                _assign(target, result, names, lines)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(target, value_of(value, names), names, lines)
        case ast.AugAssign(target=ast.Name() | ast.Subscript() as target, op=op, value=value):
            before = ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, node)
            both = ast.copy_location(ast.BinOp(before, op, value), node)
            _assign(target, value_of(both, names), names, lines)
        case ast.Expr(value=value):
            value_of(value, names)
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            names.imported |= {(alias.asname or alias.name).split(".")[0] for alias in aliases}
        case ast.Delete(targets=targets) if all(isinstance(t, ast.Name) for t in targets):
            for target in targets:
                names.values.pop(target.id, None)  # type: ignore[attr-defined]
        case ast.Pass():
            pass
        case _:
            kind = type(node).__name__
            raise NotData(node, f"{_STATEMENTS.get(kind, kind)} is not data")


def _assign(target: ast.expr, value: Any, names: Names, lines: dict[str, int]) -> None:
    match target:
        case ast.Name(id=name):
            names.values[name] = value
            lines[name] = target.lineno
        case ast.Subscript(value=holder, slice=key) if not isinstance(key, ast.Slice):
            try:
                value_of(holder, names)[value_of(key, names)] = value
            except (LookupError, TypeError) as error:
                raise NotData(target, f"{type(error).__name__}: {error}") from None
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            if not isinstance(value, list | tuple) or len(value) != len(targets):
                raise NotData(target, f"expected {len(targets)} values")
            for one, part in zip(targets, value, strict=True):
                _assign(one, part, names, lines)
        case _:
            raise NotData(target, f"an assignment to `{ast.unparse(target)}` is not data")


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Put `over` into `under`, dicts into dicts, as mmengine merges a page over its bases."""
    for key, value in over.items():
        if isinstance(value, dict):
            before = under.get(key)
            fresh = value.get("_delete_") is True or not isinstance(before, dict)
            inside = {name: part for name, part in value.items() if name != "_delete_"}
            under[key] = merge({} if fresh else before, inside)  # type: ignore[arg-type]
        else:
            under[key] = value
    return under
