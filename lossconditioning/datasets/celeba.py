"""CelebA: 202,599 photographs of 10,177 celebrities with forty named attributes (Liu, Luo, Wang and Tang 2015).

Looked up as ``celeba/`` in a data folder, as torchvision lays it out: ``img_align_celeba/`` and the five lists beside it, which
torchvision verifies. 1.4 GB; licence: non-commercial research only. Without it there are the drawn faces of `datasets.faces`,
which come in the same form.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lossconditioning.datasets.faces import Faces
from lossconditioning.datasets.folders import read_picture
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.paths import data_cache
from lossconditioning.training.progress import progress_bar

NAME = "celeba"
PICTURES = "img_align_celeba"
LISTS = (
    "list_attr_celeba.txt",
    "identity_CelebA.txt",
    "list_bbox_celeba.txt",
    "list_landmarks_align_celeba.txt",
    "list_eval_partition.txt",
)
SIDE = 64
_WHOLE, _MIDDLE = (3, 218, 178), (slice(None), slice(35, 183), slice(15, 163))  # the face, as papers usually cut it out
_BY_HAND = f"put {PICTURES} and the lists there, from mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


def celeba(folder: Path | None = None, split: str = "train", count: int | None = None) -> Faces:
    """CelebA's photographs, the middle 148×148 pixels of each made 64×64, with the forty attributes.

    Args:
        folder: a data folder, with celeba/ in it; ``$LOSSCONDITIONING_DATA`` or data/cache if not given.
        split: "train" (162,770 photographs), "valid" (19,867), "test" (19,962) or "all", as the authors divide them.
        count: how many, from the first on; all if not given, which for "train" takes 2 GB of memory and some minutes.

    Returns:
        uint8 ``(N, 3, 64, 64)`` and bool ``(N, 40)``; names are CelebA's in small letters: "blond_hair", "eyeglasses", …

    Raises:
        ReaderError: if it is not there, damaged, or has fewer photographs than asked for.
    """
    one_of("split", split, ("train", "valid", "test", "all"))
    if count is not None:
        positive_int("count", count)
    root = Path(folder) if folder is not None else data_cache()
    files, attributes, names = _listed(root, split)
    size = len(files) if count is None else count
    if size > len(files):
        raise ReaderError(f"CelebA in {root / NAME} has {len(files):,} faces of {split!r}; asked for {size:,}.")
    images = torch.empty(size, 3, SIDE, SIDE, dtype=torch.uint8)
    with progress_bar(size, "CelebA", "face", show=size > 5000) as bar:
        for number, file in enumerate(files[:size]):
            images[number] = _face(root / NAME / PICTURES / file)
            bar.update()
    return Faces(images, attributes[:size], names, f"CelebA, {size:,} faces of {split!r}")


def fetch(folder: Path) -> Path:
    """Download CelebA with torchvision, from its authors' Google Drive, verified against the checksums torchvision knows.

    A whole copy that is there already is left alone. Google Drive needs the package gdown, and often refuses for a day.

    Raises:
        ReaderError: if it can not be had, or photographs are missing; the message says how to supply it by hand.
    """
    from torchvision.datasets import CelebA

    here = Path(folder) / NAME
    try:
        files = CelebA(folder, split="all", download=True).filename
    except Exception as error:  # gdown has its own errors, and passes on those of requests and of the system
        raise ReaderError(
            f"CelebA could not be downloaded to {here} ({error}). If Google Drive says that too many have asked, try again "
            f"tomorrow, or {_BY_HAND}."
        ) from None
    # torchvision takes any folder of pictures for whole, also one that it was killed in unpacking.
    there = {path.name for path in (here / PICTURES).iterdir()}
    missing = sum(file not in there for file in files)
    if missing:
        raise ReaderError(
            f"{here / PICTURES} lacks {missing:,} of {len(files):,} photographs. Delete that folder, or move it away, and "
            f"fetch again: {PICTURES}.zip is unpacked anew, and downloaded only if it is not there."
        )
    return here


def _listed(root: Path, split: str) -> tuple[list[str], Tensor, tuple[str, ...]]:
    """Names of the files of a part, their attributes, bool ``(N, 40)``, and the attributes' names."""
    from torchvision.datasets import CelebA

    missing = [name for name in (PICTURES, *LISTS) if not (root / NAME / name).exists()]
    if missing:
        raise ReaderError(
            f"There is no CelebA in {root / NAME}; not found: {', '.join(missing)}. Fetch it with `lossconditioning data fetch "
            f"{NAME}`, or {_BY_HAND}. The drawn faces of datasets.faces need no file."
        )
    try:
        found = CelebA(root, split=split)
    except (RuntimeError, OSError) as error:  # torchvision checks the lists against their checksums
        raise ReaderError(
            f"CelebA in {root / NAME} is damaged ({error}): one of {', '.join(LISTS)} is not the authors' own. Delete it and "
            "fetch it again."
        ) from None
    # The names end in a blank in the authors' list, where torchvision reads one name more.
    return found.filename, found.attr.bool(), tuple(name.lower() for name in found.attr_names if name)


def _face(path: Path) -> Tensor:
    """The middle of a photograph, uint8 ``(3, 64, 64)``."""
    picture = read_picture(path)
    if picture.shape != _WHOLE:
        raise ReaderError(
            f"{path} has {picture.shape[2]}×{picture.shape[1]} pixels; expected 178×218, the aligned and cropped pictures."
        )
    smaller = interpolate(picture[_MIDDLE][None].float(), (SIDE, SIDE), mode="bilinear", antialias=True)[0]
    return smaller.round_().clamp_(0, 255).byte()
