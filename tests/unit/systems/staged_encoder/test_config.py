"""Configurations: what makes no sense is refused, and what has to be finished before is named."""

from dataclasses import replace

import pytest
from small_staged import SMALL

from lossconditioning import ReaderError
from lossconditioning.priors import Fixed, LogUniform
from lossconditioning.systems import staged_encoder as staged

RIVAL, STAGE_2 = SMALL["outlines_bicycle_v1"], SMALL["outlines_stage2"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "encodr"}, "Did you mean 'encoder'"),
        ({"dataset": "outline"}, "Did you mean 'outlines'"),
        ({"distance": "styles"}, "Did you mean 'style'"),
        ({"variant": "bicycle_v3"}, "no variant 'bicycle_v3'"),
        ({"schedule": "cosine"}, "no schedule 'cosine'. Known: constant, linear"),
        ({"features": "vgg61"}, "no network 'vgg61'"),
        ({"layers": ("relu1_2", "relu9_9")}, "no layer of vgg19 'relu9_9'"),
        ({"width": 0}, "width must be"),
        ({"z_size": 8.0}, "z_size must be"),
        ({"side": 0}, "side must be"),
        ({"count": -1}, "count must be"),
        ({"encoder_rate": 0.0}, "encoder_rate is a positive number"),
        ({"margin": -0.1}, "margin is a positive number"),
        ({"latent": -1.0}, "latent is 0 or more; got -1"),
        ({"far": -1}, "far is 0 or more; got -1"),
        ({"beta_1": 1.0}, r"beta_1 is in \[0, 1\); got 1"),
        ({"average": 1.0}, "average is the decay"),
        ({"lam": ()}, "one weight above 0, or the two ends of a range"),
        ({"lam": (0.0,)}, "one weight above 0, or the two ends of a range"),
        ({"lam": (0.2, 0.1)}, "one weight above 0, or the two ends of a range"),
        ({"lam": (0.1, 0.1)}, "one weight above 0, or the two ends of a range"),
        ({"kind": "critic"}, "names the experiments it judges"),
        ({"judged": ("outlines",)}, "only it, names the experiments it judges"),
        ({"variant": "ours_v3"}, r"ours_v3 begins with a pre-trained encoder; got begins=None"),
        ({"begins": "encoder_outlines"}, r"bicycle_v1 begins with no other; got begins='encoder_outlines'"),
        (
            {"kind": "encoder", "frozen": True},
            "Only an encoder that was trained before can be frozen: name it in begins",
        ),
        ({"kind": "encoder", "distance": "expression"}, "those of the data set 'expressions'; got 'outlines'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(RIVAL, **changes)


def test_what_has_to_be_finished_before_is_named():
    assert RIVAL.needs == SMALL["encoder_outlines"].needs == ()
    assert STAGE_2.needs == ("encoder_outlines",)
    assert SMALL["outlines"].needs == ("outlines_stage2",)
    critic = SMALL["valley_critic"]
    assert critic.needs == critic.judged == ("valley_stage2", "valley_told", "valley_lively", "valley_faithful")


def test_one_weight_is_fixed_and_two_are_a_range_that_the_generator_is_told():
    assert not STAGE_2.told
    assert isinstance(STAGE_2.prior, Fixed)
    assert STAGE_2.prior.sample((2,)).tolist() == pytest.approx(2 * [*STAGE_2.lam])
    told = replace(STAGE_2, lam=(0.1, 0.4))
    assert told.told
    assert isinstance(told.prior, LogUniform)
    drawn = told.prior.sample((1000,))
    assert 0.1 <= float(drawn.min()) < 0.11 < 0.39 < float(drawn.max()) <= 0.4


def test_the_losses_of_a_configuration_are_its_row():
    assert STAGE_2.row == staged.Variant(pretrained=True, z_L2=True)
