"""Everything notebook 07 trains, as configurations."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from lossconditioning.conditioning import condition
from lossconditioning.errors import one_of
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.models import Discriminator, Generator, StyleEncoder, Translator
from lossconditioning.systems.staged_encoder.variants import VARIANTS
from lossconditioning.training import PROFILES, seed_everything

TOLD_AT = ("down.*", "blocks.*.*", "up.*")
"""Layers of a generator that are told λ, where one is."""

# Two CPU cores: fewer channels, smaller pictures, shallower features, fewer steps. And negatives that are not the farthest
# pictures alone: those are outliers, told apart after a few hundred steps, and nothing more is learned from them.
LAPTOP = {
    "margin": 1.0,
    "far": 0,
    "width": 16,
    "levels": 3,
    "blocks": 1,
    "most": 64,
    "encoder_width": 20,
    "encoder_levels": 3,
    "discriminator": 16,
    "discriminator_layers": 2,
    "features": "vgg19",
    "layers": ("relu1_2", "relu2_2", "relu3_2"),
    "half": True,
    "side": 64,
    "count": 1600,
    "lam": (0.1,),
}
STEPS = {"encoder": 2400, "stage2": 1500, "stage3": 1500}
RATE = 8e-3
"""Learning rate of translators on two cores, eight times the paper's: there are few steps to learn in."""
TOLD = (0.25, 4.0)
"""The range that a generator is told λ from, in multiples of the fixed one."""
TRANSFERS = (("outlines", "valley"), ("valley", "outlines"), ("outlines", "facades"), ("facades", "outlines"))
"""Table 2: data set, and the one that its encoder was pre-trained on."""
PLAY = {"purpose": "play", "side": 128, "width": 20, "levels": 4, "most": 112, "blocks": 2, "encoder_levels": 4}


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: each after those that it `Config.needs`.

    "paper" is A.1's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names. "smoke"
    runs the same code on a handful of steps.
    """
    base, encoder, steps = _bases(one_of("profile", profile, PROFILES))
    sets, ladder = _sets(base, encoder, steps), _ladder(base, steps)
    first = _named([*sets, *ladder, *_told(base, steps), *_smiles(base, encoder, steps)])
    if profile != "paper":
        larger = PLAY if profile != "smoke" else {"purpose": "play"}
        learned = replace(encoder, **larger, name="encoder_play", dataset="valley")
        longer = {name: 2 * count for name, count in steps.items()}
        first |= _named([learned, *_staged(replace(base, **larger), "ours_v3", "valley", learned.name, "play", longer)])
    first = dict(sorted(first.items(), key=lambda item: "facades" in item[0]))  # last, for they need a download
    again = ["encoder_outlines", "outlines_stage2", "outlines", "outlines_bicycle_v1", "outlines_bicycle_v2"]
    again += [config.name for config in ladder]
    repeated = [
        replace(first[name], name=f"{name}_again{repeat}", repeat=repeat, begins=_again(first[name].begins, repeat))
        for repeat in (1, 2)
        for name in again
    ]
    return {**first, **_named(repeated)}


def _bases(profile: str) -> tuple[Config, Config, dict[str, int]]:
    """What all translators of a profile have in common, what all encoders have, and how many steps each stage takes."""
    base, steps = Config("base", variant="bicycle_v1"), {"encoder": 50_000, "stage2": 31_250, "stage3": 50_000}
    if profile != "paper":
        base, steps = replace(base, **LAPTOP), STEPS
    if profile == "smoke":
        small = {"width": 4, "most": 8, "encoder_width": 4, "discriminator": 4, "levels": 2}
        small |= {"side": 32, "count": 24, "batch_size": 2, "pretrained": False}
        base, steps = replace(base, **small), dict.fromkeys(STEPS, 3)
    encoder = replace(base, kind="encoder", steps=steps["encoder"], batch_size=min(12, 6 * base.batch_size))
    if profile != "paper":
        base = replace(base, learning_rate=RATE, average=0.995)
    return base, encoder, steps


def _named(configs: list[Config]) -> dict[str, Config]:
    return {config.name: config for config in configs}


def _staged(base: Config, variant: str, dataset: str, encoder: str, name: str, steps: dict[str, int]) -> list[Config]:
    """Stages 2 and 3 of a variant."""
    common = {"variant": variant, "dataset": dataset}
    stage2 = replace(base, **common, name=f"{name}_stage2", begins=encoder, frozen=True, steps=steps["stage2"])
    stage3 = {"name": name, "begins": stage2.name, "encoder_rate": 0.1, "steps": steps["stage3"], "schedule": "linear"}
    return [stage2, replace(base, **common, **stage3)]


def _rival(base: Config, variant: str, dataset: str, steps: dict[str, int]) -> Config:
    """A variant without stages, for as many steps as both of them take."""
    both = {"steps": steps["stage2"] + steps["stage3"], "schedule": "linear"}
    return replace(base, name=f"{dataset}_{variant}", dataset=dataset, variant=variant, **both)


def _sets(base: Config, encoder: Config, steps: dict[str, int]) -> list[Config]:
    """Tables 1 and 2, and an encoder with the paper's negatives."""
    found = []
    for dataset in ("outlines", "valley", "facades"):
        found.append(replace(encoder, name=f"encoder_{dataset}", dataset=dataset))
        found += _staged(base, "ours_v3", dataset, f"encoder_{dataset}", dataset, steps)
        found += [_rival(base, variant, dataset, steps) for variant in ("bicycle_v1", "bicycle_v2")]
    for dataset, other in TRANSFERS:
        found += _staged(base, "ours_v3", dataset, f"encoder_{other}", f"{dataset}_by_{other}", steps)
    return [*found, replace(encoder, name="encoder_valley_by_13", dataset="valley", far=Config.far)]


