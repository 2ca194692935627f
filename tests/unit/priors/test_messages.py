"""What priors say to weights and arguments that make no sense: they name what was given."""

import math
import warnings

import pytest
import torch

from lossconditioning import Choice, Dirichlet, Fixed, LogUniform, ReaderError, Uniform, WeightWarning


def kind(prior):
    return type(prior).__name__


@pytest.mark.parametrize(
    ("prior", "ends"),
    [
        (LogUniform(0.3, 7.0), [0.3, 7.0]),
        (Uniform(0.1, 0.7), [0.1, 0.7]),
        (Dirichlet([0.5, 0.5, 0.5]), [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.7, 0.2, 0.1]]),
        (Choice([0.1, 0.7]), [0.1, 0.7]),
        (Fixed([0.75, 0.25]), [[0.75, 0.25]]),
    ],
    ids=kind,
)
def test_the_support_includes_its_ends(prior, ends):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prior.check(torch.tensor(ends))
        prior.check(torch.tensor(ends, dtype=torch.float64))


@pytest.mark.parametrize(
    ("prior", "outside", "named"),
    [
        (LogUniform(0.5, 512.0), [1.0, 513.0], r"\[0.5, 512\]"),
        (Uniform(torch.zeros(2), torch.tensor([1.0, 2.0])), [[1.5, 1.5]], r"\[0, 1, 2\]"),
        (Dirichlet([0.5, 0.5, 0.5]), [[0.5, 0.5, 0.5]], "3 non-negative weights that sum to 1"),
        (Choice([1.0, 10.0]), [5.0], r"one of \[1.0, 10.0\]"),
    ],
)
def test_weights_outside_the_support_are_warned_about(prior, outside, named):
    with pytest.warns(WeightWarning, match=named):
        prior.check(torch.tensor(outside))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("prior", [LogUniform(0.5, 512.0), Uniform(0.0, 1.0), Choice([1.0, 2.0])], ids=kind)
def test_weights_that_are_no_numbers_are_refused(prior, wrong):
    with pytest.raises(ReaderError, match=rf"\[1.0, {wrong}\]"):
        prior.check(torch.tensor([1.0, wrong]))


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Uniform(2.0, 1.0), "low=2.0, high=1.0"),
        (lambda: Uniform(1.0, 1.0), "low=1.0, high=1.0"),
        (lambda: Uniform(0.0, math.nan), "high=nan"),
        (lambda: Uniform(torch.zeros(2, 2), torch.ones(2, 2)), r"shape \(2, 2\)"),
        (lambda: LogUniform(0.0, 1.0), "low=0.0"),
        (lambda: LogUniform(-1.0, 1.0), "low=-1.0"),
        (lambda: LogUniform(1.0, math.inf), "high=inf"),
        (lambda: LogUniform(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 4.0])), r"low=\[1.0, 5.0\]"),
        (lambda: Dirichlet([0.5]), r"\[0.5\]"),
        (lambda: Dirichlet([0.5, -0.25]), r"-0.25"),
        (lambda: Dirichlet([0.5, math.nan]), "nan"),
        (lambda: Choice([]), r"\[\]"),
        (lambda: Choice([1.0, math.inf]), "inf"),
        (lambda: Choice([1.0, 2.0], probs=[0.5, 0.25]), r"sum to 1; got \[0.5, 0.25\]"),
        (lambda: Choice([1.0, 2.0], probs=[1.5, -0.5]), r"\[1.5, -0.5\]"),
        (lambda: Choice([1.0, 2.0], probs=[1.0]), r"2 probabilities.*\[1.0\]"),
        (lambda: Fixed(math.nan), "nan"),
    ],
)
def test_a_bad_argument_is_named(build, named):
    with pytest.raises(ReaderError, match=named):
        build()
