"""What style transfer trains: configurations that make sense, and the networks built from them."""

import math
from dataclasses import replace

import pytest

from lossconditioning import ReaderError
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.style_features import SIZES
from lossconditioning.training import PROFILES

SMOKE = style_transfer.experiments("smoke")
LAM = style_transfer.DEFAULT
FIXED = [
    "fixed_default",
    *(f"fixed_{name}" for name in style_transfer.settings()),
    "fixed_content_1",
    "fixed_content_3",
]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "yotto"}, "no kind of model 'yotto'. Did you mean 'yoto'"),
        ({"features": "vgg18"}, "no network 'vgg18'. Did you mean 'vgg1"),
        ({"described_by": "inception"}, "no description of a style 'inception'. Did you mean 'inception_v3'"),
        ({"schedule": "cosinus"}, "no schedule 'cosinus'. Did you mean 'cosine'"),
        ({"ranges": "centered"}, "no set of ranges 'centered'. Did you mean 'centred'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("width", "blocks", "code_size", "hidden")),
        *(({name: 2.5}, f"{name} must be a whole number") for name in ("lam_hidden", "side", "batch_size", "steps")),
        ({"side": 31}, "side is 32 pixels or more; got 31"),
        ({"crops": -1}, "crops is 0 or more"),
        ({"beta_2": 1.0}, "beta_2 is between 0 and 1; got 1.0"),
        ({"opening": 1.5}, "opening is a share of the steps, 0 to 1; got 1.5"),
        ({"opening": math.nan}, "opening is a share of the steps"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number"),
        ({"learning_rate": math.nan}, "learning_rate is a positive number"),
        ({"kind": "specialist", "shares": True}, "which only kind 'yoto' is told; got 'specialist'"),
        ({"kind": "fixed", "lam": LAM, "shares": True}, "which only kind 'yoto' is told; got 'fixed'"),
        ({"kind": "fixed"}, "one λ of 5 weights.*, the others none; got fixed and None"),
        ({"lam": LAM}, "one λ of 5 weights.*, the others none; got yoto and"),
        ({"kind": "specialist", "lam": LAM}, "got specialist and"),
        ({"kind": "fixed", "lam": LAM[:4]}, "one λ of 5 weights"),
        ({"kind": "fixed", "lam": ()}, "one λ of 5 weights"),
        ({"kind": "fixed", "lam": 0.01}, "one λ of 5 weights"),
        ({"kind": "fixed", "lam": (*LAM[:4], -1.0)}, "positive"),
        ({"style_layers": ("relu1_1", "relu2_1", "relu3_1")}, "four"),
        ({"content_layer": "relu3_4"}, "no layer of vgg16 'relu3_4'"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        style_transfer.Config("x", **wrong)


def compared(profile):
    """The comparison networks of a profile."""
    return {name: each for name, each in style_transfer.experiments(profile).items() if each.purpose == "comparison"}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_trains_two_conditional_and_thirteen_fixed_weight_models(profile):
    configs = compared(profile)
    assert list(configs)[:3] == ["yoto", "fixed_default", "specialist"]  # what is wanted first is trained first
    assert [name for name, config in configs.items() if config.kind == "fixed"] == FIXED
    assert len(configs) == 15
    assert set(style_transfer.experiments(profile)) - set(configs) == (
        {"play"} if profile in ("laptop", "demo") else set()
    )
    for name, config in configs.items():
        assert config.name == name


@pytest.mark.parametrize("profile", PROFILES)
def test_models_that_are_compared_differ_in_what_they_are_told_alone(profile):
    configs = compared(profile)
    for config in configs.values():
        told_five = config.kind == "yoto" and profile != "paper"
        helped = {"opening": 0.3, "shares": True} if told_five else {}
        own = {"opening": 0.0, "shares": False, **helped}
        assert config == replace(configs["yoto"], name=config.name, kind=config.kind, lam=config.lam, **own)
        assert (config.lam is not None) == (config.kind == "fixed")


def test_fixed_weights_are_the_default_figure_6as_and_figure_6bs():
    configs, grid = style_transfer.experiments("laptop"), style_transfer.content_grid()
    assert list(style_transfer.fixed_settings()) == FIXED
    assert configs["fixed_default"].lam == style_transfer.DEFAULT
    for name, lam in style_transfer.settings().items():
        assert configs[f"fixed_{name}"].lam == pytest.approx(lam, rel=1e-3)
    for name, lam in zip(style_transfer.FIXED_CURVE, grid.tolist(), strict=True):
        assert configs[name].lam == pytest.approx(lam, rel=1e-3)


def test_the_papers_profile_has_the_papers_numbers():
    config = style_transfer.experiments("paper")["yoto"]
    assert (config.steps, config.learning_rate, config.schedule) == (2_000_000, 1e-5, "constant")
    assert (config.code_size, config.hidden, config.lam_hidden) == (100, 256, 512)
    assert (config.width, config.blocks, config.side, config.batch_size) == (32, 5, 256, 8)
    assert (config.features, config.content_layer, config.described_by) == ("vgg16", "relu3_3", "inception_v3")
    assert config.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    assert (config.ranges, config.opening, config.balance, config.crops, config.half, config.pretrained) == (
        "paper",
        0.0,
        0.0,
        0,
        False,
        True,
    )


@pytest.mark.parametrize("name", ["yoto", "specialist", "fixed_content_1"])
def test_the_network_is_the_one_a_config_describes(name):
    config = replace(SMOKE[name], blocks=2, code_size=7)
    painter = style_transfer.build(config)
    assert len(painter.network) == 6 + 2
    assert painter.network[0].convolution.out_channels == 4
    assert painter.predictor.bottleneck.out_features == 7
    assert painter.styles.shape == (14, SIZES["vgg"])
    assert painter.told == (config.kind != "fixed")
    if name == "yoto":
        low, high = zip(*style_transfer.RANGES[config.ranges], strict=True)
        assert painter.prior.low.tolist() == pytest.approx(low)
        assert painter.prior.high.tolist() == pytest.approx(high)
    elif name == "specialist":
        assert painter.prior.weight_shape == ()
    else:
        assert painter.prior.sample().tolist() == pytest.approx(config.lam)


def test_readers_play_with_the_long_trained_network_where_it_is_finished():
    assert style_transfer.played(["fixed_default", "play", "yoto"]) == "play"
    assert style_transfer.played({"yoto": 1, "specialist": 2}) == "yoto"
