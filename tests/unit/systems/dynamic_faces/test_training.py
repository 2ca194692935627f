"""Face generation is trained in turns: both opponents learn, and blocks leave the generator alone."""

from dataclasses import replace

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import people
from lossconditioning.datasets.faces import faces as drawn_faces
from lossconditioning.systems import dynamic_faces as faces
from lossconditioning.systems.dynamic_faces.recipes import build_discriminator
from lossconditioning.training import Run

SMOKE = faces.experiments("smoke")
CLASSIFIER, MAIN, BLOCKS = (SMOKE[name] for name in ("face_classifier", "face_dark_hair", "face_blond_hair"))


def fit(config, **made):
    return faces.fit(config, Run(profile="smoke", progress=False), made=made)


def test_every_parameter_of_both_opponents_learns():
    config = replace(MAIN, average=0.0, steps=1)
    untrained = faces.build(config).state_dict()
    model, loop = fit(config)
    for name, value in model.named_parameters():
        assert not torch.equal(value, untrained[name]), name
    discriminator = loop.state["discriminator"]
    before = dict(build_discriminator(config).named_parameters())
    for name, value in discriminator.named_parameters():
        assert value.requires_grad
        assert not torch.equal(value, before[name]), name


def test_the_discriminator_learns_at_its_own_rate():
    config = replace(MAIN, schedule="constant", steps=1, learning_rate=1e-3, discriminator_rate=3e-3)
    _, loop = fit(config)
    rates = [loop.state[name].param_groups[0]["lr"] for name in ("model_optimizer", "discriminator_optimizer")]
    assert rates == pytest.approx([1e-3, 3e-3])


def test_tuning_leaves_the_main_network_alone():
    main = faces.build(MAIN, seed=3)
    before = {name: value.clone() for name, value in main.state_dict().items()}
    blocks, _ = fit(replace(BLOCKS, average=0.0), face_dark_hair=main, face_classifier=faces.build(CLASSIFIER))
    assert all(torch.equal(value, before[name]) for name, value in main.state_dict().items())
    assert main.training  # as it was
    assert all(parameter.requires_grad for parameter in main.parameters())
    assert not torch.equal(blocks["up.1"].layers[4].weight, faces.build(BLOCKS)["up.1"].layers[4].weight)


def test_blocks_that_are_to_keep_what_is_not_meant_learn_from_it_and_leave_the_classifier_alone():
    main, classifier = faces.build(MAIN, seed=3), faces.build(CLASSIFIER, seed=3)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    made = {"face_dark_hair": main, "face_classifier": classifier}
    found = {keep: fit(replace(BLOCKS, average=0.0, keep=keep), **made) for keep in (0.0, 1.0)}
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())
    assert all(parameter.requires_grad for parameter in classifier.parameters())
    free, held = (blocks["up.1"].layers[4].weight for blocks, _ in found.values())
    assert not torch.equal(free, held)
    assert "kept" not in found[0.0][1].history[0]
    assert all(row["loss"] == pytest.approx(row["adversarial"] + row["kept"]) for row in found[1.0][1].history)


def test_what_is_published_are_running_averages():
    averaged, last = (fit(replace(MAIN, average=average))[0].last.weight for average in (0.99, 0.0))
    assert not torch.equal(averaged, last)


def test_a_classifiers_weights_are_not_averaged():
    assert CLASSIFIER.average
    models = [fit(replace(CLASSIFIER, average=average))[0] for average in (CLASSIFIER.average, 0.0)]
    assert torch.equal(*(model.last.weight for model in models))


def test_a_classifier_learns_from_faces_with_the_faults_of_generated_ones():
    images = faces.training_faces(CLASSIFIER).images
    batch, _ = faces.draw(CLASSIFIER, faces.build(CLASSIFIER), (images, torch.ones(len(images), 7)), 0.0)
    assert batch.faces.shape == images.shape
    assert batch.faces.abs().max() <= 1
    assert 0.05 < (batch.faces - faces.signed(images)).abs().mean() < 0.5


def test_held_out_faces_are_of_the_experiments_kind_and_none_of_its_training_set():
    held_out, known = faces.held_out_faces(BLOCKS, 8), faces.training_faces(BLOCKS)
    for found in (held_out, known):
        assert found.having("blond_hair").all()
        assert not found.having("glasses").any()
    assert not any(torch.equal(one, other) for one in held_out.images for other in known.images)


def test_celeba_without_enough_such_faces_is_refused(monkeypatch):
    monkeypatch.setattr(people, "celeba", lambda folder, split: drawn_faces(60))
    config = replace(MAIN, data="celeba", lacking=("hat", "beard", "smiling", "glasses"), count=20)
    assert len(faces.training_faces(replace(config, count=1))) == 1
    with pytest.raises(ReaderError, match="asked for 20"):
        faces.training_faces(config)
