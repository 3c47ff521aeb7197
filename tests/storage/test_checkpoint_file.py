import os

import pytest
import torch
from checkpoint_cases import meta

from hrpose.errors import CheckpointError
from hrpose.rundir import checkpoints
from hrpose.rundir.generators import generator_states
from hrpose.storage import checkpoint_file
from hrpose.storage.seal import content_digest

STATE = {"state_dict": {"w": torch.arange(6.0)}, "optimizer": {}, "meta": {"epoch": 3}}


def test_what_is_saved_is_read_back(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint_file.save(STATE, path)
    state = checkpoints.read_training(path)
    assert torch.equal(state["state_dict"]["w"], STATE["state_dict"]["w"])
    assert state["meta"] == {"epoch": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["latest.pth"], "no temporary file stays"


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.int8, torch.float64])
def test_the_digest_is_that_of_the_numbers_however_they_lie(kind):
    small = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2).to(kind)
    large = torch.arange(4 * 5 * 3 * 3).reshape(4, 5, 3, 3).to(kind)
    lying = [x.to(memory_format=torch.channels_last) for x in (small, large, small)] + [
        large.permute(3, 2, 1, 0)
    ]
    assert not any(x.is_contiguous() for x in lying)
    ordered = [x.contiguous() for x in lying]
    assert content_digest(lying) == content_digest(ordered)
    assert content_digest([large, small]) != content_digest([small, large])


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint_file.save(STATE, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"pickle|local object"):
        checkpoint_file.save({"optimizer": {}, "bad": lambda: None}, path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["latest.pth"]


def test_link_keeps_the_content_when_the_source_is_replaced(tmp_path):
    latest, numbered = tmp_path / "latest.pth", tmp_path / "epoch_1.pth"
    checkpoint_file.save(STATE, latest)
    checkpoint_file.link(latest, numbered)
    checkpoint_file.save({**STATE, "meta": {"epoch": 4}}, latest)
    assert checkpoints.read_training(numbered)["meta"] == {"epoch": 3}
    assert checkpoints.read_training(latest)["meta"] == {"epoch": 4}


def test_truncated_file_is_named(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint_file.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"latest\.pth: not a readable checkpoint"):
        checkpoints.read_training(path)


def test_weights_alone_cannot_resume(tmp_path):
    path = tmp_path / "best.pth"
    torch.save({"state_dict": STATE["state_dict"]}, path)
    with pytest.raises(CheckpointError, match="--load-from"):
        checkpoints.read_training(path)


def test_hostile_pickle_executes_nothing(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made-by-pickle"),)

    torch.save({"optimizer": Hostile()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError):
        checkpoints.read_training(tmp_path / "evil.pth")
    assert not (tmp_path / "made-by-pickle").exists()


def test_the_newest_whole_file_is_taken(tmp_path):
    said = []
    assert checkpoints.newest_whole(tmp_path, said.append) == (None, None)
    whole = {
        "state_dict": {}, "train_state_dict": None, "ema_updates": 0, "scaler": {},
        "optimizer": {"state": {}, "param_groups": []}, "losses": torch.zeros(0),
        "generators": generator_states(),
    }  # fmt: skip
    for epoch, attempt in ((2, 1), (10, 2), (9, 2), (4, 3)):  # 4: resumed from epoch_2.pth
        state = {**whole, "meta": meta(epoch=epoch, iteration=4 * epoch, attempt=attempt)}
        checkpoint_file.save(state, tmp_path / f"epoch_{epoch}.pth")
        os.utime(tmp_path / f"epoch_{epoch}.pth", (100 - epoch, 100 - epoch))  # no clock decides
    assert checkpoints.newest_whole(tmp_path, said.append)[0].name == "epoch_4.pth"
    for name in ("previous.pth", "latest.pth"):
        checkpoint_file.save(STATE, tmp_path / name)
        assert checkpoints.newest_whole(tmp_path, said.append)[0].name == name
    assert said == []


def test_a_damaged_file_is_passed_by_and_said(tmp_path):
    said = []
    for name in ("epoch_1.pth", "previous.pth", "latest.pth"):
        checkpoint_file.save(STATE, tmp_path / name)
    latest, previous = tmp_path / "latest.pth", tmp_path / "previous.pth"
    latest.write_bytes(latest.read_bytes()[:-300])
    content = bytearray(previous.read_bytes())
    place = content.index(STATE["state_dict"]["w"].numpy().tobytes())
    content[place + 5] ^= 4
    previous.write_bytes(bytes(content))
    path, state = checkpoints.newest_whole(tmp_path, said.append)
    assert path.name == "epoch_1.pth"
    assert state["meta"] == STATE["meta"]
    assert [line.split(": ")[0].rpartition("/")[2] for line in said] == [
        "latest.pth",
        "previous.pth",
    ]
    assert "not a readable checkpoint" in said[0]
    assert "the digest differs" in said[1]
    (tmp_path / "epoch_1.pth").unlink()
    with pytest.raises(CheckpointError, match="none of its checkpoints"):
        checkpoints.newest_whole(tmp_path, said.append)


def test_every_flipped_bit_is_noticed(tmp_path):
    """Anywhere in the file: reading fails, or gives exactly what was written."""
    path = tmp_path / "latest.pth"
    checkpoint_file.save(STATE, path)
    whole = path.read_bytes()
    noticed = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            state = checkpoints.read_training(path)
        except CheckpointError:
            noticed += 1
        else:
            assert torch.equal(state["state_dict"]["w"], STATE["state_dict"]["w"])
            assert state["meta"] == STATE["meta"]
    assert noticed > 20


def test_several_names_for_one_write(tmp_path):
    checkpoint_file.save(STATE, tmp_path / "epoch_3.pth", tmp_path / "latest.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch_3.pth", "latest.pth"]
    assert (tmp_path / "epoch_3.pth").samefile(tmp_path / "latest.pth")
