"""setup.py against requirements.txt and what the package says about extras."""

import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from hrpose import __version__, environment

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def setup():
    """What setup.py hands to setuptools."""
    given = {}
    fake = ModuleType("setuptools")
    fake.setup = lambda **options: given.update(options)
    fake.find_packages = lambda include: ["hrpose"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "setuptools", fake)
        runpy.run_path(str(ROOT / "setup.py"))
    return given


def requirements():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines]


def specifiers(wanted, name, python):
    """The versions of `name` that the list `wanted` allows on a Python."""
    environment = {"python_version": python, "extra": ""}
    there = [
        r for r in wanted if r.name == name and (not r.marker or r.marker.evaluate(environment))
    ]
    return {str(part) for requirement in there for part in requirement.specifier}


def test_the_two_lists_name_the_same_packages(setup):
    """requirements.txt: what users need, and the referees of our AP."""
    ours = [Requirement(r) for r in setup["install_requires"] + setup["extras_require"]["coco"]]
    assert {r.name for r in ours} == {r.name for r in requirements()}
    for python in ("3.10", "3.11", "3.12", "3.13"):
        for name in {r.name for r in ours}:
            assert specifiers(ours, name, python) == specifiers(requirements(), name, python), name


def test_users_may_have_numpy_1_and_2_and_tests_bring_the_referees(setup):
    needed = [Requirement(r) for r in setup["install_requires"]]
    tested = needed + [Requirement(r) for r in setup["extras_require"]["test"]]
    assert specifiers(needed, "numpy", "3.11") == specifiers(tested, "numpy", "3.13") == {">=1.26"}
    assert specifiers(tested, "numpy", "3.11") == {">=1.26", "<2"}
    assert {"xtcocotools", "pycocotools", "pytest"} <= {r.name for r in tested}
    assert "xtcocotools" not in {r.name for r in needed}


def test_extras_are_those_that_the_package_asks_for(setup):
    """A module's name may differ from its distribution's only in - and _."""
    extras = setup["extras_require"]
    assert set(extras) == {*environment.EXTRAS, "all", "test", "dev"}
    for extra, modules in environment.EXTRAS.items():
        wanted = [Requirement(r) for r in extras[extra]]
        names = {r.name.replace("-", "_") for r in wanted if not r.marker or r.marker.evaluate()}
        assert names - {"numpy"} == set(modules)
        assert set(extras[extra]) <= set(extras["all"])


def test_the_command_and_the_pages_are_installed(setup):
    assert setup["version"] == __version__
    assert setup["entry_points"] == {"console_scripts": ["hrpose = hrpose.cli:main"]}
    assert setup["package_dir"] == {"hrpose.pages": "configs"}
    assert "hrpose.pages" in setup["packages"]
    shipped = {path.suffix for path in (ROOT / "configs").rglob("*") if path.is_file()}
    assert {f"**/*{suffix}" for suffix in shipped - {".pyc"}} == set(
        setup["package_data"]["hrpose.pages"]
    )
