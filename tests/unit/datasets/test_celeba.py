"""CelebA is read as torchvision lays it out, here from a very small one, and refused by name where something is wrong."""

import hashlib
import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torchvision.datasets import CelebA

from lossconditioning import ReaderError
from lossconditioning.datasets.celeba import LISTS, PICTURES, celeba, fetch
from lossconditioning.datasets.people import portraits

NAMES = ["5_o_Clock_Shadow", "Arched_Eyebrows", "Blond_Hair", "Eyeglasses", "Male", "Smiling"]
PARTS = (0, 0, 0, 1, 1, 2, 2)
HELD = torch.rand(len(PARTS), len(NAMES), generator=torch.Generator().manual_seed(0)) < 0.5
FILES = [f"{number:06}.jpg" for number in range(1, len(PARTS) + 1)]


def write_lists(folder):
    """The five lists, in the authors' layout: two head a count and names, and the attributes' names end in a blank."""
    rows = [" ".join(f"{2 * int(value) - 1:2}" for value in row) for row in HELD]
    texts = {
        "list_attr_celeba.txt": [str(len(FILES)), " ".join(NAMES) + " ", *map(" ".join, zip(FILES, rows, strict=True))],
        "identity_CelebA.txt": [f"{file} {number + 7}" for number, file in enumerate(FILES)],
        "list_bbox_celeba.txt": [str(len(FILES)), "image_id x_1 y_1 width height", *(f"{f} 9 9 80 90" for f in FILES)],
        "list_landmarks_align_celeba.txt": [str(len(FILES)), "lefteye_x lefteye_y", *(f"{f}  69  111" for f in FILES)],
        "list_eval_partition.txt": [f"{file} {part}" for file, part in zip(FILES, PARTS, strict=True)],
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder with a very small CelebA, whose checksums torchvision takes for the authors'."""
    folder = tmp_path / "celeba"
    (folder / PICTURES).mkdir(parents=True)
    write_lists(folder)
    for number, file in enumerate(FILES):
        picture = Image.new("RGB", (178, 218), (250, 0, 250))
        picture.paste((20 * number, 200, 255 - 30 * number), (15, 35, 163, 183))
        picture.paste((255, 255, 255), (15, 35, 89, 109))
        picture.save(folder / PICTURES / file, quality=98, subsampling=0)
    sums = [("", hashlib.md5((folder / name).read_bytes()).hexdigest(), name) for name in LISTS]
    monkeypatch.setattr(CelebA, "file_list", [("", "0" * 32, f"{PICTURES}.zip"), *sums])
    return tmp_path


def test_the_lists_are_those_that_torchvision_asks_for():
    assert {name for _, _, name in CelebA.file_list} == {*LISTS, f"{PICTURES}.zip"}


@pytest.mark.parametrize(("split", "part"), [("train", 0), ("valid", 1), ("test", 2), ("all", None)])
def test_a_part_has_its_faces_and_their_attributes(split, part, home):
    found = celeba(home, split)
    chosen = [number for number, its in enumerate(PARTS) if part in (its, None)]
    assert (found.images.dtype, found.images.shape) == (torch.uint8, (len(chosen), 3, 64, 64))
    assert found.attributes.dtype == torch.bool
    assert torch.equal(found.attributes, HELD[chosen])
    assert found.names == tuple(name.lower() for name in NAMES)
    assert f"{len(chosen)} faces of '{split}'" in found.source
    for picture, number in zip(found.images.int(), chosen, strict=True):
        expected = torch.tensor([20 * number, 200, 255 - 30 * number])
        assert (picture[:, 36:60, 36:60] - expected[:, None, None]).abs().max() < 12


def test_a_face_is_the_middle_of_its_photograph(home):
    picture = celeba(home, count=1).images[0].int()
    assert picture[:, :28, :28].min() > 235
    assert (picture[1] > 150).all()  # nothing of the margin, in which there is no green


def test_faces_are_counted_from_the_first_and_split_by_attribute(home):
    found = celeba(str(home), count=2)
    assert torch.equal(found.images, celeba(home).images[:2])
    without, having = celeba(home, "all").split("smiling")
    assert len(having) == int(HELD[:, -1].sum())
    assert torch.equal(without.attributes, HELD[~HELD[:, -1]])
    with pytest.raises(ReaderError, match=r"no attribute 'glasses'. Did you mean 'eyeglasses'"):
        found.split("glasses")


def test_faces_are_chosen_by_several_attributes_and_counted_afterwards(home):
    everyone, wanted = celeba(home), HELD[:3, 2] & ~HELD[:3, 3]
    assert int(wanted.sum()) == 2
    found = portraits("celeba", "train", 0, home, having=("blond_hair",), lacking=("eyeglasses",))
    assert torch.equal(found.images, everyone.images[wanted])
    assert found.source == f"{everyone.source}, without eyeglasses, with blond_hair"
    one = portraits("celeba", "train", 1, home, having=("blond_hair",), lacking=("eyeglasses",))
    assert torch.equal(one.images, found.images[:1])
    assert one.source == f"1 of {found.source}"
    with pytest.raises(ReaderError, match=r"such faces .* asked for 3. Ask for fewer, or leave out an attribute"):
        portraits("celeba", "train", 3, home, having=("blond_hair",), lacking=("eyeglasses",))
    assert torch.equal(portraits("celeba", "train", 0, home).images, everyone.images)
    assert portraits("celeba", "train", 2, home).source == celeba(home, count=2).source


def test_the_environment_says_where_to_look(home, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(home))
    assert len(celeba()) == 3


def test_more_than_there_are_is_refused(home):
    with pytest.raises(ReaderError, match="has 3 faces of 'train'; asked for 4"):
        celeba(home, count=4)
    with pytest.raises(ReaderError, match="count must be a whole number"):
        celeba(home, count=0)
    with pytest.raises(ReaderError, match=r"no split 'trian'. Did you mean 'train'"):
        celeba(home, "trian")


@pytest.mark.parametrize("name", [None, PICTURES, *LISTS])
def test_what_is_missing_is_named_with_how_to_get_it(name, home, tmp_path):
    if name is None:
        home = tmp_path / "elsewhere"
    else:
        (home / "celeba" / name).rename(home / name)
    with pytest.raises(ReaderError, match=rf"not found: {name or PICTURES}") as refused:
        celeba(home)
    for part in (str(home / "celeba"), "lossconditioning data fetch celeba", "mmlab.ie.cuhk.edu.hk", "datasets.faces"):
        assert part in str(refused.value)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_not_the_authors_is_refused(name, home):
    with open(home / "celeba" / name, "a") as file:
        file.write("\n")
    with pytest.raises(ReaderError, match=r"damaged.*fetch it again") as refused:
        celeba(home)
    assert name in str(refused.value)


def test_a_photograph_that_can_not_be_read_is_named(home):
    file = home / "celeba" / PICTURES / FILES[1]
    whole = file.read_bytes()
    Image.new("RGB", (64, 64)).save(file)
    with pytest.raises(ReaderError, match=r"000002\.jpg has 64×64 pixels; expected 178×218"):
        celeba(home)
    file.write_bytes(whole[:300])
    with pytest.raises(ReaderError, match=r"000002\.jpg can not be read"):
        celeba(home)
    file.unlink()
    with pytest.raises(ReaderError, match=r"no picture .*000002\.jpg"):
        celeba(home)
    assert len(celeba(home, count=1)) == 1


# Fetching ---------------------------------------------------------------------------------------------------------


def test_a_whole_copy_is_left_alone(home):
    assert fetch(home) == home / "celeba"
    assert fetch(str(home)) == home / "celeba"


def test_a_copy_that_was_killed_in_unpacking_is_told_from_a_whole_one(home):
    (home / "celeba" / PICTURES / FILES[4]).unlink()
    with pytest.raises(ReaderError, match=r"lacks 1 of 7 photographs.*fetch again"):
        fetch(home)


class QuotaError(Exception):
    """As gdown's own, which derives from nothing more telling."""


@pytest.mark.parametrize("error", [QuotaError("Too many users have viewed this file"), OSError("no route to host")])
def test_a_failed_download_says_why_and_how_to_go_on(error, tmp_path, monkeypatch):
    def download(**_):
        raise error

    monkeypatch.setitem(sys.modules, "gdown", SimpleNamespace(download=download))
    with pytest.raises(ReaderError, match=r"could not be downloaded") as refused:
        fetch(tmp_path)
    for part in (str(error), str(tmp_path / "celeba"), "try again tomorrow", "mmlab.ie.cuhk.edu.hk"):
        assert part in str(refused.value)


def test_without_gdown_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(ReaderError, match="pip install gdown"):
        fetch(tmp_path)
