"""Fast style transfer with tuning blocks: experiments, networks, what they cost, and two phases of training."""

import json
import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from small_dynamic import SMALL, shaken, small_loss, small_stylisation
from small_painters import SIDE
from torch import nn

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.conditioning import DynamicNet, TuningBlocks
from lossconditioning.datasets import photographs
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.datasets.paintings import painting as built_in
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.priors import LogUniform
from lossconditioning.systems import dynamic_net, system
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net import training as both_phases
from lossconditioning.systems.dynamic_net.stylisation import FastStyle, recipes, task, training
from lossconditioning.systems.style_transfer.pictures import held_out_photographs, squares
from lossconditioning.systems.style_transfer.training import batches
from lossconditioning.training.cards import load_network
from lossconditioning.training.randomness import reseed_torch

NETWORK, BLOCKS = SMALL["style_fixed_0"], SMALL["style_blocks"]
KINDS = {config.kind: config for config in (NETWORK, BLOCKS, SMALL["style_conditional"], SMALL["style_two"])}
ALL = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
PROFILES = pytest.mark.parametrize("profile", dynamic_net.PROFILES)
FIXED = [f"style_fixed_{i}" for i in range(7)]
NETWORKS = [*FIXED, "style_conditional", "style_other", "style_two"]
MAINS = {
    "style_blocks": "style_fixed_0",
    **{
        f"style_{name}": "style_fixed_6"
        for name in ("blocks_other", "blocks_coarse", "back_middle", "back_weak", "back_none")
    },
}
STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_stylisation(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one experiment of every kind, trained for a few steps; blocks are asked for before their network."""
    folder = tmp_path_factory.mktemp("trained")
    configs = sorted(KINDS.values(), key=lambda config: config.kind)
    assert configs[0].kind == "blocks"
    assert dynamic_net.train_all(configs, out=folder, profile="smoke") == 4
    return folder


def load(name, folder):
    return load_network(
        folder, name, "dynamic_net", lambda card: stylisation.build(stylisation.Config.from_json(card.config))
    )


def fit(config, **options):
    """Blocks are put on a network that stands in for a trained one."""
    if config.kind == "blocks":
        options = {"main": shaken("style_fixed_0"), **options}
    return stylisation.fit(config, progress=False, **options)


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


def some(count=3, side=SIDE):
    return squares(list(photographs().values())[:count], side)


# Experiments --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "networks"}, "no kind of experiment 'networks'. Did you mean 'network'"),
        ({"kind": "two_style"}, "no kind of experiment 'two_style'. Did you mean 'two_styles'"),
        ({"features": "vgg18"}, "no network 'vgg18'. Did you mean 'vgg1"),
        ({"schedule": "cosinus"}, "no schedule 'cosinus'. Did you mean 'cosine'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("width", "blocks", "hidden", "zoom")),
        *(({name: 2.5}, f"{name} must be a whole number") for name in ("side", "batch_size", "steps")),
        ({"style_layers": ("relu1_2", "relu2_2", "relu3_3", "relu4_4")}, "no layer of vgg16 'relu4_4'"),
        ({"style_layers": ("relu1_2", "relu2_2", "relu3_3")}, "at four layers; got .*relu1_2"),
        ({"content_layer": "relu2_3"}, "no layer of vgg16 'relu2_3'"),
        ({"side": 31}, "side is 32 pixels or more, .*; got 31"),
        ({"crops": -1}, "crops 0 or more, .*-1"),
        ({"learning_rate": 0.0}, "learning_rate positive"),
        ({"learning_rate": math.nan}, "learning_rate positive"),
        *(({"strength": lam}, "the weight of style, is 0 or more; got") for lam in (-1.0, math.inf, math.nan)),
        ({"kind": "blocks"}, "and only they, name a main network; got blocks and main=None"),
        ({"main": "style_fixed_0"}, "and only they, name a main network; got network and main=style_fixed_0"),
        ({"kind": "conditional"}, "and only it, has a smallest λ; got conditional and None"),
        ({"weakest": 0.8}, "and only it, has a smallest λ; got network and 0.8"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        stylisation.Config("x", **wrong)


@PROFILES
def test_every_profile_trains_ten_networks_and_six_sets_of_blocks_on_them(profile):
    configs = stylisation.experiments(profile)
    assert list(configs) == [*NETWORKS, *MAINS]  # networks first
    assert {name: config.main for name, config in configs.items() if config.kind == "blocks"} == MAINS
    assert all(config.name == name for name, config in configs.items())
    kinds = {name: configs[name].kind for name in NETWORKS if configs[name].kind != "network"}
    assert kinds == {"style_conditional": "conditional", "style_two": "two_styles"}
    assert {name: config for name, config in dynamic_net.experiments(profile).items() if name in configs} == configs


@PROFILES
def test_what_is_compared_differs_in_its_objective_alone(profile):
    configs = stylisation.experiments(profile)
    base = configs["style_fixed_6"]
    rate = configs["style_blocks"].learning_rate
    objectives = {
        **{name: {"strength": lam} for name, lam in zip(FIXED, stylisation.strengths(), strict=True)},
        "style_conditional": {"kind": "conditional", "weakest": 0.8},
        "style_other": {"style": stylisation.STYLES[1]},
        "style_two": {"kind": "two_styles"},
        "style_blocks": {},
        "style_blocks_other": {"style": stylisation.STYLES[1]},
        "style_blocks_coarse": {"zoom": 2},
        "style_back_middle": {"strength": stylisation.strengths()[3]},
        "style_back_weak": {"strength": 0.8},
        "style_back_none": {"strength": 0.0},
    }
    for name, own in objectives.items():
        if name in MAINS:
            own = {"kind": "blocks", "main": MAINS[name], "learning_rate": rate, **own}
        assert configs[name] == replace(base, name=name, **own)


def test_the_fixed_networks_weights_go_evenly_from_the_weakest_to_fifty_times_it():
    found = stylisation.strengths()
    assert (len(found), found[0], found[-1]) == (7, 0.8, 40.0)
    assert [later / sooner for sooner, later in pairwise(found)] == pytest.approx([50 ** (1 / 6)] * 6, rel=1e-3)
    eleven = stylisation.strengths(11)
    assert (len(eleven), eleven[0], eleven[-1], eleven[5]) == (11, 0.8, 40.0, found[3])


def test_the_papers_profile_has_the_public_codes_numbers():
    configs = stylisation.experiments("paper")
    for config in configs.values():
        assert (config.width, config.blocks, config.at) == (32, 5, ("residual.1", "residual.4", "up.1"))
        assert (config.batch_size, config.side, config.schedule) == (4, 256, "constant")
        assert (config.features, config.content_layer) == ("vgg16", "relu2_2")
        assert config.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
        assert (config.pretrained, config.half, config.crops) == (True, False, 0)
    assert {configs[name].learning_rate for name in NETWORKS} == {1e-3}


def test_the_papers_profile_trains_blocks_at_a_tenth_of_the_rate_as_the_public_code_does():
    configs = stylisation.experiments("paper")
    assert [configs[name].learning_rate for name in MAINS] == pytest.approx([1e-4] * 6)


@pytest.mark.parametrize("profile", ["laptop", "smoke"])
def test_elsewhere_blocks_rate_is_the_stated_share_of_the_networks(profile):
    configs = stylisation.experiments(profile)
    expected = recipes.TUNING_RATE[profile] * configs["style_fixed_0"].learning_rate
    assert [configs[name].learning_rate for name in MAINS] == pytest.approx([expected] * 6)


def test_demo_names_what_laptop_trained_and_an_unknown_profile_is_answered():
    assert stylisation.experiments("demo") == stylisation.experiments("laptop")
    with pytest.raises(ReaderError, match=r"no profile 'papier'. Did you mean 'paper'"):
        dynamic_net.experiments("papier")
    assert system("dynamic_net") is dynamic_net


@PROFILES
def test_every_experiment_survives_json(profile):
    for config in stylisation.experiments(profile).values():
        assert stylisation.Config.from_json(json.loads(json.dumps(config.as_json()))) == config


@ALL
def test_initial_weights_depend_on_seed_and_repetition_alone(config):
    torch.manual_seed(5)
    first = stylisation.build(config, seed=1)
    assert_same_weights(stylisation.build(config, seed=1), first)
    assert_same_weights(stylisation.build(replace(config, strength=0.9, steps=9), seed=1), first)
    for other in (stylisation.build(config), stylisation.build(replace(config, repeat=1), seed=1)):
        ours, its = (torch.cat([weight.flatten() for weight in model.parameters()]) for model in (first, other))
        assert not torch.equal(ours, its)


def test_the_network_is_the_one_a_config_describes():
    blocks = stylisation.build(replace(BLOCKS, width=6, blocks=2, at=("residual.1", "up.0", "up.1")))
    assert isinstance(blocks, TuningBlocks)
    assert {name: blocks[name].channels for name in blocks.at} == {"residual.1": 24, "up.0": 12, "up.1": 6}
    assert all(weight.requires_grad for weight in blocks.parameters())
    conditional = stylisation.build(replace(SMALL["style_conditional"], hidden=5))
    assert isinstance(conditional.prior, LogUniform)
    assert (float(conditional.prior.low), float(conditional.prior.high)) == pytest.approx((0.8, 40.0))
    assert {each.shared[0].out_features for each in conditional.conditioners.values()} == {5}
    two = stylisation.build(SMALL["style_two"])
    assert two.prior.weight_shape == (2,)
    assert all(isinstance(each.shared, nn.Identity) for each in two.conditioners.values())
    with pytest.raises(ReaderError, match=r"no layer 'residual.7'. Did you mean"):
        stylisation.build(replace(BLOCKS, at=("residual.7",)))


# Networks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sides", [(16, 16), (17, 18), (19, 33), (32, 46)])
def test_a_painting_has_the_photographs_shape(sides):
    assert FastStyle(2, 1)(torch.rand(2, 3, *sides)).shape == (2, 3, *sides)


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (1, 1, 32, 32), (1, 4, 32, 32), (1, 3, 15, 32), (1, 3, 32, 15)], ids=str
)
def test_what_is_no_photograph_is_refused(shape):
    with pytest.raises(ReaderError, match=r"RGB in .0, 1., 16 pixels a side or more; got"):
        FastStyle(2, 1)(torch.rand(shape))


def test_the_layers_are_johnsons():
    network = FastStyle()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    shapes = [(each.in_channels, each.out_channels, each.kernel_size[0], each.stride[0]) for each in convolutions]
    assert shapes[:3] == [(3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)]
    assert shapes[3:13] == [(128, 128, 3, 1)] * 10  # five residual blocks
    assert shapes[13:] == [(128, 64, 3, 1), (64, 32, 3, 1), (32, 3, 9, 1)]
    assert {each.padding_mode for each in convolutions} == {"reflect"}
    norms = [module for module in network.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert len(norms) == 15  # behind all but the last
    assert all(norm.affine and not norm.track_running_stats for norm in norms)
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 3 + 5 + 2


def test_a_residual_block_passes_its_input_on():
    block = FastStyle(2, 1).residual[0]
    nn.init.zeros_(block.second[1].weight)
    features = torch.randn(1, 8, 6, 6)
    assert torch.equal(block(features), features)


def test_a_painting_is_not_clamped():
    network = FastStyle(2, 1)
    nn.init.constant_(network.last.bias, 3.0)
    nn.init.zeros_(network.last.weight)
    assert torch.equal(network(torch.rand(1, 3, 16, 16)), torch.full((1, 3, 16, 16), 3.0))


@pytest.mark.parametrize("name", ["style_conditional", "style_two"])
def test_a_conditional_network_listens_at_every_normalisation(name):
    model = shaken(name)
    norms = [layer for layer in model.network.modules() if isinstance(layer, nn.InstanceNorm2d)]
    assert len(model.conditioners) == len(norms) == 3 + 2 * 3 + 2
    codes = torch.tensor([0.8, 40.0]) if name == "style_conditional" else torch.eye(2)
    with torch.no_grad():
        twice = model(some(1).expand(2, 3, SIDE, SIDE), codes)
        assert not torch.allclose(twice[0], twice[1], atol=1e-2)
        torch.testing.assert_close(model(some(1), codes[1:])[0], twice[1], rtol=1e-4, atol=1e-4)
        # Whatever is beside it: each picture is painted under its own code.
        for conditioner in model.conditioners.values():
            sigma = conditioner.to_scale(conditioner.shared(model.prior.encode(codes)))
            assert (sigma[0] - sigma[1]).abs().max() > 1e-2


def test_between_two_styles_lie_mixtures_of_their_normalisations():
    """Told a mixture, it is the plain network whose scales and shifts are that mixture of the two styles' own."""
    model = shaken("style_two")
    for share in (0.0, 0.3, 1.0):
        plain = FastStyle(SMALL["style_two"].width, SMALL["style_two"].blocks)
        plain.load_state_dict(model.network.state_dict())
        conditioned = [layer for layer in plain.modules() if isinstance(layer, nn.InstanceNorm2d)]
        with torch.no_grad():
            for layer, conditioner in zip(conditioned, model.conditioners.values(), strict=True):
                (first, second), (down, up) = 1 + conditioner.to_scale(torch.eye(2)), conditioner.to_shift(torch.eye(2))
                layer.weight.copy_(layer.weight.sign() * torch.lerp(first, second, share))
                layer.bias.copy_(torch.lerp(down, up, share))
            told = model(some(), torch.tensor([[1 - share, share]]).expand(3, 2))
            torch.testing.assert_close(plain(some()), told, rtol=1e-2, atol=1e-2)


# What it costs ------------------------------------------------------------------------------------------------------------


def test_a_painting_is_the_built_in_one_and_twice_as_coarse_its_middle_enlarged(monkeypatch):
    monkeypatch.setattr(task, "built_in", built_in)
    monkeypatch.setattr(task, "SHIPPED_SIZE", 256)
    name = stylisation.STYLES[1]
    whole, coarse = stylisation.painting(name), stylisation.painting(name, 2)
    assert torch.equal(whole, built_in(name))
    assert (coarse.shape, coarse.dtype) == ((3, 256, 256), torch.uint8)
    small = nn.functional.avg_pool2d(coarse[None].float(), 2)[0]
    assert (small - whole[:, 64:192, 64:192].float()).abs().mean() < 6
    assert (small - whole[:, 60:188, 64:192].float()).abs().mean() > 10  # not from somewhere else
    with pytest.raises(ReaderError, match=r"no painting 'autumn_woods'. Did you mean 'autumn_wood'"):
        stylisation.painting("autumn_woods")


def test_terms_are_in_units_of_unpainted_photographs():
    loss, pictures = small_loss(), some(6)
    content = loss.content_targets(pictures)
    each = [stylisation.terms(loss, pictures, content, task.style_of(loss, name)) for name in PAINTINGS]
    assert torch.stack([values["style"] for values in each]).mean() == pytest.approx(1, rel=1e-3)
    assert each[0]["style"].shape == each[0]["content"].shape == (6,)
    assert all(torch.equal(values["content"], torch.zeros(6)) for values in each)
    away = stylisation.terms(loss, pictures.roll(1, 0), content, task.style_of(loss, PAINTINGS[0]))
    assert away["content"][1:].mean() == pytest.approx(1, rel=1e-3)  # pictures of something else


def test_the_style_is_the_mean_over_four_layers_and_0_for_the_painting_itself():
    loss = small_loss()
    name = stylisation.STYLES[0]
    style = task.style_of(loss, name)
    itself = stylisation.painting(name)[None].float() / 255
    found = stylisation.terms(loss, itself, loss.content_targets(some(1)), style)
    assert float(found["style"]) == pytest.approx(0, abs=1e-6)
    pictures, units = some(2), task.units(loss)
    raw = loss(pictures, loss.content_targets(pictures), [layer.expand(2, -1, -1) for layer in style])
    expected = sum(raw[f"style_{i}"] / units[f"style_{i}"] for i in (1, 2, 3, 4)) / 4
    torch.testing.assert_close(
        stylisation.terms(loss, pictures, loss.content_targets(pictures), style)["style"], expected
    )


def test_each_picture_may_have_a_style_of_its_own():
    loss, pictures = small_loss(), some(2)
    content = loss.content_targets(pictures)
    one, other = (task.style_of(loss, name) for name in stylisation.STYLES)
    mixed = stylisation.terms(loss, pictures, content, tuple(map(torch.cat, zip(other, one, strict=True))))["style"]
    assert mixed[0] == pytest.approx(stylisation.terms(loss, pictures, content, other)["style"][0].item(), rel=1e-4)
    assert mixed[1] == pytest.approx(stylisation.terms(loss, pictures, content, one)["style"][1].item(), rel=1e-4)


def test_three_style_layers_are_refused():
    loss = small_loss()
    loss.style = loss.style[:3]
    with pytest.raises(ReaderError, match="Style is compared at four layers here"):
        stylisation.terms(loss, some(1), loss.content_targets(some(1)), task.style_of(small_loss(), PAINTINGS[0]))


def test_the_objective_weighs_style_by_lambda():
    values = {"content": torch.tensor([1.0, 2.0]), "style": torch.tensor([0.5, 0.25])}
    assert stylisation.objective(values, 4.0).tolist() == [3.0, 3.0]
    assert stylisation.objective(values, torch.tensor([0.0, 8.0])).tolist() == [1.0, 4.0]


# What a batch is asked for ------------------------------------------------------------------------------------------------


def test_a_networks_batch_has_its_own_weight_and_no_code():
    found = training.draw(NETWORK, stylisation.build(NETWORK), 4)
    assert found.lam.tolist() == pytest.approx([0.8] * 4)
    assert found.code is None
    assert found.style.tolist() == [0] * 4


def test_a_conditional_networks_batch_is_spread_evenly_over_its_range():
    config = SMALL["style_conditional"]
    torch.manual_seed(0)
    found = training.draw(config, stylisation.build(config), 16)
    assert torch.equal(found.code, found.lam)
    assert found.style.tolist() == [0] * 16
    assert 0.8 <= found.lam.min() <= found.lam.max() <= 40
    strata = (16 * (found.lam / 0.8).log() / math.log(50)).floor()
    assert strata.sort().values.tolist() == list(range(16))
    assert strata.tolist() != list(range(16))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_half_of_a_batch_is_asked_for_each_of_two_styles(count):
    config = SMALL["style_two"]
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found = (
            training.draw(config, stylisation.build(config), count) if seed == 0 else training.draw(config, None, count)
        )
        assert found.lam.tolist() == [40.0] * count
        assert found.code.argmax(1).tolist() == found.style.tolist()
        assert found.code.sum(1).tolist() == [1.0] * count
        assert found.style.bincount(minlength=2).tolist() in (
            [count // 2, count - count // 2],
            [count - count // 2, count // 2],
        )
        seen.add(tuple(found.style.tolist()))
    assert len(seen) > 1


def test_targets_are_those_of_the_paintings_that_are_learned():
    loss = small_loss()
    one, other = (task.style_of(loss, name) for name in stylisation.STYLES)
    for layer, first, second in zip(training.learned(SMALL["style_two"], loss), one, other, strict=True):
        assert torch.equal(layer, torch.cat([first, second]))
    for layer, expected in zip(training.learned(SMALL["style_other"], loss), other, strict=True):
        assert torch.equal(layer, expected)
    coarse = training.learned(SMALL["style_blocks_coarse"], loss)
    for layer, expected, fine in zip(coarse, task.style_of(loss, stylisation.STYLES[0], 2), one, strict=True):
        assert torch.equal(layer, expected)
        assert not torch.allclose(layer, fine, rtol=1e-3)


# Training -----------------------------------------------------------------------------------------------------------------


@ALL
def test_the_first_step_costs_the_mean_objective_over_one_plus_lambda(config):
    config = replace(config, batch_size=4, steps=1, crops=0)
    _, loop = fit(config, seed=2)
    loss, model = small_loss(), stylisation.build(config, seed=2)
    batch = batches(config, tuple(photographs().values()), loss, 2000)(0)
    reseed_torch(2000, 0)
    drawn = training.draw(config, model, 4)
    paintings = [task.style_of(loss, name) for name in stylisation.STYLES]
    with torch.no_grad():
        if config.kind == "blocks":
            painted = DynamicNet(shaken("style_fixed_0"), {"tuned": model})(batch.photographs, alpha=1.0)
        else:
            painted = model(batch.photographs, *([] if drawn.code is None else [drawn.code]))
        each = [stylisation.terms(loss, painted, batch.content, style) for style in paintings]
    content, style = each[0]["content"], torch.where(drawn.style == 0, each[0]["style"], each[1]["style"])
    lam = drawn.lam
    (row,) = loop.history
    assert row["loss"] == pytest.approx(((content + lam * style) / (1 + lam)).mean().item(), rel=1e-4)
    assert row["content"] == pytest.approx(content.mean().item(), rel=1e-4)
    assert row["style"] == pytest.approx(style.mean().item(), rel=1e-4)


def test_blocks_leave_their_main_network_as_it_was():
    main = shaken("style_fixed_0").train()
    before, painted = {name: value.clone() for name, value in main.state_dict().items()}, main(some())
    blocks, _ = fit(BLOCKS, main=main)
    untrained = stylisation.build(BLOCKS)
    assert not torch.equal(blocks["up.1"].layers[0].weight, untrained["up.1"].layers[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in main.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in main.parameters())
    assert main.training
    assert torch.equal(main(some()), painted)
    assert not any(module._forward_hooks for module in main.modules())
    # Nothing of the main network is kept with the blocks.
    assert set(blocks.state_dict()) == set(untrained.state_dict())


@ALL
def test_a_stopped_training_continues_bit_identically(config, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


@ALL
def test_thirty_steps_lower_the_loss(config):
    _, loop = fit(replace(config, steps=30, batch_size=4, learning_rate=1e-2))
    losses = [row["loss"] for row in loop.history]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


def test_half_precision_takes_nearly_the_same_steps():
    config = replace(NETWORK, learning_rate=1e-5, crops=0)  # so that the runs do not part
    (model, half), (_, single) = fit(replace(config, half=True)), fit(config)
    for a, b in zip(half.history, single.history, strict=True):
        for name in ("style", "content"):
            assert a[name] == pytest.approx(b[name], rel=0.1)
            assert a[name] != b[name]
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["style_fixed_6", "style_back_none"])
def test_the_papers_profile_runs_in_small(name):
    """One step, one picture; the losses and their layers as in the public code."""
    config = replace(stylisation.experiments("paper")[name], width=4, side=32, batch_size=1, steps=1, pretrained=False)
    main = stylisation.build(replace(config, kind="network", main=None)) if config.main else None
    _, loop = stylisation.fit(config, main=main, progress=False)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())


# Checkpoints --------------------------------------------------------------------------------------------------------------


def test_all_are_trained_networks_first_and_what_is_finished_is_counted(trained):
    names = {config.name for config in KINDS.values()}
    assert {file.name for file in trained.iterdir()} == {f"{n}.{k}" for n in names for k in ("json", "safetensors")}


@pytest.fixture
def called(monkeypatch):
    """In place of training: which experiments were asked for in what order; "style_two" does not finish if told so."""
    found, stuck = [], set()

    def train_many(train, configs, **options):
        configs = list(configs)
        found.extend((config.name, options) for config in configs)
        return sum(config.name not in stuck for config in configs)

    monkeypatch.setattr(both_phases, "train_many", train_many)
    return found, stuck


def test_blocks_come_after_all_networks_whatever_the_order_asked_for(called, tmp_path):
    found, _ = called
    configs = reversed(stylisation.experiments("smoke").values())
    assert dynamic_net.train_all(configs, out=tmp_path, profile="smoke", seed=3, workers=2) == 16
    assert [name for name, _ in found] == [*reversed(NETWORKS), *reversed(MAINS)]
    for _, options in found:
        assert (options["seed"], options["workers"], options["profile"]) == (3, 2, "smoke")


def test_blocks_are_not_begun_before_the_networks_are_finished(called, tmp_path):
    found, stuck = called
    stuck.add("style_two")
    assert dynamic_net.train_all(stylisation.experiments("smoke").values(), out=tmp_path, profile="smoke") == 9
    assert [name for name, _ in found] == NETWORKS


def test_both_phases_share_one_time_budget(monkeypatch, tmp_path):
    given, now = [], [1000.0]

    def train_many(train, configs, *, minutes, **options):
        given.append(minutes)
        now[0] += 30
        return len(list(configs))

    for clock in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(f"time.{clock}", lambda: now[0])
    monkeypatch.setattr(both_phases, "train_many", train_many)
    dynamic_net.train_all([NETWORK, BLOCKS], out=tmp_path, profile="smoke", minutes=2)
    monkeypatch.undo()
    assert given == pytest.approx([2, 1.5])


@ALL
def test_a_finished_checkpoint_loads_back_and_gives_its_cards_numbers(config, trained):
    card, model = load(config.name, trained)
    assert stylisation.Config.from_json(card.config) == config
    main = stylisation.main_network(config, trained) if config.main else None
    expected, _ = fit(config, main=main) if main else fit(config)
    assert_same_weights(model, expected, rtol=2e-3, atol=1e-4)  # stored in half precision
    measure = stylisation.Measure.of(small_loss(), held_out_photographs(None, 2).pictures.values())
    again = stylisation.card_metrics(config, model, measure, main)
    assert again == pytest.approx(card.metrics, rel=1e-5)
    assert all(np.isfinite(value) for value in again.values())
    assert card.data.startswith(STAND_IN)
    assert "built-in paintings; features of vgg16 with fixed random filters; measured on the first 2 of" in card.data
    assert f"train dynamic_net --only {config.name} --profile smoke" in card.command
    assert "cost" in card.metrics
    assert card.tolerance.startswith("cost ")


def test_a_cards_numbers_are_means_over_the_held_out_photographs(trained):
    (_, main), (_, blocks) = load("style_fixed_0", trained), load("style_blocks", trained)
    loss, pictures = small_loss(), squares(held_out_photographs(None, 2).pictures.values(), SIDE)
    content, style = loss.content_targets(pictures), task.style_of(loss, stylisation.STYLES[0])

    def expected(painted, lam):
        values = {name: float(v.mean()) for name, v in stylisation.terms(loss, painted, content, style).items()}
        return pytest.approx({**values, "cost": values["content"] + lam * values["style"]}, rel=1e-4)

    measure = stylisation.Measure.of(loss, held_out_photographs(None, 2).pictures.values())
    with torch.no_grad():
        assert stylisation.card_metrics(NETWORK, main, measure) == expected(main(pictures), 0.8)
        tuned = DynamicNet(main, {"tuned": blocks})
        at_one = tuned(pictures, alpha=1.0)
        tuned.undo()
        assert stylisation.card_metrics(BLOCKS, blocks, measure, main) == expected(at_one, 40.0)
    assert not any(module._forward_hooks for module in main.modules())
    _, conditional = load("style_conditional", trained)
    found = stylisation.card_metrics(SMALL["style_conditional"], conditional, measure)
    costs = []
    for lam in stylisation.strengths():
        with torch.no_grad():
            values = stylisation.terms(loss, conditional(pictures, torch.tensor([lam, lam])), content, style)
        costs.append(float(stylisation.objective(values, lam).mean()))
    assert [found[f"cost_{i}"] for i in range(7)] == pytest.approx(costs, rel=1e-4)
    assert found["cost"] == pytest.approx(np.mean(costs), rel=1e-4)


def test_the_main_network_is_the_finished_one(trained):
    main = stylisation.main_network(BLOCKS, trained)
    assert not main.training
    assert_same_weights(main, load("style_fixed_0", trained)[1])


def test_blocks_without_their_network_say_what_to_train_first(tmp_path):
    train = partial(dynamic_net.train, BLOCKS, out=tmp_path, profile="smoke", progress=False)
    with pytest.raises(
        ReaderError, match=r"style_blocks are tuning blocks on the network style_fixed_0, which is not in"
    ) as error:
        train()
    assert f"lossconditioning train dynamic_net --only style_fixed_0 --out {tmp_path}" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_train_does_nothing_when_it_is_finished(trained):
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()}
    for config in KINDS.values():
        assert dynamic_net.train(config, out=trained, profile="smoke", progress=False)
        with pytest.raises(CheckpointError, match="another configuration"):
            dynamic_net.train(replace(config, steps=2), out=trained, profile="smoke", progress=False)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()} == before


def test_unfinished_blocks_leave_no_checkpoint_and_are_continued(tmp_path, trained):
    for kind in ("json", "safetensors"):
        (tmp_path / f"style_fixed_0.{kind}").write_bytes((trained / f"style_fixed_0.{kind}").read_bytes())
    options = {"out": tmp_path, "profile": "smoke", "progress": False}
    assert dynamic_net.train(BLOCKS, minutes=1e-9, **options) is False
    assert not (tmp_path / "style_blocks.json").exists()
    assert dynamic_net.train(BLOCKS, **options)
    file = "style_blocks.safetensors"
    assert (tmp_path / file).read_bytes() == (trained / file).read_bytes()
    assert not (tmp_path / "unfinished").exists()
