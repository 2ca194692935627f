"""Experiments: appendix B's numbers, rows of all tables, equal budgets; networks that are their seed's alone."""

from dataclasses import asdict, replace

import pytest
import torch
from small_hyper import SMALL, same
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems.hyper_singan.embeddings import ResNet34
from lossconditioning.systems.hyper_singan.models import Own, primary
from lossconditioning.systems.hyper_singan.recipes import DEPTHS, build, build_discriminator, experiments

PROFILES = ("smoke", "laptop", "paper")
PAPER = experiments("paper")


# The paper's own setting --------------------------------------------------------------------------------------------------


def test_networks_and_losses_are_those_of_appendix_b():
    for config in PAPER.values():
        assert (config.width, config.layers, config.seen) == (64, 5, 128)
        assert (config.penalty, config.decay, config.clip) == (0.1, 0.8, 1.0)
        assert (config.average, config.accumulated, config.penalised) == (0, config.name != "drifting", "between")
        if config.kind == "hyper":
            assert (config.code_size, config.reconstruction, config.normalised) == (512, 50, False)
            assert config.heads == ("chunked" if config.name == "chunked" else "full")
            assert config.embedding == ("frozen" if config.name.startswith("frozen") else "resnet34")
        else:
            assert config.reconstruction == 10  # SinGAN's own


@pytest.mark.parametrize(
    ("names", "rates", "coarsest", "steps", "batch_size"),
    [
        (["single_0", "places_single_1", "lsun_single_0"], (1e-5, 5e-4), 25, 2000, 1),
        (["batch_1"], (1e-5, 1e-5), 27, 2000, 1),
        (["batch_4", "shared", "drifting"], (1e-5, 1e-5), 27, 2000, 4),
        (["dataset", "places_dataset", "dataset_200", "full", "frozen_3"], (5e-5, 5e-5), 28, 4000, 16),
        (["lsun_dataset"], (5e-5, 5e-5), 28, 5000, 16),
        (["singan_0", "places_singan_4", "lsun_singan_2"], (5e-4, 5e-4), 25, 2000, 1),
    ],
)
def test_rates_sizes_and_steps_are_those_of_each_regime(names, rates, coarsest, steps, batch_size):
    for name in names:
        config = PAPER[name]
        assert (config.learning_rate, config.discriminator_rate) == rates
        assert (config.steps_per_scale, config.batch_size) == (steps, batch_size)
        assert config.scales == 7  # of an image of size 256
        assert config.sizes[0] == (round(0.75 * coarsest), coarsest)
        assert config.sizes[-1] == (192, 256)


def test_a_projection_of_64_to_64_channels_has_18_million_weights():
    config = PAPER["places_dataset"]
    with torch.device("meta"):
        heads = build_discriminator(replace(config, embedding="small")).writer.heads
    names, ends = list(heads.shapes), torch.tensor(heads.sizes).cumsum(0)
    assert tuple(heads.shapes["2.weight"]) == (64, 64, 3, 3)
    assert len(names) == 10  # a head for each weight and each bias
    rows = heads.linear.weight[ends[names.index("2.weight") - 1] : ends[names.index("2.weight")]]
    assert rows.shape == (36_864, 512)
    assert rows.numel() == 18_874_368


def test_it_looks_with_resnet_34():
    with torch.device("meta"):
        found = build_discriminator(replace(PAPER["dataset"], width=2))
    assert isinstance(found.embedding.backbone, ResNet34)
    (layer,) = found.embedding.layers
    assert (layer.in_features, layer.out_features) == (512, 512)


# Tables -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_all_rows_are_there_and_those_that_need_a_download_are_last(profile):
    configs = experiments(profile)
    separate = 2 if profile == "smoke" else 5
    for dataset, prefix in (("scenery", ""), ("places50", "places_"), ("lsun50", "lsun_")):
        named = [f"{prefix}dataset", f"{prefix}single_0", f"{prefix}single_1"]
        named += [f"{prefix}singan_{number}" for number in range(separate)]
        assert {configs[name].dataset for name in named} == {dataset}
        for number in range(2):
            one, own = configs[f"{prefix}single_{number}"], configs[f"{prefix}singan_{number}"]
            assert (one.first, one.count, one.discriminator) == (own.first, own.count, own.discriminator)
            assert (one.first, one.count, one.discriminator) == (number, 1, "shared")
    assert [configs[f"batch_{count}"].count for count in range(1, 6)] == [1, 2, 3, 4, 5]
    assert [configs[name].count for name in ("dataset_10", "dataset_200")] == [10, 200]
    assert [configs[f"frozen_{depth}"].depth for depth in DEPTHS] == [1, 3, 5]
    assert ("play" in configs) == (profile != "paper")
    real = [config.dataset != "scenery" for config in configs.values()]
    assert real == sorted(real)
    assert all(config.name == name for name, config in configs.items())


