"""Domains: real pictures where they are at hand, some of them held out, built-in ones otherwise."""

import pytest
import torch
from PIL import Image

from lossconditioning import ReaderError
from lossconditioning.datasets import paintings, photographs
from lossconditioning.systems import mixed_domain as mixed


def folder_of(root, place, count):
    (root / place).mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (40, 32), (number, 0, 0)).save(root / place / f"{number:03d}.png")
    return root


def test_real_pictures_are_split_and_none_is_in_both_parts(tmp_path):
    folder_of(folder_of(tmp_path, "monet2photo/monet", 25), "monet2photo/photo", 10)
    learned, held_out = (mixed.pictures_of("monet", part, tmp_path) for part in ("train", "held_out"))
    reds = [{int(picture[0, 0, 0]) for picture in found.pictures.values()} for found in (learned, held_out)]
    assert reds[1] == {9, 19}
    assert reds[0] == set(range(25)) - reds[1]
    assert learned.source == "monet of monet2photo, 23 pictures"
    assert len(mixed.pictures_of("photographs", "held_out", tmp_path).pictures) == 1
    few = mixed.pictures_of("vangogh", "held_out", folder_of(tmp_path, "paintings/vangogh", 3))
    assert list(few.pictures) == ["002"]
    assert list(mixed.pictures_of("vangogh", "train", tmp_path).pictures) == ["000", "001"]


def test_built_in_pictures_stand_in_said_aloud(tmp_path, capfd):
    for part in ("train", "held_out"):
        found = mixed.pictures_of("monet", part, tmp_path)
        assert found.pictures.keys() < paintings().keys()
        assert found.source == "the built-in paintings"
    said = capfd.readouterr().err
    assert said.count("There are no pictures of monet in") == 1


def test_photographs_are_looked_up_as_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    assert mixed.pictures_of("photographs", "train").pictures.keys() == photographs().keys()
    folder_of(tmp_path, "bsds500/train", 2)
    assert mixed.pictures_of("photographs", "train").source == "bsds500/train, 2 photographs"
    folder_of(folder_of(tmp_path, "monet2photo/photo", 10), "monet2photo/monet", 10)
    assert mixed.pictures_of("photographs", "train").source == "photographs of monet2photo, 9 pictures"


@pytest.mark.parametrize("domain", ["photographs", "monet", "vangogh", "winter", "northern_lights"])
def test_every_domain_has_pictures_without_any_data(domain, tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path))
    for part in ("train", "held_out"):
        found = mixed.pictures_of(domain, part)
        assert found.pictures
        for picture in found.pictures.values():
            assert picture.dtype == torch.uint8
            assert picture.shape[0] == 3


def test_an_unknown_domain_or_part_is_answered_with_the_known_ones():
    with pytest.raises(ReaderError, match=r"no domain 'money'\. Did you mean 'monet'"):
        mixed.pictures_of("money")
    with pytest.raises(ReaderError, match=r"no part 'test'\. Known: train, held_out"):
        mixed.pictures_of("monet", "test")
