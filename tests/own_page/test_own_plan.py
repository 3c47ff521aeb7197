"""Sizes, batches and schedules, by hand; and what fits into some minutes."""

import numpy as np
import pytest

from hrpose.own_page import timing
from hrpose.own_page.labels import read_labels
from hrpose.own_page.plan import Plan, make_plan, suitable_size


@pytest.mark.parametrize(
    ("animals", "batch", "epochs", "steps"),
    [
        (477, 8, 210, 12_390),  # 59 steps an epoch
        (72, 8, 445, 4_005),  # 210 epochs would be 1,890 steps
        (3_000, 16, 106, 19_822),  # 187 an epoch; 210 epochs would be 39,270
        (100_000, 64, 12, 18_744),
        (3, 3, 4_000, 4_000),
    ],
)
def test_steps_stay_between_4000_and_20000(herd, monkeypatch, animals, batch, epochs, steps):
    part = read_labels([herd.write("a")], herd.images, None).train
    monkeypatch.setattr(type(part.animals), "__len__", lambda _: animals)
    plan = make_plan(part, False, None, False)
    assert (plan.batch_size, plan.epochs, plan.steps) == (batch, epochs, steps)


@pytest.mark.parametrize(
    ("crop", "size"),
    [((600, 600), (256, 256)), ((200, 200), (192, 192)), ((90, 80), (128, 128)),
     ((640, 480), (256, 192)), ((300, 500), (192, 256)), ((np.nan, np.nan), (256, 256))],
)  # fmt: skip
def test_input_size_follows_the_crops(crop, size):
    assert suitable_size(np.tile(crop, (10, 1)).astype(float)) == size


def test_animals_that_lie_and_stand_get_a_square():
    assert suitable_size(np.array([[500, 250], [250, 500]] * 5, float)) == (256, 256)


@pytest.mark.parametrize(
    ("size", "cells", "sigma", "taps"),
    [((256, 256), (64, 64), 2, 11), ((192, 128), (48, 32), 1.5, 7), ((128, 96), (32, 24), 1, 5),
     ((384, 288), (96, 72), 3, 17)],
)  # fmt: skip
def test_heatmaps_of_an_input_size(size, cells, sigma, taps):
    plan = Plan(size, 1.25, 100, 8, 10, 7e-4)
    assert (plan.heatmap_size, plan.sigma, plan.blur_kernel) == (cells, sigma, taps)


@pytest.mark.parametrize(
    ("per_pixel", "size", "batch", "steps"),
    [
        (1e-9, (256, 256), 8, 4_000),  # fast: all that is good
        (1e-6, (256, 256), 8, 915),  # .52 s a step; 480 s of ten minutes are for training
        (4e-6, (128, 128), 8, 915),
        (4e-5, (128, 128), 4, 183),
    ],
)
def test_what_fits_into_ten_minutes(monkeypatch, per_pixel, size, batch, steps):
    monkeypatch.setattr(timing, "WANTED", 900)

    class Rehearsal:
        machine = "toy"

        def __init__(self, plan: Plan) -> None:
            self.plan = plan

        def seconds(self, enough, progress, title):
            taken = per_pixel * np.prod(self.plan.input_size) * self.plan.batch_size
            return None if enough is not None and taken > enough else taken

    monkeypatch.setattr(timing, "Rehearsal", Rehearsal)
    plan = Plan((256, 256), 1.25, 8, 8, 4_000, 7e-4)
    chosen, said = timing.fit(plan, 10, False, 20, lambda plan: plan, iter)
    assert (chosen.input_size, chosen.batch_size) == (size, batch)
    assert chosen.steps == pytest.approx(steps, abs=1)
    assert "timed on toy" in said and "min" in said
    kept, _ = timing.fit(plan, 10, True, 20, lambda plan: plan, iter)
    assert kept.input_size == (256, 256)


def test_validations_take_no_more_than_their_share(monkeypatch):
    """Ten animals a second, 700 of them: 70 s each, and 60 s of ten minutes are for validation."""
    monkeypatch.setattr(timing.Rehearsal, "__init__", lambda self, _: setattr(self, "device", None))
    monkeypatch.setattr(timing.Rehearsal, "machine", "toy")
    monkeypatch.setattr(timing.Rehearsal, "seconds", lambda *_: 0.8)
    plan = Plan((128, 128), 1.25, 800, 8, 100, 7e-4)
    many, _ = timing.fit(plan, 10, True, 1000, lambda plan: plan, iter)
    few, _ = timing.fit(plan, 10, True, 10, lambda plan: plan, iter)
    assert many.val_interval == many.epochs == 6
    assert few.val_interval == 1


def test_real_steps_are_timed(herd, monkeypatch):
    monkeypatch.setattr(timing, "STEPS", 2)
    titles = []

    def bar(items, total, title):
        titles.append((total, title))
        return items

    from hrpose.own_page.init import init

    request = herd.request(herd.write("a", 4), input_size=(32, 32), minutes=0.05)
    content, _, _ = init(request, bar)
    assert (4, "timing steps, 32 x 32 px") in titles
    assert "s a step of 4, timed on" in content.timed
    assert content.plan.steps == content.plan.epochs <= 4_000
    assert f"# {content.timed}" in request.out.read_text()
