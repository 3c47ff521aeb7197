"""hrpose beside DeepLabCut 3.0.2, from image and box to px of the image."""

import numpy as np
import pytest
from proofs import superanimal


@pytest.mark.parametrize(
    ("case", "count"), [("quadruped", 117), ("topviewmouse", 54), ("plain_locref", 8)]
)
def test_points_and_scores_are_deeplabcut_s(data_dir, tmp_path, case, count):
    snapshot = tmp_path / "snapshot.pt"
    superanimal.write_snapshot(snapshot, case, "B")  # scores between 0 and 1
    rows = superanimal.compare(case, "B", superanimal.page_of(case), snapshot, data_dir)
    assert len(rows) == count
    assert np.abs(rows[:, :2]).max() < 1e-3
    assert np.abs(rows[:, 2]).max() < 1e-4
    if case == "topviewmouse":
        page = superanimal.in_our_convention(superanimal.page_of(case), crop=False)
        rows = superanimal.compare(case, "B", page, snapshot, data_dir, positive=True)
        cells = rows[:, :2] / rows[:, 3:]
        assert np.abs(np.median(cells, axis=0) + 2).max() < 0.1
        assert cells.max() < 0
