import pytest
import torch

from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path, None, "AP", RunLog(None))


@pytest.fixture
def disk(monkeypatch):
    """A disk without room for files whose names hold `disk["full_for"]`."""
    save, state = checkpoint_file.save, {"full_for": "best"}

    def maybe(content, *paths):
        if state["full_for"] and state["full_for"] in paths[-1].name:
            raise OSError(28, "No space left on device")
        save(content, *paths)

    monkeypatch.setattr(checkpoint_file, "save", maybe)
    return state


def test_epochs_of_an_abandoned_branch_are_the_oldest(tmp_path):
    """A run that went on from epoch 4 by `--resume epoch_4.pth` keeps its own files."""
    keeper = Keeper(tmp_path, 2, None, RunLog(None))
    for epoch in (2, 4, 6, 8):
        (tmp_path / f"epoch_{epoch}.pth").touch()
    keeper.save({"optimizer": {}}, "", None)
    keeper.wait()
    assert len(checkpoints.epoch_files(tmp_path)) == 4, "between epochs nothing is new"
    for epoch, left in ((5, [4, 5]), (6, [5, 6]), (7, [6, 7])):
        keeper.save({"optimizer": {}}, "", epoch)
        keeper.wait()
        names = [path.name for path in checkpoints.epoch_files(tmp_path)]
        assert names == [f"epoch_{number}.pth" for number in left]


def bests(folder):
    return sorted(path.name for path in folder.glob("best_*"))


def test_the_old_best_stays_until_the_new_one_is_written(tmp_path, keeper, disk):
    (tmp_path / "best_AP_epoch_1.pth").write_bytes(b"old")
    weights = {"w": torch.ones(1)}
    keeper.save_best(weights, "best_AP_epoch_2.pth")
    keeper.save({"optimizer": {}}, "best_AP_epoch_2.pth", None)
    keeper.wait()
    assert bests(tmp_path) == ["best_AP_epoch_1.pth"]
    with pytest.raises(RunError, match="best weights could not be saved: best_AP_epoch_2"):
        keeper.finish()
    weights["w"] += 1  # the training goes on
    disk["full_for"] = ""
    keeper.save({"optimizer": {}}, "best_AP_epoch_2.pth", None)
    keeper.wait()
    assert bests(tmp_path) == ["best_AP_epoch_2.pth"]
    kept = torch.load(tmp_path / "best_AP_epoch_2.pth", weights_only=True)
    assert kept["w"] == 1
    keeper.finish()


def test_best_weights_stay_while_the_latest_checkpoint_cannot_be_written(tmp_path, keeper, disk):
    """The one on disk names them."""
    disk["full_for"] = ""
    keeper.save_best({"w": torch.ones(1)}, "best_AP_epoch_1.pth")
    keeper.save({"optimizer": {}}, "best_AP_epoch_1.pth", None)
    keeper.wait()
    disk["full_for"] = "latest"
    keeper.save_best({"w": torch.ones(1)}, "best_AP_epoch_2.pth")
    keeper.save({"optimizer": {}}, "best_AP_epoch_2.pth", None)
    keeper.wait()
    assert bests(tmp_path) == ["best_AP_epoch_1.pth", "best_AP_epoch_2.pth"]
    disk["full_for"] = ""
    keeper.save({"optimizer": {}}, "best_AP_epoch_2.pth", None)
    keeper.wait()
    assert bests(tmp_path) == ["best_AP_epoch_2.pth"]


def test_a_name_of_no_best_weights_removes_none(tmp_path, keeper, disk):
    disk["full_for"] = ""
    keeper.save_best({"w": torch.ones(1)}, "best_AP_epoch_1.pth")
    keeper.save({"optimizer": {}}, "latest.pth", None)
    keeper.wait()
    assert bests(tmp_path) == ["best_AP_epoch_1.pth"]


def test_it_is_time_after_so_many_minutes_without_a_save(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("hrpose.rundir.keeper.time.monotonic", lambda: clock[0])
    keeper = Keeper(tmp_path, None, None, RunLog(None), minutes=2)
    assert not Keeper(tmp_path, None, None, RunLog(None)).is_due(), "never by itself"
    due = []
    for clock[0] in (0, 119, 121, 240, 242):
        due.append(keeper.is_due())
        if due[-1]:
            keeper.save({"optimizer": {}}, "", None)
    assert due == [False, False, True, False, True]
    keeper.wait()


@pytest.mark.parametrize(("rank", "others"), [(0, 0), (1, 0), (1, 1)])
def test_the_first_process_decides_when_it_is_time(tmp_path, monkeypatch, rank, others):
    """All others do as it says, whatever their clocks say."""
    monkeypatch.setattr(distributed, "rank", lambda: rank)
    monkeypatch.setattr(distributed, "largest", lambda value: max(value, others))
    keeper = Keeper(tmp_path, None, None, RunLog(None), minutes=1e-9)
    assert keeper.is_due() == (rank == 0 or others == 1)
