"""The global random generators: their states, as a checkpoint holds them, and back."""

import random
from typing import Any

import numpy as np
import torch


def generator_states() -> dict[str, Any]:
    """The states of the global generators, as tensors and plain numbers."""
    numpy: Any = np.random.get_state()  # noqa: NPY002 - users' code may use it
    kind, keys, position, has_gauss, gauss = numpy
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": random.getstate(),
    }


def set_generator_states(states: dict[str, Any]) -> None:
    """Put back what `generator_states` gave."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    random.setstate(states["python"])


def are_generator_states(states: Any) -> bool:
    """Whether `set_generator_states` can put `states` back, which may be anything."""
    try:
        torch.Generator().set_state(states["torch"])
        cuda = states["cuda"]
        if cuda is not None and torch.cuda.is_available():
            torch.Generator("cuda").set_state(cuda)
        kind, keys, *rest = states["numpy"]
        np.random.RandomState().set_state((kind, keys.numpy().astype(np.uint32), *rest))
        random.Random().setstate(states["python"])
    except (TypeError, ValueError, LookupError, RuntimeError, ArithmeticError, AttributeError):
        return False
    return cuda is None or (isinstance(cuda, torch.Tensor) and cuda.dtype == torch.uint8)


def seed_generators(seed: int) -> None:
    """Seed the generators of torch, NumPy and random (the data sets have their own)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - for custom code of users
    torch.manual_seed(seed)
