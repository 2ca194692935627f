"""The toy's training: who draws what, what one step does, and how the result is measured."""

from dataclasses import replace

import pytest
import torch

from lossconditioning import weighted
from lossconditioning.datasets import sym_toy
from lossconditioning.systems import toy
from lossconditioning.systems.toy.evaluation import measured_objective, travel
from lossconditioning.training import Run
from lossconditioning.training.randomness import reseed_torch

SMALL = toy.Config("small", width=16, points=64, epochs=10, seeds=2)  # 40 steps
QUIET = Run(progress=False)


def test_a_member_depends_on_the_seed_and_its_number_alone():
    torch.manual_seed(5)
    two, four = toy.build(SMALL, seed=3), toy.build(replace(SMALL, seeds=4), seed=3)
    other = toy.build(SMALL, seed=4)
    for name, value in two.state_dict().items():
        assert torch.equal(value, four.state_dict()[name][:2])
        if name.endswith("weight"):
            assert not torch.equal(value, other.state_dict()[name])
            assert not torch.equal(value[0], value[1])


def test_members_of_one_seed_see_one_order_of_the_data():
    config = replace(SMALL, kind="fixed")
    x = toy.experiment_data(config, QUIET).batches(0)[0].unflatten(0, (5, config.seeds))
    assert x.shape == (5, 2, 16, 1)
    assert (x == x[:1]).all()
    assert not torch.equal(x[0, 0], x[0, 1])


@pytest.mark.parametrize("stratified", [False, True])
def test_every_draw_stands_beside_its_own_data_point(stratified):
    config = replace(SMALL, draws=3, stratified=stratified)
    model = toy.build(config)
    torch.manual_seed(0)
    lam = model.prior.sample((4, 3), stratified=stratified)
    assert lam.shape == (2, 4, 3, 2)
    x, y_r, y_c = (torch.arange(8.0).view(2, 4, 1) + offset for offset in (0, 100, 200))
    torch.manual_seed(0)
    (x, y_r, y_c), flat = toy.draw(config, model, (x, y_r, y_c))
    assert x.shape == y_r.shape == y_c.shape == (2, 12, 1)
    for member in range(2):
        for row in range(12):
            point, draw = divmod(row, 3)
            assert x[member, row] == 4 * member + point == y_r[member, row] - 100 == y_c[member, row] - 200
            assert torch.equal(flat[member, row], lam[member, point, draw])


def test_every_prior_draws_for_its_own_members():
    lam = toy.build(replace(SMALL, kind="fixed")).prior.sample((6, 1))
    assert torch.equal(lam, toy.WEIGHTS.repeat_interleave(2, 0).view(10, 1, 1, 2).expand(10, 6, 1, 2))


@pytest.mark.parametrize("kind", ["sym", "fixed", "input_only"])
def test_one_step_follows_the_gradient_of_its_own_objective(kind):
    def plain(config, model):
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    system, run = replace(toy.SYSTEM, optimise=plain), replace(QUIET, seed=3)
    config = replace(SMALL, kind=kind, points=16, epochs=1, draws=2)
    trained, loop = system.fit(config, run)
    by_hand, (x, y_r, y_c) = toy.build(config, seed=3), toy.experiment_data(config, run).batches(0)
    reseed_torch(3000, 0)
    lam = by_hand.prior.sample((16, 2))
    loss = 0
    for draw in lam.unbind(2):
        terms = toy.terms(by_hand, (x, y_r, y_c), draw)
        # S_in is told the drawn weights, but pays for (0.5, 0.5) whatever they are.
        s = torch.full_like(draw, 0.5) if kind == "input_only" else draw
        loss = loss + (s[..., 0] * terms["regression"] + s[..., 1] * terms["classification"]).mean(1).sum() / 2
    loss.backward()
    assert loop.history[0]["loss"] == pytest.approx(loss.item() / config.members, rel=1e-5)
    for ours, start in zip(trained.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, start - start.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "changes", [{}, {"draws": 4, "schedule": "cosine", "average": 0.9, "stratified": True}], ids=str
)
def test_forty_steps_lower_the_loss(changes):
    config = replace(SMALL, **changes)
    before = measured_objective(config, toy.build(config))
    model, loop = toy.fit(config, QUIET)
    after = measured_objective(config, model)
    assert loop.done
    assert loop.step == len(loop.history) == 40
    assert (after.mean(-1) < before.mean(-1)).all()
    assert (after < before)[..., [0, -1]].all()  # in the middle, an untrained p ≈ 0.5 is good already
    assert after.shape == (1, 2, 5)
    again, _ = toy.fit(config, QUIET)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_learning_rates_are_the_papers():
    config = replace(SMALL, points=16, epochs=10)
    for schedule, expected in (
        ("steps", [1e-2] * 4 + [1e-3] * 4 + [1e-4] * 2),
        ("cosine", [0.005 * (1 + torch.tensor(t * torch.pi / 10).cos().item()) for t in range(10)]),
    ):
        optimizer, rates = toy.optimise(replace(config, schedule=schedule), toy.build(config))
        seen = []
        for _ in range(10):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            rates.step()
        assert seen == pytest.approx(expected)


def test_separate_models_are_measured_at_their_own_weights():
    config = replace(SMALL, kind="fixed")
    model = toy.build(config)
    ours = measured_objective(config, model)
    assert ours.shape == (1, 2, 5)
    for k, lam in enumerate(toy.WEIGHTS):
        for seed in range(2):
            net, (x, y_r, y_c) = model.member(2 * k + seed), sym_toy(8001)
            own = weighted({n: t.double() for n, t in toy.losses(net(x), y_r, y_c).items()}, lam.double()).mean()
            assert ours[0, seed, k].item() == pytest.approx(own.item(), rel=1e-6)
    assert travel(model) == 0


@pytest.mark.parametrize("seeds", [1, 3])
def test_regrets_are_numbers_for_any_count_of_seeds(seeds):
    config = replace(SMALL, seeds=seeds, concentrations=(0.1, 1.0))
    metrics = toy.measure(config, toy.build(config))
    assert len(metrics) == 2 * 5 * (2 if seeds > 1 else 1)  # one seed has no standard deviation
    assert {"alpha_0.1_regret_1", "alpha_1_regret_0.75"} <= set(metrics)
    assert all(value >= 0 for value in metrics.values())
