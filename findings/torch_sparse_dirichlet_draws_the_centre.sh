#!/usr/bin/env bash
# torch 2.12.0: a Dirichlet that should give corners gives the exact centre, the oftener the sparser it is.
#
# Guess: the smaller the concentration, the nearer each draw lies to a corner (one weight of 1, the others 0), in torch as
#     in SciPy and NumPy.
# What happens: with three concentrations of 0.0001, corners are nearly all there is. torch returns (1/3, 1/3, 1/3), the
#     point that should never come, four times in five; Beta returns exactly 0.5. SciPy, with no generator given, returns
#     rows of nan as often. Only NumPy's new generator (also when handed to SciPy) is right. At 0.001 it is one draw in
#     eight, at 0.01 it is not seen in 20,000.
# Seen, share of 20,000 draws at 0.0001: torch 81 % centre (float32 and float64 alike), Beta 87 % at 0.5, SciPy 81 % nan,
#     NumPy's Generator 0 % and 99.9 % within 0.01 of a corner.
# Source: aten/src/ATen/native/Distributions.cpp draws gamma variates, lifts those that underflow to the smallest number,
#     and normalises: equal numbers give the centre. Issues 15738, 84625 and 90663 of pytorch/pytorch, open since 2019.
#     scipy/stats/_multivariate.py calls dirichlet of NumPy's old RandomState, which divides 0 by 0; issue 5851 of
#     numpy/numpy.
# What bears on users: a prior over loss weights that is meant to train "one loss at a time" trains the even mix. Draw
#     from a list of corners instead. `Dirichlet` of this course draws concentrations below 0.01 through the inverse of
#     their distribution function, which is right. The concentrations of 0.5 that the papers use are not touched.
. "$(dirname "$0")/_environment.sh"
environment torch==2.12.0 scipy==1.17.1 numpy==2.4.6

"$python" - <<'END'
import numpy as np
import scipy.stats
import torch

COUNT = 20_000


def shares(draws):
    """Share of rows that are nan, at the centre and within 0.01 of a corner."""
    largest = draws.max(axis=1)
    return [float(np.mean(test)) for test in (np.isnan(largest), abs(largest - 1 / 3) < 1e-6, largest > 0.99)]


np.random.seed(0)
torch.manual_seed(0)
seen = {}
for alpha in (0.01, 0.001, 0.0001):
    for dtype in (torch.float32, torch.float64):
        prior = torch.distributions.Dirichlet(torch.full((3,), alpha, dtype=dtype))
        seen[str(dtype), alpha] = shares(prior.sample((COUNT,)).numpy())
    with np.errstate(all="ignore"):
        seen["scipy", alpha] = shares(scipy.stats.dirichlet.rvs([alpha] * 3, size=COUNT))
    generator = np.random.default_rng(0)
    seen["scipy, Generator", alpha] = shares(scipy.stats.dirichlet.rvs([alpha] * 3, COUNT, random_state=generator))
    beta = torch.distributions.Beta(alpha, alpha).sample((COUNT,))
    seen["torch.Beta at 0.5", alpha] = [0.0, (beta == 0.5).float().mean().item(), 0.0]
for (name, alpha), (missing, centre, corner) in seen.items():
    print(f"{alpha:<7g} {name:18} nan {missing:6.1%}  centre {centre:6.1%}  corner {corner:6.1%}")

for dtype in ("torch.float32", "torch.float64"):
    assert seen[dtype, 0.0001][1] > 0.7 and 0.05 < seen[dtype, 0.001][1] < 0.2 and seen[dtype, 0.01][1] == 0
assert seen["torch.Beta at 0.5", 0.0001][1] > 0.7
assert seen["scipy", 0.0001][0] > 0.7
assert seen["scipy, Generator", 0.0001][:2] == [0, 0] and seen["scipy, Generator", 0.0001][2] > 0.99
END
