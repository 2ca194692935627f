"""Pictures to learn from, those that nobody learns, and batches that are functions of (seed, step) alone."""

from dataclasses import replace

import pytest
import torch
from PIL import Image
from small_hyper import SMALL, SMOKE, same, some

from lossconditioning import ReaderError
from lossconditioning.datasets import scenery
from lossconditioning.systems.hyper_singan.data import UNSEEN, experiment_data, pictures_of, seen
from lossconditioning.systems.hyper_singan.pyramid import resized
from lossconditioning.training import Run

CONFIG = SMALL["dataset"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six pictures in place of the fifty, of one grey each, 10 apart."""
    root = tmp_path_factory.mktemp("data")
    place = root / "single_image" / "places50_real"
    place.mkdir(parents=True)
    for number in range(6):
        Image.new("RGB", (60, 40), (10 * number,) * 3).save(place / f"{number}.png")
    return root


def greys(pictures):
    return ((pictures + 1) * 127.5).mean((1, 2, 3)).round().tolist()


def test_drawn_pictures_are_as_large_as_the_finest_scale():
    found = pictures_of(CONFIG, SMOKE)
    assert found.shape == (4, 3, 20, 27)
    assert -1 <= float(found.min()) < -0.2 < 0.2 < float(found.max()) <= 1
    expected = resized(scenery(4, "train", 32).float() / 127.5 - 1, (20, 27))
    assert torch.equal(found, expected)
    larger = replace(CONFIG, scales=3)
    assert torch.equal(pictures_of(larger, SMOKE), scenery(4, "train", 44).float() / 127.5 - 1)


def test_an_experiment_learns_count_pictures_from_first_on():
    whole = pictures_of(CONFIG, SMOKE)
    part = replace(CONFIG, first=1, count=2)
    assert torch.equal(pictures_of(part, SMOKE), whole[1:3])
    assert torch.equal(pictures_of(SMALL["single_1"], SMOKE), whole[1:2])


def test_unseen_pictures_are_none_of_those_that_are_learned():
    learned, unseen = (pictures_of(CONFIG, SMOKE, part) for part in ("train", "test"))
    assert unseen.shape == (UNSEEN, 3, 20, 27)
    assert float((learned[:, None] - unseen[None]).abs().flatten(2).mean(-1).min()) > 0.01
    with pytest.raises(ReaderError, match="no part of the pictures 'held_out'"):
        pictures_of(CONFIG, SMOKE, "held_out")


def test_real_pictures_are_those_of_the_folder_by_number(folder):
    config, run = replace(CONFIG, dataset="places50", first=1, count=3), Run(data=folder)
    assert greys(pictures_of(config, run)) == [10, 20, 30]
    assert greys(pictures_of(config, run, "test")) == [40, 50]
    everything = replace(config, first=0, count=6)
    assert len(pictures_of(everything, run)) == 6
    assert len(pictures_of(everything, run, "test")) == 0
    with pytest.raises(ReaderError, match=r"learns from pictures 4 to 6 of places50, which has 6\. Give a smaller"):
        pictures_of(replace(config, first=4), run)


def test_where_real_pictures_are_not_there_that_is_said_and_smoke_does_without(tmp_path):
    config = SMALL["places_dataset"]
    with pytest.raises(ReaderError, match="in the authors' repositories"):
        pictures_of(config, Run(data=tmp_path))
    smoke = replace(SMOKE, data=tmp_path)
    assert torch.equal(pictures_of(config, smoke), pictures_of(SMALL["dataset"], SMOKE))
    assert experiment_data(config, smoke).source == "scenery: pictures 0 to 3"


def test_embeddings_see_the_whole_picture_in_a_square():
    picture = some(1, (20, 27))
    assert seen(picture, 32).shape == (1, 3, 32, 32)
    corners = seen(picture, 64)[..., [0, 0, -1, -1], [0, -1, 0, -1]]
    torch.testing.assert_close(corners, picture[..., [0, 0, -1, -1], [0, -1, 0, -1]])


# Batches ------------------------------------------------------------------------------------------------------------------


def test_batches_depend_on_seed_and_step_alone():
    config = replace(CONFIG, batch_size=3)
    one, other = (experiment_data(config, SMOKE).batches for _ in range(2))
    other(7)
    for step in (0, 3):
        for part, again in zip(one(step).reals, other(step).reals, strict=True):
            assert torch.equal(part, again)
    orders = {tuple(one(step).images.mean((1, 2, 3)).tolist()) for step in range(8)}
    assert len(orders) > 2
    for changed in (
        experiment_data(config, replace(SMOKE, seed=1)),
        experiment_data(replace(config, repeat=1), SMOKE),
    ):
        assert any(not torch.equal(changed.batches(step).images, one(step).images) for step in range(4))


def test_a_batch_is_of_the_same_pictures_at_every_scale_so_far():
    config = replace(CONFIG, scales=3, batch_size=3)
    data, pictures = experiment_data(config, SMOKE), pictures_of(config, SMOKE)
    for step, scale in ((0, 0), (1, 0), (2, 1), (5, 2)):
        batch = data.batches(step)
        assert (batch.scale, len(batch.reals)) == (scale, scale + 1)
        assert batch.discriminator is data.discriminator
        images = seen(pictures, config.seen)
        numbers = [int((images - image).abs().sum((1, 2, 3)).argmin()) for image in batch.images]
        assert len(set(numbers)) == 3
        assert torch.equal(batch.images, images[numbers])
        for real, size in zip(batch.reals, config.sizes, strict=False):
            assert torch.equal(real, resized(pictures[numbers], size))


def test_a_batch_has_no_more_pictures_than_there_are():
    batch = experiment_data(replace(SMALL["single_0"], batch_size=8), SMOKE).batches(0)
    assert len(batch.images) == 1


def test_held_out_are_the_pictures_themselves():
    data = experiment_data(CONFIG, SMOKE)
    assert torch.equal(data.held_out, pictures_of(CONFIG, SMOKE))


def test_the_discriminator_is_another_one_for_every_seed_and_repetition():
    first = experiment_data(CONFIG, SMOKE).discriminator
    torch.manual_seed(5)
    assert same(first, experiment_data(CONFIG, SMOKE).discriminator)
    assert not same(first, experiment_data(CONFIG, replace(SMOKE, seed=1)).discriminator)
    assert not same(first, experiment_data(replace(CONFIG, repeat=1), SMOKE).discriminator)


def test_a_frozen_backbones_weights_come_with_the_data_and_are_named():
    data = experiment_data(SMALL["frozen_1"], SMOKE)
    assert set(data.backbone) == set(data.discriminator.embedding.backbone.layers.state_dict())
    assert "; embeddings by " in data.source
    assert experiment_data(CONFIG, SMOKE).backbone is None
