"""How codecs are measured: curves from real files, of ours and of the everyday ones."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from small_codecs import corner, small_codec

from lossconditioning import ReaderError
from lossconditioning.codec import OVERHEAD
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems import compression
from lossconditioning.systems.compression.measures import NAMES, QUALITIES, curve, reference_curve

GRID = compression.lam_grid(5).tolist()


@pytest.mark.parametrize("lam", [GRID[0], GRID[-1]])
def test_what_is_measured_is_the_real_file(lam):
    codec, picture = small_codec(), corner(176, 200)
    found, data = compression.measure_file(codec, picture, lam), codec.compress(picture, lam)
    assert found["rate"] == 8 * len(data) / (176 * 200)
    assert {name: found[name] for name in NAMES[1:]} == quality(picture, codec.decompress(data))
    estimate = codec.estimate(codec.symbols(picture, lam))
    assert found["size_error"] == pytest.approx(8 * (len(data) - OVERHEAD) / estimate - 1)


def test_a_curve_has_the_mean_over_pictures_at_each_point():
    codec, pictures = small_codec(), {"one": corner(64, 100), "other": corner(90, 70, "china")}
    values = curve([(codec, lam) for lam in GRID[::2]], pictures)
    assert set(values) == {*NAMES, "size_error"}
    for index, lam in enumerate(GRID[::2]):
        rows = [compression.measure_file(codec, picture, lam) for picture in pictures.values()]
        for name in ("rate", "distortion", "psnr", "size_error"):
            assert (values[name].dtype, values[name].shape) == (torch.float64, (3,))
            assert values[name][index].item() == pytest.approx(sum(row[name] for row in rows) / 2)
    assert values["ms_ssim"].isnan().all()


@pytest.mark.parametrize("name", QUALITIES)
def test_the_everyday_codecs_are_measured_by_their_files(name):
    pictures = {"one": corner(176, 200), "other": corner(180, 177, "china")}
    values = reference_curve(name, pictures)
    for key in ("rate", "psnr", "ms_ssim"):
        assert values[key].shape == (len(QUALITIES[name]),)
        assert (values[key].diff() > 0).all(), key
    assert compression.bd_rate_between(values, values) == 0
    setting = QUALITIES[name][3]
    file = io.BytesIO()
    Image.fromarray(pictures["one"].permute(1, 2, 0).numpy()).save(file, name, quality=setting)
    size, shown = compression.recode(name, pictures["one"], setting)
    assert size == len(file.getvalue())
    assert np.array_equal(shown.permute(1, 2, 0).numpy(), np.array(Image.open(file).convert("RGB")))
    alone = reference_curve(name, {"one": pictures["one"]}, similarity=False)
    assert set(alone) == {"rate", "distortion", "psnr"}
    assert alone["rate"][3].item() == pytest.approx(8 * size / (176 * 200))


def test_an_unknown_reference_is_answered_with_the_known():
    with pytest.raises(ReaderError, match=r"no format 'jpg'. Did you mean 'jpeg'"):
        reference_curve("jpg", {"one": corner(8, 8)})
