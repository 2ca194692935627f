"""Holds the staged encoder against its rivals: Tables 1 to 6 of StEP on the data sets that are at hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch

from lossconditioning.evaluation import Classifier, classifier_score
from lossconditioning.paths import data_cache
from lossconditioning.systems.staged_encoder.comparisons import Models, by_other_means, frontier, sliders
from lossconditioning.systems.staged_encoder.data import measure_for, squeezenet_weights
from lossconditioning.systems.staged_encoder.mapper import fit_mapper, gaussian, outside
from lossconditioning.systems.staged_encoder.measures import Measure, codes_of
from lossconditioning.training import Run, Trained
from lossconditioning.training.randomness import generator

MAIN = "outlines"
"""The data set whose metrics have no prefix."""
SETS = (MAIN, "valley", "facades")
METHODS = {"stage2": "{}_stage2", "stage3": "{}", "bicycle_v1": "{}_bicycle_v1", "bicycle_v2": "{}_bicycle_v2"}
"""Row of Table 1 → the name of its experiment on a data set."""
SCORED = 30
"""How many pictures a classifier scores."""
EPOCHS = 50
"""Of the mapper here; 500 in the paper."""


def compared(run: Run) -> tuple[str, ...]:
    """The network of stage 3, that of stage 2, and the encoder they begin with."""
    return (f"encoder_{MAIN}", f"{MAIN}_stage2", MAIN)


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """All networks on held-out pairs, as far as they and their data are there.

    Returns:
        metrics, with the prefix "valley_" or "facades_" for those data sets: see `table_1`, `table_2`, `table_3`; of the
        encoder, see `Measure.neighbours`; of the valley, `frontier`.
    """
    found: dict[str, float] = {}
    for dataset in SETS:
        models = {name: item.model.eval() for name, item in trained.items()}
        encoder = f"encoder_{dataset}"
        if encoder not in models or not at_hand(dataset, run):
            continue
        config = trained[encoder].config
        measure, prefix = measure_for(config, run), "" if dataset == MAIN else f"{dataset}_"
        metrics = {
            **measure.neighbours(models[encoder]),
            **table_1(models, measure, dataset),
            **table_2(models, measure, dataset),
            **table_3(models, measure, dataset, squeezenet_weights(config, run), 2 if run.smoke else EPOCHS),
        }
        if dataset == "valley":
            metrics |= {**frontier(models, measure), **(sliders(models[dataset], measure) if dataset in models else {})}
            metrics |= by_other_means(config, measure, run)
            if "encoder_valley_by_13" in models:
                metrics["neighbour_by_13"] = measure.neighbours(models["encoder_valley_by_13"])["neighbour_accuracy"]
        found |= {prefix + name: value for name, value in metrics.items()}
    return found


def at_hand(dataset: str, run: Run) -> bool:
    """Whether a data set needs no file, or its files are there."""
    folder = Path(run.data or data_cache()) / "cmp_facades"
    return dataset != "facades" or run.smoke or all((folder / part).is_dir() for part in ("train", "test"))


# Tables -------------------------------------------------------------------------------------------------------------------


def table_1(models: Models, measure: Measure, dataset: str) -> dict[str, float]:
    """Table 1: ``psnr_METHOD`` and ``lpips_METHOD``; ``transfer_…`` where the truth is known; ``neighbour_METHOD``."""
    found = {}
    for method, name in METHODS.items():
        model = models.get(name.format(dataset))
        if model is not None:
            found |= {f"{what}_{method}": value for what, value in measure.reconstruction(model).items()}
            if measure.names and method != "stage2":  # whose encoder is the pre-trained one
                found[f"neighbour_{method}"] = measure.neighbours(model.encoder)["neighbour_accuracy"]
    return found


def table_2(models: Models, measure: Measure, dataset: str) -> dict[str, float]:
    """Table 2: ``psnr_stage2_by_OTHER``, ``psnr_stage3_by_OTHER`` and lpips of encoders that were pre-trained elsewhere.

    ``transfer_gap_db`` is what the worst of them costs after stage 3, in decibels.
    """
    found, after = {}, []
    for other in SETS:
        for stage, name in (("stage2", f"{dataset}_by_{other}_stage2"), ("stage3", f"{dataset}_by_{other}")):
            if name in models:
                values = measure.closeness(measure.translate(models[name]))
                found |= {f"{what}_{stage}_by_{other}": value for what, value in values.items()}
                if stage == "stage3":
                    after.append(values["psnr"])
    if after and dataset in models:
        own = measure.closeness(measure.translate(models[dataset]))["psnr"]
        found["transfer_gap_db"] = own - min(after)
    return found


def table_3(
    models: Models, measure: Measure, dataset: str, weights: str | Path | None, epochs: int = EPOCHS
) -> dict[str, float]:
    """Tables 3 and 5: ``diversity_transfer_METHOD``, ``diversity_sampling_METHOD`` and ``score_METHOD``.

    Sampled styles are a `Mapper`'s, or, for a network with a prior, the prior's. ``diversity_ratio`` is that of stage 3 over
    that of Bicycle v1, by transfer; ``outside_mapper`` and ``outside_gaussian`` are the shares of sampled codes that lie
    outside of where codes are (A.5).

    Args:
        weights: of the `Classifier`.
        epochs: of the mapper.
    """
    found, score = {}, Classifier(weights)
    for method, name in METHODS.items():
        model = models.get(name.format(dataset))
        if model is None:
            continue
        found[f"diversity_transfer_{method}"] = measure.diversity(model)
        if method == "stage3":
            codes = codes_of(model.encoder, measure.gallery.pictures).z
            mapper = fit_mapper(codes, epochs=epochs)
            sampled = mapper.sample(256, generator(0))
            found["outside_mapper"] = outside(sampled, codes)
            found["outside_gaussian"] = outside(gaussian(codes).sample(256, generator(0)), codes)
            found["diversity_sampling_stage3"] = measure.diversity(model, sampled)
        elif method.startswith("bicycle"):
            sampled = torch.randn(64, model.encoder.z_size, generator=generator(0))
            found[f"diversity_sampling_{method}"] = measure.diversity(model, sampled)
        probabilities = torch.cat([score(part) for part in measure.translate(model)[:SCORED].split(15)])
        found[f"score_{method}"] = classifier_score(probabilities) if len(probabilities) >= 10 else math.nan
    if {dataset, f"{dataset}_bicycle_v1"} <= set(models):
        found["diversity_ratio"] = found["diversity_transfer_stage3"] / found["diversity_transfer_bicycle_v1"]
    return found
