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
    "lam": (0.05,),
}
STEPS = {"encoder": 2400, "stage2": 1200, "stage3": 1200}
BUDGET = STEPS["stage2"] + STEPS["stage3"]
"""Steps of a rival: as many as both stages together."""
TOLD = (0.25, 4.0)
"""The range that a generator is told λ from, in multiples of the fixed one."""
TRANSFERS = (("outlines", "valley"), ("valley", "outlines"), ("outlines", "facades"), ("facades", "outlines"))
"""Table 2: data set, and the one that its encoder was pre-trained on."""
PLAY = {"purpose": "play", "side": 128, "width": 20, "levels": 4, "most": 112, "blocks": 2, "encoder_levels": 4}


def _named(configs: list[Config]) -> dict[str, Config]:
    return {config.name: config for config in configs}


def _staged(base: Config, variant: str, dataset: str, encoder: str, name: str, steps: dict[str, int]) -> list[Config]:
    """Stages 2 and 3 of a variant; ours v4 shares v3's second stage, in which the length of codes is no matter."""
    common = {"variant": variant, "dataset": dataset}
    stage2 = replace(base, **common, name=f"{name}_stage2", begins=encoder, frozen=True, steps=steps["stage2"])
    stage3 = {"name": name, "begins": stage2.name, "encoder_rate": 0.1, "steps": steps["stage3"], "schedule": "linear"}
    return [stage2, replace(base, **common, **stage3)]


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: each after those that it `Config.needs`.

    "paper" is A.1's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names. "smoke"
    runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    base, steps = Config("base", variant="bicycle_v1"), {"encoder": 50_000, "stage2": 31_250, "stage3": 50_000}
    if profile != "paper":
        base, steps = replace(base, **LAPTOP), STEPS
    if profile == "smoke":
        small = {
            "width": 4,
            "most": 8,
            "encoder_width": 4,
            "discriminator": 4,
            "side": 32,
            "count": 24,
            "batch_size": 2,
        }
        base, steps = replace(base, **small, levels=2, pretrained=False), dict.fromkeys(STEPS, 3)
    budget = steps["stage2"] + steps["stage3"]
    encoder = replace(base, kind="encoder", steps=steps["encoder"], batch_size=min(12, 6 * base.batch_size))
    rival = replace(base, steps=budget, schedule="linear")
    found = []
    for dataset in ("outlines", "valley", "facades"):
        found.append(replace(encoder, name=f"encoder_{dataset}", dataset=dataset))
        found += _staged(base, "ours_v3", dataset, f"encoder_{dataset}", dataset, steps)
        for variant in ("bicycle_v1", "bicycle_v2"):
            found.append(replace(rival, name=f"{dataset}_{variant}", dataset=dataset, variant=variant))
    for dataset, other in TRANSFERS:
        found += _staged(base, "ours_v3", dataset, f"encoder_{other}", f"{dataset}_by_{other}", steps)
    known = _named(found)
    ladder = [
        replace(rival, name=f"outlines_{name}", variant=name) for name in VARIANTS if name.startswith("bicycle_v1_")
    ]
    ladder += [
        replace(rival, name=f"outlines_{name}", variant=name) for name in VARIANTS if name.startswith("bicycle_v2_")
    ]
    for variant in ("ours_v1", "ours_v2"):
        ladder += _staged(base, variant, "outlines", "encoder_outlines", f"outlines_{variant}", steps)
    ladder.append(replace(known["outlines"], name="outlines_ours_v4", variant="ours_v4"))
    stage2 = known["valley_stage2"]
    (weight,) = stage2.lam
    ends = tuple(share * weight for share in TOLD)
    told = [
        replace(stage2, name="valley_told", lam=ends),
        replace(stage2, name="valley_lively", lam=(ends[0],)),
        replace(stage2, name="valley_faithful", lam=(ends[1],)),
    ]
    judged = (stage2.name, *(config.name for config in told))
    critic = replace(rival, name="valley_critic", kind="critic", dataset="valley", judged=judged, steps=steps["stage2"])
    faces = replace(base, dataset="expressions")
    by_13 = replace(encoder, name="encoder_valley_by_13", dataset="valley", far=13)
    smiles = [replace(encoder, name="encoder_expressions", dataset="expressions", distance="expression")]
    smiles += _staged(faces, "ours_v3", "expressions", "encoder_expressions", "expressions", steps)
    smiles.append(replace(rival, name="expressions_bicycle_v1", dataset="expressions"))
    play = []
    if profile != "paper":
        larger = replace(base, **PLAY) if profile != "smoke" else replace(base, purpose="play")
        play.append(replace(larger, name="encoder_play", kind="encoder", dataset="valley", steps=steps["encoder"]))
        play += _staged(larger, "ours_v3", "valley", "encoder_play", "play", {name: 2 * n for name, n in steps.items()})
    first = _named([*found, by_13, *ladder, *told, critic, *smiles, *play])
    first = dict(sorted(first.items(), key=lambda item: "facades" in item[0]))  # last, for they need a download
    again = [
        replace(first[name], name=f"{name}_again{repeat}", repeat=repeat, begins=_again(first[name].begins, repeat))
        for repeat in (1, 2)
        for name in first
        if name in ("encoder_outlines", "outlines_stage2", "outlines")
        or name.startswith(("outlines_bicycle", "outlines_ours"))
    ]
    return {**first, **_named(again)}


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
