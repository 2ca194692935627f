"""Built-in photographs, and a folder of small trained painters."""

from dataclasses import replace

import pytest
from small_painters import QUIET, SMALL, without_data

from lossconditioning.systems import style_transfer


@pytest.fixture(scope="module", autouse=True)
def no_data(tmp_path_factory):
    with without_data(tmp_path_factory.mktemp("no_data")):
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with all fifteen experiments, trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    with without_data(tmp_path_factory.mktemp("no_data")):
        assert style_transfer.train_all(SMALL.values(), replace(QUIET, out=folder)) == len(SMALL)
    return folder
