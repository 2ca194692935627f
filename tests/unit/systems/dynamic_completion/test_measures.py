"""What is measured of completed pictures, and which α completes best."""

import pytest
import torch
from small_completion import SHARP, SMALL, as_if_trained

from lossconditioning import ReaderError
from lossconditioning.evaluation.alphas import ALPHAS
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.systems import dynamic_completion as completion
from lossconditioning.training import Run, Trained


@pytest.fixture(scope="module")
def measure():
    features = PerceptualFeatures(("relu1_1", "relu2_1"), "vgg19", "random")
    return completion.Measure.of(features, completion.held_out_pictures(SHARP, 2).images)


def test_measures_are_perfect_for_the_pictures_themselves_and_worse_for_others(measure):
    true = measure.each(measure.pictures)
    assert true["l1"].tolist() == [0.0, 0.0]
    assert true["ssim"].tolist() == pytest.approx([1.0, 1.0])
    assert true["distance"].tolist() == pytest.approx([0.0, 0.0], abs=1e-5)
    grey = measure.each(lambda images, hole: images.masked_fill(hole, 0.5))
    dark = measure.each(lambda images, hole: images.masked_fill(hole, 0.0))
    assert (grey["l1"] < dark["l1"]).all()
    assert (grey["ssim"] < 0.9).all()
    assert (grey["distance"] > 0.01).all()
    assert measure.means(measure.pictures)["l1"] == 0.0
    # Only the hole and its surroundings count.
    changed = measure.pictures.clone()
    changed[:, :, :8] = 0
    assert measure.each(changed)["distance"].tolist() == pytest.approx([0.0, 0.0], abs=1e-5)


def test_the_best_alpha_of_each_picture_is_found():
    alphas = torch.tensor(ALPHAS, dtype=torch.float64)
    wanted = torch.tensor([0.0, 0.3, 0.7, 1.0, 0.5], dtype=torch.float64)
    distances = (alphas[:, None] - wanted).square() + torch.arange(5)
    best = completion.best_alpha(distances)
    assert best.tolist() == wanted.tolist()
    assert completion.histogram(best) == [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1]
    assert completion.best_alpha(torch.ones(11, 2)).tolist() == [0.0, 0.0]  # the smallest of equals
    with pytest.raises(ReaderError, match="One row for each of 11 α"):
        completion.best_alpha(torch.ones(2, 11))
    with pytest.raises(ReaderError, match="nan"):
        completion.best_alpha(torch.full((11, 2), float("nan")))


def test_gain_is_positive_where_the_inside_beats_both_ends():
    alphas = torch.tensor(ALPHAS)
    assert float(completion.gain(2 + (alphas - 0.4).square())) == pytest.approx(1 - 2 / 2.16)
    assert float(completion.gain(1 + alphas)) == pytest.approx(-0.1)
    assert completion.gain(torch.stack([1 + alphas, 2 - alphas], dim=1)).shape == (2,)


def test_image_interpolation_goes_from_one_network_to_the_other(measure):
    sharp, smooth = as_if_trained("hole_sharp", "hole_smooth").values()
    curves = completion.interpolated(sharp, smooth, measure)
    assert curves["l1"].shape == (11, 2)
    for end, network in ((0, sharp), (-1, smooth)):
        expected = measure.each(network)
        for name, values in curves.items():
            torch.testing.assert_close(values[end], expected[name], rtol=1e-4, atol=1e-6)
    share = torch.tensor([0.0, 1.0])
    mixed = measure.complete(completion.blended(sharp, smooth, share))
    assert torch.equal(mixed[0], measure.complete(sharp)[0])
    assert torch.equal(mixed[1], measure.complete(smooth)[1])


def test_the_evaluation_is_plain_numbers():
    networks = as_if_trained(*SMALL)
    trained = {name: Trained(SMALL[name], None, network) for name, network in networks.items()}
    found = completion.compare(trained, Run(profile="smoke"))
    assert all(name.startswith("completion_") for name in found)
    assert all(isinstance(value, (int, float)) for value in found.values())
    assert found.keys() == completion.recorded_evaluation().metrics.keys()
    for prefix in ("completion", "completion_pictures"):
        distances = [found[f"{prefix}_distance_alpha_{i}"] for i in range(11)]
        best = found[f"{prefix}_best_alpha"]
        assert distances[round(10 * best)] == min(distances)
        assert found[f"{prefix}_interior_beats_ends"] == (min(distances[1:-1]) < min(distances[0], distances[-1]))
        assert sum(found[f"{prefix}_own_alpha_count_{i}"] for i in range(11)) == 2
        assert found[f"{prefix}_own_gain"] >= 0
    assert found["completion_distance_alpha_0"] == pytest.approx(found["completion_pictures_distance_alpha_0"])
    assert found["completion_fixed_smooth_l1"] == pytest.approx(found["completion_pictures_l1_alpha_10"])
    few = {name: trained[name] for name in completion.compared(Run())}
    found = completion.compare(few, Run(profile="smoke"))  # without a critic, or a network in between
    assert not [name for name in found if "realism" in name or "between" in name]


def test_a_card_says_what_evaluate_says_at_both_ends():
    run, made = Run(profile="smoke"), as_if_trained("hole_sharp", "hole_blocks", "hole_smooth")
    found = completion.compare({name: Trained(SMALL[name], None, network) for name, network in made.items()}, run)
    for name, alpha in (("hole_sharp", 0), ("hole_blocks", 10)):
        data = completion.experiment_data(SMALL[name], run)
        card = completion.measure(SMALL[name], made[name], type(data)(**{**vars(data), "made": made}))
        assert {
            f"completion_{key}_alpha_{alpha}": pytest.approx(value) for key, value in card.items()
        }.items() <= found.items()
