import pytest
import torch


@pytest.fixture
def gpu(request) -> torch.device:
    """The first GPU; without one the test is skipped by its name."""
    if not torch.cuda.is_available():
        name = request.node.originalname.removeprefix("test_").replace("_", " ")
        pytest.skip(f"no GPU here, so not tried: {name}")
    return torch.device("cuda", 0)
