"""`a.b.c=value` from the command line: read the value, put it into a page."""

import ast
import warnings
from typing import Any

from hrpose.config.typecheck import shown

DELETE = "_delete_"
"""In a dict that is merged into another: True replaces that other dict, as in MMPose."""

_WORDS = {"true": True, "false": False, "none": None}
_OPENINGS = ("(", "[", "{", "'", '"', "dict(")
_MISSING = object()


def put_in(page: dict[str, Any], override: str, problems: list[str]) -> dict[str, Any]:
    """A page like `page` with `override` (`a.b.2.c=value`) put in; dicts merge, the rest replaces.

    What cannot be read or has no place becomes a sentence in `problems` and changes nothing.
    """
    key, equals, text = override.partition("=")
    keys = key.strip().split(".")
    if not equals:
        problems.append(f"'{override}': expected KEY=VALUE, as in codec.sigma=3")
    elif not all(keys):
        problems.append(f"'{override}': a part of the key is empty, expected as in codec.sigma=3")
    else:
        try:
            return _put(page, keys, parse_value(text), "")
        except ValueError as error:
            problems.append(f"{key.strip()}: {error}")
        except RecursionError:
            problems.append(f"{shown(override)}: nested too deep")
    return page


def parse_value(text: str) -> Any:
    """What `text` means: a Python literal (`dict(...)` too), a comma list, a bare word or string.

    Raises ValueError where it opens a bracket or a quote and does not go on as a literal.
    """
    text = text.strip()
    if "," in text and not text.startswith(_OPENINGS):
        return [_parse_item(item.strip()) for item in _split(text)]
    return _parse_item(text)


def _parse_item(text: str) -> Any:
    if text.startswith(_OPENINGS):
        tree = _parse(text)
        if tree is None:
            raise ValueError(f"cannot read {shown(text)}; is a bracket or quote left open?")
        return _evaluate(tree)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return _evaluate(_parse(text), words=False)
    except ValueError:
        return text


def strip_delete(value: Any) -> Any:
    """`value` without any '_delete_' key, in fresh containers."""
    if isinstance(value, dict):
        return {key: strip_delete(item) for key, item in value.items() if key != DELETE}
    if isinstance(value, list | tuple):
        return type(value)(strip_delete(item) for item in value)
    return value


def _put(node: Any, keys: list[str], value: Any, path: str) -> Any:
    if not keys:
        return _merge(node, value)
    key, rest = keys[0], keys[1:]
    here = f"{path}.{key}" if path else key
    if node is _MISSING:
        node = {}
    if isinstance(node, dict):
        return {**node, key: _put(node.get(key, _MISSING), rest, value, here)}
    if isinstance(node, list | tuple):
        if not key.isdecimal() or int(key) >= len(node):
            raise ValueError(f"{path} is a list of {len(node)} and has no item '{key}'")
        items = list(node)
        items[int(key)] = _put(items[int(key)], rest, value, here)
        return type(node)(items)
    if isinstance(node, str) and node.startswith("$"):
        raise ValueError(f"{path} is '{node}', so set {'.'.join([node[1:], *keys])}")
    raise ValueError(f"{path} is {shown(node)}, which has no '{key}'")


def _merge(old: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(old, dict) and not new.get(DELETE, False):
        merged = {key: _merge(old.get(key, _MISSING), item) for key, item in new.items()}
        return strip_delete({**old, **merged})
    return strip_delete(new)


def _split(text: str) -> list[str]:
    """`text` cut at the commas that stand outside brackets and quotes; one at the end is free."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote or letter in "'\"":
            quote = "" if letter == quote else quote or letter
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    if depth or quote:
        raise ValueError(f"cannot read {shown(text)}; is a bracket or quote left open?")
    return parts if parts[-1].strip() else parts[:-1]


def _parse(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _evaluate(node: ast.expr | None, words: bool = True) -> Any:
    """The value of a literal; with `words`, bare words in it are strings. ValueError otherwise."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return node.value
        case ast.Name(id=name) if words:
            return _WORDS.get(name.lower(), name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Tuple(elts=items):
            return tuple(_evaluate(item) for item in items)
        case ast.List(elts=items):
            return [_evaluate(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {_hashable(_evaluate(key)): _evaluate(value) for key, value in pairs}
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=pairs) if all(
            pair.arg for pair in pairs
        ):
            return {pair.arg: _evaluate(pair.value) for pair in pairs}
    text = ast.unparse(node) if node else ""
    raise ValueError(f"cannot read {shown(text)}; write numbers, lists, dicts, 'quoted strings'")


def _hashable(key: Any) -> Any:
    if not isinstance(key, str):
        raise ValueError(f"{shown(key)} cannot be a key, expected a str")
    return key
