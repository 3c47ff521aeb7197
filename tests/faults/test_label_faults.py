"""Labels that are legal numbers and wrong."""

import argparse
import re
from pathlib import Path

import pytest
import spoilt_labels
from spoilt_labels import PAGES, write_images, write_page

from hrpose import config
from hrpose.commands import check
from hrpose.engine.train import train
from hrpose.errors import DataError

TABLE = Path(__file__).with_name("labels.md")


def seeded() -> list[list[str]]:
    """The rows of labels.md: number, fault, file, place, words."""
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[number, *(cell.strip() for cell in rest.split("|"))] for number, rest in rows]


def looked_at(page: Path, full: bool = False) -> int:
    return check.run(
        argparse.Namespace(config=str(page), cfg_options=[], splits=check.SPLITS, full=full)
    )


@pytest.mark.fault(
    name="36 faults of labels in one set of files",
    does="all that tests/faults/labels.md lists: boxes of 1 px, fractions, swapped sides, ...",
    expects="`hrpose check` names each with file, image, annotation and what to do",
)
def test_every_fault_is_found(tmp_path, monkeypatch, capsys, happened):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    status = [looked_at(write_page(tmp_path, name)) for name in PAGES]
    paragraphs = capsys.readouterr().out.split("\n\n")
    missed = []
    for number, fault, file, place, words in seeded():
        told = [text for text in paragraphs if words in text]
        wanted = [file, *re.split(r"[,;] ", place)]
        if not any(all(part in text for part in wanted) for text in told):
            missed.append(f"{number} {fault}: {told}")
    assert missed == []
    assert status == [1] * len(PAGES)
    count = len(seeded())
    assert count >= 25
    happened(f"{count} of {count} are named, each with what to do; exit status 1")


@pytest.mark.fault(
    name="sound labels under the same look",
    does="the same files before anything was done to them",
    expects="no fault, no warning and no note",
)
def test_nothing_is_made_up(tmp_path, monkeypatch, capsys, happened):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    files = [(f"{split}.json", spoilt_labels.nothing, spoilt_labels.as_json) for split in "abc"]
    monkeypatch.setitem(PAGES, "sound", files)
    assert looked_at(write_page(tmp_path, "sound"), full=True) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "no fault"
    assert not re.search("note:|warning|error", said)
    happened("no fault")


STOPPED = {"a": "tiny beside", "b": "as fractions do", "c": "outside their images", "d": "left out"}


@pytest.mark.fault(
    name="training on labels that cannot be right",
    does="boxes of 1 px; fractions; all doubled; 3 of 24 animals without a box",
    expects="refused before the first step, with file, annotation and what to do",
)
@pytest.mark.parametrize("page", STOPPED)
def test_training_is_refused(tmp_path, monkeypatch, happened, page):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    path = write_page(tmp_path, page)
    with pytest.raises(DataError, match=STOPPED[page]) as caught:
        train(config.load(path), tmp_path / "run")
    assert "->" in str(caught.value) and "annotation 1" in str(caught.value)
    happened(f"DataError: ... {STOPPED[page]} ..., with what to do")
