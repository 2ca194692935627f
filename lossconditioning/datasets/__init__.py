"""Data sets: one module each, one registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lossconditioning.datasets.bsds500 import bsds500
from lossconditioning.datasets.bsds500 import fetch as fetch_bsds500
from lossconditioning.datasets.celeba import celeba
from lossconditioning.datasets.celeba import fetch as fetch_celeba
from lossconditioning.datasets.cifar10 import cifar10
from lossconditioning.datasets.cifar10 import fetch as fetch_cifar10
from lossconditioning.datasets.edited import editing, harmonisation
from lossconditioning.datasets.expressions import expression_codes, expressions
from lossconditioning.datasets.facades import facades
from lossconditioning.datasets.facades import fetch as fetch_facades
from lossconditioning.datasets.faces import faces
from lossconditioning.datasets.kodak import fetch as fetch_kodak
from lossconditioning.datasets.kodak import kodak
from lossconditioning.datasets.landscapes import landscapes
from lossconditioning.datasets.outlines import outlines
from lossconditioning.datasets.paintings import paintings
from lossconditioning.datasets.photographs import photographs
from lossconditioning.datasets.scenic import scenery, scenery_names
from lossconditioning.datasets.shapes3d import shapes3d
from lossconditioning.datasets.single_images import fetch as fetch_single_images
from lossconditioning.datasets.single_images import places
from lossconditioning.datasets.sym_toy import sym_toy
from lossconditioning.datasets.unpaired import fetch as fetch_unpaired
from lossconditioning.datasets.unpaired import unpaired
from lossconditioning.datasets.valley import time_lapse, valley
from lossconditioning.errors import one_of


@dataclass(frozen=True)
class Dataset:
    """An entry of the registry.

    Attributes:
        summary, size, licence, source: for ``lossconditioning data list``.
        load: makes or reads the data.
        fetch: downloads it into a folder and returns where it stands; None for data that is computed.
    """

    summary: str
    size: str
    licence: str
    source: str
    load: Callable
    fetch: Callable[[Path], Path] | None = None


DATASETS: dict[str, Dataset] = {
    "sym_toy": Dataset(
        summary="points (x, g(x), class) of the 1-D toy",
        size="computed, any number of points",
        licence="formulas; none needed",
        source="sym-parameters, appendix A.1",
        load=sym_toy,
    ),
    "shapes3d": Dataset(
        summary="480,000 pictures of a coloured object in a coloured room, by six factors",
        size="computed, 64×64 RGB; or the original 3dshapes.h5, 250 MB, where a reader has it",
        licence="renderer: this project's; original: Apache 2.0",
        source="Burgess and Kim 2018, github.com/google-deepmind/3d-shapes",
        load=shapes3d,
    ),
    "cifar10": Dataset(
        summary="60,000 small photographs in ten classes; stand-in: patches of bundled photographs",
        size="170 MB, 32×32 RGB",
        licence="not stated",
        source="Krizhevsky 2009, through torchvision",
        load=cifar10,
        fetch=fetch_cifar10,
    ),
    "bsds500": Dataset(
        summary="500 photographs, for training compression; stand-in: the bundled photographs",
        size="71 MB, 481×321 RGB",
        licence="research and education",
        source="Arbeláez et al. 2011, Berkeley Segmentation Data Set",
        load=bsds500,
        fetch=fetch_bsds500,
    ),
    "kodak": Dataset(
        summary="24 photographs, on which codecs are compared; stand-in: the bundled photographs",
        size="15 MB, 768×512 RGB",
        licence="unrestricted use",
        source="Kodak PhotoCD suite, r0k.us/graphics/kodak",
        load=kodak,
        fetch=fetch_kodak,
    ),
    "photographs": Dataset(
        summary="the six photographs that scikit-image and scikit-learn ship",
        size="installed with them, up to 640 pixels a side",
        licence="public domain or CC BY, see the two packages",
        source="scikit-image, scikit-learn",
        load=photographs,
    ),
    "paintings": Dataset(
        summary="14 pointillist paintings, to take styles from; or the pictures of a folder",
        size="256×256 RGB, painted by this project; another size is computed",
        licence="painter: this project's; no painting is copied",
        source="this project, after Seurat, Signac and Hertzmann 1998",
        load=paintings,
    ),
    "faces": Dataset(
        summary="drawn faces with seven named attributes: hair, skin, glasses, hat, beard, smile",
        size="computed, 64×64 RGB, any number of faces",
        licence="painter: this project's",
        source="this project; the reader's own: celeba",
        load=faces,
    ),
    "celeba": Dataset(
        summary="202,599 photographs of celebrities' faces with forty named attributes",
        size="1.4 GB, cut to 64×64 RGB",
        licence="non-commercial research only",
        source="Liu, Luo, Wang and Tang 2015, through torchvision",
        load=celeba,
        fetch=fetch_celeba,
    ),
    "landscapes": Dataset(
        summary="landscapes in seven seasons and lights, for translation between unpaired domains",
        size="computed, 128×128 RGB or 16 to 512 pixels a side, any number of them",
        licence="painter: this project's",
        source="this project; the reader's own: summer2winter_yosemite and the others below",
        load=landscapes,
    ),
    "valley": Dataset(
        summary="layouts of a valley and pictures of it at any hour, in any weather and season: pairs",
        size="computed, 64×64 RGB or 16 to 256 pixels a side, any number of pairs",
        licence="painter: this project's",
        source="this project, in place of the Space Needle's time-lapse films (Martin-Brualla 2007) and night2day",
        load=valley,
    ),
    "outlines": Dataset(
        summary="outlines of the drawn faces and the faces, with the colours that an outline does not show: pairs",
        size="computed, 64×64 RGB, any number of pairs",
        licence="painter: this project's",
        source="this project, in place of edges → shoes and handbags (Isola et al. 2017)",
        load=outlines,
    ),
    "expressions": Dataset(
        summary="drawn faces, neutral and with one of seven expressions, and the numbers of each expression: pairs",
        size="computed, 64×64 RGB, any number of pairs",
        licence="painter: this project's",
        source="this project, in place of KDEF (Lundqvist, Flykt and Öhman 1998)",
        load=expressions,
    ),
    "cmp_facades": Dataset(
        summary="606 photographs of facades, each with a plan of its windows, doors and cornices: pairs",
        size="30 MB, 256×256 RGB",
        licence="not stated",
        source="Tyleček and Šára 2013, CMP Facade Database, through pix2pix",
        load=facades,
        fetch=fetch_facades,
    ),
    "scenery": Dataset(
        summary="landscapes, a valley, painted scenes and photographs, mixed, for single-picture GANs",
        size="computed, 130×98 RGB or 32 to 256 pixels wide, up to 10,000",
        licence="painters: this project's; photographs: see scikit-image and scikit-learn",
        source="this project, in place of Places-50 and parts of Places",
        load=scenery,
    ),
    "single_image": Dataset(
        summary="the pictures of single-picture GANs: Places-50, LSUN-50, SinGAN's and ConSinGAN's inputs and samples",
        size="some 20 MB, mixed sizes, RGB",
        licence="repositories: MIT; photographs: not stated",
        source="SinGAN, ConSinGAN and Meta Internal Learning, the authors' repositories; put there by hand",
        load=places,
        fetch=fetch_single_images,
    ),
}
_UNPAIRED = {
    "monet2photo": "1,074 of Monet's paintings and 6,853 photographs of landscapes",
    "cezanne2photo": "584 of Cézanne's paintings and 6,853 photographs of landscapes",
    "ukiyoe2photo": "1,433 woodblock prints and 6,853 photographs of landscapes",
    "vangogh2photo": "401 of Van Gogh's paintings and 6,853 photographs of landscapes",
    "summer2winter_yosemite": "1,273 photographs of Yosemite in summer and 854 in winter",
}
"""Archive of CycleGAN's → what it holds to train on, as its authors count; there are test sets, too."""
DATASETS |= {
    name: Dataset(
        summary=f"{summary}, unpaired; stand-in: landscapes in two seasons",
        size="some hundred MB, 256×256 RGB",
        licence="paintings: public domain; photographs: not stated",
        source="Zhu, Park, Isola and Efros 2017, CycleGAN",
        load=partial(unpaired, name),
        fetch=partial(fetch_unpaired, name),
    )
    for name, summary in _UNPAIRED.items()
}


def dataset(name: str) -> Dataset:
    """The registered data set of that name; an unknown name is answered with the known ones."""
    return DATASETS[one_of("data set", name, DATASETS)]


__all__ = [
    "DATASETS",
    "Dataset",
    "bsds500",
    "celeba",
    "cifar10",
    "dataset",
    "editing",
    "expression_codes",
    "expressions",
    "facades",
    "faces",
    "harmonisation",
    "kodak",
    "landscapes",
    "outlines",
    "paintings",
    "photographs",
    "places",
    "scenery",
    "scenery_names",
    "shapes3d",
    "sym_toy",
    "time_lapse",
    "unpaired",
    "valley",
]
