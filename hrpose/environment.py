"""What is installed around hrpose: packages that only some work needs, and whose OpenCV cv2 is."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distributions, version
from types import ModuleType

from hrpose.errors import RunError

EXTRAS: dict[str, tuple[str, ...]] = {
    "coco": ("pycocotools", "xtcocotools")[: 2 if sys.version_info < (3, 12) else 1],
    "dlc": ("pandas", "tables"),
    "sleap": ("sleap_io", "h5py"),
    "video": ("av",),
    "export": ("onnx", "onnxscript", "onnxruntime", "safetensors"),
}
"""The modules that each extra of setup.py brings."""

OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""The distributions that all install the one module cv2."""


def require(module: str, extra: str, for_: str) -> ModuleType:
    """Import `module`, which the extra `extra` brings; call it before any work is done.

    Args:
        for_: what needs it, as the sentence begins: 'reading video with PyAV'.

    Raises:
        RunError: it cannot be imported; with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, ValueError) as error:  # ValueError: compiled for another NumPy
        raise RunError(
            f"{for_} needs {module.partition('.')[0]}, which cannot be imported ({error}); "
            f"{install(extra)}"
        ) from None


def install(extra: str) -> str:
    """The command that installs an extra, in quotes that every shell knows."""
    return f'python -m pip install "hrpose[{extra}]"'


def opencv_owners() -> dict[str, str]:
    """The installed distributions that claim cv2, with their versions."""
    found = {}
    for name in OPENCV:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def opencv_5() -> str:
    """What is wrong if `import cv2` gives OpenCV 5, who brought it and how to mend it; else ''.

    Raises:
        ImportError: cv2 cannot be imported, or nothing is in it.
    """
    import cv2

    owners = opencv_owners()
    number = getattr(cv2, "__version__", "")
    if not number:  # a folder without a file imports, too
        raise ImportError(
            f"{list(cv2.__path__)} is an empty folder, as is left when one of several "
            f"distributions goes.\n{_mend(list(owners))}"
        )
    if int(number.split(".")[0]) < 5:
        return ""
    fifth = {name: its for name, its in owners.items() if int(its.split(".")[0]) >= 5}
    sources = [f"{name} {its}{_asked_for(name)}" for name, its in fifth.items()]
    source = " and ".join(sources) or f"{cv2.__file__}, which pip does not know"
    return (
        f"cv2 is OpenCV {number}, which moves crops by up to 5 grey levels from those of "
        f"OpenCV 4, the one that models here are trained and measured with. It came with {source}."
        f"\n{_mend(list(owners))}"
    )


def refuse_opencv_5(allowed: bool) -> None:
    """Stop before any work where cv2 is OpenCV 5, unless the user allows it.

    What a run records has the version of cv2 in any case.

    Raises:
        RunError: with `opencv_5()`; or cv2 cannot be imported.
    """
    try:
        problem = opencv_5()
    except ImportError as error:
        raise RunError(f"cv2 cannot be imported: {error}") from error
    if problem and not allowed:
        raise RunError(f"{problem}\nTo run with it all the same: --allow-opencv-5")


def _asked_for(name: str) -> str:
    """Which installed distributions ask for the distribution `name`."""
    askers = []
    for distribution in distributions():
        for requirement in distribution.requires or ():
            wanted = re.match(r"[\w.-]+", requirement)
            if wanted and _normal(wanted[0]) == name and "extra ==" not in requirement:
                askers.append(f"{distribution.metadata['Name']} {distribution.version}")
    return f" (asked for by {', '.join(sorted(set(askers)))})" if askers else ""


def _normal(name: str) -> str:
    """A distribution's name in the one spelling that counts."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _mend(owners: Sequence[str]) -> str:
    """The commands that leave one OpenCV 4: its files are shared, so all owners go first."""
    remove = f"  python -m pip uninstall -y {' '.join(owners)}\n" if owners else ""
    return f'To mend it:\n{remove}  python -m pip install "opencv-python>=4.10,<5"'
