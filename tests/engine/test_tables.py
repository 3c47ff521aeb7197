from hrpose.engine.tables import keypoint_table, metric_table
from hrpose.metrics.score import Report


def report(**parts):
    return Report(predictions=None, **parts)


def test_numbers_intervals_and_shared_notes():
    shown = metric_table(
        report(
            values={"PCK@0.3": 0.5, "strict/NME": None, "EPE": 3.25},
            intervals={"PCK@0.3": (0.25, 0.75), "strict/NME": None},
            notes=[
                "PCK@0.3: by: the box",
                "EPE: in px",
                "NME: by: the box",
            ],
        )
    )
    assert shown.splitlines() == [
        "  PCK@0.3     0.5000  (0.2500 to 0.7500)",
        "  strict/NME  does not exist",
        "  EPE         3.2500",
        "  note: by: the box [PCK@0.3, NME]",
        "  note: in px [EPE]",
    ]


def test_keypoints_in_blocks_that_fit_a_screen():
    names = [f"a-variant-with-a-long-name/PCK@0.{number}" for number in range(5)]
    table = keypoint_table(
        report(per_keypoint={name: {"nose": 0.5, "left eye": None} for name in names})
    )
    lines = table.splitlines()
    assert len(lines) == 9 and max(map(len, lines)) <= 100
    assert [name for line in lines[::3] for name in line.split()] == names
    assert lines[1].split() == ["nose", "0.5000", "0.5000"]
    assert lines[8].split() == ["left", "eye", "-"]
    assert keypoint_table(report()) == ""
