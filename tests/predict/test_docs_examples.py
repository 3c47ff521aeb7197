"""What docs/predict.md shows can be run."""

import re
import runpy
from pathlib import Path

import pytest
from pictures import write_picture, write_video

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "pages" / "tiny.py"


@pytest.mark.parametrize("number", [0, 1])
def test_the_python_of_the_page_runs(number, predict, checkpoint, tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "predict.md").read_text(), re.S)
    assert len(blocks) == 2
    if number == 0:
        pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "picture.png")
    video = write_video(tmp_path / "cage.avi", 5)
    assert predict(video, "--out", "tables") == 0
    code = blocks[number].replace('"CONFIG"', repr(str(TINY)))
    code = code.replace('"CHECKPOINT"', repr(str(checkpoint))).replace('"nose"', '"Nose"')
    (tmp_path / "example.py").write_text(code)
    names = runpy.run_path(str(tmp_path / "example.py"))
    if number == 0:
        assert len(names["speed"]) == 5
    else:
        assert names["frame"] == 4
