"""Garbage, and ways to put it into a tree of dicts and lists, as files and pages go wrong."""

import copy
from typing import Any

from hypothesis import strategies as st

ODD = [
    10**400, -(10**30), 2**63, -1, 0, 1e308, 5e-324, float("nan"), float("inf"), -float("inf"),
    True, None, "", "7", "nan", "../x.jpg", "C:\\x", "a\x00b", "\ud800", [], {}, [[]], [None],
]  # fmt: skip


def garbage(words: list[str]) -> st.SearchStrategy:
    """Whatever JSON can hold; `words` are keys and strings that mean something where it goes."""
    odd = st.sampled_from(ODD)
    leaves = (
        odd | odd | odd | st.integers() | st.floats() | st.text(max_size=6)
        | st.sampled_from(words)
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(words) | st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def mutated(draw: Any, tree: Any, words: list[str], most: int = 3) -> Any:
    """A copy of `tree` with one to `most` parts replaced, removed, repeated or exchanged."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        container, key = _place(draw, tree)
        action = draw(st.sampled_from(["replace", "replace", "remove", "repeat", "exchange"]))
        if action == "remove":
            del container[key]
        elif action == "repeat" and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif action == "exchange":
            other, place = _place(draw, tree)
            container[key] = copy.deepcopy(other[place])
        else:
            container[key] = draw(garbage(words))
        if not tree:
            break
    return tree


def _place(draw: Any, tree: Any) -> tuple[Any, Any]:
    """A container somewhere in `tree`, and one of its keys."""
    container, deeper = tree, True
    while deeper:
        keys = list(container) if isinstance(container, dict) else range(len(container))
        key = draw(st.sampled_from(keys))
        inside = container[key]
        deeper = isinstance(inside, dict | list) and bool(inside) and draw(st.integers(0, 9)) > 0
        if deeper:
            container = inside
    return container, key
