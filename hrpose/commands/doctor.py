"""See whether this machine is ready for hrpose: versions, devices, OpenCV, NumPy, shared memory,
cache folder, extras. Exit status 1 if anything hinders.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import hrpose
from hrpose.config.pages import pages_folder, shipped_pages
from hrpose.environment import EXTRAS, install, opencv_5, opencv_owners
from hrpose.processes.sharing import WAITING, crowded

OK, WARNING, HINDERS = "ok", "warning", "hinders"
Finding = tuple[str, str]
"""One of the three words above, and a sentence."""

IMPORTED = (
    *("numpy", "torch", "cv2", "mmengine.config", "json_tricks", "matplotlib", "tqdm"),
    *("filelock", "torch.utils.tensorboard"),
)
"""What hrpose imports of other packages."""

SHARED_MEMORY = Path("/dev/shm")
ROOMY = 1 << 30  # bytes: a few workers with a few batches of 256x256 each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `hrpose doctor`: it takes nothing."""


def run(args: argparse.Namespace) -> int:
    """Print what was found, a line each; returns the exit status."""
    hindrances = 0
    for check in (hrpose_itself, packages, imports, opencv, numpy_abi, devices, places, extras):
        for word, sentence in _survived(check):
            hindrances += word == HINDERS
            print(f"{word:<8} {sentence}", flush=True)
    print(f"{hindrances} of these hinder hrpose" if hindrances else "nothing hinders hrpose")
    return int(hindrances > 0)


