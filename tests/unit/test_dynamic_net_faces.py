"""Face generation with tuning blocks: DCGAN as described, trained in turns, resumed as uninterrupted."""

from dataclasses import replace

import pytest
import torch
from small_dynamic import assert_same_weights
from small_faces import BLOCKS, CLASSIFIER, MAIN
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.datasets.faces import faces as drawn_faces
from lossconditioning.systems.dynamic_net import faces
from lossconditioning.systems.dynamic_net.faces import sets, task, training
from lossconditioning.systems.dynamic_net.faces.recipes import TURNED, build_discriminator


def fit(config, **options):
    return faces.fit(config, progress=False, **options)


# Experiments --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["smoke", "demo", "laptop", "paper"])
def test_every_configuration_survives_its_card(profile):
    for config in faces.experiments(profile).values():
        assert faces.Config.from_json(config.as_json()) == config


def test_the_experiments_are_the_same_in_every_profile_and_networks_come_first():
    names = ["face_classifier", "face_dark_hair", "face_blond_hair", "face_smiling"]
    assert all(list(faces.experiments(profile)) == names for profile in ("smoke", "demo", "laptop", "paper"))
    assert faces.experiments("demo") == faces.experiments("laptop")


@pytest.mark.parametrize("profile", ["laptop", "paper"])
def test_blocks_see_faces_with_their_attribute_and_are_else_trained_as_the_generator(profile):
    found = faces.experiments(profile)
    main = found["face_dark_hair"]
    for name, attribute in TURNED.items():
        blocks = found[name]
        assert blocks.having == (attribute,)
        assert set(blocks.lacking) == set(main.lacking) - {attribute}
        assert replace(
            blocks, name="", kind="generator", main=None, having=(), lacking=(), count=1, steps=1
        ) == replace(main, name="", lacking=(), count=1, steps=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "network"}, "no kind 'network'"),
        ({"data": "celebs"}, "Did you mean 'celeba'"),
        ({"schedule": "linear"}, "no schedule"),
        ({"norm": "layer"}, "no norm"),
        ({"widths": (8, 8, 8)}, "four whole numbers"),
        ({"batch_size": 0}, "batch_size"),
        ({"count": 0}, "count"),
        ({"learning_rate": 0.0}, "positive"),
        ({"discriminator_rate": -1.0}, "positive"),
        ({"beta_1": 1.0}, "beta_1"),
        ({"smoothing": -0.1}, "smoothing"),
        ({"main": "face_dark_hair"}, "name a main network"),
        ({"kind": "blocks"}, "name a main network"),
        ({"kind": "classifier"}, "has attributes to tell"),
        ({"attributes": ("hat",)}, "has attributes to tell"),
        ({"having": ("smiling",)}, "both has and lacks smiling"),
        ({"lacking": ("glases",)}, "Did you mean 'glasses'"),
    ],
)
def test_a_configuration_that_can_not_be_is_refused(change, said):
    with pytest.raises(ReaderError, match=said):
        replace(MAIN, **change)


def test_initial_weights_depend_on_seed_and_repetition_alone():
    assert_same_weights(faces.build(MAIN), faces.build(MAIN))
    first = faces.build(MAIN).last.weight
    assert not torch.equal(first, faces.build(MAIN, seed=1).last.weight)
    assert not torch.equal(first, faces.build(replace(MAIN, repeat=1)).last.weight)


# Networks -----------------------------------------------------------------------------------------------------------------


def test_the_papers_generator_is_dcgans():
    config = faces.experiments("paper")["face_dark_hair"]
    assert (config.latent, config.batch_size, config.learning_rate, config.beta_1) == (100, 128, 2e-4, 0.5)
    generator = faces.build(config)
    convolutions = [module for module in generator.modules() if isinstance(module, nn.ConvTranspose2d)]
    channels = [(each.in_channels, each.out_channels) for each in convolutions]
    assert channels == [(100, 1024), (1024, 512), (512, 256), (256, 128), (128, 3)]
    assert all(each.kernel_size == (4, 4) for each in convolutions)
    assert float(convolutions[1].weight.detach().std()) == pytest.approx(0.02, rel=0.01)
    assert float(convolutions[1].weight.detach().mean()) == pytest.approx(0, abs=1e-4)


def test_the_papers_discriminator_normalises_batches_behind_all_layers_but_the_first():
    config = faces.experiments("paper")["face_dark_hair"]
    layers = build_discriminator(config).layers
    assert [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)] == [128, 256, 512, 1024, 1]
    assert [layer.num_features for layer in layers if isinstance(layer, nn.BatchNorm2d)] == [256, 512, 1024]


def test_the_papers_blocks_stand_behind_256_channels():
    blocks = faces.build(faces.experiments("paper")["face_blond_hair"])
    assert [block.channels for block in blocks.blocks.values()] == [256]
    assert float(blocks["up.2"].layers[0].weight.detach().std()) == pytest.approx(0.02, rel=0.01)


