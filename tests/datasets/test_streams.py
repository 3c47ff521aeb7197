import numpy as np
import pytest

from hrpose.datasets.streams import Streams

KEYS = [(0, 0), (0, 1), (1, 0), (209, 8113), (2**31, 2**32 - 1), (7, 65536)]


@pytest.mark.parametrize("seed", [0, 1, 2026, 2**32 - 1, 2**32, 2**70])
def test_streams_are_numpy_s_own(seed):
    """State and numbers; also the second time, after something odd was drawn."""
    streams = Streams()
    for keys in (KEYS[::-1], KEYS, KEYS[:2]):
        made = streams(seed, keys)
        assert len(made) == len(keys)
        for key, stream in zip(keys, made, strict=True):
            expected = np.random.default_rng((seed, *key))
            assert stream.bit_generator.state == expected.bit_generator.state
            assert stream.standard_normal(5).tolist() == expected.standard_normal(5).tolist()
            assert stream.uniform(-1, 1, 3).tolist() == expected.uniform(-1, 1, 3).tolist()
            stream.integers(3, dtype=np.uint32)  # keeps half of a random number for later


def test_many_streams():
    keys = [(epoch, index) for epoch in (3, 400) for index in range(0, 60_000, 71)]
    for key, stream in zip(keys, Streams()(5, keys), strict=True):
        assert stream.random() == np.random.default_rng((5, *key)).random()


def test_no_streams():
    assert Streams()(0, []) == []
