"""The domains that pictures are translated between: real pictures where they are at hand, built-in ones otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from lossconditioning.datasets import landscapes, paintings, unpaired
from lossconditioning.datasets.folders import read_pictures
from lossconditioning.datasets.lookup import Photographs
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.datasets.scenes import SCENES, scene
from lossconditioning.datasets.unpaired import Unpaired
from lossconditioning.errors import one_of
from lossconditioning.painting import held_out_photographs, training_photographs
from lossconditioning.paths import data_cache, in_words

LOSSES = ("reconstruction", "adversarial", "perceptual")
"""What a domain can ask of a picture: to be the one that was given, to look like others, or to have the patterns of one."""
PARTS = ("train", "held_out")
EVERY = 10
"""Of pictures that are not divided already every tenth, by name, is held out."""
LANDSCAPES = 48
"""How many landscapes stand in for a season; a quarter of that, at other places, is held out."""
ARCHIVES = {
    "photographs": ("monet2photo", "b"),
    "monet": ("monet2photo", "a"),
    "vangogh": ("vangogh2photo", "a"),
    "summer": ("summer2winter_yosemite", "a"),
    "winter": ("summer2winter_yosemite", "b"),
}
"""Domain → the archive that has it, see `datasets.unpaired`, and as which of its two domains."""
FOLDERS = {"vangogh": "paintings/vangogh", "gauguin": "paintings/gauguin"}
"""Domain → a folder of a data folder where its pictures may stand besides."""
UNSEEN = "gauguin"
"""The domain whose pictures no network learns from."""
DOMAINS = (*ARCHIVES, UNSEEN, *PAINTINGS)
"""Names of all domains: sets of pictures, and single built-in paintings for perceptual losses."""


def pictures_of(domain: str, part: str = "train", folder: Path | None = None) -> Photographs:
    """A domain's pictures, uint8 ``(3, H, W)`` each, and what they are, in words.

    Args:
        domain: one of `DOMAINS`; a painting's is that painting alone.
        part: "train", or "held_out" for pictures that no network has learned from.
        folder: a data folder; ``$LOSSCONDITIONING_DATA`` or data/cache if not given. Where it lacks the pictures, built-in ones
            stand in, said aloud: `training_photographs` for photographs, for the others see `STAND_INS`.
    """
    one_of("part", part, PARTS)
    if one_of("domain", domain, DOMAINS) in PAINTINGS:
        return Photographs({domain: paintings()[domain]}, f"the built-in painting {domain}")
    root = Path(folder or data_cache()).resolve()
    archive, which = ARCHIVES.get(domain, ("", ""))
    if archive and (root / archive).is_dir():
        pictures = getattr(_archive(root, archive), f"{'train' if part == 'train' else 'test'}_{which}")
        named = {f"{number:05d}": picture for number, picture in enumerate(pictures)}
        return Photographs(named, f"{domain} of {archive}, {len(named)} pictures")
    place = FOLDERS.get(domain, "")
    if place and (root / place).is_dir():
        chosen = _part(_folder(root / place), part)
        return Photographs(chosen, f"{place}, {len(chosen)} pictures")
    if domain == "photographs":
        return training_photographs(folder) if part == "train" else held_out_photographs(folder, count=32)
    return _stand_in(domain, root, part)


@lru_cache(maxsize=3)
def _archive(root: Path, name: str) -> Unpaired:
    return unpaired(name, root)


_folder = lru_cache(maxsize=4)(read_pictures)


def _part(found: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """What of undivided pictures is learned from, or held out: at least one each, the same where there is only one."""
    names = list(found)
    held_out = names[EVERY - 1 :: EVERY] or names[-1:]
    return {name: found[name] for name in names if (name in held_out) == (part == "held_out" or len(names) == 1)}


# Built-in pictures --------------------------------------------------------------------------------------------------------


def _stand_in(domain: str, root: Path, part: str) -> Photographs:
    make, said = STAND_INS[domain]
    _say_once(f"There are no pictures of {domain} in {in_words(root)}; used instead: {said}.")
    return Photographs(make(part), said)


@lru_cache(maxsize=64)
def _say_once(line: str) -> None:
    print(line, file=sys.stderr)


def _paintings(part: str) -> dict[str, Tensor]:
    return _part(paintings(), part)


def _scenes(part: str) -> dict[str, Tensor]:
    drawn = {name: torch.from_numpy(scene(name)).permute(2, 0, 1) for name in SCENES}
    return _part({name: (255 * picture).round().byte() for name, picture in drawn.items()}, part)


@lru_cache(maxsize=8)
def _landscapes(season: str, part: str) -> dict[str, Tensor]:
    count, split = (LANDSCAPES, "train") if part == "train" else (LANDSCAPES // 4, "test")
    return {f"{number:03d}": picture for number, picture in enumerate(landscapes(season, count, split))}


STAND_INS: dict[str, tuple[Callable[[str], dict[str, Tensor]], str]] = {
    "monet": (_paintings, "the built-in paintings"),
    "vangogh": (_scenes, "the scenes of the built-in paintings, before they were painted"),
    **{
        domain: (partial(_landscapes, season), f"landscapes of this project in {season}")
        for domain, season in (("summer", "summer"), ("winter", "winter"), (UNSEEN, "dusk"))
    },
}
"""Domain → what stands in for it, by part, and what that is, in words."""
