"""Starting from a trained model with other keypoints."""

import json

import pytest
import torch
from tiny import model, save

from hrpose.errors import CheckpointError, ConfigError
from hrpose.models.channels import TrainedModel
from hrpose.models.weights import load_weights
from hrpose.own_page.meanings import same_meanings
from hrpose.own_page.said import lines_of
from hrpose.own_page.start import read_start

HEAD = "keypoint_head.final_layer"
KEY = "backbone.stage2.0.branches.0.0.conv1.weight"


def test_heatmaps_of_equal_names_are_kept_and_the_rest_starts_anew(tmp_path):
    trained = model(keypoints=3, seed=1).state_dict()
    path = save({"state_dict": trained}, tmp_path / "x.pth")
    target = model(keypoints=4, seed=2)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    start = TrainedModel(str(path), ["Left_Ear", "nose", "hoof"])
    names = ["nose", "tail", "earL", "hump"]
    line = load_weights(target, path, strict=False, other=(start, names))
    after = target.state_dict()
    for key in (f"{HEAD}.weight", f"{HEAD}.bias"):
        torch.testing.assert_close(after[key][0], trained[key][1], rtol=0, atol=0)
        torch.testing.assert_close(after[key][2], trained[key][0], rtol=0, atol=0)
        torch.testing.assert_close(after[key][[1, 3]], before[key][[1, 3]], rtol=0, atol=0)
    assert torch.equal(after[KEY], trained[KEY])
    assert line == (
        f"model: loaded 1,754 of 1,754 entries from {path}; 2 of 4 keypoints start from the "
        "checkpoint's (nose, earL); anew start tail, hump"
    )


def test_an_equal_name_goes_before_one_that_only_means_the_same():
    start = TrainedModel("x.pth", ["Nose", "nose", "NOSE"])
    assert start.channels(["nose", "NOSE", "noSe"]) == [1, 2, 0]
    assert start.channels(["muzzle", "Nose"]) == [None, 0]


def test_names_must_be_as_many_as_heatmaps(tmp_path):
    path = save(model(keypoints=3).state_dict(), tmp_path / "x.pth")
    start = TrainedModel(str(path), ["a", "b"])
    with pytest.raises(CheckpointError, match=r"has 3 heatmaps, but load_from\.names lists 2"):
        load_weights(model(), path, strict=False, other=(start, ["a", "b", "c"]))


def test_a_page_that_shares_no_name_is_refused(tiny):
    from hrpose.engine.experiment import prepare

    page = tiny()
    page["load_from"] = {"type": "TrainedModel", "checkpoint": "x.pth", "names": ["wing", "beak"]}
    with pytest.raises(ConfigError, match=r"load_from\.names: none of the 2 .* \(wing, beak\)"):
        prepare(page)
    page["load_from"]["names"] = ["wing", "Nose"]
    prepare(page)
    page["load_from"] = {"type": "TrainedModel", "checkpoint": "x.pth", "name": []}
    with pytest.raises(ConfigError, match="unexpected key 'name'; did you mean 'names'"):
        prepare(page)


def checkpoint(folder, names, width=32, page=True):
    state = {KEY: torch.zeros(width, width, 3, 3), f"{HEAD}.bias": torch.zeros(len(names))}
    meta = {"page": json.dumps({"keypoints": {"names": names}})} if page else {}
    return str(save({"state_dict": state, "meta": meta}, folder / "x.pth"))


def test_a_checkpoint_that_carries_its_page_is_enough(tmp_path):
    path = checkpoint(tmp_path, ["nose", "beak"], width=48)
    start = read_start([path], ["nose", "tail"])
    assert (start.model.names, start.width) == (["nose", "beak"], 48)
    with pytest.raises(ConfigError, match=r"--from: none of the 2 keypoints.*\(nose, beak\)"):
        read_start([path], ["tail"])


