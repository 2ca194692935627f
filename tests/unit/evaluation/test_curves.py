"""Curves go among metrics and come back; nothing else is taken for one of them."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.evaluation import as_curve, as_metrics, curve_of

CURVE = {"rate": torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64), "kl": [3.0, 2.0, 1.0]}


@pytest.mark.parametrize("prefix", ["", "yoto", "yoto_wider"])
def test_a_curve_comes_back(prefix):
    metrics = {**as_metrics(prefix, CURVE), f"{prefix}_rate": 9.0, "other_rate_0": 9.0, f"{prefix}_rate_5_std": 9.0}
    found = as_curve(metrics, prefix, CURVE)
    assert list(found) == ["rate", "kl"]
    for name, values in CURVE.items():
        assert found[name].tolist() == list(values)
        assert found[name].dtype == torch.float64


def test_metrics_have_the_name_of_their_point():
    assert as_metrics("fixed", {"kl": [3.0]}) == {"fixed_kl_0": 3.0}
    assert as_metrics("", {"kl": [3.0, 2.0]}) == {"kl_0": 3.0, "kl_1": 2.0}


def test_what_was_not_measured_has_no_points():
    assert as_curve({"yoto_rate_0": 1.0}, "fixed", ["rate"])["rate"].shape == (0,)


def test_points_become_a_curve():
    found = curve_of({"rate": rate, "kl": torch.tensor([rate, 0.1])} for rate in (0.1, 2.0))
    assert list(found) == ["rate", "kl"]
    assert found["rate"].tolist() == [0.1, 2.0]  # in double precision
    assert found["kl"].dtype == torch.float64
    assert found["kl"].float().tolist() == torch.tensor([[0.1, 2.0], [0.1, 0.1]]).tolist()
    with pytest.raises(ReaderError, match="one point or more; got none"):
        curve_of([])


@pytest.mark.parametrize("missing", [0, 1])
def test_a_curve_with_a_hole_is_refused(missing):
    metrics = as_metrics("yoto", CURVE)
    del metrics[f"yoto_kl_{missing}"]
    with pytest.raises(ReaderError, match=f"'yoto_kl' has 2 points among the metrics, but no 'yoto_kl_{missing}'"):
        as_curve(metrics, "yoto", CURVE)
