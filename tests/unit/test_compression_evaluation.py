"""How codecs are measured and compared: curves from real files, and what `evaluate` reports of a folder."""

import io
import json
import math
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_codecs import corner, small_codec

from lossconditioning import CheckpointError, ReaderError, cli
from lossconditioning.systems import compression
from lossconditioning.systems.compression import evaluation, measures, references
from lossconditioning.systems.compression.claims import claims

GRID = compression.lambda_grid(5).tolist()

RATE, QUALITY = torch.tensor([0.1, 0.25, 0.5, 1.0, 2.2]), torch.tensor([26.0, 29.5, 32.0, 35.5, 39.0])
"""A curve."""

# Curves ---------------------------------------------------------------------------------------------------------------


def test_quality_is_that_of_grey_levels():
    picture = corner(177, 180)
    other = picture.clone()
    other[:, ::2] ^= 1  # every other row off by one grey level
    found = compression.quality(picture, other)
    assert found["distortion"] == pytest.approx(89 / 177, rel=1e-5)
    assert found["psnr"] == pytest.approx(10 * math.log10(255**2 * 177 / 89), rel=1e-5)
    assert found["ms_ssim"] > 20
    assert set(compression.quality(picture, other, similarity=False)) == {"distortion", "psnr"}
    assert compression.quality(picture, picture)["psnr"] == math.inf


@pytest.mark.parametrize("side", [1, 10, 160, 161, 175])
def test_pictures_of_160_pixels_and_less_have_no_ms_ssim(side):
    found = compression.quality(corner(side, 200), corner(side, 200, "china"))
    assert math.isnan(found["ms_ssim"]) == (side <= 160)


@pytest.mark.parametrize("weight", [GRID[0], GRID[-1]])
def test_what_is_measured_is_the_real_file(weight):
    codec, picture = small_codec(), corner(176, 200)
    found, data = compression.measure(codec, picture, weight), codec.compress(picture, weight)
    assert found["rate"] == 8 * len(data) / (176 * 200)
    assert {name: found[name] for name in measures.NAMES[1:]} == compression.quality(picture, codec.decompress(data))
    estimate = codec.estimate(codec.symbols(picture, weight))
    assert found["size_error"] == pytest.approx(8 * (len(data) - compression.OVERHEAD) / estimate - 1)


def test_a_curve_has_the_mean_over_pictures_at_each_point():
    codec, pictures = small_codec(), {"one": corner(64, 100), "other": corner(90, 70, "china")}
    values = compression.curve([(codec, weight) for weight in GRID[::2]], pictures)
    assert set(values) == {*measures.NAMES, "size_error"}
    for index, weight in enumerate(GRID[::2]):
        rows = [compression.measure(codec, picture, weight) for picture in pictures.values()]
        for name in ("rate", "distortion", "psnr", "size_error"):
            assert (values[name].dtype, values[name].shape) == (torch.float64, (3,))
            assert values[name][index].item() == pytest.approx(sum(row[name] for row in rows) / 2)
    assert values["ms_ssim"].isnan().all()


@pytest.mark.parametrize("name", references.QUALITIES)
def test_the_everyday_codecs_are_measured_by_their_files(name):
    pictures = {"one": corner(176, 200), "other": corner(180, 177, "china")}
    values = compression.reference_curve(name, pictures)
    for key in ("rate", "psnr", "ms_ssim"):
        assert values[key].shape == (len(references.QUALITIES[name]),)
        assert (values[key].diff() > 0).all(), key
    assert compression.compare(values, values) == 0
    setting = references.QUALITIES[name][3]
    file = io.BytesIO()
    Image.fromarray(pictures["one"].permute(1, 2, 0).numpy()).save(file, name, quality=setting)
    size, shown = compression.recode(name, pictures["one"], setting)
    assert size == len(file.getvalue())
    assert np.array_equal(shown.permute(1, 2, 0).numpy(), np.array(Image.open(file).convert("RGB")))
    alone = compression.reference_curve(name, {"one": pictures["one"]}, similarity=False)
    assert set(alone) == {"rate", "distortion", "psnr"}
    assert alone["rate"][3].item() == pytest.approx(8 * size / (176 * 200))


