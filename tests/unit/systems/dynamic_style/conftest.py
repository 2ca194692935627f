"""What is painted here are the built-in photographs."""

import pytest
from small_painters import without_data


@pytest.fixture(scope="module", autouse=True)
def no_data(tmp_path_factory):
    with without_data(tmp_path_factory.mktemp("no_data")):
        yield
