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
from lossconditioning.priors import LogUniform
from lossconditioning.systems.style_transfer.layers import LastConvolution, doubled
from lossconditioning.systems.style_transfer.task import DEFAULT, shares


class Layer(nn.Module):
    """Convolution, conditional instance normalisation, and ReLU unless it is a block's or the network's last.

    Args:
        last: the network's last layer, see `LastConvolution`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        code_size: int,
        *,
        stride: int = 1,
        hidden: int | None = None,
        relu: bool = True,
        last: bool = False,
    ):
        super().__init__()
        # Without a bias: normalisation would take it away again.
        if last:
            self.convolution = LastConvolution(inputs, outputs, kernel, bias=False)
        else:
            self.convolution = nn.Conv2d(
                inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect", bias=False
            )
        self.norm = ConditionalInstanceNorm(outputs, code_size, hidden=hidden)
        self.relu = relu

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        features = self.norm(self.convolution(features), code)
        return F.relu(features, inplace=True) if self.relu else features


class Residual(nn.Module):
    """Two layers around which the features also pass unchanged."""

    def __init__(self, channels: int, code_size: int, hidden: int | None):
        super().__init__()
        self.first = Layer(channels, channels, 3, code_size, hidden=hidden)
        self.second = Layer(channels, channels, 3, code_size, hidden=hidden, relu=False)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return features + self.second(self.first(features, code), code)


class Up(nn.Module):
    """Twice the height and width by repeating pixels, then a layer: no checkerboard, as transposed convolutions leave."""

    def __init__(self, inputs: int, outputs: int, code_size: int, hidden: int | None):
        super().__init__()
        self.layer = Layer(inputs, outputs, 3, code_size, hidden=hidden)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return self.layer(doubled(features), code)


class StylisationNetwork(nn.ModuleList):
    """Photographs ``(B, 3, H, W)`` to paintings of the same shape, in [0, 1], under a code ``(B, code_size)``.

    Args:
        width: channels of the first layer; doubled twice (32 in Ghiasi et al.).
        blocks: residual blocks, at a quarter of the height and width (5 in Ghiasi et al.).
        code_size: numbers in a code.
        hidden: see `ConditionalInstanceNorm`.
    """

    def __init__(self, width: int = 32, blocks: int = 5, code_size: int = 100, hidden: int | None = None):
        w, shared = width, {"code_size": code_size, "hidden": hidden}
        super().__init__(
            [
                Layer(3, w, 9, **shared),  # (w, H, W)
                Layer(w, 2 * w, 3, stride=2, **shared),  # (2w, H/2, W/2)
                Layer(2 * w, 4 * w, 3, stride=2, **shared),  # (4w, H/4, W/4)
                *(Residual(4 * w, **shared) for _ in range(blocks)),
                Up(4 * w, 2 * w, **shared),
                Up(2 * w, w, **shared),
                Layer(w, 3, 9, relu=False, last=True, **shared),
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
        prior: where λ is drawn from, see `task.lambda_prior`; None for a fixed-weight model.
        hidden: width of λ's own network, 512 in A.3.
        lam_size: how many numbers it makes of λ, which A.3 leaves open.
        shares: tell the network, beside log λ, each weight's share of the objective, see `task.shares`.
    """

    def __init__(
        self,
        features: int,
        code_size: int = 100,
        prior: LogUniform | None = None,
        hidden: int = 512,
        lam_size: int = 100,
        shares: bool = False,
    ):
        super().__init__()
        self.prior, self.shares = prior, shares
        self.read = nn.LayerNorm(features, elementwise_affine=False)
        told = 0
        if prior is not None:
            told = lam_size
            read = prior.code_size * (1 + shares)
            self.from_lam = nn.Sequential(nn.Linear(read, hidden), nn.ReLU(), nn.Linear(hidden, told))
        self.bottleneck = nn.Linear(features + told, code_size)
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
        width, blocks, code_size, hidden, lam_hidden: see `StylisationNetwork` and `StylePredictor`.
        prior: None for a fixed-weight model, which is called alike and ignores λ.
        features: how many numbers describe a style.
        styles: how many styles it is trained on.

    Attributes:
        styles: their descriptions, ``(S, features)``: kept with the weights, so that nothing else is needed to paint in them.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        blocks: int = 5,
        code_size: int = 100,
        prior: LogUniform | None = None,
        hidden: int | None = 256,
        lam_hidden: int = 512,
        features: int = 256,
        styles: int = 14,
        shares: bool = False,
    ):
        super().__init__()
        self.prior = prior
        # Ghiasi et al.'s affine maps alone where there is no λ to be told.
        self.network = StylisationNetwork(width, blocks, code_size, hidden if prior is not None else None)
        self.predictor = StylePredictor(features, code_size, prior, lam_hidden, shares=shares)
        self.register_buffer("styles", torch.zeros(styles, features))

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
        if photographs.dim() != 4 or photographs.shape[1] != 3 or min(photographs.shape[2:]) < 16:
            raise ReaderError(
                f"Photographs are (B, 3, H, W), RGB in [0, 1], 16 pixels a side or more; got {tuple(photographs.shape)}."
            )
        if self.prior is not None and lam is None:
            raise ReaderError("This model is told under which loss to paint: give λ as the last argument.")
        if not style.is_floating_point():
            if not bool(((style >= 0) & (style < len(self.styles))).all()):
                raise ReaderError(f"Styles are numbered 0 to {len(self.styles) - 1}; got {style.tolist()}.")
            style = self.styles[style]
        expected = (len(photographs), self.styles.shape[1])
        if style.shape != expected:
            raise ReaderError(
                f"A style is a number, or a description of {expected[1]} numbers, one for each of {expected[0]} photographs; "
                f"got {tuple(style.shape)}."
            )
        if self.prior is not None and lam.shape != (len(photographs), len(DEFAULT)):
            raise ReaderError(
                f"λ is {len(DEFAULT)} weights for each of {len(photographs)} photographs, (B, {len(DEFAULT)}); "
                f"got {tuple(lam.shape)}."
            )
        if self.prior is not None and not self.prior.weight_shape:
            lam = lam[:, -1]
        return self.network(photographs, self.predictor(style, lam))
