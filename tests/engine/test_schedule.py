import numpy as np
import pytest

from hrpose.engine.optim import WarmupCosine, WarmupStep


def test_step_by_hand():
    schedule = WarmupStep(steps=(2, 3), gamma=0.1, warmup_iters=4, warmup_ratio=0.5)
    factors = [schedule.factor(i, 2, 5) for i in range(10)]
    # two steps an epoch; warm-up .5, .625, .75, .875; tenth from epoch 2 on, hundredth from 3 on
    expected = [0.5, 0.625, 0.75, 0.875, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01]
    np.testing.assert_allclose(factors, expected, rtol=1e-12)


def test_cosine_starts_at_one_passes_half_and_ends_at_the_final_ratio():
    schedule = WarmupCosine(final_ratio=0.2, warmup_iters=0)
    np.testing.assert_allclose(
        [schedule.factor(i, 10, 10) for i in (0, 50, 100)], [1.0, 0.6, 0.2], rtol=1e-12
    )


@pytest.mark.parametrize(
    "options", [{"warmup_iters": -1}, {"warmup_ratio": 0.0}, {"steps": (20, 10)}]
)
def test_impossible_schedules_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        WarmupStep(**options)
