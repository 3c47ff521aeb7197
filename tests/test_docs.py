"""What the docs name is there: files, links, verbs and their options."""

import argparse
import importlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from hrpose.cli import VERBS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])
FILE = re.compile(r"(?<![\w/.-])(?:tests|tools|hrpose|configs|docs)/[\w./-]*\w")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
COMMAND = re.compile(
    r"(?:^(?:[A-Z_]+=\S+ )*(?:python -m )?|`)hrpose ([a-z][a-z-]*)(?= |`|$)([^`\n]*)", re.MULTILINE
)
OPTION = re.compile(r"(?<![\w.'-])--[a-z][a-z0-9-]*")


@pytest.fixture(scope="module")
def there() -> set[str]:
    """Every file and folder of the repository, from its top."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no checkout of git")
    return {str(parent) for name in listed for parent in (Path(name), *Path(name).parents)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links(page, there):
    text = page.read_text(encoding="utf-8")
    named = set(FILE.findall(text))
    gone = [name for name in named if not {name, f"{name}.py", f"{name}.md"} & there]
    folder = page.parent.relative_to(ROOT)
    gone += [name for name in LINK.findall(text) if os.path.normpath(folder / name) not in there]
    assert not gone


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options that each verb takes."""
    found = {}
    for verb in VERBS:
        parser = argparse.ArgumentParser()
        module = importlib.import_module(f"hrpose.commands.{verb.replace('-', '_')}")
        module.add_arguments(parser)
        found[verb] = set(parser._option_string_actions)
    return found


def commands(text: str) -> list[tuple[str, str]]:
    """Verb, and what follows it, of each command in `text`: on its own line, or in backticks."""
    return [
        (verb, re.sub(r"\s#.*", "", rest))
        for verb, rest in COMMAND.findall(text.replace("\\\n", " "))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands(page, options):
    for verb, rest in commands(page.read_text(encoding="utf-8")):
        assert verb in options, f"hrpose {verb}"
        assert set(OPTION.findall(rest)) <= options[verb], f"hrpose {verb}{rest}"


def test_commands_are_found():
    """The test above looks at something."""
    found = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert dict(found).keys() >= set(VERBS) - {"publish"}
    assert any("--minutes" in rest for _, rest in found)
