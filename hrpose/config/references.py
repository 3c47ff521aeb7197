"""`'$a.b'` in a config page: a copy of what stands at a.b, found after all overrides; and
`'$len(a.b)'`, how many items there are.
"""

import re
from typing import Any

from hrpose.config.typecheck import did_you_mean

_LENGTH = re.compile(r"\$len\((.*)\)")


class _Unresolved(Exception):
    """Says what is wrong with a reference; the place that holds it is added by `resolve`."""


def resolve(page: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """`page` with every string that starts with `$` replaced by a copy of what it names.

    A reference may lead to, or through, another one; a list is entered by an index
    (`$keypoints.names.0`). `$len(keypoints.names)` is the length of the list that stands there.
    Returns the new page and a sentence for each reference that leads nowhere.
    """
    problems: dict[str, str] = {}

    def walk(node: Any, path: str) -> Any:
        if _is_reference(node):
            try:
                return _follow(page, node, ())
            except _Unresolved as error:
                problems.setdefault(str(error), f"{path}: {error}")
                return node
        return _rebuild(node, lambda item, key: walk(item, f"{path}.{key}" if path else str(key)))

    return walk(page, ""), list(problems.values())


def _follow(page: dict[str, Any], reference: str, above: tuple[str, ...]) -> Any:
    """The value behind `reference`, free of references; `above` are those that it stands in."""
    above = _without_cycle(above, reference)

    def expand(node: Any) -> Any:
        if _is_reference(node):
            return _follow(page, node, above)
        return _rebuild(node, lambda item, _: expand(item))

    return expand(_locate(page, reference, ()))


def _locate(page: dict[str, Any], reference: str, before: tuple[str, ...]) -> Any:
    """What stands where `reference` leads, through others if need be; no reference itself."""
    before = _without_cycle(before, reference)
    length = _LENGTH.fullmatch(reference)
    node: Any = page
    path = ""
    for key in (length[1] if length else reference[1:]).split("."):
        node = _step(node, key, reference, path)
        if _is_reference(node):
            node = _locate(page, node, before)
        path = f"{path}.{key}" if path else key
    if length is None:
        return node
    if not isinstance(node, list | tuple):
        raise _Unresolved(f"'{reference}': {path} is no list")
    return len(node)


def _without_cycle(chain: tuple[str, ...], reference: str) -> tuple[str, ...]:
    """`chain` and then `reference`, which must not be in it."""
    if reference in chain:
        cycle = chain[chain.index(reference) :]
        start = cycle.index(min(cycle))  # one sentence for a cycle, wherever it is entered
        steps = " -> ".join((*cycle[start:], *cycle[:start], cycle[start]))
        raise _Unresolved(f"a reference leads back to itself: {steps}")
    return (*chain, reference)


def _step(node: Any, key: str, reference: str, path: str) -> Any:
    if isinstance(node, dict) and key in node:
        return node[key]
    if isinstance(node, list | tuple) and key.isdecimal() and int(key) < len(node):
        return node[int(key)]
    holder = f"'{reference}': {path or 'the page'}"
    if isinstance(node, list | tuple):
        raise _Unresolved(f"{holder} has {len(node)} items, no '{key}'")
    hint = did_you_mean(key, node) if isinstance(node, dict) else ""
    raise _Unresolved(f"{holder} has no '{key}'{hint}")


def _is_reference(node: Any) -> bool:
    return isinstance(node, str) and node.startswith("$")


def _rebuild(node: Any, change: Any) -> Any:
    """A container like `node` with `change(item, key)` for its items; anything else as it is."""
    if isinstance(node, dict):
        return {key: change(item, key) for key, item in node.items()}
    if isinstance(node, list | tuple):
        return type(node)(change(item, key) for key, item in enumerate(node))
    return node
