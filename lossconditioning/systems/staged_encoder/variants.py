"""Table 4 of StEP: which losses are on. One row is one `Variant`, and training reads nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """What a translator is trained with; the names are the columns of Table 4.

    Attributes:
        pretrained: whether its encoder was trained first, by triplets, and is frozen in stage 2.
        cyc_recon: cyclic reconstruction: the style goes to another picture and comes back from there.
        D_rand_z: the discriminator also sees pictures in a random style.
        z_recon: the style of such a picture is to be read off it again.
        z_L2: squared length of the codes.
        z_KL: Kullback-Leibler divergence of the codes from N(0, 1), which random styles are drawn from then.
        VAE: codes are drawn from a normal distribution that the encoder puts out.
    """

    pretrained: bool = False
    cyc_recon: bool = False
    D_rand_z: bool = False
    z_recon: bool = False
    z_L2: bool = False
    z_KL: bool = False
    VAE: bool = False
    # On in every row of Table 4. Class attributes, for they are no choice.
    dir_recon = True
    D_dir = True

    @property
    def random(self) -> bool:
        """Whether pictures in a random style are made in training."""
        return self.D_rand_z or self.z_recon


def _row(*on: str) -> Variant:
    return Variant(**dict.fromkeys(on, True))


VARIANTS = {
    "bicycle_v1": _row("D_rand_z", "z_recon", "z_KL", "VAE"),
    "bicycle_v2": _row("cyc_recon", "D_rand_z", "z_recon", "z_KL", "VAE"),
    "bicycle_v1_2": _row("D_rand_z", "z_recon", "z_KL"),
    "bicycle_v2_2": _row("cyc_recon", "D_rand_z", "z_recon", "z_KL"),
    "bicycle_v1_3": _row("D_rand_z", "z_recon", "z_L2"),
    "bicycle_v2_3": _row("cyc_recon", "D_rand_z", "z_recon", "z_L2"),
    "ours_v1": _row("pretrained", "cyc_recon", "D_rand_z", "z_recon", "z_L2"),
    "ours_v2": _row("pretrained", "D_rand_z", "z_recon", "z_L2"),
    "ours_v3": _row("pretrained", "z_L2"),
    "ours_v4": _row("pretrained"),
}
"""The rows of Table 4. BicycleGAN v1 is cVAE-GAN and cLR-GAN together; v2 adds the cross-cycle."""

LPIPS_OF_PAPER = {
    "bicycle_v1": (0.201, 0.003),
    "bicycle_v2": (0.192, 0.002),
    "bicycle_v1_2": (0.175, 0.001),
    "bicycle_v2_2": (0.176, 0.002),
    "bicycle_v1_3": (0.177, 0.002),
    "bicycle_v2_3": (0.180, 0.001),
    "ours_v1": (0.189, 0.004),
    "ours_v2": (0.183, 0.002),
    "ours_v3": (0.176, 0.001),
    "ours_v4": (0.177, 0.001),
}
"""LPIPS in Table 4, on edges → handbags: mean and standard deviation of three repetitions."""
