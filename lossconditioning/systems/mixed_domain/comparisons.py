"""What Figures 1, 7, 8, 10 and 11 of SGN show, in numbers: ways to tell S, gates, what comes back at (1, 0, 0)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lossconditioning.systems.mixed_domain.gates import CLOSED, channel_gates
from lossconditioning.systems.mixed_domain.looks import Looks
from lossconditioning.systems.mixed_domain.measures import Measure, psnr
from lossconditioning.systems.mixed_domain.models import CONDITIONING
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3, separate_name

BEYOND = (0.0, 1.5, 0.0)
"""The S outside of the simplex that Figure 1 shows."""
Models = Mapping[str, nn.Module]


def injections(models: Models, measure: Measure) -> dict[str, float]:
    """Figures 8 and 11: for every way to tell S that is there, ``objective_WAY``, the mean L_G over Table 3's S.

    "play", the larger network that was trained for longer, counts as a way: to see what more training changes.

    Where the separate networks of the three corners are there, too: ``response_WAY`` and ``interference_WAY``, see `Looks`;
    ``response_separate`` is 1, and ``interference_separate`` what the networks trained for two domains show of the third;
    ``share_beyond``, by how much more domain B shows at S = (0, 1.5, 0) than at (0, 1, 0); ``share_beyond_play`` likewise.
    """
    ways = {way: models[name] for way in (*CONDITIONING, "play") for name in [_of_way(way)] if name in models}
    found = {
        f"objective_{way}": sum(measure.objective(model, lam) for lam in TABLE_3) / len(TABLE_3)
        for way, model in ways.items()
    }
    separate = {lam: models[separate_name(lam)] for lam in TABLE_3 if separate_name(lam) in models}
    if set(CORNERS) <= set(separate) and measure.costs.loss is not None:
        looks = Looks(measure, separate)
        for way, model in ways.items():
            found |= {f"response_{way}": looks.response(model), f"interference_{way}": looks.interference(model)}
        if set(TABLE_3) <= set(separate):
            found["interference_separate"] = looks.interference(BySetting(separate))
        for name, way in (("share_beyond", "ccam"), ("share_beyond_play", "play")):
            if way in ways:
                further, there = (looks.shares(ways[way], lam)[1] for lam in (BEYOND, CORNERS[1]))
                found[name] = float(further - there)
    return found


class BySetting(nn.Module):
    """Separate networks, called as one that is told S: each S by the network trained for it."""

    def __init__(self, separate: Mapping[tuple[float, ...], nn.Module]):
        super().__init__()
        self.separate = separate

    def forward(self, pictures: Tensor, lam: Tensor) -> Tensor:
        """Pictures ``(B, 3, H, W)`` under one S of those there are, ``(B, 3)``."""
        (model,) = (model for known, model in self.separate.items() if torch.allclose(lam[0], lam.new_tensor(known)))
        return model(pictures)


def _of_way(way: str) -> str:
    """Name of the experiment whose network is told S in a way."""
    return "sym" if way == "ccam" else way


def gated(model: nn.Module, measure: Measure) -> dict[str, float]:
    """Figure 10: ``closed_PLACE``, which share of channels is closed, and ``spread_PLACE``, how far gates move with S.

    Both means over Table 3's S and the photographs; a gate's spread is its largest value over S less its smallest.
    """
    found: dict[str, list[Tensor]] = {}
    for photograph in measure.photographs:
        for place, gates in channel_gates(model, photograph, TABLE_3).items():
            found.setdefault(place, []).append(gates.double())
    metrics = {}
    for place, each in found.items():
        gates = torch.stack(each)  # (N, 7, C)
        metrics[f"closed_{place}"] = float((gates < CLOSED).double().mean())
        metrics[f"spread_{place}"] = float((gates.amax(1) - gates.amin(1)).mean())
    return metrics


# Reconstruction, and Figure 7 ---------------------------------------------------------------------------------------------


def reconstruction(models: Models, measure: Measure, unseen: Tensor) -> dict[str, float]:
    """PSNR at S = (1, 0, 0), in decibels: ``reconstruction_psnr`` of the network that readers play with, and of others.

    Others are "sym", "two_painters" and "one_hot" (Figure 7), those that are there: ``psnr_NAME`` on photographs, and
    ``psnr_unseen_NAME`` on pictures of a painter that no network learned from.
    """
    found = {}
    for name in ("sym", "play", "two_painters", "one_hot"):
        if name in models:
            both = [measure.translate(models[name], CORNERS[0], pictures) for pictures in (measure.photographs, unseen)]
            found[f"psnr_{name}"] = psnr(both[0], measure.photographs)
            found[f"psnr_unseen_{name}"] = psnr(both[1], unseen)
    return {"reconstruction_psnr": found[f"psnr_{played(models)}"], **found}


def played(finished: Mapping[str, object]) -> str:
    """Which of the finished experiments' networks readers play with: the long-trained one, where it is there."""
    return "play" if "play" in finished else "sym"
