"""Face generation's experiments, networks and losses are DCGAN's, as described."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.losses import weighted
from lossconditioning.systems import dynamic_faces as faces
from lossconditioning.systems.dynamic_faces.recipes import build_discriminator
from lossconditioning.systems.dynamic_faces.task import Batch, Kept, Labelled, discriminator_terms

MAIN = faces.experiments("smoke")["face_dark_hair"]

# Experiments --------------------------------------------------------------------------------------------------------------


def test_the_experiments_are_the_same_in_every_profile_and_networks_come_first():
    names = ["face_classifier", "face_dark_hair", "face_blond_hair", "face_smiling"]
    assert all(list(faces.experiments(profile)) == names for profile in ("smoke", "demo", "laptop", "paper"))


@pytest.mark.parametrize("profile", ["laptop", "paper"])
def test_blocks_see_faces_with_their_attribute_and_are_else_trained_as_the_generator(profile):
    found = faces.experiments(profile)
    main = found["face_dark_hair"]
    for name, attribute in faces.TURNED.items():
        blocks = found[name]
        assert blocks.having == (attribute,)
        assert set(blocks.lacking) == set(main.lacking) - {attribute}
        assert replace(
            blocks, name="", kind="generator", main=None, having=(), lacking=(), keep=0.0, count=1, steps=1
        ) == replace(main, name="", lacking=(), count=1, steps=1)


def test_only_small_blocks_are_asked_to_keep_what_is_not_meant_for_the_paper_asks_none():
    for profile in ("smoke", "laptop", "paper"):
        for name, config in faces.experiments(profile).items():
            assert (config.keep > 0) == (name in faces.TURNED and profile != "paper"), (profile, name)


def test_what_a_card_does_not_mention_is_not_kept():
    values = faces.experiments("smoke")["face_smiling"].as_json()
    del values["keep"]
    assert faces.Config.from_json(values).keep == 0


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
        ({"learning_rate": 0.0}, "learning_rate is a positive number"),
        ({"discriminator_rate": -1.0}, "discriminator_rate is a positive number"),
        ({"beta_1": 1.0}, "beta_1"),
        ({"smoothing": -0.1}, "smoothing"),
        ({"keep": 1.0}, "keep, for tuning blocks alone"),
        ({"keep": -1.0}, "weight of at least 0; got -1.0"),
        ({"keep": float("nan")}, "finite weight"),
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


class Logits(nn.Module):
    """Puts out what it is given: of one row, its first number."""

    def forward(self, rows):
        return rows[:, 0]


def test_the_losses_are_cross_entropies_of_real_and_generated():
    real, fake = torch.tensor([[2.0], [-1.0]]), torch.tensor([[0.5], [-3.0]])
    batch, entropy = Batch(real, fake, Logits()), nn.BCEWithLogitsLoss(reduction="none")
    terms = discriminator_terms(replace(MAIN, smoothing=0.1), batch, fake)
    torch.testing.assert_close(terms["real"], entropy(real[:, 0], torch.full((2,), 0.9)))
    torch.testing.assert_close(terms["fake"], entropy(fake[:, 0], torch.zeros(2)))
    own = faces.terms(nn.Identity(), batch)
    torch.testing.assert_close(own["adversarial"], entropy(fake[:, 0], torch.ones(2)))
    torch.testing.assert_close(
        faces.weigh(MAIN, own, torch.tensor([1.0, 3.0])), own["adversarial"] * torch.tensor([1, 3])
    )


def test_the_discriminators_loss_does_not_reach_the_generator():
    fake = torch.zeros(2, 1, requires_grad=True)
    batch = Batch(torch.ones(2, 1, requires_grad=True), fake, Logits())
    weighted(discriminator_terms(MAIN, batch, fake), {}).sum().backward()
    assert fake.grad is None
    assert batch.faces.grad is not None


def test_a_classifiers_loss_is_the_mean_cross_entropy_of_its_attributes():
    logits, truth = torch.randn(3, 7), torch.randint(2, (3, 7)).float()
    found = faces.terms(nn.Identity(), Labelled(logits, truth))
    expected = nn.BCEWithLogitsLoss(reduction="none")(logits, truth).mean(1)
    torch.testing.assert_close(found["cross_entropy"], expected)


# What is to stay ----------------------------------------------------------------------------------------------------------


class Three(nn.Linear):
    """A classifier of three attributes, which reads their logits off three numbers: exactly, until it is trained."""

    names = ("meant", "one", "other")

    def __init__(self):
        super().__init__(3, 3, bias=False)
        nn.init.eye_(self.weight)


def kept(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Of people whose logits these are without and with blocks."""
    return Kept(nn.Identity(), Three(), ("meant",))(before, after)


def test_what_is_to_stay_is_measured_by_the_divergence_of_the_other_attributes():
    before, after = torch.randn(5, 3), torch.randn(5, 3)
    one, other = (torch.distributions.Bernoulli(logits=logits[:, 1:]) for logits in (before, after))
    expected = torch.distributions.kl_divergence(one, other).mean(1)
    torch.testing.assert_close(kept(before, after), expected)


def test_nothing_is_lost_where_only_the_attribute_that_is_meant_has_changed():
    before = 20 * torch.randn(5, 3)
    after = before + torch.tensor([30.0, 0.0, 0.0])
    assert torch.equal(kept(before, after), torch.zeros(5))


def test_somebody_whom_the_classifier_is_sure_to_have_changed_is_still_called_back():
    before, after = torch.tensor([[0.0, 40.0, 0.0]]), torch.tensor([[0.0, -40.0, 0.0]], requires_grad=True)
    found = kept(before, after)
    found.sum().backward()
    assert float(found.detach()) == pytest.approx(20)  # 40 nats, over two attributes
    assert after.grad[0].tolist() == pytest.approx([0, -0.5, 0])


def test_what_judges_is_neither_changed_nor_trained():
    classifier, after = Three(), torch.randn(4, 3, requires_grad=True)
    judge = Kept(nn.Identity(), classifier, ("meant",))
    judge(torch.randn(4, 3), after).sum().backward()
    assert after.grad is not None
    assert classifier.weight.grad is judge.classifier.weight.grad is None
    assert classifier.training
    assert not judge.classifier.training


def test_what_is_not_kept_counts_by_its_own_weight():
    batch = Batch(torch.zeros(2, 3), torch.randn(2, 3), Logits(), Kept(nn.Identity(), Three(), ("meant",)))
    found = faces.terms(lambda codes: codes + 1, batch)
    assert list(found) == ["adversarial", "kept"]
    assert (found["kept"] > 0).all()
    total = faces.weigh(replace(MAIN, kind="blocks", main="face_dark_hair", keep=3.0), found, torch.ones(2))
    torch.testing.assert_close(total, found["adversarial"] + 3 * found["kept"])
