"""Everything notebook 08 trains, as configurations."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from lossconditioning.conditioning import hypernetwork
from lossconditioning.errors import one_of
from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.embeddings import BACKBONES, Embedding
from lossconditioning.systems.hyper_singan.models import SLOPE, Discriminator, Generator, Own, primary
from lossconditioning.training import PROFILES, seed_everything

# Two CPU cores: pictures of 78×58 pixels, narrower networks, a small embedding, low-rank heads, fewer steps at larger rates.
LAPTOP = {
    "scales": 3,
    "width": 20,
    "embedding": "small",
    "seen": 64,
    "code_size": 128,
    "normalised": True,
    "heads": "low-rank",
    "rank": 24,
    "steps_per_scale": 2500,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "discriminator_rate": 1e-3,
    "average": 0.99,
}
PLAY = {"purpose": "play", "scales": 4, "width": 32, "count": 24}
MINI_RANK = 8
"""Of low-rank heads for up to five pictures."""
SEPARATE = 5
"""How many pictures have a SinGAN each, to be compared with."""
GROWING = (10, 50, 200)
"""Over how many pictures a hypernetwork learns, for what it does with pictures that it has not seen (Table 3)."""
DEPTHS = (1, 3, 5)
"""Linear layers from a frozen backbone to the heads (appendix C)."""
RATES = {"single": (1e-5, 5e-4), "mini-batch": (1e-5, 1e-5), "dataset": (5e-5, 5e-5), "singan": (5e-4, 5e-4)}
"""Regime → learning rates of generator and discriminator in the paper (B.3); SinGAN's are its own."""
COARSEST = {"single": 25, "mini-batch": 27, "dataset": 28, "singan": 25}
"""Regime → width in pixels of the coarsest scale in the paper (B.2)."""
STEPS = {"single": 2000, "mini-batch": 2000, "dataset": 4000, "lsun50": 5000, "singan": 2000}
"""Regime, or data set → steps at each scale in the paper (B.4)."""
FINEST, SCALES = 256, 7
"""Width of the finest scale, and how many lead to it (B.2). As the authors' code does, r is not 0.6 then, but what fits."""


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained; those that need a download are last.

    "paper" is appendix B's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    base = Config("base")
    if one_of("profile", profile, PROFILES) != "paper":
        base = replace(base, **LAPTOP)
    base = _as_in(base, "dataset", profile)
    if profile == "smoke":
        small = {"scales": 2, "coarsest": 16, "width": 4, "layers": 3, "seen": 32, "code_size": 8, "rank": 2}
        base = replace(base, **small, steps_per_scale=2, batch_size=2)
    found: list[Config] = []
    for dataset, prefix in (("scenery", ""), ("places50", "places_"), ("lsun50", "lsun_")):
        found += _table_1(_as_in(replace(base, dataset=dataset), "dataset", profile), prefix, profile)
    scenery = replace(base, dataset="scenery")
    own = _table_2(scenery, profile) + _table_3(scenery) + _rivals(scenery)
    if profile != "paper":
        own.append(replace(scenery, name="play", **(PLAY if profile != "smoke" else {"purpose": "play"})))
    ordered = sorted([*found, *own], key=lambda config: config.dataset != "scenery")
    return {config.name: config for config in ordered}


def _as_in(config: Config, regime: str, profile: str) -> Config:
    """In "paper", with the learning rates, the sizes and the steps of a regime."""
    if profile != "paper":
        return config
    generator, discriminator = RATES[regime]
    coarsest = COARSEST[regime]
    return replace(
        config,
        learning_rate=generator,
        discriminator_rate=discriminator,
        coarsest=coarsest,
        factor=(coarsest / FINEST) ** (1 / (SCALES - 1)),
        scales=SCALES,
        steps_per_scale=STEPS["lsun50" if (regime, config.dataset) == ("dataset", "lsun50") else regime],
    )


def _table_1(base: Config, prefix: str, profile: str) -> list[Config]:
    """One hypernetwork for a data set; for some of its pictures a SinGAN each, and a hypernetwork for each alone."""
    found = [replace(base, name=f"{prefix}dataset", count=min(base.count, 4) if profile == "smoke" else base.count)]
    for number in range(SEPARATE if profile != "smoke" else 2):
        single = replace(base, first=number, count=1, discriminator="shared", batch_size=1)
        own = replace(single, name=f"{prefix}singan_{number}", kind="singan", reconstruction=10.0, code_size=1)
        found.append(_as_in(own, "singan", profile))
        if number < 2:
            found.append(_as_in(replace(single, name=f"{prefix}single_{number}"), "single", profile))
    return found


def _table_2(base: Config, profile: str) -> list[Config]:
    """Mini-batches of one to five pictures; four with one discriminator for all; and four whose older scales drift."""
    rank = min(base.rank, MINI_RANK)
    found = [replace(base, name=f"batch_{n}", count=n, batch_size=n, rank=rank) for n in range(1, 6)]
    four = found[3]
    found.append(replace(four, name="shared", discriminator="shared"))
    found.append(replace(four, name="drifting", accumulated=False))
    return [_as_in(config, "mini-batch", profile) for config in found]


def _table_3(base: Config) -> list[Config]:
    """Over growing data sets; the one of fifty is Table 1's."""
    return [replace(base, name=f"dataset_{count}", count=count) for count in GROWING if count != 50]


def _rivals(base: Config) -> list[Config]:
    """Other heads; and embeddings by a frozen backbone (appendix C)."""
    found = [replace(base, name=name, heads=name) for name in ("full", "chunked")]
    found += [replace(base, name=f"frozen_{depth}", embedding="frozen", depth=depth) for depth in DEPTHS]
    return found


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained generator of an experiment; its weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    network = primary(config.width, config.layers, 3, SLOPE[config.kind])
    if config.kind == "singan":
        writers: list[nn.Module] = [
            Own(primary(config.width, config.layers, 3, SLOPE[config.kind])) for _ in range(config.scales)
        ]
        embedding = None
    else:
        writers = [_writer(config, network) for _ in range(config.scales)]
        embedding = _embedding(config)
    model = Generator(network, writers, config.sizes, embedding)
    model.prior = config.prior
    return model


def build_discriminator(config: Config) -> Discriminator:
    """The untrained discriminator that it is trained against; of random weights, whatever the seed stands at."""
    own = config.discriminator == "shared"
    network = primary(config.width, config.layers, 1, SLOPE["singan" if own else "hyper"])
    if own:
        return Discriminator(network, Own(network))
    embedding = _embedding(config) if config.discriminator == "hyper" else None
    return Discriminator(network, _writer(config, network), embedding)


def _embedding(config: Config) -> Embedding:
    return Embedding(BACKBONES[config.embedding](), config.code_size, config.depth, config.normalised)


def _writer(config: Config, network: nn.Module) -> nn.Module:
    options = {"rank": config.rank} if config.heads == "low-rank" else {}
    return hypernetwork(network, config.code_size, heads=config.heads, **options)
