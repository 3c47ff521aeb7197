import numpy as np
import pytest

from hrpose.datasets.streams import streams

KEYS = [(0, 0), (0, 1), (1, 0), (209, 8113), (2**31, 2**32 - 1), (7, 65536)]


@pytest.mark.parametrize("seed", [0, 1, 2026, 2**32 - 1, 2**32, 2**70])
def test_streams_are_numpy_s_own(seed):
    """State and numbers, also after something odd was drawn from the stream before."""
    for key, stream in zip(KEYS, streams(seed, KEYS), strict=True):
        expected = np.random.default_rng((seed, *key))
        assert stream.bit_generator.state == expected.bit_generator.state
        stream.integers(3, dtype=np.uint32), expected.integers(3, dtype=np.uint32)
        assert stream.standard_normal(5).tolist() == expected.standard_normal(5).tolist()
        assert stream.uniform(-1, 1, 3).tolist() == expected.uniform(-1, 1, 3).tolist()


def test_many_streams():
    keys = [(epoch, index) for epoch in (3, 400) for index in range(0, 60_000, 71)]
    for key, stream in zip(keys, streams(5, keys), strict=True):
        assert stream.random() == np.random.default_rng((5, *key)).random()


def test_no_streams():
    assert list(streams(0, [])) == []
