"""The scale hyperprior (Ballé et al. 2018, figure 4), conditioned on the rate-distortion weight.

Four shallow convolutional networks. The analysis g_a turns a picture x into latents y at a sixteenth of its resolution; the
hyper-analysis h_a turns |y| into hyper-latents z at a sixty-fourth; the hyper-synthesis h_s turns ẑ into the standard
deviation σ of every latent; the synthesis g_s turns ŷ into a picture. Rounding ŷ and ẑ to whole steps makes them cheap to
store: ẑ costs what `FactorisedPrior` says, ŷ what a Gaussian of deviation σ says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.codec import GDN, LATENT, STRIDE, FactorisedPrior, gaussian_likelihood
from lossconditioning.conditioning import FiLM, apply, condition
from lossconditioning.errors import ReaderError
from lossconditioning.priors import Fixed, LogUniform
from lossconditioning.systems.compression.task import LAM_RANGE


class ToPicture(nn.ConvTranspose2d):
    """The synthesis' last layer, 5×5 taps and stride 2, to few channels.

    Without gradients it is computed as the 3×3 convolution it is in each of its four phases: CPUs have faster kernels for that.
    """

    def forward(self, features: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return super().forward(features)
        # Output 2q + a takes taps a + 2 − 2d of inputs q + d, for d = −1, 0, 1.
        inputs, outputs = self.weight.shape[:2]
        taps = F.pad(self.weight, (0, 1, 0, 1)).view(inputs, outputs, 3, 2, 3, 2).flip(2, 4)
        kernels = taps.permute(1, 3, 5, 0, 2, 4).reshape(4 * outputs, inputs, 3, 3)
        return F.pixel_shuffle(F.conv2d(features, kernels, self.bias.repeat_interleave(4), padding=1), 2)


_down = partial(nn.Conv2d, kernel_size=5, stride=2, padding=2)  # half the height and width
_up = partial(nn.ConvTranspose2d, kernel_size=5, stride=2, padding=2, output_padding=1)  # twice
_same = partial(nn.Conv2d, kernel_size=3, padding=1)
_to_picture = partial(ToPicture, **_up.keywords)


class QuantisationStep(nn.Module):
    r"""How coarsely each latent channel is rounded, as a function of λ: :math:`\Delta_c = \exp(-s_c t)`, t = log(λ / λ₀).

    At high rates the best step for R + λD has Δ² ∝ 1/λ: a finer step costs −log₂ Δ more bits per latent, and the error is
    Δ²/12. So s starts at one half; it is learned. λ₀ is the geometric middle of the range.

    Args:
        channels: M.
        low, high: λ's range.
    """

    def __init__(self, channels: int, low: float, high: float):
        super().__init__()
        self.slope = nn.Parameter(torch.full((channels,), 0.5))  # s
        self.middle = math.sqrt(low * high)  # λ₀

    def forward(self, lam: Tensor) -> Tensor:
        """Weights ``(B,)`` to steps ``(B, M, 1, 1)``."""
        t = (lam.to(self.slope.dtype) / self.middle).log()
        return torch.exp(-t[:, None] * self.slope)[..., None, None]


@dataclass(frozen=True)
class Output:
    """What one pass through the model gives.

    Attributes:
        picture: x̂, ``(B, 3, H, W)``, about [0, 1], not clamped.
        y_likelihood: of each latent, ``(B, M, H/16, W/16)``.
        z_likelihood: of each hyper-latent, ``(B, N, H/64, W/64)``.
    """

    picture: Tensor
    y_likelihood: Tensor
    z_likelihood: Tensor


class ScaleHyperprior(nn.Module):
    """An autoencoder for pictures whose latents are cheap to store; told the weight λ, or made for one.

    Args:
        n: N, channels of the transforms (192 in the paper, 256 in its wider models).
        m: M, channels of the latents.
        lam: a fixed-weight model's λ, whatever it is told; None for a conditional model.
        step: whether the quantisation step is a function of λ (see `QuantisationStep`); else it is 1.
        lam_range: lowest and highest λ that it is trained on.
        gain: how far FiLM's networks move scale and shift, see `FiLM`.

    Attributes:
        prior: where λ is drawn from.
        constants: what it computes with besides its weights.
    """

    def __init__(
        self,
        n: int = 192,
        m: int = 192,
        lam: float | None = None,
        *,
        step: bool = False,
        lam_range: tuple[float, float] = LAM_RANGE,
        gain: float = 0.1,
    ):
        super().__init__()
        self.n, self.m, self.lam, self.lam_range, self.conditional = n, m, lam, lam_range, lam is None
        self.constants = (n, m, self.conditional, step, *lam_range, lam, gain)
        self.prior = LogUniform(*lam_range) if self.conditional else Fixed(lam)
        igdn = partial(GDN, inverse=True)
        self.g_a = nn.Sequential(_down(3, n), GDN(n), _down(n, n), GDN(n), _down(n, n), GDN(n), _down(n, m))
        self.g_s = nn.Sequential(_up(m, n), igdn(n), _up(n, n), igdn(n), _up(n, n), igdn(n), _to_picture(n, 3))
        self.h_a = nn.Sequential(_same(m, n), nn.ReLU(), _down(n, n), nn.ReLU(), _down(n, n))
        self.h_s = nn.Sequential(_up(n, n), nn.ReLU(), _up(n, n), nn.ReLU(), _same(n, m), nn.ReLU())
        self.prior_z = FactorisedPrior(n)
        self.delta = QuantisationStep(m, *lam_range) if step else None
        if self.conditional:
            film = partial(FiLM, hidden=128, scale=gain, shift=gain)
            for name in ("g_a", "g_s", "h_a", "h_s"):
                network = getattr(self, name)
                kinds = [k for k in (nn.Conv2d, nn.ConvTranspose2d) if any(isinstance(layer, k) for layer in network)]
                setattr(self, name, condition(network, at=kinds, using=film, prior=self.prior))

    def step(self, lam: Tensor | None) -> Tensor | float:
        """The quantisation step Δ, ``(B, M, 1, 1)``, or 1."""
        if self.delta is None:
            return 1.0
        return self.delta(lam if self.conditional else torch.tensor([self.lam], device=self.delta.slope.device))

    def latents(self, pictures: Tensor, lam: Tensor | None = None) -> Tensor:
        """y, not yet rounded, ``(B, M, H/16, W/16)``, of pictures ``(B, 3, H, W)`` in [0, 1], H and W multiples of 64."""
        return apply(self.g_a, pictures, lam)

    def hyper_latents(self, y: Tensor, lam: Tensor | None = None) -> Tensor:
        """z, not yet rounded, ``(B, N, H/64, W/64)``, of latents."""
        return apply(self.h_a, y.abs(), lam)

    def scales(self, z_hat: Tensor, lam: Tensor | None = None) -> Tensor:
        """σ of every latent, ``(B, M, H/16, W/16)``, at least 0, for rounded hyper-latents."""
        return apply(self.h_s, z_hat, lam)

    def synthesise(self, y_hat: Tensor, lam: Tensor | None = None) -> Tensor:
        """The picture of rounded latents, ``(B, 3, H, W)``, about [0, 1]."""
        return apply(self.g_s, y_hat, lam)

    def quantise(self, y: Tensor, lam: Tensor | None = None) -> Tensor:
        """Latents rounded to multiples of Δ."""
        step = self.step(lam)
        return (y / step).round() * step

    def forward(
        self, pictures: Tensor, lam: Tensor | None = None, noise: tuple[Tensor, Tensor] | None = None
    ) -> Output:
        """Picture and likelihoods; latents are rounded, or, where noise is given, noisy.

        Args:
            pictures: ``(B, 3, H, W)`` in [0, 1], H and W multiples of 64.
            lam: weights ``(B,)``.
            noise: in training, instead of rounding: of y and of z, in their shapes, uniform in [−½, ½] (see `uniform_noise`).
        """
        if pictures.dim() != 4 or pictures.shape[-1] % STRIDE or pictures.shape[-2] % STRIDE:
            raise ReaderError(
                f"Pictures are (B, 3, H, W) with sides that are multiples of {STRIDE}; got {tuple(pictures.shape)}. Pad them, "
                "or use a Codec, which does."
            )
        y = self.latents(pictures, lam).to(pictures.dtype)
        z = self.hyper_latents(y, lam).to(pictures.dtype)
        step = self.step(lam)
        if noise is not None:
            y_hat, z_hat = y + noise[0] * step, z + noise[1]
        else:
            z_hat, y_hat = self.prior_z.quantise(z), self.quantise(y, lam)
        sigma, picture = self.scales(z_hat, lam), self.synthesise(y_hat, lam)
        with torch.autocast(pictures.device.type, enabled=False):  # probabilities in full precision
            return Output(
                picture=picture,
                y_likelihood=gaussian_likelihood(y_hat, sigma.to(y_hat.dtype), step),
                z_likelihood=self.prior_z.likelihood(z_hat),
            )


def uniform_noise(model: ScaleHyperprior, batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Uniform numbers in [−½, ½] in the shapes of y and z for a batch of pictures of ``height`` × ``width`` pixels."""
    y = torch.rand(batch, model.m, height // LATENT, width // LATENT) - 0.5
    return y, torch.rand(batch, model.n, height // STRIDE, width // STRIDE) - 0.5
