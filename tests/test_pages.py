"""Which file CONFIG means."""

import re
import shutil
from pathlib import Path

import pytest

from hrpose.config import load, pages
from hrpose.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
SPLIT1 = ROOT / "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py"


def test_every_page_under_animal_is_shipped_and_no_base():
    shipped = pages.shipped_pages()
    assert shipped == sorted((ROOT / "configs/animal").rglob("*.py"))
    assert len(shipped) == len({page.stem for page in shipped}) >= 16


def test_a_path_is_taken_as_it_is(tmp_path, monkeypatch):
    assert pages.find_page(SPLIT1) == SPLIT1
    mine = tmp_path / SPLIT1.stem
    mine.touch()  # a file goes before the page of that name; `load` says what is wrong with it
    monkeypatch.chdir(tmp_path)
    assert pages.find_page(SPLIT1.stem) == Path(SPLIT1.stem)


def test_a_name_means_the_shipped_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / SPLIT1.stem).mkdir()  # a folder, as of a run, is no page
    assert pages.find_page(SPLIT1.stem) == SPLIT1


@pytest.mark.parametrize(
    ("config", "meant"),
    [
        ("hrnet_w32_horse10_256x256_split1", SPLIT1.stem),
        ("hrnet_w32_macaque", "hrnet_w32_macaque_256x192"),
        (f"configs/nowhere/{SPLIT1.name}", SPLIT1.stem),
        (str(SPLIT1.with_name("hrnet_w48_horse10_256x256-split9.py")), "hrnet_w48_horse10_256x256"),
    ],
)
def test_a_wrong_name_says_what_is_near_and_where_it_looked(config, meant):
    places = f"{re.escape(str(Path(config).absolute()))}, .* pages in {ROOT / 'configs'} "
    with pytest.raises(ConfigError, match=f"no such config page.*{places}.*mean '{meant}"):
        pages.find_page(config)


def test_a_name_of_two_pages_is_ambiguous(tmp_path, monkeypatch):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").touch()
    monkeypatch.setattr(pages, "pages_folder", lambda: tmp_path)
    with pytest.raises(
        ConfigError, match=r"same: 2 pages have this name, .*a.same\.py and .*b.sam"
    ):
        pages.find_page("same")


def test_the_wheel_has_its_pages_inside_the_package(tmp_path, monkeypatch):
    """Beside nothing else: as installed, without a checkout."""
    shutil.copytree(ROOT / "configs", tmp_path / "hrpose/pages")
    monkeypatch.setattr(pages, "__file__", str(tmp_path / "hrpose/config/pages.py"))
    assert pages.pages_folder() == tmp_path / "hrpose/pages"
    found = pages.find_page(SPLIT1.stem)
    assert found.is_relative_to(tmp_path)
    assert load(found) == load(SPLIT1)
