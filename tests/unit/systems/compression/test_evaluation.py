"""How codecs are compared: curves, claims, and what `evaluate` reports of a folder."""

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning import cli
from lossconditioning.evaluation import as_curve
from lossconditioning.systems import compression
from lossconditioning.systems.compression import FIXED_NAMES, NAMES, bd_rate_between
from lossconditioning.systems.compression.evaluation import summary
from lossconditioning.training import Run

GRID = compression.lam_grid(5).tolist()

RATE, QUALITY = torch.tensor([0.1, 0.25, 0.5, 1.0, 2.2]), torch.tensor([26.0, 29.5, 32.0, 35.5, 39.0])
"""A curve."""

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
    assert math.isnan(bd_rate_between(none, made(1.0)))
    assert math.isnan(bd_rate_between(made(1.0), none))
    assert bd_rate_between(none, made(1.0), "ms_ssim") == 0


def test_the_summary_holds_every_comparison_and_every_curve():
    learned = {"fixed": made(1.0, 0.002), "yoto": made(1.2), "yoto_wider_batch16": made(1.04, -0.008)}
    found = summary(learned, {"jpeg": made(2.0), "webp": made(1.5)})
    assert found["bd_rate_yoto"] == found["bd_rate_ms_ssim_yoto"] == pytest.approx(20)
    assert found["bd_rate_yoto_wider_batch16"] == pytest.approx(4)
    assert found["bd_rate_vs_jpeg_fixed"] == pytest.approx(-50)
    assert found["bd_rate_vs_webp_yoto"] == pytest.approx(-20)
    assert found["bd_rate_vs_jpeg"] == found["bd_rate_vs_jpeg_yoto"] == pytest.approx(-40)
    assert found["size_error"] == 0.008
    for name, values in {**learned, "jpeg": made(2.0)}.items():
        again = as_curve(found, name, NAMES)
        assert all(torch.equal(again[key], values[key]) for key in again)


def test_a_curve_that_can_not_be_compared_does_not_hide_behind_one_that_can():
    none = {**made(1.0), "psnr": QUALITY.double() - 30}
    for names in (("fixed", "yoto"), ("yoto", "fixed")):
        learned = {name: made(1.0) if name == "fixed" else none for name in names}
        found = summary(learned, {"jpeg": made(2.0)})
        assert math.isnan(found["bd_rate_yoto"])
        assert math.isnan(found["bd_rate_vs_jpeg"])


CLAIMS = {statement.id: statement for statement in compression.CLAIMS}


@pytest.mark.parametrize(
    ("claim", "metrics", "value", "reproduced"),
    [
        ("yoto_underperforms", {"recorded_bd_rate_yoto_film_only": 14.0}, "in the paper, +14.0 %", True),
        ("yoto_underperforms", {"recorded_bd_rate_yoto_film_only": -1.0}, "in the paper, -1.0 %", False),
        ("better_than_jpeg", {"bd_rate_vs_jpeg": -12.0, "bd_rate_vs_jpeg_fixed": -12.0}, "JPEG: fixed -12.0 %", True),
        ("better_than_jpeg", {"bd_rate_vs_jpeg": 3.0, "bd_rate_vs_jpeg_yoto": 3.0}, "JPEG: yoto +3.0 %", False),
        (
            "better_than_jpeg",
            {"bd_rate_vs_jpeg": math.nan, "bd_rate_vs_jpeg_yoto": 3.0},
            "yoto +3.0 % (not finite: bd_rate_vs_jpeg)",
            False,
        ),
        ("real_files", {"size_error": 0.004}, "0.40 %", True),
        ("real_files", {"size_error": 0.02}, "2.00 %", False),
    ],
)
def test_a_claim_is_judged_by_its_numbers(claim, metrics, value, reproduced):
    judged = CLAIMS[claim].judged(metrics)
    assert judged.reproduced is reproduced
    assert judged.value.endswith(value)


@pytest.mark.parametrize(("wider", "reproduced"), [(3.0, True), (9.5, False)])
def test_larger_models_recover_if_both_need_fewer_bits(wider, reproduced):
    costs = {"yoto": 9.0, "yoto_wider": wider, "yoto_batch16": 7.0}
    metrics = {f"recorded_bd_rate_{name}": cost for name, cost in costs.items()}
    assert CLAIMS["larger_recovers"].judged(metrics).reproduced is reproduced


# `lossconditioning evaluate compression` ------------------------------------------------------------------------------


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
    rates = [compression.measure_file(codec, picture, GRID[1])["rate"] for picture in (one, other)]
    assert metrics["fixed_rate_1"] == pytest.approx(sum(rates) / 2)
    assert metrics["jpeg_rate_0"] < metrics["jpeg_rate_9"]


def test_evaluate_measures_ms_ssim_of_pictures_large_enough(trained, tmp_path, pictures):
    (tmp_path / "kodak").mkdir()
    (tmp_path / "kodak" / "large.png").write_bytes((pictures / "large.png").read_bytes())
    (tmp_path / "not_this_one.png").write_bytes(b"for there is a kodak")
    metrics = compression.evaluate(trained, Run(data=tmp_path)).metrics
    assert all(f"{name}_ms_ssim_4" in metrics for name in ("fixed", "yoto", "yoto_wider_batch16", "jpeg", "webp"))
    assert all(math.isfinite(value) for value in metrics.values())


def test_cards_hold_the_curves_as_they_were_measured(trained):
    found = compression.recorded(trained)
    assert set(found) == {"yoto", "yoto_wider_batch16", *FIXED_NAMES}
    assert set(compression.recall(found)) == {"recorded_bd_rate_yoto", "recorded_bd_rate_yoto_wider_batch16"}
    assert compression.recall({name: card for name, card in found.items() if name != "fixed_3"}) == {}
    fixed, ours = (compression.recorded_curve(found, name) for name in ("fixed", "yoto"))
    for key in NAMES:
        assert fixed[key].tolist() == [found[f"fixed_{i}"].metrics[f"{key}_0"] for i in range(5)]
        assert ours[key].tolist() == [found["yoto"].metrics[f"{key}_{i}"] for i in range(5)]
    assert abs(bd_rate_between(ours, fixed)) < 5
