"""What the tests of the β-VAE share: a very small CIFAR-10, and training on it."""

from pathlib import Path

import numpy as np
import pytest

from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.pictures import HELD_OUT


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder with a very small CIFAR-10."""
    here = tmp_path_factory.mktemp("data")
    train, test = (
        np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        for seed, count in ((0, 40), (1, 6))
    )
    np.savez(here / "cifar10.npz", x_train=train, x_test=test)
    return here


@pytest.fixture
def fit(folder):
    return lambda config, **options: beta_vae.fit(config, progress=False, **{"folder": folder, **options})


@pytest.fixture
def few_shapes(monkeypatch):
    """Five held-out pictures of 3-D Shapes, instead of a thousand."""
    monkeypatch.setitem(HELD_OUT, "shapes3d", 5)
    return
