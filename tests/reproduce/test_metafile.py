"""The metafile says what was published, and the two tables say what the metafile says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from stand_in import METAFILE, ROOT

from hrpose import config
from hrpose.errors import RunError
from hrpose.reproduce.metafile import choose, read_metafile

TABLES = {"README.md": "configs/animal/hrnet/", "configs/animal/hrnet/README.md": ""}
ORIGIN = "https://download.openmmlab.com/mmpose/animal/hrnet"


@pytest.fixture(scope="module")
def published(golden) -> dict[str, Any]:
    return json.loads((golden / "table.json").read_text())


def table(text: str) -> dict[str, dict[str, Any]]:
    """The rows of all tables in a page whose last column is 'published weights', by name."""
    rows: dict[str, dict[str, Any]] = {}
    metrics: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[-1] == "published weights":
            metrics = cells[1:-1]
        elif not line.startswith("|"):
            metrics = []
        elif metrics and not cells[0].startswith("---"):
            name, page = re.fullmatch(r"\[(.*)\]\((.*)\)", cells[0]).groups()
            links = re.fullmatch(r"\[ckpt\]\((.*)\) \[log\]\((.*)\)", cells[-1]).groups()
            assert name not in rows
            rows[name] = {
                "page": page,
                "paper": dict(zip(metrics, cells[1:-1], strict=True)),
                "checkpoint": links[0],
                "log": links[1],
            }
    return rows


@pytest.mark.parametrize("file", TABLES)
def test_the_tables_are_those_of_the_metafile(file):
    rows = json.loads(METAFILE.read_text())["rows"]
    assert len(rows) == 10
    expected = {
        Path(row["page"]).stem: {
            "page": TABLES[file] + row["page"],
            "paper": {name: f"{value:.3f}" for name, value in row["paper"].items()},
            "checkpoint": row["checkpoint"],
            "log": row["log"],
        }
        for row in rows
    }
    shown = table((ROOT / file).read_text())
    assert shown == expected
    for row in shown.values():
        assert ((ROOT / file).parent / row["page"]).is_file()


def test_a_wrong_number_or_link_in_a_table_is_seen():
    text = (ROOT / "README.md").read_text()
    right = table(text)
    assert table(text.replace("| 0.951 |", "| 0.952 |", 1)) != right
    assert table(text.replace("3c950d3b", "3c950d3c", 1)) != right
    assert table(text.replace("split3_20210405.log", "split2_20210405.log", 1)) != right


def test_the_metafile_is_what_was_published(published):
    rows = read_metafile(METAFILE)
    assert {row.name: row.checkpoint for row in rows} == published["checkpoints"]
    assert {row.name: row.paper for row in rows} == published["table"]
    example = re.search(r"https://\S+\.json", published["logs"])[0]
    assert rows[0].log == example
    for row in rows:
        stem = row.name.replace("-", "_")
        date = re.fullmatch(rf"{ORIGIN}/{stem}-[0-9a-f]{{8}}_(\d{{8}})\.pth", row.checkpoint)[1]
        assert row.log == f"{ORIGIN}/{stem}_{date}.log.json"


def test_the_pages_measure_what_is_compared_and_read_the_data_described():
    for row in read_metafile(METAFILE):
        page = config.load(row.page)
        kinds = {metric["type"] for metric in page["metrics"]}
        assert kinds >= ({"PCK", "NME"} if "NME" in row.paper else {"CocoAP"})
        assert page["keypoints"]["dataset"] == row.data.folder
        assert page["data"]["root"] == f"data/{row.data.folder}"
        folders = {part.into for part in row.data.downloads}
        for split in ("train", "test"):
            data = page["data"][split]
            assert str(Path(data["ann_file"]).parent) in folders
            assert data["img_root"] in folders or row.data.folder == "horse10"


def test_the_addresses_of_the_data_are_those_of_the_readme():
    text = (ROOT / "README.md").read_text()
    links = {
        url for row in read_metafile(METAFILE) for url in (part.url for part in row.data.downloads)
    }
    assert len(links) == 7
    assert all(f"]({url})" in text for url in links)


def test_rows_are_chosen_by_name_or_pattern():
    rows = read_metafile(METAFILE)
    assert choose(rows, []) == rows
    names = [row.name for row in choose(rows, ["*atrw*", "hrnet_w32_horse10_256x256-split2"])]
    assert names == [
        "hrnet_w32_horse10_256x256-split2",
        "hrnet_w32_atrw_256x256",
        "hrnet_w48_atrw_256x256",
    ]
    with pytest.raises(RunError, match="did you mean 'hrnet_w32_atrw_256x256'") as caught:
        choose(rows, ["hrnet_w32_atwr_256x256"])
    assert all(row.name in str(caught.value) for row in rows)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content["rows"].append(content["rows"][0]), "two rows are called"),
        (lambda content: content["rows"][0].pop("log"), "'log' is missing"),
        (lambda content: content["rows"][0].update(dataset="zebra"), "'zebra' is missing or"),
        (lambda content: content["rows"][0]["paper"].update(NME="low"), "could not convert"),
        (lambda content: content.update(rows=3), "not a metafile"),
    ],
)
def test_a_wrong_metafile_is_named(tmp_path, change, words):
    content = json.loads(METAFILE.read_text())
    change(content)
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=rf"table\.json: .*{words}"):
        read_metafile(path)


def test_a_missing_metafile_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none\.json: no metafile"):
        read_metafile(tmp_path / "none.json")