def test_an_unknown_reference_is_answered_with_the_known():
    with pytest.raises(ReaderError, match=r"no format 'jpg'. Did you mean 'jpeg'"):
        compression.reference_curve("jpg", {"one": corner(8, 8)})


# Comparisons ----------------------------------------------------------------------------------------------------------


def made(share: float, error: float = 0.001) -> dict[str, torch.Tensor]:
    rate = share * RATE.double()
    return {
        "rate": rate,
        "distortion": 255**2 / 10 ** (QUALITY.double() / 10),
        "psnr": QUALITY.double(),
        "ms_ssim": QUALITY.double() / 2,
        "size_error": torch.full((5,), error, dtype=torch.float64),
    }


@pytest.mark.parametrize("quality", [QUALITY.flip(0), QUALITY.clamp(max=33), QUALITY * math.nan])
def test_what_is_no_curve_compares_as_nan(quality):
    none = {**made(1.0), "psnr": quality.double()}
    assert math.isnan(compression.compare(none, made(1.0)))
    assert math.isnan(compression.compare(made(1.0), none))
    assert compression.compare(none, made(1.0), "ms_ssim") == 0


def test_the_summary_holds_every_comparison_and_every_curve():
    learned = {"fixed": made(1.0, 0.002), "yoto": made(1.2), "yoto_wider_batch16": made(1.04, -0.008)}
    found = evaluation.summary(learned, {"jpeg": made(2.0), "webp": made(1.5)})
    assert found["bd_rate_yoto"] == found["bd_rate_ms_ssim_yoto"] == pytest.approx(20)
    assert found["bd_rate_yoto_wider_batch16"] == pytest.approx(4)
    assert found["bd_rate_vs_jpeg_fixed"] == pytest.approx(-50)
    assert found["bd_rate_vs_webp_yoto"] == pytest.approx(-20)
    assert found["bd_rate_vs_jpeg"] == found["bd_rate_vs_jpeg_yoto"] == pytest.approx(-40)
    assert found["size_error"] == 0.008
    for name, values in {**learned, "jpeg": made(2.0)}.items():
        again = compression.recorded_metrics_curve(found, name)
        assert set(again) == set(measures.NAMES)
        assert all(torch.equal(again[key], values[key]) for key in again)


def test_a_curve_that_can_not_be_compared_does_not_hide_behind_one_that_can():
    none = {**made(1.0), "psnr": QUALITY.double() - 30}
    for names in (("fixed", "yoto"), ("yoto", "fixed")):
        learned = {name: made(1.0) if name == "fixed" else none for name in names}
        found = evaluation.summary(learned, {"jpeg": made(2.0)})
        assert math.isnan(found["bd_rate_yoto"])
        assert math.isnan(found["bd_rate_vs_jpeg"])


def test_claims_are_made_where_their_numbers_are():
    assert claims({}) == []
    metrics = {"size_error": 0.004, "bd_rate_vs_jpeg": -12.0, "recorded_bd_rate_yoto_film_only": 14.0}
    assert [(claim.id, claim.reproduced) for claim in claims(metrics)] == [
        ("yoto_underperforms", True),
        ("better_than_jpeg", True),
        ("real_files", True),
    ]
    worse = {"size_error": 0.02, "bd_rate_vs_jpeg": 3.0, "recorded_bd_rate_yoto_film_only": -1.0}
    assert [claim.reproduced for claim in claims(worse)] == [False, False, False]
    larger = {f"recorded_bd_rate_{name}": cost for name, cost in (("yoto", 9), ("yoto_wider", 3), ("yoto_batch16", 7))}
    assert ("larger_recovers", True) in [(claim.id, claim.reproduced) for claim in claims({**metrics, **larger})]


# `lossconditioning evaluate compression` ------------------------------------------------------------------------------


