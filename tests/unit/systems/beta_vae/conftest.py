"""What the tests of the β-VAE share: very little data, training on it, and networks that are finished."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lossconditioning.systems import beta_vae
from lossconditioning.training import Run

QUIET = Run(profile="smoke", progress=False)


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


@pytest.fixture(scope="session")
def fit(folder):
    """Train on the very small CIFAR-10, or on 3-D Shapes."""
    return lambda config, path=None, **options: beta_vae.fit(config, replace(QUIET, data=folder, **options), path)


@pytest.fixture(scope="session")
def trained(folder, tmp_path_factory) -> Path:
    """A folder of finished smoke experiments: YOTO and fixed-weight networks of both data sets."""
    run = replace(QUIET, out=tmp_path_factory.mktemp("trained"), data=folder)
    smoke = beta_vae.experiments("smoke")
    names = ("shapes3d_fixed", "shapes3d_yoto", "cifar10_fixed", "cifar10_yoto")
    assert beta_vae.train_all([smoke[name] for name in names], run) == 4
    return run.out
