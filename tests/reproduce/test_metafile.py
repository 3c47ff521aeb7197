"""The metafile says what was published, and the two tables say what the metafile says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from stand_in import METAFILE, ROOT

from hrpose import config
from hrpose.errors import RunError
from hrpose.reproduce.compare import as_published
from hrpose.reproduce.metafile import choose, read_metafile

TABLES = {"README.md": "configs/animal/hrnet/", "configs/animal/hrnet/README.md": ""}
ORIGIN = "https://download.openmmlab.com/mmpose/animal/hrnet"
METRICS = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "PCK@0.05")


@pytest.fixture(scope="module")
def published(golden) -> dict[str, Any]:
    return json.loads((golden / "table.json").read_text())


@pytest.fixture(scope="module")
def more(golden) -> dict[str, Any]:
    return json.loads((golden / "recipes_more.json").read_text())["published"]


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
    assert len(rows) == 21
    expected = {
        Path(row["page"]).stem: {
            "page": TABLES[file] + row["page"],
            "paper": {name: as_published(value) for name, value in row["paper"].items()},
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


def test_the_metafile_is_what_was_published(published, more):
    rows = read_metafile(METAFILE)
    ten, eleven = rows[:10], rows[10:]
    assert {row.name: row.checkpoint for row in ten} == published["checkpoints"]
    assert {row.name: row.paper for row in ten} == published["table"]
    example = re.search(r"https://\S+\.json", published["logs"])[0]
    assert rows[0].log == example
    assert [row.name for row in eleven] == list(more)
    for row in eleven:
        facts = more[row.name]
        assert row.checkpoint == facts["checkpoint"]
        assert row.paper == {name: facts[name] for name in METRICS if name in facts}


def test_logs_lie_beside_the_checkpoints():
    for row in read_metafile(METAFILE):
        folder, _, file = row.checkpoint.rpartition("/")
        stem, date = re.fullmatch(r"(.+)-[0-9a-f]{8}_(\d{8})\.pth", file).groups()
        if row.data.folder == "ak":  # a release later
            assert row.log == row.checkpoint.replace(".pth", ".json")
            assert stem.startswith("td-hm_hrnet-w32_8xb32-300e_animalkingdom_P")
            assert stem.partition("animalkingdom_")[2][:-8] == row.name.split("kingdom_")[1][:-8]
            continue
        assert folder == ORIGIN and stem == row.name.replace("-", "_")
        with_hash = row.data.folder == "ap10k"
        assert row.log == (
            row.checkpoint.replace(".pth", ".log.json")
            if with_hash
            else f"{ORIGIN}/{stem}_{date}.log.json"
        )


def test_the_pages_measure_what_is_compared_and_read_the_data_described():
    for row in read_metafile(METAFILE):
        page = config.load(row.page)
        kinds = {metric["type"] for metric in page["metrics"]}
        of_distances = {"PCK", "NME"} if "NME" in row.paper else {"PCK", "AUC"}
        assert kinds >= ({"CocoAP"} if "AP" in row.paper else of_distances)
        dataset = "animalkingdom" if row.data.folder == "ak" else row.data.folder
        assert page["keypoints"]["dataset"] == dataset
        assert page["data"]["root"] == f"data/{row.data.folder}"
        folders = {part.into for part in row.data.downloads}
        for split in ("train", "test"):
            data = page["data"][split]
            assert Path(data["ann_file"]).parts[0] in folders
            assert data["img_root"] in folders or row.data.folder in ("horse10", "animalpose")


def test_the_addresses_of_the_data_are_those_of_the_readme():
    text = (ROOT / "README.md").read_text()
    links = {
        url for row in read_metafile(METAFILE) for url in (part.url for part in row.data.downloads)
    }
    assert len(links) == 11
    assert [url for url in links if f"]({url})" not in text] == []


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
