"""Holds one hypernetwork against separate SinGANs, and what the paper advises against beside what it advises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from lossconditioning.datasets.single_images import FOLDERS, NAME, originals
from lossconditioning.evaluation import FirstLayer, sifids
from lossconditioning.painting import weights_for
from lossconditioning.paths import data_cache
from lossconditioning.systems.hyper_singan.collapse import descend
from lossconditioning.systems.hyper_singan.data import experiment_data, pictures_of
from lossconditioning.systems.hyper_singan.measures import SAMPLES, Measure
from lossconditioning.systems.hyper_singan.pace import minutes_of_training
from lossconditioning.systems.hyper_singan.recipes import SEPARATE
from lossconditioning.training import Run, Trained

SETS = {"": "scenery", "places_": "places50", "lsun_": "lsun50"}
"""Prefix of metrics and of experiments → data set."""
DESCENT = {"steps": 150, "rate": 0.2, "penalty": 10.0}
"""Of the two short trainings that show a shared embedding collapse, see `collapse.descend`."""
JUDGED = 10
"""How many unseen pictures are scored."""
RANKED = 50
"""How many published samples of SinGAN, and of ConSinGAN, the score is tried with."""


def compared(run: Run) -> tuple[str, ...]:
    """The hypernetwork of the built-in data, and one SinGAN."""
    return ("dataset", "singan_0")


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Numbers of finished networks, as far as they and their data are there.

    Returns:
        see `table_1`, `unseen`, `leaking`, `collapsing` and `score_orders`; metrics of real pictures have the prefix
        "places_" or "lsun_".
    """
    samples = 4 if run.smoke else SAMPLES
    features = FirstLayer(weights_for(not run.smoke, run))
    found: dict[str, float] = {}
    for prefix, dataset in SETS.items():
        if f"{prefix}dataset" in trained and at_hand(dataset, run):
            metrics = table_1(trained, run, prefix, features, samples)
            found |= {prefix + name: value for name, value in metrics.items()}
    found |= unseen(trained["dataset"], run, features, samples)
    found |= leaking(trained, run, features)
    found |= collapsing(trained["dataset"], run)
    return found | score_orders(features, run)


def at_hand(dataset: str, run: Run) -> bool:
    """Whether a data set needs no file, or its files are there."""
    return dataset == "scenery" or run.smoke or _stands(run, dataset)


def _stands(run: Run, split: str) -> bool:
    """Whether the folder of a set of pictures is there."""
    return (Path(run.data or data_cache()).expanduser() / NAME / FOLDERS[split]).is_dir()


def table_1(
    trained: Mapping[str, Trained], run: Run, prefix: str, features: FirstLayer, samples: int
) -> dict[str, float]:
    """Table 1: one hypernetwork for all, and separate SinGANs, on the pictures that have one.

    Returns:
        "sifid", "msifid" and "diversity" of the hypernetwork, with the suffix "_separate" of SinGANs and "_single" of
        hypernetworks for one picture; "sifid_ratio", "msifid_ratio", "diversity_ratio": of the hypernetwork over SinGANs;
        "minutes" of training per picture and "minutes_separate", see `pace`, and "minutes_per_image_ratio".
    """
    ours = trained[f"{prefix}dataset"]
    measure = Measure(pictures_of(ours.config, run), ours.config.seen, features, samples)
    numbers = [number for number in range(SEPARATE) if f"{prefix}singan_{number}" in trained]
    found = measure.scores(ours.model.eval(), numbers or None)
    for kind, suffix in (("singan", "separate"), ("single", "single")):
        own = [trained[f"{prefix}{kind}_{n}"] for n in range(SEPARATE) if f"{prefix}{kind}_{n}" in trained]
        if not own:
            continue
        each = [_alone(measure, item) for item in own]
        found |= {f"{name}_{suffix}": fmean(scores[name] for scores in each) for name in each[0]}
    if numbers:
        found |= {f"{name}_ratio": found[name] / found[f"{name}_separate"] for name in ("sifid", "msifid", "diversity")}
        separate = trained[f"{prefix}singan_{numbers[0]}"].config
        minutes, found["minutes_separate"] = minutes_of_training([ours.config, separate], run, 1 if run.smoke else 3)
        found["minutes"] = minutes / ours.config.count
        found["minutes_per_image_ratio"] = found["minutes"] / found["minutes_separate"]
    return found


