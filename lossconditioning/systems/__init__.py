"""The papers' experiments, one module or folder per notebook.

Every system offers the same names: `PROFILES`, a frozen `Config`, `experiments(profile)` (name → Config), `terms(model,
batch, lam)`, `train(config, out=…, …)`, `train_all(configs, out=…, …)` and `evaluate(checkpoint)`; those that read data files
take a ``folder`` to look in as well.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from lossconditioning.errors import one_of

SYSTEMS = {
    "toy": "sym-parameters 5.1: regression and classification with one output (notebook 01)",
    "beta_vae": "You Only Train Once 4.1: one variational autoencoder for every β (notebook 02)",
    "compression": "You Only Train Once 4.2: one image codec for every rate (notebook 03)",
    "style_transfer": "You Only Train Once 4.3: one painter under five dials (notebook 04)",
    "dynamic_net": "Dynamic-Net: the objective turned after training (notebook 06)",
}
"""Name → what it is, in the order of the notebooks."""


def system(name: str) -> ModuleType:
    """The module of a system; an unknown name is answered with the known ones."""
    return importlib.import_module(f"lossconditioning.systems.{one_of('system', name, SYSTEMS)}")
