import numpy as np

from hrpose.datasets.photometric import Photometric, saturate, tone_curve


def test_tone_curve_by_hand():
    assert np.array_equal(tone_curve(0, 1, 1), np.arange(256))
    assert tone_curve(30, 1, 1)[[0, 100, 250]].tolist() == [30, 130, 255]
    assert tone_curve(0, 2, 1)[[0, 100, 127, 128, 200]].tolist() == [0, 72, 126, 128, 255]
    assert tone_curve(0, 1, 2)[[0, 51, 255]].tolist() == [0, 10, 255]  # 255 * 0.2^2 = 10.2


def test_saturation_by_hand():
    image = np.array([[[200, 100, 20], [7, 7, 7]]], np.uint8)
    assert np.ptp(saturate(image, 0), axis=-1).max() == 0
    assert np.array_equal(saturate(image, 1), image)
    assert saturate(image, 0.5)[0, 0].tolist() == [160, 110, 70]  # grey is 121; rounds half to even
    assert saturate(image, 2)[0, 1].tolist() == [7, 7, 7]


def test_photometric_is_a_function_of_the_generator():
    image = np.random.default_rng(0).integers(0, 255, (32, 24, 3), dtype=np.uint8)
    step = Photometric(prob=1, blur=1, noise=5)
    first, again, other = (
        step({"image": image}, np.random.default_rng(seed))["image"] for seed in (1, 1, 2)
    )
    assert first.dtype == np.uint8
    assert first.shape == image.shape
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    still = Photometric(prob=0)({"image": image}, np.random.default_rng(1))
    assert still["image"] is image
