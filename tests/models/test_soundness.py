"""What is wrong with weights is found in tensors of every kind."""

import pytest
import torch

from hrpose.models.soundness import extent, faults

TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
NAN = {"spoilt.weight": torch.tensor([1.0, float("nan")])}


@pytest.mark.parametrize("kind", TYPES)
def test_every_float(kind):
    tensors = {
        "low.weight": torch.tensor([1.0, -3.0]),
        "spoilt.weight": torch.tensor([[1.0], [float("-inf")]]),
        "norm.running_var": torch.tensor([-1.0, 2.0]),
        "far.bias": torch.tensor(-5.0),
    }
    tensors = {key: value.to(kind) for key, value in tensors.items()}
    assert faults(tensors, largest=4) == [
        "spoilt (1 entry): not finite",
        "norm (1 entry): a variance below 0",
        "far (1 entry): beyond 4",
    ]
    assert extent(tensors) == 5


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("kind", ["sparse", "float8", "numbers", "empty"])
def test_beside_tensors_of_other_kinds(kind):
    other = {
        "sparse": lambda: torch.sparse_coo_tensor([[0]], [1.0], (2,)),
        "float8": lambda: torch.ones(2).to(torch.float8_e4m3fn),
        "numbers": lambda: torch.arange(3),
        "empty": lambda: torch.zeros(0),
    }[kind]()
    assert faults({"other.weight": other} | NAN) == ["spoilt (1 entry): not finite"]
