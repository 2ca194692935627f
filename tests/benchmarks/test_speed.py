"""Speeds, as ratios measured side by side in one run. Nothing else should run beside them."""

import multiprocessing
import statistics
import time
from itertools import count

import pytest
import torch
from ratios import REPORT, report, side_by_side

import lossconditioning as lc
from lossconditioning.datasets import shapes3d
from lossconditioning.systems import beta_vae, toy
from lossconditioning.systems.toy.models import FixedNet
from lossconditioning.training import keep_freed_memory

STEPS = 150


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


def test_loop_against_a_bare_loop(benchmark):
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

    side_by_side(benchmark, looped, bare, rounds=41, usually=1.04)


def test_five_fixed_models_as_an_ensemble_against_one_by_one(benchmark):
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

    side_by_side(benchmark, stacked, one_by_one, usually=0.4)


def test_a_slider_move_of_the_toy_panel(benchmark):
    """From slider value to PNG bytes, without a cached picture; reported, not asserted."""
    panel = toy.play(toy.load("best").model.member(0))
    moves = count()
    benchmark.pedantic(lambda: panel.set(s1=(next(moves) * 0.00317) % 1.0), rounds=60, iterations=1, warmup_rounds=5)
    median = benchmark.stats.stats.median * 1e3
    REPORT.append(f"{median:7.1f}  milliseconds for a slider move of the toy panel, median")
    assert panel.frames > 60


@pytest.mark.parametrize(("data", "batch", "usually"), [("cifar10", 128, 1.13), ("shapes3d", 64, 1.26)])
def test_what_conditioning_costs_at_the_papers_sizes(benchmark, data, batch, usually):
    """Forward and backward of the conditional β-VAE against the unconditional one, one thread, memory kept as `Loop` does.

    What FiLM adds is little arithmetic in many small pieces: half of it the sixteen MLPs of a few hundred numbers, half
    reading and writing the features once more. Beside Shapes3D's small convolutions that is a fifth.
    """
    torch.manual_seed(0)
    keep_freed_memory()
    prior, side = beta_vae.lam_prior(data), beta_vae.ARCHITECTURES[data].picture
    pictures, beta = torch.rand(batch, 3, side, side), prior.sample((batch,))
    conditional, plain = beta_vae.BetaVAE(data, prior=prior), beta_vae.BetaVAE(data)
    ours, other = (lambda: vae_step(conditional, pictures, beta)), (lambda: vae_step(plain, pictures, beta))

    side_by_side(benchmark, ours, other, rounds=61, usually=usually)


def vae_step(model, pictures, beta):
    model.zero_grad()
    noise = torch.randn(len(pictures), model.architecture.latent)
    lc.weighted(beta_vae.terms(model, (pictures, noise), beta), {"kl": beta}).mean().backward()


def seconds_a_step(keep, answer):
    """In a process of its own, for an allocator can not be set back: the median of 30 steps of Shapes3D's network."""
    torch.set_num_threads(1)
    if keep:
        keep_freed_memory()
    model, pictures, beta = beta_vae.BetaVAE("shapes3d"), torch.rand(64, 3, 64, 64), torch.ones(64)
    times = []
    for _ in range(35):
        started = time.perf_counter()
        vae_step(model, pictures, beta)
        times.append(time.perf_counter() - started)
    answer.put(statistics.median(times[5:]))


def test_steps_that_keep_freed_memory_against_steps_that_do_not():
    """Which hand it back to the system; in turn, in fresh processes."""
    context = multiprocessing.get_context("spawn")
    ratios = []
    for _ in range(3):
        answers = {}
        for keep in (False, True):
            queue = context.Queue()
            process = context.Process(target=seconds_a_step, args=(keep, queue))
            process.start()
            answers[keep] = queue.get(timeout=120)
            process.join()
        ratios.append(answers[True] / answers[False])
    name = "steps_that_keep_freed_memory_against_steps_that_do_not"
    report(name, statistics.median(ratios), usually=1.0, how="median of 3 pairs of processes")


def test_eight_convolutional_models_as_an_ensemble_against_one_by_one(benchmark):
    """Shapes3D's fixed-weight models: one step of eight as an Ensemble, which takes turns on a CPU, or of eight alone."""
    torch.manual_seed(0)
    grid, pictures, noise = beta_vae.lam_grid("shapes3d"), torch.rand(16, 3, 64, 64), torch.randn(16, 10)
    separate = [beta_vae.BetaVAE("shapes3d") for _ in grid]
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-3, fused=True) for model in separate]
    ensemble = lc.Ensemble(separate)
    joint = torch.optim.Adam(ensemble.parameters(), lr=1e-3, fused=True)

    def step(model, optimizer, pictures, beta, noise):
        terms = beta_vae.terms(model, (pictures, noise), beta)
        optimizer.zero_grad()
        lc.weighted(terms, {"kl": beta}).mean(dim=-1).sum().backward()
        optimizer.step()

    def together():
        members = (value.expand(8, *value.shape) for value in (pictures, noise))
        all_pictures, all_noise = members
        step(ensemble, joint, all_pictures, grid.unsqueeze(1).expand(8, 16), all_noise)

    def one_by_one():
        for model, optimizer, beta in zip(separate, optimizers, grid, strict=True):
            step(model, optimizer, pictures, beta.expand(16), noise)

    side_by_side(benchmark, together, one_by_one, usually=1.05)


def test_rendering_against_reading_stored_pictures(benchmark):
    """A batch of rendered Shapes3D pictures against indexing stored ones; pictures a second are printed."""
    world = shapes3d()
    numbers = torch.randint(len(world), (256,), generator=torch.Generator().manual_seed(0))
    stored = world[numbers]  # casts the geometries it needs, once
    chosen = torch.randperm(256)
    side_by_side(benchmark, lambda: world[numbers], lambda: stored[chosen].clone())
    rate = 256 / benchmark.stats.stats.median
    REPORT.append(f"{rate:7,.0f}  pictures of 3-D Shapes rendered a second, one thread")
    assert torch.equal(world[numbers], stored)