def test_any_other_needs_its_page(tmp_path):
    path = checkpoint(tmp_path, ["mouth", "eye"], page=False)
    with pytest.raises(CheckpointError, match=r"does not carry its page.*--from PAGE CKPT"):
        read_start([path], ["eye"])
    start = read_start(["hrnet_w32_livestock_256x256", path], ["Eye", "trunk"])
    assert start.model.channels(["Eye", "trunk"]) == [1, None]


def test_only_networks_that_init_writes_pages_for(tmp_path):
    path = checkpoint(tmp_path, ["nose"], width=18)
    with pytest.raises(CheckpointError, match=r"no HRNet-W32 or W48.*18 channels"):
        read_start([path], ["nose"])


def test_init_writes_it_and_takes_over_the_width(herd, tmp_path):
    path = checkpoint(tmp_path, ["Nose", "ear_left"], width=48)
    content, _, page = herd.init(herd.write("a"), start=[path])
    assert page["load_from"] == {
        "type": "TrainedModel", "checkpoint": path, "names": ["Nose", "ear_left"], "same": [],
    }  # fmt: skip
    assert page["model"]["backbone"]["width"] == 48 and "pretrained" not in page
    assert content.plan.rate == 2e-4
    with pytest.raises(ConfigError, match="--size w32: the trained model is W48"):
        herd.init(herd.folder / "a.json", start=[path], width=32, overwrite=True)


def test_a_pair_goes_before_an_equal_name(tmp_path):
    start = TrainedModel("x.pth", ["nose", "eye", "mouth"], same=[("nose", "mouth"), ("x", "eye")])
    assert start.channels(["nose", "x", "tail"]) == [2, 1, None]
    assert "'x' of the pair ('x', 'eye') in `same` is no key" in start.problem_with(["nose"])
    for same, words in ((["xy"], "must be a pair"), ([("nose", "beak")], "'beak' of the pair")):
        with pytest.raises(ValueError, match=f"same: .*{words}"):
            TrainedModel("x.pth", ["nose"], same)


def test_names_that_mean_the_same():
    theirs = [
        "nose",
        "tail_base",
        "front_left_paw",
        "back_right_paw",
        "left_earend",
        "belly_bottom",
    ]
    ours = ["Snout", "tailbase", "L_F_Paw", "right_hind_foot", "eartip_right", "left ear tip", "x"]
    assert same_meanings(ours, theirs) == [
        ("Snout", "nose"),
        ("L_F_Paw", "front_left_paw"),
        ("right_hind_foot", "back_right_paw"),
        ("left ear tip", "left_earend"),
    ]
    assert same_meanings(["snout", "tip of nose"], theirs) == [("snout", "nose")]  # once
    assert same_meanings(["nose", "snout"], theirs) == []  # is another one's already


def test_every_word_of_the_table_is_as_names_are_compared():
    from hrpose.own_page.meanings import _ALIKE
    from hrpose.sides import normalised

    words = [word for words in _ALIKE for word in words]
    assert len(words) == len(set(words)) > 50
    assert [word for word in words if normalised(word) != f"{word}|"] == []


def test_init_starts_from_a_snapshot_of_superanimal(herd, tmp_path):
    herd.category["keypoints"] = ["snout", "left_eye", "right_eye", "rump"]
    path = tmp_path / "superanimal_quadruped_hrnet_w32.pt"
    state = {
        KEY.replace("backbone.", "backbone.model."): torch.zeros(32, 32, 3, 3),
        "heads.bodypart.heatmap_head.deconv_layers.0.bias": torch.zeros(39),
    }
    save({"model": state, "metadata": {"epoch": 1, "metrics": {}, "losses": {}}}, path)
    start = ["superanimal_quadruped", str(path)]
    content, sides, page = herd.init(herd.write("a"), start=start)
    assert page["load_from"]["same"] == [("snout", "nose")]
    assert len(page["load_from"]["names"]) == 39
    assert page["model"]["backbone"]["width"] == 32
    assert lines_of(content, sides)[-2:] == [
        "3 of 4 keypoints start from the checkpoint's (snout, left_eye, right_eye); anew start "
        "rump",
        "by meaning: snout from nose; correct it in load_from.same",
    ]
