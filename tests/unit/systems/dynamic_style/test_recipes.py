"""What fast style transfer with tuning blocks trains: experiments of every profile, and the networks they describe."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from small_dynamic import ALL, BLOCKS, FIXED, MAINS, NETWORK, NETWORKS, QUIET, SMALL, assert_same_weights
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import TuningBlocks
from lossconditioning.priors import LogUniform
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import recipes
from lossconditioning.training import PROFILES

EVERY = pytest.mark.parametrize("profile", PROFILES)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "networks"}, "no kind of experiment 'networks'. Did you mean 'network'"),
        ({"kind": "two_style"}, "no kind of experiment 'two_style'. Did you mean 'two_styles'"),
        ({"upsampling": "cubic"}, "no upsampling 'cubic'"),
        ({"features": "vgg18"}, "no network 'vgg18'. Did you mean 'vgg1"),
        ({"schedule": "cosinus"}, "no schedule 'cosinus'. Did you mean 'cosine'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("width", "blocks", "hidden", "zoom")),
        *(({name: 2.5}, f"{name} must be a whole number") for name in ("side", "batch_size", "steps")),
        ({"style_layers": ("relu1_2", "relu2_2", "relu3_3", "relu4_4")}, "no layer of vgg16 'relu4_4'"),
        ({"style_layers": ("relu1_2", "relu2_2", "relu3_3")}, "at four layers; got .*relu1_2"),
        ({"content_layer": "relu2_3"}, "no layer of vgg16 'relu2_3'"),
        ({"side": 31}, "side is 32 pixels or more; got 31"),
        ({"crops": -1}, "crops is 0 or more; got -1"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number"),
        ({"learning_rate": math.nan}, "learning_rate is a positive number"),
        *(({"lam": lam}, "the weight of style, is 0 or more; got") for lam in (-1.0, math.inf, math.nan)),
        ({"kind": "blocks"}, "and only they, name a main network; got blocks and main=None"),
        ({"main": "style_fixed_0"}, "and only they, name a main network; got network and main=style_fixed_0"),
        ({"kind": "conditional"}, "and only it, has a smallest λ; got conditional and None"),
        ({"lam_low": 0.8}, "and only it, has a smallest λ; got network and 0.8"),
        ({"kind": "conditional", "lam": 1.0, "lam_low": 2.0}, "0 < lam_low < lam; got 2.0, 1.0"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        dynamic_style.Config("x", **wrong)


@EVERY
def test_every_profile_trains_eleven_networks_and_six_sets_of_blocks_on_them(profile):
    configs = {name: each for name, each in dynamic_style.experiments(profile).items() if each.purpose == "comparison"}
    assert list(configs) == [*NETWORKS, *MAINS]  # networks first
    assert {name: config.main for name, config in configs.items() if config.kind == "blocks"} == MAINS
    kinds = {name: configs[name].kind for name in NETWORKS if configs[name].kind != "network"}
    assert kinds == {"style_conditional": "conditional", "style_two": "two_styles"}


@EVERY
def test_what_is_compared_differs_in_its_objective_alone(profile):
    configs = dynamic_style.experiments(profile)
    base = configs["style_fixed_6"]
    rate = configs["style_blocks"].learning_rate
    objectives = {
        **{name: {"lam": lam} for name, lam in zip(FIXED, dynamic_style.lam_grid(), strict=True)},
        "style_fixed_long": {"steps": 2 * base.steps},
        "style_conditional": {"kind": "conditional", "lam_low": 0.8, "steps": 2 * base.steps},
        "style_other": {"style": dynamic_style.STYLES[1]},
        "style_two": {"kind": "two_styles", "steps": 2 * base.steps},
        "style_blocks": {},
        "style_blocks_other": {"style": dynamic_style.STYLES[1]},
        "style_blocks_coarse": {"zoom": 2},
        "style_back_middle": {"lam": dynamic_style.lam_grid()[3]},
        "style_back_weak": {"lam": 0.8},
        "style_back_none": {"lam": 0.0},
    }
    for name, own in objectives.items():
        if name in MAINS:
            own = {"kind": "blocks", "main": MAINS[name], "learning_rate": rate, **own}
        assert configs[name] == replace(base, name=name, **own)


@EVERY
def test_a_network_to_play_with_and_its_blocks_come_last_where_two_cores_train(profile):
    play = [name for name, config in dynamic_style.experiments(profile).items() if config.purpose == "play"]
    assert play == (["style_play_weak", "style_play"] if profile in ("laptop", "demo") else [])
    assert list(dynamic_style.experiments(profile))[len(NETWORKS) + len(MAINS) :] == play


def test_the_network_to_play_with_has_the_ends_of_the_compared_ones_and_no_lattice():
    configs = dynamic_style.experiments("laptop")
    main, blocks = configs["style_play_weak"], configs["style_play"]
    assert (main.lam, blocks.lam) == (configs["style_fixed_0"].lam, configs["style_blocks"].lam)
    assert (main.main, main.needs, blocks.main, blocks.needs) == (None, (), main.name, (main.name,))
    assert main.upsampling == blocks.upsampling == "bilinear"
    assert replace(main, kind="blocks", main=main.name, lam=blocks.lam, learning_rate=blocks.learning_rate) == replace(
        blocks, name=main.name
    )
    assert blocks.learning_rate == pytest.approx(recipes.TUNING_RATE["laptop"] * main.learning_rate)
    assert main.at == dynamic_style.experiments("paper")["style_blocks"].at
    for term in ("features", "style_layers", "content_layer", "style", "zoom"):  # the same objective
        assert getattr(main, term) == getattr(configs["style_fixed_0"], term)


def test_readers_play_with_the_long_trained_pair_where_both_are_finished():
    both = ["style_fixed_0", "style_play", "style_play_weak", "style_blocks"]
    assert dynamic_style.played(both) == ("style_play_weak", "style_play")
    for missing in ("style_play", "style_play_weak"):
        assert dynamic_style.played(set(both) - {missing}) == ("style_fixed_0", "style_blocks")


def test_evaluation_does_without_the_networks_to_play_with():
    for profile in PROFILES:
        assert list(dynamic_style.SYSTEM.compared(replace(QUIET, profile=profile))) == [*NETWORKS, *MAINS]


def test_the_fixed_networks_weights_go_evenly_from_the_weakest_to_fifty_times_it():
    found = dynamic_style.lam_grid()
    assert (len(found), found[0], found[-1]) == (7, 0.8, 40.0)
    assert [later / sooner for sooner, later in pairwise(found)] == pytest.approx([50 ** (1 / 6)] * 6, rel=1e-3)
    eleven = dynamic_style.lam_grid(11)
    assert (len(eleven), eleven[0], eleven[-1], eleven[5]) == (11, 0.8, 40.0, found[3])


def test_the_papers_profile_has_the_public_codes_numbers():
    configs = dynamic_style.experiments("paper")
    for config in configs.values():
        assert (config.width, config.blocks, config.at) == (32, 5, ("residual.1", "residual.4", "up.1"))
        assert (config.batch_size, config.side, config.schedule) == (4, 256, "constant")
        assert (config.upsampling, config.average) == ("nearest", 0.0)
        assert (config.features, config.content_layer) == ("vgg16", "relu2_2")
        assert config.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
        assert (config.pretrained, config.half, config.crops) == (True, False, 0)
    assert {configs[name].learning_rate for name in NETWORKS} == {1e-3}


def test_the_papers_profile_trains_blocks_at_a_tenth_of_the_rate_as_the_public_code_does():
    configs = dynamic_style.experiments("paper")
    assert [configs[name].learning_rate for name in MAINS] == pytest.approx([1e-4] * 6)


@pytest.mark.parametrize("profile", ["laptop", "smoke"])
def test_elsewhere_blocks_rate_is_the_stated_share_of_the_networks(profile):
    configs = dynamic_style.experiments(profile)
    expected = recipes.TUNING_RATE[profile] * configs["style_fixed_0"].learning_rate
    assert [configs[name].learning_rate for name in MAINS] == pytest.approx([expected] * 6)


@ALL
def test_networks_that_differ_in_their_objective_begin_alike(config):
    first = dynamic_style.build(config, seed=1)
    assert_same_weights(dynamic_style.build(replace(config, lam=0.9, steps=9), seed=1), first)


def test_the_network_is_the_one_a_config_describes():
    blocks = dynamic_style.build(replace(BLOCKS, width=6, blocks=2, at=("residual.1", "up.0", "up.1")))
    assert isinstance(blocks, TuningBlocks)
    assert {name: blocks[name].channels for name in blocks.at} == {"residual.1": 24, "up.0": 12, "up.1": 6}
    assert all(weight.requires_grad for weight in blocks.parameters())
    smooth = dynamic_style.build(replace(NETWORK, upsampling="bilinear"))
    assert {up.upsampling for up in smooth.up} == {"bilinear"}
    conditional = dynamic_style.build(replace(SMALL["style_conditional"], hidden=5))
    assert isinstance(conditional.prior, LogUniform)
    assert (float(conditional.prior.low), float(conditional.prior.high)) == pytest.approx((0.8, 40.0))
    assert {each.shared[0].out_features for each in conditional.conditioners.values()} == {5}
    assert (float(blocks.prior.mean), float(dynamic_style.build(NETWORK).prior.mean)) == pytest.approx((40.0, 0.8))
    two = dynamic_style.build(SMALL["style_two"])
    assert two.prior.weight_shape == (2,)
    assert all(isinstance(each.shared, nn.Identity) for each in two.conditioners.values())
    with pytest.raises(ReaderError, match=r"no layer 'residual.7'. Did you mean"):
        dynamic_style.build(replace(BLOCKS, at=("residual.7",)))