def _alone(measure: Measure, item: Trained) -> dict[str, float]:
    first = item.config.first
    return replace(measure, pictures=measure.pictures[first : first + 1]).scores(item.model.eval())


def unseen(item: Trained, run: Run, features: FirstLayer, samples: int) -> dict[str, float]:
    """ "unseen_sifid", "unseen_msifid", "unseen_diversity" on pictures that no network has learned (Table 3).

    SIFID is of the best sample and falls with their number: only with as many as in `table_1` do the two compare.
    """
    measure = Measure(pictures_of(item.config, run, "test")[:JUDGED], item.config.seen, features, samples)
    return {f"unseen_{name}": value for name, value in measure.scores(item.model.eval()).items()}


def leaking(trained: Mapping[str, Trained], run: Run, features: FirstLayer) -> dict[str, float]:
    """ "leakage_hyper" and "leakage_shared": shares of patches from another picture (Figure 2), and "leakage_ratio"."""
    found = {}
    for name, kind in (("batch_4", "hyper"), ("shared", "shared")):
        if name in trained:
            item = trained[name]
            measure = Measure(pictures_of(item.config, run), item.config.seen, features)
            found[f"leakage_{kind}"] = measure.leakage(item.model.eval(), 2 if run.smoke else 8)
    if len(found) == 2:
        found["leakage_ratio"] = found["leakage_shared"] / max(found["leakage_hyper"], 1e-3)
    return found


def collapsing(item: Trained, run: Run) -> dict[str, float]:
    """What gradient descent makes of embeddings, shared and separate (Propositions 3 and 4).

    Returns:
        "collapse_scores_KIND", what real pictures score in the mean of the last tenth of the steps, and
        "collapse_norm_KIND", the size of codes at the end over that at the start; KIND is "separate" or "shared".
    """
    found = {}
    options = {**DESCENT, **({"steps": 3, "rate": 1e-3} if run.smoke else {})}
    for kind, discriminator in (("separate", "hyper"), ("shared", "same embedding")):
        config = replace(
            item.config, discriminator=discriminator, count=4, batch_size=4, normalised=False, seen=32, rank=8
        )
        history = descend(config, experiment_data(config, run), **options)
        last = history[-max(1, len(history) // 10) :]
        found[f"collapse_scores_{kind}"] = fmean(step["scores"] for step in last)
        found[f"collapse_norm_{kind}"] = history[-1]["norm"] / history[0]["norm"]
    return found


def score_orders(features: FirstLayer, run: Run) -> dict[str, float]:
    """ "score_orders_singan_consingan": 1 if ConSinGAN's published samples score better than SinGAN's on both sets, else 0.

    And "score_SET_METHOD", the mean distance of samples, one for each picture. Nothing where they are not at hand.
    """
    splits = [f"{name}50{of}" for name in ("places", "lsun") for of in ("", "_singan", "_consingan")]
    if run.smoke or not all(_stands(run, split) for split in splits):
        return {}
    found = {}
    for name in ("places", "lsun"):
        real = list(originals(f"{name}50", run.data).values())[:RANKED]
        for method in ("singan", "consingan"):
            made = list(originals(f"{name}50_{method}", run.data).values())[:RANKED]
            each = [float(sifids(one, other[None], features)) for one, other in zip(real, made, strict=True)]
            found[f"score_{name}_{method}"] = fmean(each)
    right = all(found[f"score_{name}_consingan"] < found[f"score_{name}_singan"] for name in ("places", "lsun"))
    return {**found, "score_orders_singan_consingan": float(right)}
