"""The papers' experiments, one folder each; `toy` is the one to read first.

Every folder has the same files for the same roles: `task` (terms and their weights), `models`, `recipes` (configurations, and
what is built from them), `training`, `evaluation`, `claims`, `panel`, `figures`; `data`, `measures` and `comparisons` where
those would be too long otherwise. Its ``__init__`` puts them together as a `System`.
"""

from __future__ import annotations

import importlib

from lossconditioning.errors import one_of
from lossconditioning.training import System

SYSTEMS = {
    "toy": "sym-parameters 5.1: regression and classification with one output (notebook 01)",
    "beta_vae": "You Only Train Once 4.1: one variational autoencoder for every β (notebook 02)",
    "compression": "You Only Train Once 4.2: one image codec for every rate (notebook 03)",
    "style_transfer": "You Only Train Once 4.3: one painter under five dials (notebook 04)",
    "mixed_domain": "sym-parameters 5.2 and 5.3: one painter between three losses of different kinds (notebook 05)",
    "dynamic_style": "Dynamic-Net 4.1 and 5: the strength of a style, or the style, turned after training (notebook 06)",
    "dynamic_faces": "Dynamic-Net 4.2: attributes of generated faces (notebook 06)",
    "dynamic_completion": "Dynamic-Net 4.3: image completion between sharp and smooth (notebook 06)",
    "staged_encoder": "Style-based encoder pre-training: learn style first, then paint with it (notebook 07)",
    "hyper_singan": "Meta Internal Learning: a network that writes single-picture GANs (notebook 08)",
}
"""Name → what it is, in the order of the notebooks."""


def system(name: str) -> System:
    """A system by name; an unknown name is answered with the known ones."""
    return importlib.import_module(f"lossconditioning.systems.{one_of('system', name, SYSTEMS)}").SYSTEM
