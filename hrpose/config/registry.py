"""Names in a config page become objects here, and only here.

`register` puts a class (or function) under its own name; `check` says what is wrong with a config;
`build` checks and then constructs from the inside out, so that constructors receive objects.
Config values are plain Python: dict, list, tuple, numbers, str, bool, None.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from hrpose.config import mmpose_names
from hrpose.config.typecheck import did_you_mean, mismatches, shown
from hrpose.errors import ConfigError

T = TypeVar("T", bound=Callable[..., Any])

_registered: dict[str, Callable[..., Any]] = {}
_FAILED = object()


def register(target: T) -> T:
    """Make `target` known to config pages as `type='<its __name__>'`; a name is given only once."""
    name = target.__name__
    if name in _registered:
        first, second = _place(_registered[name]), _place(target)
        raise ValueError(f"'{name}' is registered twice: in {first} and in {second}")
    _registered[name] = target
    return target


def registered() -> dict[str, Callable[..., Any]]:
    """A copy of all names known so far and what they stand for."""
    return dict(_registered)


def check(cfg: Any, path: str = "", **objects: Any) -> list[str]:
    """All that is wrong with `cfg`, found without constructing anything.

    `cfg` is a dict with 'type', or a list or tuple of such, and stands at `path` in the page;
    every problem starts with its path. `objects` are further arguments of the outermost
    constructor (of each one in a list), made at run time: a page does not hold them.
    """
    if isinstance(cfg, list | tuple):
        items = enumerate(cfg)
        return [line for i, item in items for line in check(item, _join(path, i), **objects)]
    if not isinstance(cfg, dict):
        return [f"{path or 'config'}: got {shown(cfg)}, expected a dict with 'type'"]
    if "type" not in cfg:
        return [f"{path or 'config'}: 'type' is missing (the name of a registered class)"]
    return _check_typed(cfg, path, objects)


def build(cfg: Any, path: str = "", **objects: Any) -> Any:
    """The object that `cfg` describes, or the list of objects for a list (a tuple for a tuple).

    Takes what `check` takes, and raises ConfigError with all that it finds. Then makes objects
    from the inside out; one whose part failed is not tried, its siblings are. The sentences in
    which constructors refuse (ValueError, TypeError; of sizes beyond all bounds OverflowError,
    MemoryError, RuntimeError) become one ConfigError, with config paths.
    """
    problems = check(cfg, path, **objects)
    if problems:
        raise ConfigError(problems)
    refusals: list[tuple[str, Exception]] = []
    result = _construct(cfg, path, objects, refusals)
    if refusals:
        raise ConfigError([line for line, _ in refusals]) from refusals[0][1]
    return result


def _check_typed(cfg: dict[str, Any], path: str, objects: dict[str, Any]) -> list[str]:
    name = cfg["type"]
    if not isinstance(name, str):
        return [
            f"{_join(path, 'type')}: got {shown(name)}, expected the name of a registered class"
        ]
    if name not in _registered:
        hint = mmpose_names.hint(name, mmpose_names.TYPES) or did_you_mean(name, _registered)
        hint = hint or f"; known are {', '.join(sorted(_registered))}"
        return [f"{path + ': ' if path else ''}no '{name}' is registered{hint}"]
    where = f"{path} ({name})" if path else name
    parameters, open_ended = _parameters(_registered[name])
    given = {key: value for key, value in cfg.items() if key != "type"}
    problems = []
    for key in given:
        if key in objects:
            problems.append(f"{where}: '{key}' is filled in by the program; leave it out")
        elif key not in parameters and not open_ended:
            hint = mmpose_names.hint(key, mmpose_names.KEYS) or did_you_mean(key, parameters)
            problems.append(f"{where}: unexpected key '{key}'{hint}")
    problems += [
        f"{where}: takes no '{key}', which the program hands in here"
        for key in objects
        if key not in parameters and not open_ended
    ]
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in given and key not in objects:
            problems.append(f"{where}: '{key}' is missing")
    for key, value in given.items():
        if key in parameters:
            problems += mismatches(
                value, parameters[key].annotation, _join(path, key), _registered.get
            )
        problems += _check_inside(value, _join(path, key))
    return problems


def _check_inside(value: Any, path: str) -> list[str]:
    """The problems of every dict with 'type' at or below `value`."""
    if isinstance(value, dict) and "type" in value:
        return _check_typed(value, path, {})
    return [
        line for key, item in _children(value) for line in _check_inside(item, _join(path, key))
    ]


def _construct(
    value: Any, path: str, objects: dict[str, Any], refusals: list[tuple[str, Exception]]
) -> Any:
    outermost = objects if isinstance(value, list | tuple) else {}
    parts = {
        key: _construct(item, _join(path, key), outermost, refusals)
        for key, item in _children(value)
    }
    if any(part is _FAILED for part in parts.values()):
        return _FAILED
    if isinstance(value, list | tuple):
        return type(value)(parts.values())
    if not isinstance(value, dict):
        return value
    if "type" not in value:
        return parts
    name = parts.pop("type")
    try:
        return _registered[name](**parts, **objects)
    except ConfigError as error:
        refusals += [(_join(path, problem), error) for problem in error.problems]
    except (ValueError, TypeError) as error:
        refusals.append((f"{path} ({name}): {error}" if path else f"{name}: {error}", error))
    except (OverflowError, MemoryError, RuntimeError) as error:  # impossible sizes
        where = f"{path} ({name})" if path else name
        refusals.append((f"{where}: {type(error).__name__}: {error}", error))
    return _FAILED


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _parameters(target: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """The parameters that a page can set, annotations resolved, and whether any key is taken."""
    hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    named: dict[str, inspect.Parameter] = {}
    open_ended = False
    for key, parameter in inspect.signature(target).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            named[key] = parameter.replace(annotation=hints.get(key, Any))
    return named, open_ended


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _place(target: Callable[..., Any]) -> str:
    try:
        line = inspect.getsourcelines(target)[1]
    except (OSError, TypeError):
        return f"{target.__module__}.{target.__qualname__}"
    return f"{target.__module__}.{target.__qualname__} ({inspect.getsourcefile(target)}:{line})"
