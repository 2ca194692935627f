"""Speeds, as ratios measured side by side in one run. Nothing else should run beside them."""

import statistics
import time
from itertools import count

import pytest
import torch

import lossconditioning as lc
from lossconditioning.paths import shipped
from lossconditioning.systems import toy
from lossconditioning.systems.toy.models import FixedNet

STEPS = 150


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def side_by_side(benchmark, ours, other, rounds=9):
    """Time ``ours`` and ``other`` in turn; return the median over rounds of the ratio of the pair, ours / other."""
    others, mine = [], []

    def timed():
        started = time.perf_counter()
        ours()
        mine.append(time.perf_counter() - started)

    def other_first():
        started = time.perf_counter()
        other()
        others.append(time.perf_counter() - started)

    ours(), other()  # warm both
    benchmark.pedantic(timed, setup=other_first, rounds=rounds, iterations=1)
    ratio = statistics.median(a / b for a, b in zip(mine, others, strict=True))
    benchmark.extra_info["ratio"] = round(ratio, 3)
    print(f"\n{benchmark.name}: ratio {ratio:.3f}, median of {rounds} pairs")
    return ratio


def toy_step(model, optimizer, prior, batch):
    lam = prior.sample((len(batch[0]),))
    loss = lc.weighted(toy.terms(model, batch, lam), lam).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def sym_model():
    torch.manual_seed(0)
    prior = lc.Dirichlet([0.5, 0.5])
    model = toy.SymNet(64, prior)
    return model, torch.optim.Adam(model.parameters(), lr=1e-3, fused=True), prior


def test_loop_costs_at_most_a_tenth_more_than_a_bare_loop(benchmark):
    """Both train the toy's sym model on the same batches; Loop adds progress, history, reseeding, the time check."""
    batches = lc.Batches(*toy.sym_toy(512), batch_size=16, seed=0)
    model, optimizer, prior = sym_model()

    def bare():
        for step in range(STEPS):
            loss = toy_step(model, optimizer, prior, batches[step])
        return float(loss.detach())

    def looped():
        loop = lc.Loop(batches, steps=STEPS, state={"model": model, "optimizer": optimizer}, progress=True)
        for batch in loop:
            loop.log(loss=toy_step(model, optimizer, prior, batch))

    assert side_by_side(benchmark, looped, bare) <= 1.10


def test_five_fixed_models_as_an_ensemble_are_at_least_two_and_a_half_times_faster(benchmark):
    """Five of the toy's separate networks, one per weight vector, stacked or one after another."""
    torch.manual_seed(0)
    priors = [lc.Fixed(weights) for weights in toy.WEIGHTS]
    separate = [FixedNet(64) for _ in priors]
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-3, fused=True) for model in separate]
    ensemble = lc.Ensemble([FixedNet(64) for _ in priors])
    joint = torch.optim.Adam(ensemble.parameters(), lr=1e-3, fused=True)
    one, all_five = (
        lc.Batches(*toy.sym_toy(512), batch_size=16, seed=0),
        lc.Batches(*toy.sym_toy(512), batch_size=16, seed=[0] * 5),
    )
    lam = toy.WEIGHTS.unsqueeze(1).expand(5, 16, 2)
    steps = 30

    def one_by_one():
        for model, optimizer, prior in zip(separate, optimizers, priors, strict=True):
            for step in range(steps):
                toy_step(model, optimizer, prior, one[step])

    def stacked():
        for step in range(steps):
            loss = lc.weighted(toy.terms(ensemble, all_five[step], lam), lam).mean(dim=1).sum()
            joint.zero_grad()
            loss.backward()
            joint.step()

    assert side_by_side(benchmark, stacked, one_by_one) <= 1 / 2.5


def test_a_slider_move_of_the_toy_panel(benchmark):
    """From slider value to PNG bytes, without a cached picture; reported, not asserted."""
    panel = toy.play(toy.load(shipped("checkpoints") / "toy", "best").model.member(0))
    moves = count()
    benchmark.pedantic(lambda: panel.set(s1=(next(moves) * 0.00317) % 1.0), rounds=60, iterations=1, warmup_rounds=5)
    median = benchmark.stats.stats.median * 1e3
    print(f"\na slider move of the toy panel: median {median:.1f} ms")
    assert panel.frames > 60
