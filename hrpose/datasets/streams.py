"""The random streams of a batch of samples, all at once: NumPy takes 15 to 50 us to make each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_WORD, _LONG = 2**32, 2**128
_INIT_A, _MULTIPLY_A = 0x43B0D7E5, 0x931E8875
_INIT_B, _MULTIPLY_B = 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_PCG_MULTIPLY = 0x2360ED051FC65DA44385DF649FCCF645


def _constants(start: int, factor: int, count: int) -> np.ndarray:
    """(count + 1, 1) uint32: `start`, and each the one before times `factor`."""
    powers = [start * pow(factor, power, _WORD) % _WORD for power in range(count + 1)]
    return np.array(powers, dtype=np.uint32)[:, None]


_POOL, _STATE = _constants(_INIT_A, _MULTIPLY_A, 16), _constants(_INIT_B, _MULTIPLY_B, 8)


class Streams:
    """Makes the generators of a batch, and uses them again for the next one."""

    def __init__(self) -> None:
        self._generators: list[np.random.Generator] = []

    def __call__(self, seed: int, keys: Sequence[tuple[int, int]]) -> list[np.random.Generator]:
        """For each (epoch, index) what np.random.default_rng((seed, epoch, index)) gives.

        They start anew with the next call; do not keep them.
        """
        if not 0 <= seed < _WORD:
            return [np.random.default_rng((seed, epoch, index)) for epoch, index in keys]
        while len(self._generators) < len(keys):
            self._generators.append(np.random.Generator(np.random.PCG64(0)))
        words = np.array([(seed, epoch, index, 0) for epoch, index in keys], dtype=np.uint32).T
        generators = self._generators[: len(keys)]
        for generator, seeds in zip(generators, _seeds(words).tolist(), strict=True):
            high, low, first, second = seeds
            # as PCG64 starts: https://www.pcg-random.org
            increment = ((first << 64 | second) << 1 | 1) % _LONG
            start = ((increment + (high << 64 | low)) * _PCG_MULTIPLY + increment) % _LONG
            generator.bit_generator.state = {
                "bit_generator": "PCG64",
                "state": {"state": start, "inc": increment},
                "has_uint32": 0,  # nothing is left of a number that was drawn before
                "uinteger": 0,
            }
        return generators


def _seeds(words: np.ndarray) -> np.ndarray:
    """SeedSequence(words).generate_state(4, np.uint64) of each column of `words` (4, B) uint32, as
    (B, 4) uint64; the method is described in NumPy's numpy/random/bit_generator.pyx.
    """
    pool = _hashed(words, _POOL[:4], _POOL[1:5])
    used = 4
    for source in range(4):
        others = [place for place in range(4) if place != source]
        hashed = _hashed(pool[source], _POOL[used : used + 3], _POOL[used + 1 : used + 4])
        mixed = _MIX_LEFT * pool[others] - _MIX_RIGHT * hashed
        pool[others] = mixed ^ mixed >> np.uint32(16)
        used += 3
    state = _hashed(np.concatenate([pool, pool]), _STATE[:8], _STATE[1:9])
    low, high = state[0::2].astype(np.uint64), state[1::2].astype(np.uint64)
    return (high << np.uint64(32) | low).T


def _hashed(values: np.ndarray, first: np.ndarray, then: np.ndarray) -> np.ndarray:
    hashed = (values ^ first) * then
    return hashed ^ hashed >> np.uint32(16)
