"""Parts of a data set: videos stay whole, and the same images come out on every machine."""

from pathlib import Path

import pytest

from hrpose.convert.label_set import LabelledImage, LabelSet
from hrpose.convert.split import shares_of, split
from hrpose.errors import DataError, RunError

SHARES = [0.8, 0.1, 0.1]


def images(counts: dict[str, int]) -> LabelSet:
    """Of videos with so many images each."""
    found = [
        LabelledImage(f"{video}/img{number}.png", Path(), (8, 8), video)
        for video, count in counts.items()
        for number in range(count)
    ]
    return LabelSet([], found, [])


def test_videos_stay_whole_and_no_part_is_empty():
    labels = images({f"v{k}": 10 + k for k in range(10)})  # 145 images
    parts, told = split(labels, SHARES, "video", 0)
    assert sorted(k for places in parts.values() for k in places) == list(range(145))
    where = {name: {labels.images[k].group for k in places} for name, places in parts.items()}
    assert sum(map(len, where.values())) == len(set().union(*where.values())) == 10
    assert all(where.values())
    assert abs(len(parts["train"]) - 116) <= 19  # .8 of 145, within one video
    assert "10 videos" in told[0]


def test_three_videos_give_one_to_each_part():
    parts, _ = split(images({"a": 90, "b": 5, "c": 5}), SHARES, "video", 3)
    assert all(len(places) in (5, 90) for places in parts.values())


def test_the_seed_alone_decides():
    labels = images({f"v{k}": 5 for k in range(20)})
    first = [split(labels, SHARES, "video", seed)[0] for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_one_video_is_cut_in_blocks_with_a_gap_and_a_warning():
    labels = images({"v": 200})
    labels.images.reverse()  # blocks go by names, in natural order, whatever the order of the file
    parts, [note] = split(labels, SHARES, "video", 0)
    numbers = {
        name: sorted(int(labels.images[k].name[5:-4]) for k in places)
        for name, places in parts.items()
    }
    # 1% of 200 is 2 at each of two cuts; .8 of the other 196 is 156.8, .9 is 176.4
    assert numbers["train"] == list(range(157))
    assert numbers["val"] == list(range(159, 178))
    assert numbers["test"] == list(range(180, 200))
    assert note.startswith("WARNING: all images are of one video") and "4 images left out" in note


def test_each_of_two_videos_is_cut():
    parts, _ = split(images({"a": 50, "b": 50}), SHARES, "video", 0)
    for places in parts.values():
        assert {place // 50 for place in places} == {0, 1}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_images_go_to_train_first(count):
    parts, [note] = split(images({"v": count}), SHARES, "video", 0)
    sizes = [len(parts[name]) for name in ("train", "val", "test")]
    assert sizes == sorted(sizes, reverse=True) and min(count, 3) == sum(map(bool, sizes))
    said = {1: "too few images for val and test:", 2: "too few images for test:"}
    assert said.get(count, "no gap" if count < 5 else "2 images left out") in note


def test_by_image_and_by_pattern():
    labels = images({"cow1_am": 4, "cow1_pm": 4, "cow2_am": 4, "cow3_am": 4})
    parts, _ = split(labels, [0.5, 0.5], "image", 0)
    assert [len(places) for places in parts.values()] == [8, 8]
    parts, _ = split(labels, SHARES, r"^(cow\d)", 0)
    cows = [{labels.images[k].name[:4] for k in places} for places in parts.values()]
    assert sorted(map(sorted, cows)) == [["cow1"], ["cow2"], ["cow3"]]
    with pytest.raises(DataError, match=r"fits no part of the image name 'cow1_am/img0\.png'"):
        split(labels, SHARES, r"pig\d", 0)
    with pytest.raises(RunError, match="expected video, image or a regular expression"):
        split(labels, SHARES, "(", 0)


def test_parts_of_the_original_stay_unless_shares_are_given():
    labels = images({"v": 10})
    labels.split = {"train": [0, 1], "val-2": [1, 5]}
    assert split(labels, None, "video", 0)[0] == {"train": [0, 1], "val-2": [1, 5]}
    assert split(labels, [1.0], "video", 0)[0] == {"train": list(range(10))}


@pytest.mark.parametrize("text", ["0.8/0.1", "a/b", "1/0", ".25/.25/.25/.25", ""])
def test_shares_that_make_no_sense(text):
    with pytest.raises(ValueError):
        shares_of(text)


def test_shares():
    assert shares_of(".8/.1/.1") == SHARES and shares_of("1") == [1.0]
