"""SqueezeNet (Iandola et al. 2016) as torchvision has it: 5 MB of weights, so that distances and scores take seconds."""

from __future__ import annotations

from pathlib import Path

import torch
import torchvision

from lossconditioning.errors import ReaderError
from lossconditioning.losses.pretrained import find_weights

BUILDERS = {"squeezenet1_0": torchvision.models.squeezenet1_0, "squeezenet1_1": torchvision.models.squeezenet1_1}


def squeezenet(
    network: str, part: str, weights: str | Path | None, download: bool
) -> tuple[torchvision.models.SqueezeNet, str, bool]:
    """A SqueezeNet, frozen and in evaluation mode.

    Args:
        network: "squeezenet1_0" or "squeezenet1_1".
        part: "features" to fill the convolutions only, "" for the classifier too; what a file holds beyond it is not read.
        weights, download: see `find_weights`.

    Returns:
        the network; where its weights are from, in words; and whether they are trained: if they can not be had, filters are
        random, always the same.

    Raises:
        ReaderError: if a file is missing or damaged, lacks tensors of that part, or is another network's.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random filters are always the same
        built = BUILDERS[network](weights=None)
    wanted = {name for name in built.state_dict() if name.startswith(part)}
    found = find_weights(network, weights, wanted.__contains__, download)
    if found.tensors is not None:
        lacking = sorted(wanted - found.tensors.keys())
        if lacking:
            raise ReaderError(
                f"The weights {found.source} lack {len(lacking)} of {len(wanted)} tensors, {lacking[0]} among them. "
                f"Give a file with torchvision's {network}."
            )
        try:
            built.load_state_dict(found.tensors, strict=False)
        except RuntimeError as error:  # of other shapes
            raise ReaderError(
                f"The weights {found.source} are not those of {network} ({str(error).splitlines()[-1].strip()})."
            ) from None
    built.eval().requires_grad_(False)
    return built, found.source, found.tensors is not None