def _ladder(base: Config, steps: dict[str, int]) -> list[Config]:
    """The rows of Table 4 that Table 1 has not. Ours v4 shares v3's stage 2, in which the length of codes does not matter."""
    rivals = [name for name in VARIANTS if name.startswith("bicycle") and name not in ("bicycle_v1", "bicycle_v2")]
    found = [_rival(base, name, "outlines", steps) for name in rivals]
    for variant in ("ours_v1", "ours_v2"):
        found += _staged(base, variant, "outlines", "encoder_outlines", f"outlines_{variant}", steps)
    _, v3 = _staged(base, "ours_v3", "outlines", "encoder_outlines", "outlines", steps)
    return [*found, replace(v3, name="outlines_ours_v4", variant="ours_v4")]


def _told(base: Config, steps: dict[str, int]) -> list[Config]:
    """A generator of stage 2 that is told λ, two with one λ each at the ends of its range, and a critic of them all."""
    stage2, _ = _staged(base, "ours_v3", "valley", "encoder_valley", "valley", steps)
    low, high = (share * stage2.lam[0] for share in TOLD)
    told = [
        replace(stage2, name="valley_told", lam=(low, high)),
        replace(stage2, name="valley_lively", lam=(low,)),
        replace(stage2, name="valley_faithful", lam=(high,)),
    ]
    judged = (stage2.name, *(config.name for config in told))
    critic = {"kind": "critic", "variant": "bicycle_v1", "begins": None, "frozen": False, "judged": judged}
    return [*told, replace(stage2, name="valley_critic", **critic)]


def _smiles(base: Config, encoder: Config, steps: dict[str, int]) -> list[Config]:
    """A.4: an encoder of expressions instead of styles, its translator, and Bicycle v1."""
    learned = replace(encoder, name="encoder_expressions", dataset="expressions", distance="expression")
    translators = _staged(base, "ours_v3", "expressions", learned.name, "expressions", steps)
    return [learned, *translators, _rival(base, "bicycle_v1", "expressions", steps)]


def _again(begins: str | None, repeat: int) -> str | None:
    return begins and f"{begins}_again{repeat}"


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained network of an experiment; its weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    if config.kind == "critic":
        model: nn.Module = build_discriminator(config)
    elif config.kind == "encoder":
        model = StyleEncoder(config.encoder_width, config.encoder_levels, config.z_size)
    else:
        generator: nn.Module = Generator(config.width, config.levels, config.blocks, config.most, config.z_size)
        encoder = StyleEncoder(config.encoder_width, config.encoder_levels, config.z_size)
        if config.told:
            generator = condition(generator, TOLD_AT, prior=config.prior)
        model = Translator(encoder, generator, build_discriminator(config) if config.frozen else None)
    model.prior = config.prior
    return model


def build_discriminator(config: Config) -> Discriminator:
    """The untrained discriminator of a translator; that of stage 2 is published with it, for stage 3 goes on with it."""
    return Discriminator(config.discriminator, config.discriminator_layers)
