"""The generators and hypernetworks that ship: size, cards, and the numbers that notebook and README rest on."""

import hashlib

import pytest
import torch

from lossconditioning.paths import shipped
from lossconditioning.systems import hyper_singan as hyper

FOLDER = shipped("checkpoints") / "hyper_singan"
EXPERIMENTS = hyper.experiments("laptop")
SHIPPED = sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def test_they_stay_below_fourteen_megabytes_and_eight_each():
    sizes = [file.stat().st_size for file in FOLDER.iterdir()]
    assert sum(sizes) < 14e6
    assert max(sizes) < 8e6


def test_what_the_notebook_shows_ships():
    assert {"play", "dataset", "batch_4", "shared", *(f"singan_{n}" for n in range(5))} <= {*SHIPPED}
    assert {file.stem for file in FOLDER.iterdir()} == {*SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_network_loads_and_is_what_its_profile_trains(name):
    loaded = hyper.load(name)
    assert loaded.config == EXPERIMENTS[name]
    assert (loaded.card.profile, loaded.card.steps) == ("laptop", EXPERIMENTS[name].steps)
    assert loaded.card.digest == hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", [name for name in SHIPPED if not name.startswith(("places_", "lsun_"))])
def test_it_repeats_its_picture_and_paints_others_of_its_colours(name):
    loaded = hyper.load(name)
    picture = hyper.pictures_of(loaded.config)[:1]
    with torch.no_grad():
        weights = loaded.model.weights(loaded.model.code(hyper.seen(picture, loaded.config.seen)))
        again = loaded.model.reconstruct(weights, 1)[-1]
        painted = hyper.sample(loaded.model, weights, 8)
    flat = picture.mean((2, 3), keepdim=True).expand_as(picture)
    assert float((again - picture).square().mean()) < 0.5 * float((flat - picture).square().mean())
    assert float((painted.mean((0, 2, 3)) - picture.mean((0, 2, 3))).abs().max()) < 0.3
    assert float(painted.std(0).mean()) > 0.02
    assert painted.isfinite().all()
