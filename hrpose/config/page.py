"""Config pages: load one with its `_base_` pages, overrides and `$a.b` references; write it out.

A page is a Python file; what it assigns to the names in `NAMES` is the experiment. A loaded page is
plain Python (dict, list, tuple, numbers, str, bool, None) and holds no reference any more.
"""

import ast
import keyword
import math
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

from hrpose.config import mmpose_names
from hrpose.config.overrides import DELETE, put_in
from hrpose.config.references import resolve
from hrpose.config.typecheck import did_you_mean, mismatches
from hrpose.errors import ConfigError

NAMES: dict[str, Any] = {
    "custom_imports": Sequence[str],
    **dict.fromkeys(("keypoints", "codec", "model"), dict),
    "pretrained": str | None,
    "load_from": str | dict | None,
    **dict.fromkeys(("train_pipeline", "test_pipeline"), list),
    "data": dict,
    "metrics": list,
    **dict.fromkeys(("optimizer", "schedule", "runner"), dict),
}
"""All top-level names of a page, in the order in which it is written out, and what each holds."""

Page = dict[str, Any]
_WIDTH = 100


def load(page: str | Path, overrides: Sequence[str] = ()) -> Page:
    """The page in file `page`, ready to be built.

    Its `_base_` pages come first and its own values are merged over them, then the overrides
    (`codec.sigma=3`); last, every string `'$a.b'` becomes a copy of what stands at a.b then.
    Names that start with an underscore are the file's own. Raises ConfigError with all problems.
    """
    values, problems = read(page, overrides)
    if problems:
        raise ConfigError(problems, str(page))
    return values


def read(page: str | Path, overrides: Sequence[str] = ()) -> tuple[Page, list[str]]:
    """What can be used of a page, as `load` gives it, and a sentence for each thing that cannot:
    such top-level names are left out, and references that lead nowhere are still there.
    """
    try:
        return _read_page(Path(page).expanduser(), overrides)
    except RecursionError:
        raise ConfigError("brackets or references are nested too deep", str(page)) from None


def _read_page(path: Path, overrides: Sequence[str]) -> tuple[Page, list[str]]:
    values = _read(path, _chain(path, ()))
    problems: list[str] = []
    values = {name: _plain(value, name, problems) for name, value in values.items()}
    for override in overrides:
        values = put_in(values, override, problems)
    values, unresolved = resolve(values)
    problems += unresolved
    good = set()
    for name, value in values.items():
        if name not in NAMES:
            problems.append(f"{name}: no such top-level name in a page{_hint(name)}")
            continue
        wrong = mismatches(value, NAMES[name], name, lambda _: dict)
        problems += wrong
        good |= set() if wrong else {name}
    return {name: values[name] for name in NAMES if name in good}, problems


def _hint(name: str) -> str:
    """What is meant instead of an unknown top-level name."""
    theirs = mmpose_names.hint(name, mmpose_names.PAGE)
    return theirs or did_you_mean(name, NAMES) or " (own helpers start with an underscore)"


def dump(page: Page, path: str | Path) -> None:
    """Write `page` as a Python file that loads back equal."""
    Path(path).write_text(as_python(page), encoding="utf-8")


def as_python(page: Page) -> str:
    """`page` as the text of a config page, in lines of at most 100 characters where possible."""
    return "".join(f"{name} = {_code(page[name], '', len(name) + 3)}\n" for name in page)


def _chain(path: Path, above: tuple[Path, ...]) -> list[Path]:
    """`path` and all pages below it in `_base_`; raises ConfigError where one cannot be read."""
    source = f" (the _base_ of {' of '.join(map(str, above[::-1]))})" if above else ""
    if path.resolve() in [page.resolve() for page in above]:
        cycle = " -> ".join(str(page) for page in (*above, path))
        raise ConfigError(f"_base_ leads back to the page itself: {cycle}")
    if path.suffix != ".py" or not path.is_file():
        there = [page.stem for page in path.parent.glob("*.py")] if path.parent.is_dir() else []
        hint = did_you_mean(path.stem, there) if there else f"; {path.parent} holds no page"
        raise ConfigError(f"{path}{source}: no such config page (a .py file){hint}")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg}: {error.text}".rstrip()) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}{source}: cannot be read: {error}") from None
    pages = [path]
    for base in _bases(tree, path):
        pages += _chain(path.parent / base, (*above, path))
    return pages


