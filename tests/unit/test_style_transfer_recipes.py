"""What style transfer trains on: configurations, descriptions of paintings, and photographs from wherever there are some."""

import json
import math
from dataclasses import replace

import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from small_painters import SIDE, small_pictures

from lossconditioning import ReaderError
from lossconditioning.datasets import paintings, photographs
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.systems import style_transfer, system
from lossconditioning.systems.style_transfer import style_features
from lossconditioning.systems.style_transfer.pictures import crops
from lossconditioning.systems.style_transfer.style_features import SIZES

SMOKE = style_transfer.experiments("smoke")
LAM = style_transfer.DEFAULT
FIXED = [
    "fixed_default",
    *(f"fixed_{name}" for name in style_transfer.settings()),
    "fixed_content_1",
    "fixed_content_3",
]


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_pictures(tmp_path_factory.mktemp("no_data")):
        yield


# Configurations -----------------------------------------------------------------------------------------------------------


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
        ({"learning_rate": 0.0}, "learning_rate positive"),
        ({"learning_rate": math.nan}, "learning_rate positive"),
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


@pytest.mark.parametrize("profile", style_transfer.PROFILES)
def test_every_profile_trains_two_conditional_and_thirteen_fixed_weight_models(profile):
    configs = style_transfer.experiments(profile)
    assert list(configs)[:3] == ["yoto", "fixed_default", "specialist"]  # what is wanted first is trained first
    assert [name for name, config in configs.items() if config.kind == "fixed"] == FIXED
    assert len(configs) == 15
    for name, config in configs.items():
        assert config.name == name


@pytest.mark.parametrize("profile", style_transfer.PROFILES)
def test_models_that_are_compared_differ_in_what_they_are_told_alone(profile):
    configs = style_transfer.experiments(profile)
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


@pytest.mark.parametrize("profile", style_transfer.PROFILES)
def test_every_experiment_survives_json(profile):
    for config in style_transfer.experiments(profile).values():
        assert style_transfer.Config.from_json(json.loads(json.dumps(config.as_json()))) == config


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


def test_demo_names_what_laptop_trained():
    assert style_transfer.experiments("demo") == style_transfer.experiments("laptop")
    with pytest.raises(ReaderError, match=r"no profile 'papier'. Did you mean 'paper'"):
        style_transfer.experiments("papier")
    assert system("style_transfer") is style_transfer


@pytest.mark.parametrize("name", ["yoto", "specialist", "fixed_content_1"])
def test_the_network_is_the_one_a_config_describes(name):
    config = replace(SMOKE[name], blocks=2, code_size=7)
    painter = style_transfer.build(config)
    assert len(painter.network) == 6 + 2
    assert painter.network[0].convolution.out_channels == 4
    assert painter.predictor.bottleneck.out_features == 7
    assert painter.styles.shape == (14, SIZES["vgg"])
    assert (painter.prior is None) == (config.kind == "fixed")
    if name == "yoto":
        low, high = zip(*style_transfer.RANGES[config.ranges], strict=True)
        assert painter.prior.low.tolist() == pytest.approx(low)
        assert painter.prior.high.tolist() == pytest.approx(high)
    elif name == "specialist":
        assert painter.prior.weight_shape == ()


# Descriptions of paintings ------------------------------------------------------------------------------------------------

PAINTINGS = [torch.randint(0, 256, (3, *sides), dtype=torch.uint8) for sides in ((80, 90), (96, 80))]
PAINTINGS.append(torch.full((3, 80, 80), 200, dtype=torch.uint8))


@pytest.mark.parametrize("name", SIZES)
def test_a_painting_is_described_by_a_frozen_network(name):
    network, source = style_transfer.describer(name, "random")
    found = style_transfer.describe(PAINTINGS, network)
    assert found.shape == (3, {"vgg": 256, "inception_v3": 768}[name])
    assert found.isfinite().all()
    assert not found.requires_grad
    assert "random filters" in source
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not any(module.training for module in network.modules() if module is not network)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(found[one], found[other], rtol=1e-3)
    assert torch.equal(style_transfer.describe(PAINTINGS[1:2], network)[0], found[1])  # whatever is beside it


def test_random_filters_are_always_the_same():
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        style_features.describer.cache_clear()
        found.append(style_transfer.describe(PAINTINGS[:1], style_transfer.describer("inception_v3", "random")[0]))
        assert torch.initial_seed() == seed
    assert torch.equal(*found)


def test_an_unknown_description_is_answered_with_the_known():
    with pytest.raises(ReaderError, match=r"no description of a style 'vggg'. Did you mean 'vgg'"):
        style_transfer.describer("vggg")


def test_inceptions_weights_are_torchvisions(tmp_path):
    torch.manual_seed(0)
    whole = torchvision.models.inception_v3(weights=None, init_weights=False, transform_input=True).eval()  # as trained
    for module in whole.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    save_file(whole.state_dict(), file := tmp_path / "inception_v3_mine.safetensors")
    network, source = style_transfer.describer("inception_v3", file)
    assert source == "inception_v3_mine"
    seen = []
    whole.Mixed_6e.register_forward_hook(lambda *given: seen.append(given[2].mean((2, 3))))
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        whole((PAINTINGS[0][None].float() / 255 - mean) / std)
    torch.testing.assert_close(style_transfer.describe(PAINTINGS[:1], network), seen[0], rtol=1e-3, atol=1e-5)


