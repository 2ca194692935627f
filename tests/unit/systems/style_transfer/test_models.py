"""The painters: the network of Ghiasi et al. with A.3's conditioning, which every example reads for itself."""

from dataclasses import replace

import pytest
import torch
from small_painters import SMALL, small_painter
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import ConditionalInstanceNorm
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.models import Layer, Residual, Up
from lossconditioning.systems.style_transfer.task import lam_prior

KINDS = ("yoto", "specialist", "fixed")
LAM = torch.tensor(list(style_transfer.settings().values()))  # (10, 5)
PHOTOGRAPHS = torch.rand(3, 3, 24, 32, generator=torch.Generator().manual_seed(0))
STYLE = torch.tensor([3, 0, 13])


@pytest.fixture(scope="module", autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def painters():
    return {kind: small_painter(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def paper():
    return style_transfer.build(style_transfer.experiments("paper")["yoto"])


def differ(one, other):
    return not torch.allclose(one, other, atol=1e-4)


# What comes out -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sides", [(16, 16), (17, 31), (33, 18), (22, 64)], ids=str)
def test_paintings_have_the_photographs_shape_and_range(kind, sides, painters):
    photographs = torch.rand(2, 3, *sides)
    painted = painters[kind](photographs, torch.tensor([0, 13]), LAM[:2])
    assert painted.shape == photographs.shape
    assert painted.dtype == torch.float32
    assert 0 <= painted.min() < painted.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_painted_by_itself(kind, painters):
    painted = painters[kind](PHOTOGRAPHS, STYLE, LAM[7:])
    for row in range(3):
        alone = painters[kind](PHOTOGRAPHS[row, None], STYLE[row, None], LAM[7 + row, None])
        torch.testing.assert_close(alone[0], painted[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_depends_on_its_own_photograph_style_and_weight(kind, painters):
    painter, lam = painters[kind], torch.tensor([style_transfer.DEFAULT]).repeat(3, 1)
    painted = painter(PHOTOGRAPHS, STYLE, lam)
    photographs, style, content = PHOTOGRAPHS.clone(), STYLE.clone(), lam.clone()
    photographs[1], style[1], content[1, 4] = photographs[1].flip(-1), 7, 20.0
    told = {"photograph": (photographs, STYLE, lam), "style": (PHOTOGRAPHS, style, lam)}
    if kind != "fixed":
        told["λ"] = (PHOTOGRAPHS, STYLE, content)
    for name, given in told.items():
        found = painter(*given)
        assert differ(found[1], painted[1]), name
        torch.testing.assert_close(found[[0, 2]], painted[[0, 2]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("weight", style_transfer.WEIGHTS)
def test_every_weight_changes_the_picture_of_the_network_told_five(weight, painters):
    low, high = (torch.tensor([style_transfer.settings()[f"{weight}_{way}"]]) for way in ("low", "high"))
    painted = [painters["yoto"](PHOTOGRAPHS[:1], STYLE[:1], lam) for lam in (low, high)]
    assert differ(*painted)


def test_the_specialist_reads_the_weight_of_content_alone(painters):
    painted = [painters["specialist"](PHOTOGRAPHS[:1], STYLE[:1], lam[None]) for lam in LAM]
    for other in painted[1:8]:
        assert torch.equal(other, painted[0])  # λ_s is not read
    assert differ(painted[8], painted[0])
    assert differ(painted[9], painted[8])


def test_a_fixed_weight_model_is_called_alike_and_ignores_the_weights(painters):
    painted = painters["fixed"](PHOTOGRAPHS, STYLE)
    assert torch.equal(painters["fixed"](PHOTOGRAPHS, STYLE, LAM[:3]), painted)
    assert not painters["fixed"].told
    assert painters["fixed"].prior.sample((2,))[1].tolist() == pytest.approx(style_transfer.DEFAULT)


def test_shares_are_told_beside_the_logarithms(painters):
    without = small_painter("yoto", shares=False)
    assert painters["yoto"].predictor.from_lam[0].in_features == 10
    assert without.predictor.from_lam[0].in_features == 5
    common = LAM[:1] * torch.tensor([[1.0], [2.0]])  # the same shares
    for painter in (painters["yoto"], without):
        one, other = painter(PHOTOGRAPHS[[0, 0]], STYLE[[0, 0]], common)
        assert differ(one, other)


# Styles -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_and_descriptions_name_the_same_styles(kind, painters):
    painter = painters[kind]
    painted = painter(PHOTOGRAPHS, STYLE, LAM[:3])
    assert torch.equal(painter(PHOTOGRAPHS, painter.styles[STYLE], LAM[:3]), painted)


def test_styles_can_be_mixed(painters):
    painter = painters["yoto"]
    descriptions = torch.lerp(painter.styles[2], painter.styles[9], torch.linspace(0, 1, 5)[:, None])
    painted = painter(PHOTOGRAPHS[:1].expand(5, -1, -1, -1), descriptions, LAM[:1].expand(5, -1))
    ends = painter(PHOTOGRAPHS[[0, 0]], torch.tensor([2, 9]), LAM[[0, 0]])
    torch.testing.assert_close(painted[[0, -1]], ends, rtol=0, atol=1e-5)
    away = (painted - painted[:1]).abs().mean((1, 2, 3))
    assert (away.diff() > 0).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"photographs": torch.rand(3, 24, 24)}, r"Photographs are \(B, 3, H, W\).*got \(3, 24, 24\)"),
        ({"photographs": torch.rand(1, 1, 24, 24)}, r"Photographs are \(B, 3, H, W\).*got \(1, 1, 24, 24\)"),
        ({"photographs": torch.rand(1, 3, 24, 15)}, r"16 pixels a side or more; got \(1, 3, 24, 15\)"),
        ({"style": torch.tensor([14])}, r"Styles are numbered 0 to 13; got \[14\]"),
        ({"style": torch.tensor([-1])}, r"Styles are numbered 0 to 13; got \[-1\]"),
        ({"style": torch.rand(1, 255)}, r"got \(1, 255\)"),
        ({"style": torch.rand(2, 256)}, r"got \(2, 256\)"),
        ({"style": torch.rand(256)}, r"got \(256,\)"),
        ({"style": torch.tensor([0, 1])}, r"got \(2, 256\)"),
        ({"style": torch.tensor(0)}, r"got \(256,\)"),
        ({"lam": None}, "told under which loss to paint: give λ"),
        ({"lam": torch.rand(1, 4)}, r"got \(1, 4\)"),
        ({"lam": torch.rand(5)}, r"got \(5,\)"),
        ({"lam": torch.rand(2, 5)}, r"got \(2, 5\)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
@pytest.mark.parametrize("kind", ["yoto", "specialist"])
def test_what_a_painter_can_not_paint_is_refused(kind, wrong, said, painters):
    given = {"photographs": PHOTOGRAPHS[:1], "style": STYLE[:1], "lam": LAM[:1], **wrong}
    with pytest.raises(ReaderError, match=said):
        painters[kind](**given)


# The architecture ---------------------------------------------------------------------------------------------------------


def test_the_network_is_that_of_ghiasi_et_al(paper):
    network = paper.network
    kinds = [Layer, Layer, Layer, *[Residual] * 5, Up, Up, Layer]
    assert [type(layer) for layer in network] == kinds
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    found = [(c.in_channels, c.out_channels, *c.kernel_size[:1], *c.stride[:1]) for c in convolutions]
    assert found == [
        (3, 32, 9, 1),
        (32, 64, 3, 2),
        (64, 128, 3, 2),
        *[(128, 128, 3, 1)] * 10,
        (128, 64, 3, 1),
        (64, 32, 3, 1),
        (32, 3, 9, 1),
    ]
    assert all(c.padding_mode == "reflect" and c.padding[0] == c.kernel_size[0] // 2 for c in convolutions)
    layers = [module for module in network.modules() if isinstance(module, Layer)]
    assert [layer.relu for layer in layers] == [True] * 3 + [True, False] * 5 + [True, True, False]
    assert all(isinstance(layer.norm, ConditionalInstanceNorm) for layer in layers)


def test_features_are_halved_twice_and_doubled_twice(paper):
    sizes = []
    hooks = [
        layer.register_forward_hook(lambda *given: sizes.append(tuple(given[2].shape[1:]))) for layer in paper.network
    ]
    paper(torch.rand(1, 3, 32, 48), STYLE[:1], LAM[:1])
    for hook in hooks:
        hook.remove()
    quarter = (128, 8, 12)
    assert sizes == [(32, 32, 48), (64, 16, 24), *[quarter] * 6, (64, 16, 24), (32, 32, 48), (3, 32, 48)]


def test_the_conditioning_is_that_of_a_3(paper):
    predictor = paper.predictor
    shapes = [(layer.in_features, layer.out_features) for layer in predictor.modules() if isinstance(layer, nn.Linear)]
    assert shapes == [(5, 512), (512, 100), (768 + 100, 100)]
    norms = [module for module in paper.network.modules() if isinstance(module, ConditionalInstanceNorm)]
    assert len(norms) == 16
    for norm in norms:
        read = [(layer.in_features, layer.out_features) for layer in norm.modules() if isinstance(layer, nn.Linear)]
        assert read == [(100, 256), (256, norm.channels), (256, norm.channels)]
    assert paper.styles.shape == (14, 768)


def test_a_fixed_weight_model_has_ghiasi_et_als_affine_maps_alone():
    fixed = style_transfer.build(style_transfer.experiments("paper")["fixed_default"])
    norms = [module for module in fixed.modules() if isinstance(module, ConditionalInstanceNorm)]
    for norm in norms:
        read = [(layer.in_features, layer.out_features) for layer in norm.modules() if isinstance(layer, nn.Linear)]
        assert read == [(100, norm.channels)] * 2
    linear = [layer for layer in fixed.predictor.modules() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(768, 100)]


def test_a_residual_block_lets_features_pass():
    block = Residual(4, code_size=6, hidden=None)
    features, code = torch.rand(2, 4, 8, 8), torch.rand(2, 6)
    last = block.second.norm
    for layer in (last.to_scale, last.to_shift):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(last.to_scale.bias, -1.0)  # σ = 0
    assert torch.equal(block(features, code), features)


# Conditioning -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["yoto", "specialist"])
def test_the_weight_reaches_every_layer(kind, painters):
    painter, codes = painters[kind], []
    for lam in (LAM[8:9], LAM[9:]):
        told = lam[:, -1] if kind == "specialist" else lam
        codes.append(painter.predictor(painter.styles[:1], told))
    for layer in painter.network.modules():
        if isinstance(layer, Layer):
            features = torch.rand(1, layer.convolution.in_channels, 16, 16)
            assert differ(*(layer(features, code) for code in codes))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_reaches_every_parameter(kind):
    with torch.enable_grad():
        painter = small_painter(kind)
        painted = painter(PHOTOGRAPHS, STYLE, LAM[:3])
        (painted * torch.rand(painted.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    for name, parameter in painter.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_style_descriptions_are_stored_but_not_learnt():
    painter = small_painter()
    assert "styles" in painter.state_dict()
    assert "styles" not in dict(painter.named_parameters())


def test_a_network_starts_as_its_seed_says_and_already_listens_to_the_weight():
    one, again, other = (style_transfer.build(SMALL["yoto"], seed) for seed in (0, 0, 1))
    for (name, value), same in zip(one.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(value, same), name
    assert differ(one.network[0].convolution.weight, other.network[0].convolution.weight)
    repeated = style_transfer.build(replace(SMALL["yoto"], repeat=1))
    assert differ(one.network[0].convolution.weight, repeated.network[0].convolution.weight)
    one.styles.copy_(torch.rand(14, 256))
    assert differ(*(one(PHOTOGRAPHS[:1], STYLE[:1], lam[None]) for lam in LAM[8:]))


def test_log_weights_are_read_standardised():
    predictor, seen = small_painter(shares=False).predictor, []
    predictor.from_lam.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    lam = lam_prior().sample((500,), stratified=True)
    predictor(torch.rand(500, 256), lam)
    assert seen[0].mean(0).abs().max() < 0.02
    assert seen[0].std(0).tolist() == pytest.approx([1.0] * 5, abs=0.02)
