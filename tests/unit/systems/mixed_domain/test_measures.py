"""What is measured of translated pictures, and how much of each domain they show."""

import pytest
import torch
from small_mixed import SMALL, Painted, as_if_trained, some

from lossconditioning import ReaderError
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain.data import costs_for
from lossconditioning.training import Run

SMOKE = Run(profile="smoke", progress=False)
SYM = SMALL["sym"]
A, B, C = mixed.CORNERS


@pytest.fixture(scope="module")
def measure():
    return mixed.Measure.of(costs_for(SYM, SMOKE), some(2), {"monet": some(2, seed=1)}, "noise")


class Same(torch.nn.Module):
    """Pictures as they are, or with some colour added by S."""

    def __init__(self, by=0.0):
        super().__init__()
        self.by, self.calls = by, 0

    def forward(self, pictures, lam):
        self.calls += 1
        return pictures + self.by * lam[:, 0, None, None, None]


def test_pictures_that_stay_cost_nothing_but_style(measure):
    found = measure.values(Same(), A)
    assert found["reconstruction"] == found["identity_monet"] == 0
    assert found["content"] == pytest.approx(0, abs=1e-9)
    assert found["perceptual"] == pytest.approx(found["style"])
    assert found["psnr"] == pytest.approx(100)
    assert "adversarial" not in found  # nobody to judge


def test_what_is_measured_is_what_training_minimises(measure):
    painted = some(2, seed=3)
    batch = mixed.experiment_data(SYM, SMOKE).batches(0)
    batch = batch._replace(
        photographs=measure.photographs, content=measure.content, real=tuple(measure.real.values()), costs=measure.costs
    )
    critic = next(iter(batch.discriminator))
    with torch.no_grad():
        expected = mixed.terms(Painted(torch.cat([painted, painted])), batch._replace(lam=torch.tensor([A, A])))
    found = measure.with_critic(critic).values(Painted(painted), A)
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value.mean()), rel=1e-4), name
    lam = (0.5, 0.3, 0.2)
    objective = measure.with_critic(critic).objective(Painted(painted), lam)
    assert objective == pytest.approx(
        sum(w * float(v.mean()) for w, v in zip(lam, expected.values(), strict=True)), rel=1e-4
    )


def test_squared_distances_of_looks_are_losses_of_style(measure):
    one, other = Painted(some(2, seed=3)), Painted(some(2, seed=4))
    loss, weights = measure.costs.loss, measure.costs.weights
    parts = loss(some(2, seed=3), measure.content, loss.style_targets(some(2, seed=4)))
    expected = sum(weights[f"style_{i}"] * parts[f"style_{i}"] for i in (1, 2, 3, 4))
    found = (measure.look(one, A) - measure.look(other, A)).square().sum(1)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-8)


def test_nothing_is_measured_twice(measure):
    model = Same(0.1)
    first = measure.values(model, A)
    measure.look(model, A)
    assert measure.values(model, A) == first
    assert model.calls == 2  # photographs, real pictures


def test_weights_off_the_simplex_are_no_surprise(measure, recwarn):
    model = as_if_trained("sym")["sym"]
    assert measure.translate(model, (0.0, 1.5, 0.0)).isfinite().all()
    assert not recwarn


def test_psnr_is_a_mean_over_pictures_of_eight_bits():
    pictures = torch.zeros(2, 3, 16, 16)
    others = torch.stack([torch.full((3, 16, 16), 25.5 / 255), torch.full((3, 16, 16), 2 / 255)])
    assert mixed.psnr(pictures, others) == pytest.approx((19.82 + 42.11) / 2, abs=0.01)
    assert mixed.psnr(pictures, pictures + 0.4 / 255) == pytest.approx(100)


# How much of each domain --------------------------------------------------------------------------------------------------


def test_shares_are_found_again_and_sum_to_one():
    domains = [some(3, 4, seed).flatten(1) for seed in (1, 2, 3)]
    for wanted in ((1, 0, 0), (0.5, 0.5, 0), (0.2, 0.3, 0.5), (0, 1.5, -0.5)):
        mixed_look = sum(weight * domain for weight, domain in zip(wanted, domains, strict=True))
        assert mixed.shares(mixed_look, domains).tolist() == pytest.approx(wanted, abs=1e-5)
    assert float(mixed.shares(some(3, 4, 9).flatten(1), domains).sum()) == pytest.approx(1)
    with pytest.raises(ReaderError, match="look alike"):
        mixed.shares(domains[0], [domains[0], domains[1], domains[1]])
    with pytest.raises(ReaderError, match="of the same shape"):
        mixed.shares(domains[0], [domains[0]])


class Mixing(torch.nn.Module):
    """Pictures whose looks are to be told apart: under S those of its largest weight, or always the first."""

    def __init__(self, pictures, deaf=False):
        super().__init__()
        self.pictures, self.deaf = pictures, deaf or len(pictures) == 1

    def forward(self, photographs, lam=None):
        chosen = 0 if self.deaf else int(lam[0].argmax())
        return self.pictures[chosen][: len(photographs)]


def test_response_is_one_for_separate_networks_and_zero_for_one_that_ignores_s(measure):
    pictures = [some(2, seed=5), some(2, seed=6) ** 3, some(2, seed=7).round()]
    separate = {corner: Mixing([own]) for corner, own in zip(mixed.CORNERS, pictures, strict=True)}
    looks = mixed.Looks(measure, separate)
    assert looks.response(Mixing(pictures)) == pytest.approx(1, abs=1e-4)
    assert looks.response(Mixing(pictures, deaf=True)) == pytest.approx(0, abs=1e-6)
    assert looks.interference(Mixing(pictures)) == pytest.approx(0, abs=1e-4)  # at (½, ½, 0) it makes A's pictures
    shown = looks.interference(Mixing([pictures[2]] * 3))  # C's pictures whatever S, also where C has no weight
    assert shown == pytest.approx(1 / 3, abs=1e-4)
    assert looks.interference(mixed.BySetting({lam: Mixing([pictures[1]]) for lam in mixed.TABLE_3})) == pytest.approx(
        1 / 3, abs=1e-4
    )


# Gates --------------------------------------------------------------------------------------------------------------------


def test_gates_are_those_that_the_network_is_multiplied_by():
    model = as_if_trained("sym")["sym"]
    gates = mixed.channel_gates(model, some(1)[0], mixed.TABLE_3)
    assert {place: tuple(found.shape) for place, found in gates.items()} == {
        "stem": (7, 4),
        "down": (7, 16),
        "blocks": (7, 16),
    }
    kept = {}
    model.network.stem.register_forward_hook(lambda layer, given, put_out: kept.update(after=put_out))
    with torch.no_grad():
        model(some(1), torch.tensor([A]))
        before = model.network.stem.norm(model.network.stem.convolution(some(1))).relu()
    torch.testing.assert_close(kept["after"], before * gates["stem"][:1, :, None, None])
    with pytest.raises(ReaderError, match="Only CCAMs have gates"):
        mixed.channel_gates(as_if_trained("film")["film"], some(1)[0], [A])
    assert not [hook for layer in model.conditioners.values() for hook in layer._forward_pre_hooks]
