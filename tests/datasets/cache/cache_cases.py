"""What the tests of the cache share."""

import numpy as np


def same(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert np.array_equal(value, second[key]), key


def all_of(data, epochs=(0,)) -> list[dict]:
    return [data[epoch, index] for epoch in epochs for index in range(len(data))]
