"""Every system measures a folder of finished networks, and judges its claims by what it measured."""

import math
from dataclasses import replace

import pytest
from smallest import SMOKE

from lossconditioning import CheckpointError, ReaderError
from lossconditioning.systems import SYSTEMS


@pytest.fixture(params=SYSTEMS)
def shelf(request, shelves):
    return shelves(request.param)


def test_a_folder_is_measured_and_every_claim_about_it_judged(shelf):
    result = shelf.system.evaluate(shelf.folder, shelf.run)
    assert result.checkpoint == str(shelf.folder)
    assert result.metrics
    assert all(math.isfinite(value) for value in result.metrics.values())
    judged = [statement.id for statement in shelf.system.CLAIMS if set(statement.of) <= set(shelf.configs)]
    assert [claim.id for claim in result.claims] == judged
    assert judged


def test_what_can_not_be_compared_is_refused_with_what_to_train(shelf, tmp_path):
    with pytest.raises(CheckpointError, match="no finished checkpoint"):
        shelf.system.evaluate(tmp_path, SMOKE)
    needed = sorted(shelf.system.compared(SMOKE))
    if needed:
        other = next(name for name in shelf.configs if name != needed[0])
        for kind in ("json", "safetensors"):
            (tmp_path / f"{other}.{kind}").write_bytes((shelf.folder / f"{other}.{kind}").read_bytes())
        with pytest.raises(
            CheckpointError, match=f"lacks .*{needed[0]}.*lossconditioning train {shelf.system.name} --only"
        ):
            shelf.system.evaluate(tmp_path, SMOKE)


def test_a_claim_whose_metric_is_missing_is_an_error(shelf):
    broken = tuple(replace(statement, needs=(*statement.needs, "not_measured")) for statement in shelf.system.CLAIMS)
    with pytest.raises(ReaderError, match=r"needs the metrics \['not_measured'\]"):
        replace(shelf.system, CLAIMS=broken).evaluate(shelf.folder, shelf.run)
