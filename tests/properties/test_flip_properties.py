"""Mirror twice and nothing has happened; mirrored input gives the mirrored answer."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from hrpose.codecs import MSRAHeatmap, UDPHeatmap
from hrpose.datasets.random_transforms import RandomFlip, flip_keypoints
from hrpose.keypoints import KeypointMeta
from hrpose.models import KeypointMSELoss, TopDown

WIDTH = 96


@st.composite
def metas(draw):
    names = [f"k{i}" for i in range(draw(st.integers(1, 8)))]
    shuffled = draw(st.permutations(names))
    pairs = draw(st.integers(0, len(names) // 2))
    return KeypointMeta("pet", names, [shuffled[2 * i : 2 * i + 2] for i in range(pairs)])


def labelled(meta):
    """Keypoints (K, 2) on eighths of a px, so that mirroring is exact, and visible (K,)."""
    return st.tuples(
        arrays.arrays(
            np.float32, (len(meta), 2), elements=st.integers(0, 512).map(lambda n: n / 8)
        ),
        arrays.arrays(np.float32, len(meta), elements=st.sampled_from([0.0, 1.0])),
    )


poses = metas().flatmap(lambda meta: st.tuples(st.just(meta), labelled(meta)))


@given(poses)
def test_keypoints_twice(pose):
    meta, (keypoints, visible) = pose
    index = np.array(meta.flip_index)
    once = flip_keypoints(keypoints, visible, index, WIDTH)
    back, seen = flip_keypoints(*once, index, WIDTH)
    np.testing.assert_array_equal(back, keypoints)
    np.testing.assert_array_equal(seen, visible)
    partner = dict([*meta.flip_pairs, *(pair[::-1] for pair in meta.flip_pairs)])
    for k, name in enumerate(meta.names):
        other = meta.index(partner.get(name, name))
        if visible[k]:
            assert once[0][other].tolist() == [WIDTH - 1 - keypoints[k, 0], keypoints[k, 1]]


@given(poses)
def test_the_transform_twice(pose):
    meta, (keypoints, visible) = pose
    sample = {
        "photo": (WIDTH, 8),
        "meta": meta,
        "keypoints": keypoints,
        "visible": visible,
        "center": np.float32([30, 4]),
        "flipped": False,
    }
    flip, rng = RandomFlip(prob=1.0), np.random.default_rng(0)
    once = flip(dict(sample), rng)
    assert once["flipped"] and once["center"].tolist() == [65, 4]
    twice = flip(dict(once), rng)
    assert not twice["flipped"]
    for key in ("keypoints", "visible", "center"):
        np.testing.assert_array_equal(twice[key], sample[key])


@given(poses)
def test_the_map_of_the_mirrored_animal_is_the_mirrored_map(pose):
    meta, (keypoints, visible) = pose
    keypoints = keypoints + np.float32(0.0625)  # never half-way between two cells
    udp = UDPHeatmap((WIDTH, 64), (24, 16))
    index = np.array(meta.flip_index)
    mirrored = flip_keypoints(keypoints, visible, index, WIDTH)
    one, other = (
        udp.encode(torch.tensor(points)[None], torch.tensor(seen)[None])[0]
        for points, seen in ((keypoints, visible), mirrored)
    )
    torch.testing.assert_close(other[:, meta.flip_index].flip(-1), one, atol=2e-6, rtol=0)


class Body(nn.Module):
    """A network that is anything but symmetric: 3 colours to features of a quarter the size."""

    def __init__(self, channels, stride):
        super().__init__()
        self.out_channels, self.stride = channels, stride
        self.layer = nn.Conv2d(3, channels, stride, stride)

    def forward(self, images):
        return self.layer(images).square()


class Head(nn.Module):
    def __init__(self, channels, keypoints):
        super().__init__()
        self.in_channels, self.out_channels, self.upscale = channels, keypoints, 1
        self.layer = nn.Conv2d(channels, keypoints, 1)

    def forward(self, features):
        return self.layer(features)


def flip_tested(meta, codec, shift):
    body, head = Body(3, 4), Head(3, len(meta))
    model = TopDown(body, head, codec, meta, KeypointMSELoss(), shift_heatmap=shift)
    return model.eval()


@given(metas(), st.integers(0, 2**32))
def test_flip_test_answers_the_mirror_image_with_the_mirrored_maps(meta, seed):
    torch.manual_seed(seed)
    model = flip_tested(meta, UDPHeatmap((WIDTH, 64), (24, 16)), shift=False)
    images = torch.randint(0, 256, (2, 3, 64, WIDTH), dtype=torch.uint8)
    maps, mirrored = model.predict_heatmaps(images), model.predict_heatmaps(images.flip(-1))
    torch.testing.assert_close(mirrored[:, meta.flip_index].flip(-1), maps, atol=1e-6, rtol=1e-6)


@given(metas(), st.integers(0, 2**32))
def test_maps_mirrored_back_twice(meta, seed):
    torch.manual_seed(seed)
    maps = torch.rand(2, len(meta), 16, 24)
    udp = flip_tested(meta, UDPHeatmap((WIDTH, 64), (24, 16)), shift=False)
    assert torch.equal(udp._unmirror(udp._unmirror(maps)), maps)
    msra = flip_tested(meta, MSRAHeatmap((WIDTH, 64), (24, 16)), shift=True)
    back = msra._unmirror(maps)
    assert torch.equal(back[..., 1:], udp._unmirror(maps)[..., :-1])  # one cell further right
    assert torch.equal(back[..., 0], udp._unmirror(maps)[..., 0])
