"""What λ weighs: named, unweighted, per-example loss terms, and their weighted sum."""

from lossconditioning.losses.adversarial import lsgan_discriminator, lsgan_generator
from lossconditioning.losses.lpips import Lpips
from lossconditioning.losses.perceptual import (
    PerceptualFeatures,
    PerceptualLoss,
    content_loss,
    feature_distance,
    gram,
    style_loss,
    total_variation,
)
from lossconditioning.losses.weighted import Terms, balanced, weighted

__all__ = [
    "Lpips",
    "PerceptualFeatures",
    "PerceptualLoss",
    "Terms",
    "balanced",
    "content_loss",
    "feature_distance",
    "gram",
    "lsgan_discriminator",
    "lsgan_generator",
    "style_loss",
    "total_variation",
    "weighted",
]
