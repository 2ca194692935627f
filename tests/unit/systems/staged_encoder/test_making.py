"""What a translator makes in a step of training, in each row of Table 4, and whom its losses reach."""

from dataclasses import replace

import pytest
import torch
from small_staged import SMALL, SMOKE, InColour, MeanColour, as_if_trained, flat, some

from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.models import StyleCode
from lossconditioning.systems.staged_encoder.training import Making

STAGE_2 = "outlines_stage2"
NUMBERS, LAM = torch.arange(3), torch.ones(3)
COLOURS = torch.tensor([[0.9, 0.1, 0.2], [0.2, 0.8, 0.3], [0.1, 0.3, 0.7]])


def row(variant, **changes):
    begins = STAGE_2 if staged.VARIANTS[variant].pretrained else None
    return replace(SMALL["outlines"], variant=variant, begins=begins, batch_size=3, **changes)


def making(variant, generator=None, codes=None, log_variance=0.0):
    """What a step of a variant makes, with a generator and an encoder of colours."""
    translator = staged.Translator(MeanColour(log_variance), generator or InColour())
    return Making(translator, row(variant), codes)


def test_a_vae_draws_its_codes_and_others_do_not():
    pictures = flat(COLOURS)
    for variant, draws in (("bicycle_v1", True), ("bicycle_v2", True), ("bicycle_v1_2", False), ("ours_v3", False)):
        made = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            made.append(making(variant)(some(3), pictures, NUMBERS, LAM))
        assert torch.equal(made[0].direct, made[1].direct) != draws
        assert torch.equal(made[0].z, made[1].z)  # of which L2 and KL are taken
    for log_variance in (0.0, -4.0):
        torch.manual_seed(3)
        direct = making("bicycle_v1", log_variance=log_variance)(some(3), pictures, NUMBERS, LAM).direct
        torch.manual_seed(3)
        expected = COLOURS + 2.718281828 ** (0.5 * log_variance) * torch.randn(3, 3)
        torch.testing.assert_close(direct, flat(expected))


def test_random_styles_are_the_priors_or_those_of_other_pictures():
    for variant in ("bicycle_v1_2", "bicycle_v2"):
        styles = []
        for seed in range(200):
            torch.manual_seed(seed)
            styles.append(making(variant)(some(3), flat(COLOURS), NUMBERS, LAM).style)
        assert torch.cat(styles).mean() == pytest.approx(0, abs=0.1)
        assert torch.cat(styles).std() == pytest.approx(1, abs=0.1)
    for variant in ("bicycle_v1_3", "ours_v2"):
        made = making(variant)(some(3), flat(COLOURS), NUMBERS, LAM)
        torch.testing.assert_close(made.style, COLOURS.roll(1, 0))
        torch.testing.assert_close(made.random, flat(COLOURS.roll(1, 0)))
        torch.testing.assert_close(made.read, made.style)


def test_a_cycle_goes_by_another_layout_and_returns():
    generator, lam = InColour(), torch.tensor([1.0, 2.0, 3.0])
    made = making("ours_v1", generator)(some(3), flat(COLOURS), NUMBERS, lam)
    torch.testing.assert_close(made.cycle, made.direct)
    assert len(generator.calls) == 4
    direct, random, swapped, cycle = generator.calls
    for call in (direct, random, cycle):
        assert torch.equal(call[0], some(3))
        assert torch.equal(call[2], lam)
    assert torch.equal(swapped[0], some(3).roll(-1, 0))
    assert torch.equal(swapped[1], direct[1])
    assert torch.equal(swapped[2], lam.roll(-1, 0))
    # What a generator adds is added on the way there and on the way back.
    made = making("bicycle_v2_3", InColour(0.1))(some(3), flat(COLOURS), NUMBERS, lam)
    torch.testing.assert_close(made.cycle, made.direct + 0.1)


def test_kept_codes_are_found_by_the_numbers_of_pictures():
    codes = StyleCode(torch.rand(9, 3), torch.zeros(9, 3))
    numbers = torch.tensor([7, 0, 4])
    making_ = making("ours_v3", codes=codes)
    made = making_(some(3), flat(COLOURS), numbers, LAM)
    torch.testing.assert_close(made.direct, flat(codes.z[numbers]))
    assert making_.model.encoder.calls == 0
    assert made.random is made.style is made.read is made.cycle is None


@pytest.mark.parametrize("variant", [name for name, each in staged.VARIANTS.items() if each.random])
def test_what_random_styles_cost_gives_the_encoder_no_gradient(variant):
    config, stage2 = row(variant), as_if_trained(STAGE_2)
    for term in ("latent", "random"):
        model, data = staged.build(config), replace(staged.experiment_data(config, SMOKE), made=stage2)
        with staged.around(config, model, data) as network:
            batch, lam = staged.draw(config, model, data.batches(0), 0.0)
            made = network(*batch.inputs)
            latent = staged.terms(lambda *_, made=made: made, batch, lam)["latent"]
            (latent if term == "latent" else made.random).sum().backward()
        assert all(weight.grad is None for weight in model.encoder.parameters()), term
        assert all(weight.grad is not None and weight.grad.any() for weight in model.generator.last.parameters())


def test_reconstruction_and_cycle_give_the_encoder_its_gradient():
    for variant, of in (("ours_v3", "direct"), ("ours_v1", "cycle")):
        network = making(variant)
        getattr(network(some(3), flat(COLOURS), NUMBERS, LAM), of).sum().backward()
        assert network.model.encoder.weight.grad > 0
