"""One network that paints any photograph in any style, and is told under which loss to do it.

The arbitrary-stylisation network of Ghiasi et al. 2017 (figure 2, appendix): a stylisation network, whose every convolution is
followed by conditional instance normalisation; and a style-prediction network, which turns features of a painting into the code
for it, 100 numbers. "You Only Train Once" joins λ to those features (A.3).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.conditioning import ConditionalInstanceNorm
from lossconditioning.errors import ReaderError
from lossconditioning.losses.perceptual import check_pictures
from lossconditioning.painting import LastConvolution, convolution, doubled
from lossconditioning.priors import Prior
from lossconditioning.systems.style_transfer.task import DEFAULT, shares


class Layer(nn.Module):
    """A convolution, conditional instance normalisation, and ReLU unless it is a block's or the network's last.

    Args:
        norm: ``code_size`` and ``hidden`` of the `ConditionalInstanceNorm`, here and below.
    """

    def __init__(self, convolution: nn.Conv2d, *, relu: bool = True, **norm: int | None):
        super().__init__()
        self.convolution, self.relu = convolution, relu
        self.norm = ConditionalInstanceNorm(convolution.out_channels, **norm)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        features = self.norm(self.convolution(features), code)
        return F.relu(features, inplace=True) if self.relu else features


class Residual(nn.Module):
    """Two layers around which the features also pass unchanged."""

    def __init__(self, channels: int, **norm: int | None):
        super().__init__()
        self.first = Layer(convolution(channels, channels, 3), **norm)
        self.second = Layer(convolution(channels, channels, 3), relu=False, **norm)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return features + self.second(self.first(features, code), code)


class Up(nn.Module):
    """Twice the height and width by repeating pixels, then a layer: no checkerboard, as transposed convolutions leave."""

    def __init__(self, inputs: int, outputs: int, **norm: int | None):
        super().__init__()
        self.layer = Layer(convolution(inputs, outputs, 3), **norm)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return self.layer(doubled(features), code)


class StylisationNetwork(nn.ModuleList):
    """Photographs ``(B, 3, H, W)`` to paintings of the same shape, in [0, 1], under a code ``(B, code_size)``.

    Args:
        width: channels of the first layer; doubled twice (32 in Ghiasi et al.).
        blocks: residual blocks, at a quarter of the height and width (5 in Ghiasi et al.).
    """

    def __init__(self, width: int, blocks: int, **norm: int | None):
        w = width
        super().__init__(
            [
                Layer(convolution(3, w, 9), **norm),  # (w, H, W)
                Layer(convolution(w, 2 * w, 3, stride=2), **norm),  # (2w, H/2, W/2)
                Layer(convolution(2 * w, 4 * w, 3, stride=2), **norm),  # (4w, H/4, W/4)
                *(Residual(4 * w, **norm) for _ in range(blocks)),
                Up(4 * w, 2 * w, **norm),
                Up(2 * w, w, **norm),
                Layer(LastConvolution(w, 3, 9, bias=False), relu=False, **norm),
            ]
        )

    def forward(self, photographs: Tensor, code: Tensor) -> Tensor:
        features = photographs  # of any mean: the first normalisation takes it away
        for layer in self:
            features = layer(features, code)
        # Sides that are no multiple of 4 come out a little larger.
        return features[..., : photographs.shape[-2], : photographs.shape[-1]].sigmoid()


class StylePredictor(nn.Module):
    """Features of a painting, and λ, to the code for the stylisation network.

    Args:
        features: how many features describe a painting.
        code_size: the bottleneck, 100.
        prior: where λ is drawn from; None for a network that is not told λ.
        hidden: width of λ's own network, 512 in A.3.
        lam_size: how many numbers it makes of λ, which A.3 leaves open.
        shares: tell the network, beside log λ, each weight's share of the objective, see `task.shares`.
    """

    def __init__(
        self, features: int, code_size: int, prior: Prior | None, hidden: int, lam_size: int = 100, shares: bool = False
    ):
        super().__init__()
        self.prior, self.shares = prior, shares
        self.read = nn.LayerNorm(features, elementwise_affine=False)
        if prior is not None:
            read = prior.code_size * (1 + shares)
            self.from_lam = nn.Sequential(nn.Linear(read, hidden), nn.ReLU(), nn.Linear(hidden, lam_size))
        self.bottleneck = nn.Linear(features + (0 if prior is None else lam_size), code_size)
        for layer in self.modules():  # as in the original; PyTorch's own would all but silence λ at the start
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, lam: Tensor | None = None) -> Tensor:
        """Features ``(B, F)`` and λ, ``(B, 5)`` or ``(B,)``, to codes ``(B, code_size)``."""
        read = self.read(features)
        if self.prior is not None:
            encoded = self.prior.encode(lam)  # standardised log λ
            if self.shares:
                encoded = torch.cat([encoded, shares(lam)], dim=1)
            read = torch.cat([read, self.from_lam(encoded.to(read.dtype))], dim=1)
        return self.bottleneck(read)


class Painter(nn.Module):
    """Paints photographs in styles under a loss: fixed-weight, or told λ.

    Args:
        network, predictor: its two parts. One whose predictor has no prior is not told λ: it is called alike, and ignores it.
        prior: where λ is drawn from in training: five weights, or λ_c alone.
        styles: how many styles it is trained on.
        features: how many numbers describe a style.

    Attributes:
        styles: their descriptions, ``(S, features)``: kept with the weights, so that nothing else is needed to paint in them.
    """

    def __init__(
        self, network: StylisationNetwork, predictor: StylePredictor, prior: Prior, styles: int, features: int
    ):
        super().__init__()
        self.network, self.predictor, self.prior = network, predictor, prior
        self.register_buffer("styles", torch.zeros(styles, features))

    @property
    def told(self) -> bool:
        """Whether it is told λ."""
        return self.predictor.prior is not None

    def forward(self, photographs: Tensor, style: Tensor, lam: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            photographs: ``(B, 3, H, W)`` in [0, 1], at least 16 pixels a side.
            style: the style of each: numbers of trained styles, int64 ``(B,)``; or descriptions ``(B, features)`` of any
                style, or of mixtures.
            lam: λ, in the paper's numbers, ``(B, 5)``; the "specialist" reads λ_c alone.

        Returns:
            ``(B, 3, H, W)`` in [0, 1].
        """
        check_pictures(photographs, called="Photographs")
        described = self._described(style, len(photographs))
        return self.network(photographs, self.predictor(described, self._read(lam, len(photographs))))

    def _described(self, style: Tensor, count: int) -> Tensor:
        if not style.is_floating_point():
            if not bool(((style >= 0) & (style < len(self.styles))).all()):
                raise ReaderError(f"Styles are numbered 0 to {len(self.styles) - 1}; got {style.tolist()}.")
            style = self.styles[style]
        expected = (count, self.styles.shape[1])
        if style.shape != expected:
            raise ReaderError(
                f"A style is a number, or a description of {expected[1]} numbers, one for each of {count} photographs; "
                f"got {tuple(style.shape)}."
            )
        return style

    def _read(self, lam: Tensor | None, count: int) -> Tensor | None:
        """What the predictor is given of λ."""
        if not self.told:
            return None
        if lam is None:
            raise ReaderError("This model is told under which loss to paint: give λ as the last argument.")
        if lam.shape != (count, len(DEFAULT)):
            raise ReaderError(
                f"λ is {len(DEFAULT)} weights for each of {count} photographs, (B, {len(DEFAULT)}); got {tuple(lam.shape)}."
            )
        return lam if self.prior.weight_shape else lam[:, -1]
