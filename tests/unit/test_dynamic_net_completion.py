"""Image completion: a hole is filled, everything else stays; blocks turn a frozen network; runs resume to the same bits."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.losses import PerceptualFeatures
from lossconditioning.systems.dynamic_net import completion
from lossconditioning.systems.dynamic_net.completion import comparisons, pictures, training
from lossconditioning.systems.dynamic_net.completion.measures import card_metrics
from lossconditioning.systems.dynamic_net.completion.pictures import batches, random_holes
from lossconditioning.training.cards import load_network, read_card
from lossconditioning.training.randomness import generator

LAYERS = ("relu1_1", "relu2_1")
SMALL = {name: replace(config, half=False) for name, config in completion.experiments("smoke").items()}
SHARP, SMOOTH, BLOCKS, CRITIC = (SMALL[f"hole_{name}"] for name in ("sharp", "smooth", "blocks", "critic"))


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """Shallow features, and an empty data folder, so that a test does not depend on the data sets this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, comparisons):
            patch.setattr(module, "LAYERS", LAYERS)
        patch.setenv("LOSSCONDITIONING_DATA", str(tmp_path_factory.mktemp("no_data")))
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


def some(count=3):
    torch.manual_seed(0)
    return torch.rand(count, 3, 64, 64), random_holes(SHARP, count, generator(1))


def shaken(module, by=0.3):
    """Its weights moved at random."""
    torch.manual_seed(4)
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn_like(weight)
    return module


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


