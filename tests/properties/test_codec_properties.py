"""Every keypoint in the input comes back from its heatmap, as near as the codec promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hrpose.codecs import MSRAHeatmap, UDPHeatmap

SIZES = {"input_size": (96, 64), "heatmap_size": (24, 16)}
STRIDE = 4
CODECS = {
    "none": MSRAHeatmap(**SIZES, decoding="none"),
    "default": MSRAHeatmap(**SIZES),
    "dark": MSRAHeatmap(**SIZES, decoding="dark"),
    "udp": UDPHeatmap(**SIZES),
}
# in cells: the worst anywhere in the input, the worst far from its edge, and how far that is.
# Along the edge DARK keeps the whole cell; UDP blurs over the edge as MMPose does, and errs there
PROMISES = {
    "none": (0.76, 0.5001, 0.25),
    "default": (0.76, 0.5001, 0.25),
    "dark": (0.76, 0.01, 5.0),
    "udp": (1.6, 0.001, 6.0),
}
points = st.lists(st.tuples(st.floats(0, 95), st.floats(0, 63)), min_size=1, max_size=40).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)[:, None]
)


@pytest.mark.parametrize("name", CODECS)
@given(where=points)
def test_there_and_back(name, where):
    codec = CODECS[name]
    target, weight = codec.encode(where, torch.ones(len(where), 1))
    found, scores = codec.decode(target)
    error = (found - where).abs().amax(dim=(-2, -1)) / STRIDE
    to_edge = torch.minimum(where, torch.tensor([95.0, 63.0]) - where).amin(dim=(-2, -1)) / STRIDE
    anywhere, inside, margin = PROMISES[name]
    assert weight.all() and scores.min() > 0.77 and scores.max() <= 1
    assert (error <= anywhere).all()
    assert (error[to_edge > margin] <= inside).all()


@pytest.mark.parametrize("name", CODECS)
@given(where=points, height=st.floats(0.05, 20))
def test_the_height_of_a_map_moves_nothing(name, where, height):
    codec = CODECS[name]
    if name == "udp":
        height = 1 + height / 20  # it takes the logarithm of what is between 0.001 and 50
    target, _ = codec.encode(where, torch.ones(len(where), 1))
    (one, one_scores), (other, scores) = codec.decode(target), codec.decode(target * height)
    torch.testing.assert_close(scores, one_scores * height)
    if name != "udp":
        torch.testing.assert_close(other, one, atol=0.02, rtol=0)


@pytest.mark.parametrize("name", CODECS)
@given(where=points, seed=st.integers(0, 2**32))
def test_an_animal_does_not_depend_on_its_batch(name, where, seed):
    codec = CODECS[name]
    order = torch.randperm(len(where), generator=torch.Generator().manual_seed(seed))
    target, _ = codec.encode(where, torch.ones(len(where), 1))
    noisy = target + 0.1 * torch.rand(
        target.shape, generator=torch.Generator().manual_seed(seed + 1)
    )
    found, scores = codec.decode(noisy)
    moved, moved_scores = codec.decode(noisy[order])
    assert torch.equal(moved, found[order]) and torch.equal(moved_scores, scores[order])
    assert torch.equal(codec.encode(where[order], torch.ones(len(where), 1))[0], target[order])


numbers = st.floats(width=32) | st.sampled_from([0.0, -1.0, 1e30, float("nan"), float("inf")])


@pytest.mark.parametrize("name", CODECS)
@given(where=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=9), seen=st.booleans())
def test_whatever_the_coordinates_targets_are_finite(name, where, seen):
    rows = torch.tensor(where)[:, None]
    target, weight = CODECS[name].encode(rows, torch.full((len(where), 1), float(seen)))
    assert torch.isfinite(target).all() and target.min() >= 0 and target.max() <= 1
    assert ((weight == 1) | (weight == 0)).all()
    assert not target[weight == 0].any()


@pytest.mark.parametrize("name", CODECS)
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([0.0, 1e-30, 1.0, 1e30, -1.0]))
def test_whatever_the_map_the_answer_is_near_it(name, seed, scale):
    noise = torch.rand((3, 2, 16, 24), generator=torch.Generator().manual_seed(seed)) * scale
    found, scores = CODECS[name].decode(noise)
    assert torch.isfinite(found).all() and torch.equal(scores, noise.amax((-2, -1)))
    assert (found >= -7 * STRIDE).all()  # a step is at most 3 sigma, that is 6 cells
    assert (found <= torch.tensor([24 + 7.0, 16 + 7.0]) * STRIDE).all()