def test_another_networks_weights_are_refused(tmp_path):
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file := tmp_path / "inception_v3.safetensors")
    with pytest.raises(ReaderError, match="not those of torchvision's Inception-v3"):
        style_transfer.describer("inception_v3", file)
    save_file({"Conv2d_1a_3x3.conv.weight": torch.zeros(1)}, other := tmp_path / "inception_v3_small.safetensors")
    with pytest.raises(ReaderError, match="not those of torchvision's Inception-v3"):
        style_transfer.describer("inception_v3", other)


# Photographs --------------------------------------------------------------------------------------------------------------


def filled(folder, grey, count):
    """A folder of pictures with one grey value each, counted up."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (50, 40), (grey + number,) * 3).save(folder / f"{number:02d}.png")


def test_photographs_come_from_bsds500_where_a_folder_has_it(tmp_path, capsys):
    filled(tmp_path / "bsds500" / "train", 100, 3)
    filled(tmp_path / "bsds500" / "val", 200, 4)
    filled(tmp_path / "paintings" / "mine", 50, 1)
    training, held_out = style_transfer.training_photographs(tmp_path), style_transfer.held_out_photographs(tmp_path)
    assert [int(picture[0, 0, 0]) for picture in training.pictures.values()] == [100, 101, 102]
    assert [int(picture[0, 0, 0]) for picture in held_out.pictures.values()] == [200, 201, 202, 203]
    assert (training.source, held_out.source) == ("bsds500/train, 3 photographs", "bsds500/val, 4 photographs")
    few = style_transfer.held_out_photographs(tmp_path, 2)
    assert [int(picture[0, 0, 0]) for picture in few.pictures.values()] == [200, 201]
    assert "first 2 of" in few.source
    assert capsys.readouterr().err == ""


def test_a_readers_own_folder_of_photographs_will_do(tmp_path):
    filled(tmp_path / "trip", 10, 2)
    filled(tmp_path / "paintings", 50, 1)
    for found in (style_transfer.training_photographs(tmp_path), style_transfer.held_out_photographs(tmp_path)):
        assert [int(picture[0, 0, 0]) for picture in found.pictures.values()] == [10, 11]
        assert found.source == f"{tmp_path.name}, 2 photographs"


def test_an_empty_folder_is_said_to_be_so(tmp_path):
    with pytest.raises(ReaderError, match="There is no picture in"):
        style_transfer.training_photographs(tmp_path)


def test_the_stand_in_is_said_aloud_and_given_up_once_there_are_photographs(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    found = style_transfer.held_out_photographs()
    assert len(found.pictures) == 6
    assert found.source == STAND_IN
    assert f"There is no bsds500/val in {tmp_path}; used instead: {STAND_IN}." in capsys.readouterr().err
    filled(tmp_path / "bsds500" / "val", 200, 2)
    assert style_transfer.held_out_photographs().source == "bsds500/val, 2 photographs"


def test_squares_are_the_middles_of_photographs():
    found = style_transfer.squares(list(photographs().values())[:2], 20)
    assert found.shape == (2, 3, 20, 20)
    expected = style_transfer.middle_square(photographs()["chelsea"], 20)
    assert torch.equal(found[1], expected)


# Crops --------------------------------------------------------------------------------------------------------------------


def slope(height, width):
    """A photograph that grows redder to the right and greener downwards; blue in all of it."""
    rows, columns = torch.linspace(0, 255, height)[:, None], torch.linspace(0, 255, width)
    return torch.stack(
        [columns.expand(height, width), rows.expand(height, width), torch.full((height, width), 90.0)]
    ).byte()


def test_crops_are_squares_at_random_places_and_scales_mirrored_half_of_the_time():
    found = crops([slope(60, 90), slope(40, 40)], SIDE, 120, seed=0)
    assert found.shape == (120, 3, SIDE, SIDE)
    assert 0 <= found.min() <= found.max() <= 1
    assert found[:, 2].sub(90 / 255).abs().max() < 1e-3
    across, down = found[:, 0, 16, -1] - found[:, 0, 16, 0], found[:, 1, -1, 16] - found[:, 1, 0, 16]
    mirrored = across < 0
    assert 40 <= mirrored.sum() <= 80
    assert (down > 0).all()  # but never upside down
    # Of the shorter side a crop shows between 1 / 1.6 and all.
    assert 0.55 < down.min() < 0.68
    assert 0.92 < down.max() <= 1
    assert len(found[:, 0, 0, 0].mul(100).round().unique()) > 20


def test_crops_are_a_function_of_seed_and_number():
    photos = list(photographs().values())[:3]
    found = crops(photos, SIDE, 6, seed=3)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert torch.equal(crops(photos, SIDE, 3, seed=3, first=3), found[3:])
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(crops(photos, SIDE, 6, seed=4), found)
    assert not torch.equal(found[0], found[1])


# Styles -------------------------------------------------------------------------------------------------------------------


def test_the_styles_are_the_built_in_paintings_or_a_folders_first(tmp_path):
    built_in = style_transfer.styles()
    assert list(built_in) == list(paintings(size=SIDE))
    filled(tmp_path / "mine", 100, 3)
    found = style_transfer.styles(tmp_path / "mine", 2)
    assert list(found) == ["00", "01"]
    assert all(picture.dtype == torch.uint8 and min(picture.shape[1:]) == SIDE for picture in found.values())
