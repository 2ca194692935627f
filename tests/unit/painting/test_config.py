"""What all painters' configurations refuse, and what they say of precision."""

from dataclasses import dataclass

import pytest

from lossconditioning import ReaderError
from lossconditioning.painting import FIRST_HALF, PainterConfig
from lossconditioning.training import config


@dataclass(frozen=True, kw_only=True)
class Own(PainterConfig):
    batch_size: int = 2
    steps: int = 3
    learning_rate: float = 0.1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"features": "vgg18"}, "no network 'vgg18'. Did you mean 'vgg1"),
        ({"style_layers": ("relu1_2", "relu2_2", "relu3_3", "relu4_4")}, "no layer of vgg16 'relu4_4'"),
        ({"style_layers": ("relu1_2",)}, "at four layers; got .*relu1_2"),
        ({"content_layer": "relu2_3"}, "no layer of vgg16 'relu2_3'"),
        ({"side": 31}, "side is 32 pixels or more; got 31"),
        ({"side": 64.0}, "side must be a whole number"),
        ({"crops": -1}, "crops is 0 or more; got -1"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"average": 1.0}, r"average .* \[0, 1\); got 1.0"),
    ],
    ids=str,
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        Own("x", **wrong)


@pytest.mark.parametrize(("pays", "precision"), [(True, "bf16"), (False, None)])
def test_half_says_what_training_computes_in_where_the_machine_has_it(monkeypatch, pays, precision):
    monkeypatch.setattr(config, "bfloat16_pays", lambda: pays)
    assert Own("x").precision is None
    assert Own("x", half=True).precision == precision


def test_the_first_half_of_vgg_19_is_a_configuration():
    assert Own("x", **FIRST_HALF, content_layer="relu3_1").features == "vgg19"