def test_the_shipped_networks_are_small():
    parameters = sum(
        parameter.numel()
        for config in faces.experiments("laptop").values()
        for parameter in faces.build(config).parameters()
    )
    assert 2 * parameters < 5.5e6  # bytes, in half precision


def test_a_spectrally_normalised_discriminator_answers_one_logit_a_face():
    discriminator = build_discriminator(MAIN)
    assert discriminator(torch.zeros(2, 3, 64, 64)).shape == (2,)
    for _ in range(50):
        discriminator(torch.zeros(1, 3, 64, 64))
    weight = discriminator.layers[2].weight.detach().flatten(1)
    assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1, rel=0.02)


def test_codes_of_another_length_are_refused():
    with pytest.raises(ReaderError, match=r"Latent codes are \(B, 8\); got \(2, 9\)"):
        faces.build(MAIN)(torch.zeros(2, 9))


def test_pixels_undo_signed():
    images = torch.arange(256, dtype=torch.uint8)
    torch.testing.assert_close(faces.pixels(faces.signed(images)) * 255, images.float())


# Losses -------------------------------------------------------------------------------------------------------------------


def test_the_losses_are_cross_entropies_of_real_and_generated():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    entropy = nn.BCEWithLogitsLoss(reduction="none")
    terms = task.discriminator_terms(real, fake, smoothing=0.1)
    torch.testing.assert_close(terms["real"], entropy(real, torch.full((2,), 0.9)))
    torch.testing.assert_close(terms["fake"], entropy(fake, torch.zeros(2)))
    torch.testing.assert_close(task.generator_loss(fake), entropy(fake, torch.ones(2)))


def test_running_averages_forget_the_initial_weights_and_then_keep_their_share():
    average, model = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.constant_(average.weight, 0.0)
    nn.init.constant_(model.weight, 1.0)
    task.follow(average, model, 0.99, step=0)
    assert average.weight.item() == pytest.approx(0.9)
    nn.init.constant_(average.weight, 0.0)
    task.follow(average, model, 0.99, step=100_000)
    assert average.weight.item() == pytest.approx(0.01)


# Training -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [MAIN, BLOCKS, CLASSIFIER], ids=lambda config: config.kind)
def test_a_resumed_run_ends_as_an_uninterrupted_one(config, tmp_path, monkeypatch):
    main = faces.build(MAIN, seed=3)
    whole, _ = fit(config, main=main)
    steps = iter(range(2))

    def interrupted(*args):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return step(*args)

    step = training.log_means
    monkeypatch.setattr(training, "log_means", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(config, main=main, path=tmp_path)
    monkeypatch.undo()
    resumed, loop = fit(config, main=main, path=tmp_path)
    assert loop.resumed_from is not None
    assert loop.done
    assert_same_weights(whole, resumed)


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
    rates = [loop.state[name].param_groups[0]["lr"] for name in ("optimizer", "opponent")]
    assert rates == pytest.approx([1e-3, 3e-3])


def test_tuning_leaves_the_main_network_alone():
    main = faces.build(MAIN, seed=3)
    before = {name: value.clone() for name, value in main.state_dict().items()}
    blocks, _ = fit(replace(BLOCKS, average=0.0), main=main)
    assert all(torch.equal(value, before[name]) for name, value in main.state_dict().items())
    assert main.training  # as it was
    assert all(parameter.requires_grad for parameter in main.parameters())
    assert not torch.equal(blocks["up.1"].layers[4].weight, faces.build(BLOCKS)["up.1"].layers[4].weight)


def test_blocks_without_a_generator_say_what_to_train_first(tmp_path):
    with pytest.raises(ReaderError, match=r"tuning blocks on the generator face_dark_hair.*--only face_dark_hair"):
        faces.train(BLOCKS, out=tmp_path, profile="smoke", progress=False)
    with pytest.raises(ReaderError, match="give it, main="):
        fit(BLOCKS)


def test_held_out_faces_are_of_the_experiments_kind_and_none_of_its_training_set():
    held_out, known = faces.held_out_faces(BLOCKS, 8), faces.training_faces(BLOCKS)
    for found in (held_out, known):
        assert found.having("blond_hair").all()
        assert not found.having("glasses").any()
    assert not any(torch.equal(one, other) for one in held_out.images for other in known.images)


def test_celeba_without_enough_such_faces_is_refused(monkeypatch):
    monkeypatch.setattr(sets, "celeba", lambda folder, split: drawn_faces(60))
    config = replace(MAIN, data="celeba", lacking=("hat", "beard", "smiling", "glasses"), count=20)
    assert len(faces.training_faces(replace(config, count=1))) == 1
    with pytest.raises(ReaderError, match="asked for 20"):
        faces.training_faces(config)