def _bases(tree: ast.Module, path: Path) -> list[str]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="_base_")], value=value):
                try:
                    bases = ast.literal_eval(value)
                except (ValueError, TypeError):
                    bases = None
                bases = [bases] if isinstance(bases, str) else bases
                if isinstance(bases, list) and all(isinstance(base, str) for base in bases):
                    return bases
                raise ConfigError(f"{path}:{node.lineno}: _base_ is a path or a list of paths")
    return []


def _read(path: Path, chain: list[Path]) -> Page:
    """The names and values of page `path`, merged with those of its bases, which `chain` lists."""
    from mmengine.config import Config  # a third of a second, so not with the module

    try:
        config = Config.fromfile(path, lazy_import=False, import_custom_modules=False)
    except (Exception, SystemExit) as error:
        lines = {str(page.resolve()): page for page in chain}
        frames = [
            (str(Path(f.filename).resolve()), f.lineno) for f in extract_tb(error.__traceback__)
        ]
        places = [f"{lines[name]}:{lineno}" for name, lineno in frames if name in lines]
        reason = error.args[0] if isinstance(error, KeyError) else error
        where = places[-1] if places else path
        raise ConfigError(f"{where}: {type(error).__name__}: {reason}") from error
    values = config.to_dict()
    return {name: value for name, value in values.items() if not name.startswith("_")}


def _plain(value: Any, path: str, problems: list[str]) -> Any:
    """`value` in fresh plain containers; what is no config value goes into `problems`."""
    if isinstance(value, dict):
        keys = [key for key in value if key != DELETE]
        problems += [
            f"{path}: got the key {key!r}, expected a str" for key in keys if type(key) is not str
        ]
        return {key: _plain(value[key], f"{path}.{key}", problems) for key in keys}
    if isinstance(value, list | tuple):
        items = [_plain(item, f"{path}.{i}", problems) for i, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if not isinstance(value, int | float | str | None):
        kind = type(value).__name__
        problems.append(f"{path}: a {kind} cannot stand in a page; write numbers, strings, lists")
    return value


def _code(value: Any, indent: str, used: int) -> str:
    """`value` as Python source; broken into lines where it does not fit behind `used` columns."""
    line = _line(value)
    if used + len(line) <= _WIDTH or not (isinstance(value, dict | list | tuple) and value):
        return line
    opening, rows, closing = _rows(value)
    deeper = indent + "    "
    broken = [
        f"{deeper}{head}{_code(item, deeper, len(deeper) + len(head) + 1)},\n"
        for head, item in rows
    ]
    return f"{opening}\n{''.join(broken)}{indent}{closing}"


def _line(value: Any) -> str:
    if isinstance(value, str):
        return repr(value).replace("{{", "{\\x7b")  # mmengine fills in '{{ ... }}' all over a page
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if not isinstance(value, dict | list | tuple):
        return repr(value)
    opening, rows, closing = _rows(value)
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{opening}{', '.join(head + _line(item) for head, item in rows)}{comma}{closing}"


def _rows(value: dict | list | tuple) -> tuple[str, list[tuple[str, Any]], str]:
    """The opening bracket of a container, its items with what stands before each, the closing."""
    if isinstance(value, dict):
        if all(_is_name(key) for key in value):
            return "dict(", [(f"{key}=", item) for key, item in value.items()], ")"
        return "{", [(f"{_line(key)}: ", item) for key, item in value.items()], "}"
    opening, closing = "()" if isinstance(value, tuple) else "[]"
    return opening, [("", item) for item in value], closing


def _is_name(key: str) -> bool:
    """Whether `key` can be a keyword argument; Python would change some letters beyond ASCII."""
    return key.isascii() and key.isidentifier() and not keyword.iskeyword(key)
