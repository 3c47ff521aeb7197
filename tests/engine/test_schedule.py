import numpy as np
import pytest

from hrpose.engine.schedule import WarmupCosine, WarmupStep

BASE = 5e-4


def rates(schedule, iters_per_epoch, count, epochs=210):
    return np.array([BASE * schedule.factor(i, iters_per_epoch, epochs) for i in range(count)])


@pytest.mark.parametrize("iters_per_epoch", [3, 64, 507])
def test_step_schedule_is_the_reference_at_every_iteration(golden, iters_per_epoch):
    expected = np.load(golden / "engine/lr_schedule.npz")[f"iters_per_epoch_{iters_per_epoch}"]
    ours = rates(WarmupStep(), iters_per_epoch, len(expected))
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("warmup", ["constant", "exp"])
def test_other_warmups_are_the_reference(golden, warmup):
    key = f"const_warmup_{warmup}_ipe64_first_700"
    expected = np.load(golden / "engine/lr_schedule.npz")[key]
    ours = rates(WarmupStep(warmup=warmup), 64, len(expected))
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


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