def _survived(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check, whatever state the packages are in that it asks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from check()
    except Exception as error:
        name = check.__name__.replace("_", " ")
        yield HINDERS, f"{name}: {_why(error)}"


def hrpose_itself() -> Iterator[Finding]:
    """hrpose, Python and the pages."""
    here = Path(hrpose.__file__).parent
    yield OK, f"hrpose {hrpose.__version__} in {here}"
    python = f"Python {platform.python_version()} on {platform.platform()}"
    yield (OK if sys.version_info >= (3, 10) else HINDERS), f"{python} ({sys.executable})"
    pages = len(shipped_pages())
    yield (OK if pages else HINDERS), f"{pages} config pages in {pages_folder()}"


def packages() -> Iterator[Finding]:
    """Whether the distributions that hrpose needs are there, in versions that it can use."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires("hrpose") or ()]
    except PackageNotFoundError:
        yield WARNING, "hrpose is not installed but run from a folder: versions are not compared"
        return
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = ""
        fits = found and requirement.specifier.contains(found, prereleases=True)
        what = f"{requirement.name} {found or 'is missing'}"
        name = f"{requirement.name}{requirement.specifier}"
        if fits:
            yield OK, what
        elif requirement.name == "opencv-python" and opencv_owners():
            yield WARNING, f"{what}; cv2 comes from another distribution"
        else:
            yield HINDERS, f'{what}; python -m pip install "{name}"'


def imports() -> Iterator[Finding]:
    """Whether what is installed can be imported; only what cannot is a line."""
    broken = False
    for name in IMPORTED:
        try:
            importlib.import_module(name)
        except Exception as error:
            broken = True
            yield HINDERS, f"import {name}: {_why(error)}{_hint(name, error)}"
    if not broken:
        yield OK, f"{len(IMPORTED)} modules can be imported"


def opencv() -> Iterator[Finding]:
    """The OpenCV that `import cv2` gives, and who installed it."""
    owners = opencv_owners()
    names = ", ".join(f"{name} {number}" for name, number in owners.items())
    if len(owners) > 1:
        yield (
            WARNING,
            f"several distributions installed cv2 ({names}): the last one wins, and removing one "
            "breaks the others; uninstall all, then install one",
        )
    try:
        import cv2
    except Exception:  # `imports` has said why
        return
    problem = opencv_5()
    text = f"cv2 is OpenCV {cv2.__version__}, installed by {names or 'something unknown to pip'}"
    yield (HINDERS, problem) if problem else (OK, text)


def numpy_abi() -> Iterator[Finding]:
    """Whether torch and cv2 were built for this NumPy: both hand arrays over."""
    import numpy as np

    uses = {
        "torch": lambda torch: torch.from_numpy(np.zeros(2)).numpy(),
        "cv2": lambda cv2: cv2.resize(np.zeros((4, 4), np.uint8), (2, 2)),
    }
    for name, use in uses.items():
        try:
            module = importlib.import_module(name)
        except Exception:  # `imports` has said why
            continue
        try:
            use(module)
        except AttributeError:  # it is not whole, of which other checks speak
            continue
        except Exception as error:
            yield (
                HINDERS,
                f"{name} does not work with NumPy {np.__version__} ({_why(error)}); install a "
                'newer one, or python -m pip install "numpy<2"',
            )
        else:
            yield OK, f"{name} works with NumPy {np.__version__}"


def devices() -> Iterator[Finding]:
    """What torch can compute on."""
    try:
        import torch
    except Exception:  # `imports` has said why
        return
    yield OK, f"CPU: {os.cpu_count()} cores, {torch.get_num_threads()} threads of torch"
    from hrpose.processes.device import gain_of_bf16, has_bf16

    if has_bf16():
        yield (
            OK,
            f"CPU: has bf16, in which a convolution is {gain_of_bf16():.1f} times as fast as in "
            "fp32 now: hrpose predict --amp, or runner.precision='amp' for a test",
        )
    if busy := crowded():
        waits = {name: os.environ[name] for name in WAITING if name in os.environ}
        told = ", ".join(f"{name}={value}" for name, value in waits.items()) or "nothing set"
        yield OK, f"{busy}; how OpenMP's threads wait: {told}"
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(number)
            yield OK, f"GPU {number}: {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB"
    elif torch.backends.mps.is_available():
        yield OK, "GPU: Apple's, over MPS"
    elif shutil.which("nvidia-smi"):
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for CPU"
        yield (
            WARNING,
            f"no GPU: this machine has an NVIDIA driver, but torch ({build}) sees no GPU; "
            "see https://pytorch.org/get-started/locally for the build that fits the driver",
        )
    else:
        yield OK, "no GPU: training on a CPU is for small models"


def places() -> Iterator[Finding]:
    """Shared memory, through which loader workers send batches, and the cache folder."""
    if SHARED_MEMORY.is_dir():
        size = shutil.disk_usage(SHARED_MEMORY)
        text = f"{SHARED_MEMORY}: {size.total / 2**30:.2f} GiB, {size.free / 2**30:.2f} free"
        more = "; loader workers need more: docker run --shm-size=8g, or data.workers=0"
        yield (OK, text) if size.free >= ROOMY else (WARNING, text + more)
    from hrpose.storage.own_files import cache_folder, own_folder

    folder = cache_folder()
    try:
        own_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        yield (
            WARNING,
            f"cache folder {folder}: cannot be written ({error.strerror}), so nothing is kept and "
            "no checkpoint can be fetched; set HRPOSE_CACHE",
        )
    else:
        yield OK, f"cache folder {folder}: {free / 2**30:.1f} GiB free"


def extras() -> Iterator[Finding]:
    """Which optional packages are there, and how to get the others; these never hinder."""
    for extra, modules in EXTRAS.items():
        absent, broken = [], []
        for module in modules:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError:
                absent.append(module)
            except Exception as error:
                broken.append(f"{module} cannot be imported ({_why(error)})")
        if broken:
            yield WARNING, f"extra {extra}: {', '.join(broken)}; {install(extra)}"
        elif absent:
            yield OK, f"extra {extra}: without {', '.join(absent)}; {install(extra)}"
        else:
            yield OK, f"extra {extra}: {', '.join(modules)}"


def _why(error: Exception) -> str:
    """An error in a line."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0]}"


def _hint(module: str, error: Exception) -> str:
    """What helps where an import fails for a reason that many have."""
    if module == "cv2" and "libGL" in str(error):
        return "; apt-get install libgl1, or opencv-python-headless<5 in place of opencv-python"
    if "numpy" in str(error).lower():
        return '; it was built for another NumPy: reinstall it, or pip install "numpy<2"'
    return ""
