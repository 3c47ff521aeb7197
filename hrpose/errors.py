"""What goes wrong for a user: errors that carry a whole answer, shown without a traceback."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import ParamSpec

P = ParamSpec("P")


class HrposeError(Exception):
    """Base of all errors that a user can mend; the message names what was met and what to do."""


class ConfigError(HrposeError):
    """All problems found in one config page, each a line that starts with its config path."""

    def __init__(self, problems: str | Sequence[str], page: str = "") -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        self.page = page
        count = len(self.problems)
        head = f"{page or 'config'}: {count} problem{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


class DataError(HrposeError):
    """Annotations or images that cannot be used; names the file and the annotation."""


class CheckpointError(HrposeError):
    """A checkpoint that cannot be read, or does not fit the model."""


class RunError(HrposeError):
    """A run that cannot start or go on: directory, device, processes."""


class LoaderError(RunError):
    """Loader processes that died or hang; the training itself is in order."""


class RunStopped(HrposeError):
    """A run that was asked to stop and did so in good order.

    Args:
        status: exit status of the process.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def shown_to_user(main: Callable[P, None]) -> Callable[P, None]:
    """Let a command's `main` end a `HrposeError` with its message and status 2, not a traceback."""

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        for stream in (sys.stdout, sys.stderr):  # which may be asked to show any name of a file
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            main(*args, **kwargs)
        except RunStopped as error:
            say(str(error))
            _leave(error.status)
        except HrposeError as error:
            say(f"{type(error).__name__}: {error}")
            _leave(2)
        except KeyboardInterrupt:
            _leave(130)

    return run


def say(message: str) -> None:
    """A line on stderr, if there is anybody to read it."""
    with contextlib.suppress(OSError, ValueError):
        print(message, file=sys.stderr, flush=True)


def _leave(status: int) -> None:
    """Exit with `status`, whatever becomes of the output that waits."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # Python would try again, and exit with 120
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
