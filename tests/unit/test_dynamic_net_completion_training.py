"""Completion's training: runs resume to the same bits, blocks turn a frozen network, and what comes out is measured."""

from dataclasses import replace

import pytest
import torch
from small_completion import BLOCKS, CRITIC, LAYERS, SHARP, SMALL, SMOOTH, shaken, small_completion, some

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.systems.dynamic_net import ALPHAS, completion
from lossconditioning.systems.dynamic_net.completion import comparisons
from lossconditioning.systems.dynamic_net.completion.measures import card_metrics
from lossconditioning.training.cards import load_network, read_card


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_completion(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with all experiments, trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    for config in SMALL.values():
        assert completion.train(config, out=folder, profile="smoke", progress=False)
    return folder


@pytest.fixture(scope="module")
def features():
    return PerceptualFeatures(LAYERS, "vgg19", "random")


@pytest.fixture(scope="module")
def measure(features):
    return completion.Measure.of(features, completion.held_out_pictures(SHARP, count=2).images)


def load(folder, name):
    return load_network(
        folder, name, "dynamic_net", lambda card: completion.build(completion.Config.from_json(card.config))
    )[1]


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


# Training -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [SHARP, SMOOTH, BLOCKS, CRITIC], ids=lambda config: config.name)
def test_a_run_that_was_stopped_ends_with_the_same_bits(config, trained, tmp_path, monkeypatch):
    made = completion.needed(config, trained)
    options = {"made": made, "progress": False}
    whole, loop = completion.fit(config, **options)
    assert loop.done
    stopped = 0
    while True:
        model, loop = completion.fit(config, path=tmp_path, minutes=1e-9, **options)
        if loop.done:
            break
        stopped += 1
    assert stopped == config.steps - 1
    assert_same_bits(model.state_dict(), whole.state_dict())
    wanted = {"discriminator", "discriminator_optimizer", "discriminator_schedule"} if config.adversarial else set()
    assert set(loop.state) == {"model", "optimizer", "schedule"} | wanted


def test_training_changes_the_network_and_its_opponent_and_nothing_but_blocks_in_the_second_phase(trained):
    model, _ = completion.fit(SHARP, progress=False)
    untrained = completion.build(SHARP).state_dict()
    assert all(not torch.equal(value, untrained[name]) for name, value in model.state_dict().items())
    main = completion.main_network(BLOCKS, trained)
    before = {name: value.clone() for name, value in main.state_dict().items()}
    blocks, _ = completion.fit(BLOCKS, made={"hole_sharp": main}, progress=False)
    assert_same_bits(main.state_dict(), before)
    assert all(parameter.requires_grad for parameter in main.parameters())  # no longer frozen
    untrained = completion.build(BLOCKS).state_dict()
    assert all(not torch.equal(value, untrained[name]) for name, value in blocks.state_dict().items())


def test_the_adversarial_loss_is_weighed_by_lambda():
    first = {}
    for lam in (0.0, 0.01, 1.0):
        _, loop = completion.fit(replace(SHARP, adversarial=lam, steps=1), progress=False)
        first[lam] = loop.history[0]
    assert "adversarial" not in first[0.0]
    for lam in (0.01, 1.0):
        noted = first[lam]
        assert noted["l1"] == first[0.0]["l1"]
        assert noted["loss"] == pytest.approx(noted["l1"] + lam * noted["adversarial"], rel=1e-5)
        assert noted["discriminator"] == pytest.approx(0.69, abs=0.05)  # untrained: log 2


def test_at_alpha_zero_a_tuned_network_is_the_main_network(trained):
    main, (images, hole) = completion.main_network(BLOCKS, trained), some()
    with torch.no_grad():
        expected = main(images, hole)
        model = DynamicNet(main, {"tuned": shaken(load(trained, "hole_blocks"))})
        assert torch.equal(model(images, hole, alpha=0.0), expected)
        turned = model(images, hole, alpha=torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(turned[0], expected[0])
    assert not torch.equal(turned[1], expected[1])
    missing = hole.expand_as(images)
    assert torch.equal(turned[~missing], images[~missing])


def test_blocks_and_critics_without_their_networks_are_refused(trained, tmp_path):
    with pytest.raises(ReaderError, match=r"hole_blocks are tuning blocks on the network hole_sharp.*Train that first"):
        completion.train(BLOCKS, out=tmp_path, progress=False)
    with pytest.raises(ReaderError, match=r"hole_critic judges what is completed by.*--only hole_sharp"):
        completion.train(CRITIC, out=tmp_path, progress=False)
    with pytest.raises(ReaderError, match=r"made=\{name: network\}; no hole_sharp"):
        completion.fit(BLOCKS, progress=False)
    assert not list(tmp_path.iterdir())


def test_checkpoints_load_back_and_measure_what_their_cards_say(trained, measure):
    for name, config in SMALL.items():
        card = read_card(trained / f"{name}.json")
        assert completion.Config.from_json(card.config) == config
        assert "random filters" in card.data
        assert card_metrics(config, load(trained, name), measure, completion.needed(config, trained)) == card.metrics


# What is measured ---------------------------------------------------------------------------------------------------------


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


def test_image_interpolation_goes_from_one_network_to_the_other(trained, measure):
    sharp, smooth = load(trained, "hole_sharp"), load(trained, "hole_smooth")
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


def test_the_evaluation_is_plain_numbers(trained, monkeypatch):
    monkeypatch.setattr(comparisons, "experiments", lambda profile: SMALL)
    found = completion.evaluate_completion(lambda name: load(trained, name), SHARP, count=2)
    assert all(name.startswith("completion_") for name in found)
    assert all(isinstance(value, (int, float)) for value in found.values())
    for prefix in ("completion", "completion_pictures"):
        distances = [found[f"{prefix}_distance_alpha_{i}"] for i in range(11)]
        best = found[f"{prefix}_best_alpha"]
        assert distances[round(10 * best)] == min(distances)
        assert found[f"{prefix}_interior_beats_ends"] == (min(distances[1:-1]) < min(distances[0], distances[-1]))
        assert sum(found[f"{prefix}_own_alpha_count_{i}"] for i in range(11)) == 2
        assert found[f"{prefix}_own_gain"] >= 0
        assert {f"{prefix}_{name}_alpha_10" for name in ("l1", "ssim", "realism")} <= found.keys()
    assert found["completion_distance_alpha_0"] == pytest.approx(found["completion_pictures_distance_alpha_0"])
    card = read_card(trained / "hole_blocks.json")
    assert found["completion_l1_alpha_10"] == pytest.approx(card.metrics["l1"])
    assert found["completion_fixed_smooth_l1"] == pytest.approx(found["completion_pictures_l1_alpha_10"])
