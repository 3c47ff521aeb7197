import numpy as np
from proofs import real_video

from hrpose.predict.tables import csv_table


def test_the_figures_of_a_table(tmp_path):
    columns = csv_table.Columns("s", ["animal"], ["a", "b"])
    rows = [[[0, 0], [5, 5]], [[0, 61], [5, 65]], [[0, 61], [5, 5]]]  # 61 and 60 px; 0 and 60
    lines = [csv_table.row(str(n), np.array([row]), np.ones((1, 2))) for n, row in enumerate(rows)]
    table = tmp_path / "film.csv"
    table.write_text(columns.header() + "".join(lines))
    assert (
        "3 frames, steps above 60 px [1, 0], of any point 1, mean likelihood 1.00"
        in real_video.steps(table, None)
    )
