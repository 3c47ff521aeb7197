import numpy as np
import pytest

from hrpose.metrics.ap.input import Animals, Detections
from hrpose.metrics.ap.matching import matchings, pair_oks

SIGMAS = np.array([0.1, 0.2])
POSE = np.array([[10.0, 10], [20, 10]])
IMAGES = np.array([4, 6])


def animals(poses, **changes):
    """All in image 4, of category 1, labelled, with an area of 100^2 px."""
    poses = np.asarray(poses, np.float64)
    count = len(poses)
    fields = {
        "labelled": np.ones((count, 2), bool),
        "boxes": np.tile([10.0, 10, 20, 10], (count, 1)),
        "areas": np.full(count, 1e4),
        "crowd": np.zeros(count, bool),
        "image_ids": np.full(count, 4),
        "category_ids": np.ones(count, np.int64),
    }
    return Animals(poses, **{**fields, **changes})


def found(poses, scores, image=4):
    poses = np.asarray(poses, np.float32)
    ones = np.ones(len(poses), np.int64)
    return Detections(poses, np.ones(poses.shape[:2]), np.array(scores), image * ones, ones)


def first_threshold(*parts):
    """Hits, misses, images and animals that count at an OKS of 0.5, for animals of all areas."""
    [[everything, _, _]] = matchings(*parts, SIGMAS, [1], IMAGES)
    return everything.hits[0], everything.misses[0], everything.places, everything.animals


def at_distance(similarity):
    """A pose with that OKS to POSE, in an animal of 10^4 px."""
    step = np.sqrt(-np.log(similarity) * 2 * 1e4) * 2 * SIGMAS
    return POSE + np.stack([step, [0, 0]], axis=1)


def test_oks_by_hand():
    truth = animals([POSE] * 3, labelled=np.array([[True, True], [True, False], [False, False]]))
    answers = found([POSE + np.array([40, 0])] * 3, [1, 1, 1])
    rows = np.arange(3)
    first, second = np.exp(-(40**2) / (2 * 1e4 * (2 * SIGMAS) ** 2))
    # without a label: thrice the box 10..30 is -10..50, the points at 50 and 60
    far = np.exp(-(10**2) / (2 * 1e4 * (2 * SIGMAS[1]) ** 2))
    result = pair_oks(truth, answers, (rows, rows), SIGMAS)
    assert result == pytest.approx([(first + second) / 2, first, (1 + far) / 2])


def test_thresholds_are_reached():
    [[everything, medium, large]] = matchings(
        animals([POSE]), found([at_distance(0.77)], [1.0]), SIGMAS, [1], IMAGES
    )
    assert everything.hits[:, 0].tolist() == [True] * 6 + [False] * 4  # 0.5 to 0.75
    assert (everything.misses == ~everything.hits).all()
    np.testing.assert_array_equal(large.hits, everything.hits)
    assert everything.animals.tolist() == large.animals.tolist() == [1, 0]
    # a large animal is not looked for among medium ones; 10 px wide, the detection is small
    assert not medium.hits.any() and not medium.misses.any() and not medium.animals.any()


def test_the_better_score_chooses_first_and_takes_the_nearest():
    near, far = at_distance(0.9), at_distance(0.6)
    truth = animals([POSE, near])
    hits, misses, places, _ = first_threshold(truth, found([far, POSE], [0.2, 0.9]))
    assert hits.tolist() == [True, True] and places.tolist() == [0, 0]
    # both want the one animal: the second by score is a false alarm, though it is nearer
    hits, misses, _, _ = first_threshold(animals([POSE]), found([POSE, near], [0.2, 0.9]))
    assert hits.tolist() == [True, False] and misses.tolist() == [False, True]


def test_what_counts_goes_before_what_does_not():
    crowd = np.array([True, False])
    truth = animals([POSE, at_distance(0.6)], crowd=crowd)
    hits, misses, _, counted = first_threshold(truth, found([POSE, POSE, POSE], [0.9, 0.8, 0.7]))
    # the first takes the animal, for all that the crowd is nearer; the crowd takes the rest
    assert hits.tolist() == [True, False, False]
    assert misses.tolist() == [False, False, False]
    assert counted.tolist() == [1, 0]
    # an animal without a label is no crowd: it is found once
    truth = animals([POSE, POSE], labelled=np.array([[False, False], [True, True]]))
    hits, misses, _, _ = first_threshold(truth, found([POSE, POSE, POSE], [0.9, 0.8, 0.7]))
    assert hits.tolist() == [True, False, False] and misses.tolist() == [False, False, True]


def test_animals_that_do_not_count_are_not_in_the_way():
    truth = animals([POSE, POSE], areas=np.array([2000.0, 1e4]))
    [[_, medium, large]] = matchings(truth, found([POSE], [1.0]), SIGMAS, [1], IMAGES)
    assert medium.hits.all() and large.hits.all()  # of each range the one that counts
    same = animals([POSE, POSE], areas=np.array([1e4, 1e4]))
    [[everything, _, _]] = matchings(
        same, found([POSE, at_distance(0.51)], [0.9, 0.8]), SIGMAS, [1], IMAGES
    )
    assert everything.hits[0].tolist() == [True, True]


def test_twenty_an_image_best_first_over_all_images():
    answers = found([POSE] * 25, np.linspace(0, 1, 25))
    truth = animals([POSE], image_ids=np.array([6]))
    other = found([POSE], [0.5], image=6)
    both = Detections(
        *(np.concatenate([getattr(answers, name), getattr(other, name)]) for name in vars(other))
    )
    hits, misses, places, counted = first_threshold(truth, both)
    assert len(hits) == 21 and np.count_nonzero(misses) == 20
    assert np.flatnonzero(places == 1).tolist() == [13]  # after the 13 with a score of .5 or more
    assert hits[13] and counted.tolist() == [0, 1]


def test_categories_do_not_mix():
    truth = animals([POSE, POSE], category_ids=np.array([5, 1]))
    parts = matchings(truth, found([POSE], [1.0]), SIGMAS, [5, 1], IMAGES)
    assert [part[0].animals.tolist() for part in parts] == [[1, 0], [1, 0]]
    assert [part[0].hits.shape[1] for part in parts] == [1, 0]  # in the order of the ids
    nobody = found(np.zeros((0, 2, 2)), [])
    assert matchings(truth, nobody, SIGMAS, [], IMAGES) == []