# Configurations -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "netwrok"}, "Did you mean 'network'"),
        ({"data": "faces"}, "no data 'faces'"),
        ({"schedule": "linear"}, "no schedule"),
        ({"width": 0}, "width must be"),
        ({"count": 1.5}, "count must be"),
        ({"smallest": 21}, "even sides"),
        ({"smallest": 30, "largest": 28}, "smallest ≤ largest"),
        ({"offset": 17}, "offset is 0 to 16"),
        ({"adversarial": -1.0}, "λ, the weight of the adversarial loss"),
        ({"adversarial": float("nan")}, "λ, the weight of the adversarial loss"),
        ({"beta_1": 1.0}, "beta_1 is in"),
        ({"learning_rate": 0.0}, "learning_rate positive"),
        ({"main": "hole_smooth"}, "only they, name a main network"),
        ({"kind": "blocks"}, "only they, name a main network"),
        ({"kind": "critic", "main": "hole_sharp", "adversarial": 0.0}, "names blocks and a smooth network"),
        ({"blocks": "hole_blocks", "smooth": "hole_smooth"}, "names blocks and a smooth network"),
        ({"kind": "blocks", "main": "hole_smooth"}, "Only networks are trained against a discriminator"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(SHARP, **changes)


@pytest.mark.parametrize("profile", ["smoke", "demo", "laptop", "paper"])
def test_configurations_survive_json_and_come_after_what_they_need(profile):
    before = set()
    for name, config in completion.experiments(profile).items():
        assert config.name == name
        assert completion.Config.from_json(config.as_json()) == config
        assert before >= set(config.needs)
        before.add(name)


def test_all_laptop_checkpoints_take_less_than_two_megabytes():
    sizes = [completion.build(config).state_dict() for config in completion.experiments("laptop").values()]
    assert 2 * sum(tensor.numel() for state in sizes for tensor in state.values()) < 2e6


# Networks and holes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True])
def test_known_pixels_are_the_pictures_own_and_missing_ones_are_not_looked_at(half):
    network, (images, hole) = shaken(completion.Completer(4)), some()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        completed = network(images, hole)
        without = network(images.masked_fill(hole, 0.7), hole)
    missing = hole.expand_as(images)
    assert completed.dtype == torch.float32
    assert torch.equal(completed[~missing], images[~missing])
    assert torch.equal(completed[missing], without[missing])
    assert not torch.equal(completed[missing], images[missing])
    assert completed.min() >= 0
    assert completed.max() <= 1


def test_networks_take_any_rectangle_and_sides_that_are_multiples_of_16():
    network, hole = completion.Completer(4), completion.hole_at(3, 5, 20, 31, side=96)[None]
    images = torch.rand(1, 3, 96, 96)
    completed = network(images, hole)
    assert completed.shape == images.shape
    assert completion.PatchDiscriminator(4)(completed, hole).shape == (1, 1, 24, 24)
    assert completion.PatchDiscriminator(4, 3)(completed, hole).shape == (1, 1, 12, 12)


def test_pictures_and_holes_of_other_shapes_are_refused():
    network, (images, hole) = completion.Completer(4), some()
    for wrong, with_hole, said in [
        (images[:, :2], hole, "Pictures are"),
        (images[..., :60], hole[..., :60], "multiples of 16"),
        (images, hole.float(), "mask of True and False"),
        (images, hole[:1], "True where pixels are"),
        (images, hole[:, 0], "True where pixels are"),
    ]:
        with pytest.raises(ReaderError, match=said):
            network(wrong, with_hole)
        with pytest.raises(ReaderError, match=said):
            completion.PatchDiscriminator(4)(wrong, with_hole)


def test_the_hole_of_the_measurements_is_in_the_middle():
    hole = completion.centre_hole()
    assert hole.shape == (1, 64, 64)
    assert int(hole.sum()) == completion.HOLE**2
    assert torch.equal(hole, hole.flip(1))
    assert torch.equal(hole, hole.flip(2))
    for place in [(-1, 0, 4, 4), (0, 61, 4, 4), (0, 0, 0, 4)]:
        with pytest.raises(ReaderError, match="A hole lies within"):
            completion.hole_at(*place)


def test_training_holes_are_squares_of_all_sizes_and_places():
    config = completion.experiments("laptop")["hole_sharp"]
    holes = random_holes(config, 500, generator(3))[:, 0]
    heights, widths = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(heights, widths)
    assert torch.equal(heights * widths, holes.sum((1, 2)))
    assert set(heights.tolist()) == set(range(config.smallest, config.largest + 1, 2))
    tops, half = holes.any(2).to(torch.uint8).argmax(1), heights // 2
    assert set((tops + half - 32).tolist()) == set(range(-config.offset, config.offset + 1))


def test_a_mean_over_the_hole_leaves_the_rest_out():
    images, hole = some()
    expected = [float(image[:, mask[0]].mean()) for image, mask in zip(images, hole, strict=True)]
    assert completion.in_hole(images, hole).tolist() == pytest.approx(expected, rel=1e-5)
    patches = torch.zeros(3, 1, 16, 16)
    patches[:, :, 7:9, 7:9] = 1
    inside = completion.in_hole(patches, hole)
    assert torch.allclose(inside, 4 * 16 / hole.sum((1, 2, 3)))


def test_batches_are_functions_of_seed_and_step():
    images = completion.training_pictures(SHARP).images
    make, again = batches(SHARP, images, 5), batches(SHARP, images, 5)
    assert torch.equal(make(3).pictures, again(3).pictures)
    assert torch.equal(make(3).hole, again(3).hole)
    assert not torch.equal(make(3).pictures, make(4).pictures)
    assert not torch.equal(make(3).pictures, batches(SHARP, images, 6)(3).pictures)


def test_held_out_faces_are_others_and_photographs_serve_too(monkeypatch):
    learned = completion.training_pictures(SHARP).images
    for picture in completion.held_out_pictures(SHARP, count=3).images:
        assert (learned != picture).flatten(1).any(1).all()
    stand_in = Photographs({"noise": torch.randint(256, (3, 80, 96), dtype=torch.uint8)}, "noise")
    for name in ("training_photographs", "held_out_photographs"):
        monkeypatch.setattr(pictures, name, lambda folder: stand_in)
    config = replace(SHARP, data="photographs", count=2)
    for found in (completion.training_pictures(config), completion.held_out_pictures(config, count=2)):
        assert found.images.shape == (2, 3, 64, 64)
        assert found.images.dtype == torch.uint8
        assert found.source == "2 squares of noise"
    asked = []
    monkeypatch.setattr(
        pictures, "celeba", lambda *given: asked.append(given) or completion.Pictures(learned, "CelebA")
    )
    config = replace(SHARP, data="celeba", count=7)
    completion.training_pictures(config)
    completion.held_out_pictures(config, count=5)
    assert asked == [(None, "train", 7), (None, "valid", 5)]


# Losses -------------------------------------------------------------------------------------------------------------------


class Brightness(nn.Module):
    """A discriminator that finds bright patches real."""

    def forward(self, images, hole):
        return nn.functional.avg_pool2d(images.mean(1, keepdim=True), 4)


def test_the_objective_is_l1_and_a_share_of_the_adversarial_loss():
    images, hole = some()
    completed = torch.where(hole, images * 0.5, images).requires_grad_()
    values = completion.terms(completed, images, hole, Brightness())
    expected = [float(0.5 * image[:, mask[0]].mean()) for image, mask in zip(images, hole, strict=True)]
    assert values["l1"].tolist() == pytest.approx(expected, rel=1e-5)
    assert values["adversarial"].shape == (3,)
    torch.testing.assert_close(
        completion.objective(values, 0.3), values["l1"] + 0.3 * values["adversarial"], rtol=0, atol=0
    )
    alone = completion.terms(completed, images, hole)
    assert alone.keys() == {"l1"}
    assert torch.equal(completion.objective(alone, 0.3), values["l1"])
    values["adversarial"].sum().backward()
    assert (completed.grad[hole.expand_as(images)] < 0).all()  # brighter is more real


def test_the_discriminators_loss_does_not_reach_the_generator():
    images, hole = some()
    completed = torch.where(hole, images * 0.5, images).requires_grad_()
    judge = completion.PatchDiscriminator(4)
    completion.discrimination(judge, completed, images, hole).sum().backward()
    assert completed.grad is None
    assert all(parameter.grad is not None for parameter in judge.parameters())
    right = completion.discrimination(Brightness(), images * 0.2, images, hole)
    wrong = completion.discrimination(Brightness(), images, images * 0.2, hole)
    assert (right < wrong).all()


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
    alphas = torch.tensor(completion.ALPHAS, dtype=torch.float64)
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
    alphas = torch.tensor(completion.ALPHAS)
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
