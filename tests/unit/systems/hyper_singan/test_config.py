"""Configurations: what makes no sense is refused, and what follows from one."""

from dataclasses import replace

import pytest
import torch
from small_hyper import SMALL

from lossconditioning import ReaderError
from lossconditioning.priors import Fixed
from lossconditioning.systems.hyper_singan.config import Config

HYPER, SINGAN = SMALL["dataset"], SMALL["singan_0"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "hypre"}, "Did you mean 'hyper'"),
        ({"dataset": "places5"}, "Did you mean 'places50'"),
        ({"discriminator": "own"}, "no discriminator 'own'. Known: hyper, shared, same embedding"),
        ({"embedding": "resnet43"}, "Did you mean 'resnet34'"),
        ({"heads": "low_rank"}, "Did you mean 'low-rank'"),
        ({"penalised": "fake"}, "no penalised 'fake'. Known: between, real"),
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
        ({"scales": 2.0}, "scales must be"),
        ({"coarsest": -1}, "coarsest must be"),
        ({"width": 0}, "width must be"),
        ({"seen": "64"}, "seen must be"),
        ({"code_size": 0}, "code_size must be"),
        ({"rank": 0}, "rank must be"),
        ({"depth": 0}, "depth must be"),
        ({"steps_per_scale": 0}, "steps_per_scale must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"layers": 1}, "2 layers or more; got 1"),
        ({"reconstruction": 0.0}, "reconstruction is a positive number; got 0"),
        ({"discriminator_rate": -1e-3}, "discriminator_rate is a positive number"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number"),
        ({"clip": float("nan")}, "clip is a positive number"),
        ({"factor": 1.0}, r"factor is in \(0, 1\) and decay in \(0, 1\]; got 1.0"),
        ({"factor": 0.0}, r"factor is in \(0, 1\)"),
        ({"decay": 0.0}, r"decay in \(0, 1\]; got 0.6 and 0.0"),
        ({"penalty": -0.1}, "penalty and first are 0 or more; got -0.1 and 0"),
        ({"first": -1}, "penalty and first are 0 or more; got 0.1 and -1"),
        ({"average": 1.0}, "average is the decay"),
        ({"kind": "singan"}, "A SinGAN learns one picture with a discriminator of its own.*got 4 and 'hyper'"),
        ({"kind": "singan", "count": 1}, "got 1 and 'hyper'"),
        ({"kind": "singan", "discriminator": "shared"}, "got 4 and 'shared'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(HYPER, **changes)


def test_a_configuration_is_the_same_after_a_card():
    for config in (HYPER, SINGAN, SMALL["frozen_3"]):
        assert Config.from_json(config.as_json()) == config


def test_each_scale_has_its_steps():
    config = replace(HYPER, scales=3, steps_per_scale=5)
    assert config.steps == 15
    assert [config.scale_at(step) for step in range(15)] == [0] * 5 + [1] * 5 + [2] * 5
    assert config.scale_at(15) == 2  # the loop has ended; the last scale is the last


def test_lambda_is_what_reconstruction_weighs():
    config = replace(HYPER, reconstruction=12.5)
    assert isinstance(config.prior, Fixed)
    assert torch.equal(config.prior.sample((3,)), torch.full((3,), 12.5))


def test_sizes_are_those_of_the_pyramid():
    assert replace(HYPER, scales=3).sizes == [(12, 16), (20, 27), (33, 44)]
