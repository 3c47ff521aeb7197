import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("HRPOSE_EXAMPLES")
# each run draws the same few cases; HRPOSE_EXAMPLES=1000 draws as many new ones for each property
settings.register_profile(
    "hrpose",
    max_examples=int(EXAMPLES or 25),
    derandomize=EXAMPLES is None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hrpose")

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "tests" / "pages" / "tiny.py"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> None:
    """What tests keep does not go into the user's cache folder."""
    os.environ["HRPOSE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers measured on MMPose, copied from the reference set (tests/golden/README.md)."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data named by HRPOSE_DATA; tests that want it are skipped without."""
    folder = os.environ.get("HRPOSE_DATA")
    if not folder:
        pytest.skip("real data: set HRPOSE_DATA to the folder that holds it")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"HRPOSE_DATA={folder} is not a folder")
    return path


@pytest.fixture(scope="session")
def tiny():
    """The tiny page, with the given changes."""
    from hrpose import config

    return lambda *changes: config.load(TINY, changes)