def test_an_unknown_profile_is_said():
    with pytest.raises(ReaderError, match="Did you mean 'laptop'"):
        experiments("latop")


@pytest.mark.parametrize("profile", PROFILES)
def test_rivals_differ_in_one_thing(profile):
    configs = experiments(profile)
    for rival, other, free in (
        ("shared", "batch_4", {"discriminator"}),
        ("drifting", "batch_4", {"accumulated"}),
        ("chunked", "dataset", {"heads", "count"}),
        ("full", "dataset", {"heads", "count"}),
        ("frozen_3", "frozen_1", {"depth"}),
        ("frozen_1", "dataset", {"embedding", "count"}),
        ("batch_1", "batch_5", {"count", "batch_size"}),
        ("dataset_10", "dataset_200", {"count"}),
    ):
        one, another = asdict(configs[rival]), asdict(configs[other])
        assert {key for key in one if one[key] != another[key]} - {"name"} <= free, rival


def test_comparisons_on_two_cores_have_equal_budgets():
    laptop = [config for config in experiments("laptop").values() if config.purpose == "comparison"]
    assert len({(config.steps, config.width, config.scales) for config in laptop}) == 1


# Networks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dataset", "single_0", "singan_0", "chunked"])
def test_weights_depend_on_seed_and_repetition_alone(name):
    first = build(SMALL[name], 3)
    torch.manual_seed(99)
    assert same(first, build(SMALL[name], 3))
    assert same(first, build(replace(SMALL[name], learning_rate=0.5, steps_per_scale=9), 3))
    assert not same(first, build(SMALL[name], 4))
    assert not same(first, build(replace(SMALL[name], repeat=1), 3))
    assert torch.equal(first.prior.sample((2,)), torch.full((2,), SMALL[name].reconstruction))


def test_a_hypernetwork_has_one_embedding_and_a_writer_for_each_scale():
    model = build(replace(SMALL["dataset"], scales=3))
    assert len(model.writers) == 3
    assert not same(model.writers[0], model.writers[1])
    shapes = {name: tuple(value.shape[1:]) for name, value in model.weights(torch.rand(1, 8))[0].items()}
    assert shapes == {name: tuple(value.shape) for name, value in primary(4, 3, 3, 0.02).named_parameters()}


def test_a_singan_has_weights_of_its_own_at_every_scale():
    model = build(SMALL["singan_0"])
    assert model.embedding is None
    assert all(isinstance(writer, Own) for writer in model.writers)
    count = sum(value.numel() for value in primary(4, 3, 3, 0.2).parameters())
    assert sum(value.numel() for value in model.parameters()) == 2 * count


def test_discriminators_are_written_or_have_weights_of_their_own():
    found = {
        kind: build_discriminator(replace(SMALL["batch_4"], discriminator=kind))
        for kind in ("hyper", "shared", "same embedding")
    }
    assert isinstance(found["shared"].writer, Own)
    assert {kind: each.embedding is not None for kind, each in found.items()} == {
        "hyper": True,
        "shared": False,
        "same embedding": False,
    }


def test_leaky_relus_slope_is_that_of_the_kind():
    for name, of_generator, of_discriminator in (
        ("dataset", 0.02, 0.02),
        ("single_0", 0.02, 0.2),
        ("singan_0", 0.2, 0.2),
    ):
        for network, slope in (
            (build(SMALL[name]).network, of_generator),
            (build_discriminator(SMALL[name]).network, of_discriminator),
        ):
            skeleton = network._skeletons.take(False)
            assert {part.negative_slope for part in skeleton.modules() if isinstance(part, nn.LeakyReLU)} == {slope}


def test_codes_of_few_pictures_go_through_few_numbers():
    laptop = experiments("laptop")
    assert laptop["batch_2"].rank < laptop["dataset"].rank
