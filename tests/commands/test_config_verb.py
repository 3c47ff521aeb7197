"""`hrpose config`: a page of one's own."""

import os
import subprocess
import sys

import pytest

from hrpose import config
from hrpose.cli import main
from hrpose.config.pages import find_page, shipped_pages

NAME = "hrnet_w32_horse10_256x256-split1"


@pytest.fixture
def printed(monkeypatch, capsys):
    def do(*words):
        monkeypatch.setattr(sys, "argv", ["hrpose", "config", *map(str, words)])
        try:
            main()
        except SystemExit as end:
            return end.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return do


@pytest.mark.parametrize("page", shipped_pages(), ids=lambda page: page.stem)
def test_what_is_printed_needs_no_other_page_and_loads_back_equal(printed, tmp_path, page):
    status, out, errors = printed(page.stem, "--no-check")
    assert (status, errors) == (0, "")
    mine = tmp_path / "my.py"
    mine.write_text(out, encoding="utf-8")
    assert "_base_" not in out and str(page.parent) not in out
    assert config.load(mine) == config.load(page)


def test_the_page_is_checked_unless_it_shall_not_be(printed):
    wrong = ("--cfg-options", "codec.heatmap_size=(17, 16)")
    status, out, errors = printed(NAME, *wrong)
    assert (status, out) == (2, "") and "ConfigError: " in errors
    status, out, _ = printed(NAME, "--no-check", *wrong)
    assert status == 0 and "heatmap_size=(17, 16)" in out


def test_out_writes_the_page(printed, tmp_path):
    mine = tmp_path / "mine.py"
    assert printed(NAME, "--out", mine) == (0, "", "")
    assert config.load(mine) == config.load(find_page(NAME))
    status, _, errors = printed(NAME, "--no-check", "--out", tmp_path / "no/such/folder.py")
    assert status == 2 and "folder.py: cannot be written: No such file or directory" in errors


def test_a_page_redirected_in_another_encoding_loads_back_equal(tmp_path):
    changes = ["data.root=/données/馬 \\ 🐎"]
    done = subprocess.run(
        [sys.executable, "-m", "hrpose", "config", NAME, "--no-check", "--cfg-options", *changes],
        capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    (tmp_path / "mine.py").write_bytes(done.stdout)
    mine = config.load(tmp_path / "mine.py")
    assert mine["data"]["root"] == "/données/馬 \\ 🐎"
    assert mine == config.load(find_page(NAME), changes)