def trains_little(name: str) -> compression.Config:
    """A config whose few steps leave it where principal components put it, with FiLM all but still: a proper curve."""
    config = compression.experiments("smoke")[name]
    return replace(config, learning_rate=1e-5, gain=1e-4, m=48 if "wider" in name else 32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    configs = [trains_little(name) for name in ("yoto", "yoto_wider_batch16", *compression.fixed_names())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(tmp_path_factory.mktemp("no_data")))
        assert compression.train_all(configs, out=folder, profile="smoke") == len(configs)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of two small synthetic pictures, one of them in a folder of its own."""
    folder = tmp_path_factory.mktemp("pictures")
    y, x = np.mgrid[0:176, 0:200]
    large = np.stack([128 + 100 * np.sin(x / 9 + y / 23), 128 + 90 * np.cos(y / 7), x], axis=-1).astype(np.uint8)
    (folder / "small").mkdir()
    Image.fromarray(large).save(folder / "large.png")
    Image.fromarray(large[:100, :120]).save(folder / "small" / "flat.png")
    return folder


def test_evaluate_measures_a_folder_of_checkpoints_on_a_folder_of_pictures(trained, pictures, capsys):
    with pytest.raises(SystemExit) as leaving:
        cli.main(shlex.split(f"evaluate compression --json --checkpoint {trained} --data {pictures}"))
    assert leaving.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    metrics = json.loads(out, parse_constant=pytest.fail)["metrics"]
    compared = ("bd_rate_yoto", "bd_rate_yoto_wider_batch16", "bd_rate_vs_jpeg", "size_error", "bd_rate_vs_jpeg_fixed")
    assert set(compared) <= set(metrics)
    assert [metrics[f"lambda_{i}"] for i in range(5)] == pytest.approx(GRID)
    assert abs(metrics["bd_rate_yoto"]) < 5 < metrics["bd_rate_yoto_wider_batch16"]  # wide latents, hardly trained
    assert not any("ms_ssim" in name for name in metrics)  # one of the pictures is too small for it
    codec = compression.Codec(compression.load("fixed_1", trained).model)
    one, other = (torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) for path in pictures.rglob("*.png"))
    rates = [compression.measure(codec, picture, GRID[1])["rate"] for picture in (one, other)]
    assert metrics["fixed_rate_1"] == pytest.approx(sum(rates) / 2)
    assert metrics["jpeg_rate_0"] < metrics["jpeg_rate_9"]


def test_evaluate_measures_ms_ssim_of_pictures_large_enough(trained, tmp_path, pictures):
    (tmp_path / "kodak").mkdir()
    (tmp_path / "kodak" / "large.png").write_bytes((pictures / "large.png").read_bytes())
    (tmp_path / "not_this_one.png").write_bytes(b"for there is a kodak")
    metrics = compression.evaluate(trained, tmp_path).metrics
    assert all(f"{name}_ms_ssim_4" in metrics for name in ("fixed", "yoto", "yoto_wider_batch16", "jpeg", "webp"))
    assert all(math.isfinite(value) for value in metrics.values())


def test_evaluate_wants_all_fixed_weight_models(trained, tmp_path, pictures):
    for name in ("yoto", "fixed_0", "fixed_1"):
        for kind in ("json", "safetensors"):
            (tmp_path / f"{name}.{kind}").write_bytes((trained / f"{name}.{kind}").read_bytes())
    for place in (tmp_path, trained / "yoto.safetensors"):
        with pytest.raises(CheckpointError, match=r"lacks some of the fixed-weight models .*train compression --only"):
            compression.evaluate(place, pictures)


def test_cards_hold_the_curves_as_they_were_measured(trained):
    found = compression.recorded(trained)
    assert set(found) == {"yoto", "yoto_wider_batch16", *compression.fixed_names()}
    fixed, ours = (compression.recorded_curve(found, name) for name in ("fixed", "yoto"))
    for key in measures.NAMES:
        assert fixed[key].tolist() == [found[f"fixed_{i}"].metrics[f"{key}_0"] for i in range(5)]
        assert ours[key].tolist() == [found["yoto"].metrics[f"{key}_{i}"] for i in range(5)]
    assert abs(compression.compare(ours, fixed)) < 5
