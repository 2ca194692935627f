"""Every number is one picture of the 3-D Shapes world, and every factor changes what it is named after."""

import colorsys
import math
from itertools import pairwise

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossconditioning import ReaderError
from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, OriginalShapes3D, Shapes3D, factors_of, index_of

SIZES = tuple(FACTORS.values())
COUNT = math.prod(SIZES)
START = {"floor_hue": 3, "wall_hue": 7, "object_hue": 0, "scale": 4, "shape": 0, "orientation": 6}


@pytest.fixture(scope="module")
def world() -> Shapes3D:
    return Shapes3D()


def number(**factors: int) -> torch.Tensor:
    return index_of(torch.tensor([[{**START, **factors}[name] for name in FACTORS]]))


def picture(world: Shapes3D, **factors: int) -> torch.Tensor:
    return world[number(**factors)][0].int()


def light(world: Shapes3D, **factors: int) -> torch.Tensor:
    """Light of floor, wall, object and highlight at every pixel, (4, 64, 64)."""
    index = number(**factors)
    world[index]
    return world._maps[int(index) % (8 * 4 * 15)].view(4, 64, 64)


def object_pixels(world: Shapes3D, **factors: int) -> torch.Tensor:
    return (picture(world, **factors, object_hue=0) != picture(world, **factors, object_hue=5)).any(0)


# Numbers and factors ----------------------------------------------------------------------------------------------


def test_the_factors_of_all_numbers_are_numpys():
    numbers = torch.arange(COUNT)
    factors = factors_of(numbers)
    assert torch.equal(factors, torch.from_numpy(np.stack(np.unravel_index(numbers.numpy(), SIZES), axis=-1)))
    assert torch.equal(index_of(factors), numbers)


@settings(max_examples=50, deadline=None)
@given(shape=st.lists(st.integers(0, 3), max_size=3), dtype=st.sampled_from([torch.int32, torch.int64]), data=st.data())
def test_numbers_and_factors_are_inverse_in_any_shape(shape, dtype, data):
    values = data.draw(
        st.lists(st.integers(0, COUNT - 1), min_size=(n := math.prod(shape)), max_size=n), label="numbers"
    )
    numbers = torch.tensor(values, dtype=dtype).reshape(shape)
    factors = factors_of(numbers)
    assert factors.shape == (*shape, 6)
    assert (index_of(factors) == numbers).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_factors_of_a_small_type_give_large_numbers(dtype):
    assert index_of(torch.tensor([size - 1 for size in SIZES], dtype=dtype)) == COUNT - 1


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("wrong", ["low", "high"])
def test_a_factor_out_of_range_is_refused(name, wrong):
    values = [{**START, name: -1 if wrong == "low" else FACTORS[name]}[factor] for factor in FACTORS]
    with pytest.raises(ReaderError, match=r"six factors.*got"):
        index_of(torch.tensor(values))
    with pytest.raises(ReaderError, match="six factors"):
        index_of(torch.tensor([[0] * 6, values]))


@pytest.mark.parametrize("shape", [(), (5,), (7,), (6, 1)])
def test_a_picture_has_six_factors(shape):
    with pytest.raises(ReaderError, match="six factors"):
        index_of(torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("wrong", [-1, COUNT, 10**9])
def test_a_number_out_of_range_is_refused(wrong, world):
    with pytest.raises(ReaderError, match="from 0 to 479,999"):
        factors_of(torch.tensor([0, wrong]))
    with pytest.raises(ReaderError, match="from 0 to 479,999"):
        world[[wrong]]


# Rendered pictures ------------------------------------------------------------------------------------------------


def test_pictures_are_bytes_and_all_of_them_are_there(world):
    assert len(world) == COUNT
    pictures = world[torch.tensor([0, COUNT - 1, 0])]
    assert (pictures.dtype, pictures.shape) == (torch.uint8, (3, 3, 64, 64))
    assert torch.equal(pictures[0], pictures[2])
    assert not torch.equal(pictures[0], pictures[1])
    assert world[torch.zeros(0, dtype=torch.long)].shape == (0, 3, 64, 64)


def test_a_picture_does_not_depend_on_who_asks_and_with_what(world):
    numbers = torch.tensor([0, 5, 77_777, 123_456, 333_333, COUNT - 1])
    together, fresh = world[numbers], Shapes3D()
    for index in (5, 0, 3, 3, 2, 4, 1):
        assert torch.equal(fresh[numbers[index : index + 1]][0], together[index])
    assert torch.equal(fresh[numbers.tolist()], together)
    assert torch.equal(fresh[numbers.int()], together)
    assert torch.equal(world[numbers.view(2, 3)], together.view(2, 3, 3, 64, 64))
    assert torch.equal(world[numbers[4]], together[4])
    assert torch.equal(world[numbers.repeat(30)], together.repeat(30, 1, 1, 1))


@pytest.mark.parametrize(("surface", "name"), [(0, "floor_hue"), (1, "wall_hue"), (2, "object_hue")])
@pytest.mark.parametrize("shape", range(4))
def test_a_hue_changes_its_own_surface_alone(surface, name, shape, world):
    lit = light(world, shape=shape)[surface] > 0
    assert 0 < lit.sum() < 64 * 64
    before = picture(world, shape=shape, **{name: 0})
    for hue in (4, 9):
        moved = (picture(world, shape=shape, **{name: hue}) != before).any(0)
        assert not moved[~lit].any()
        assert moved[lit].float().mean() > 0.95


def test_the_hues_are_ten_saturated_colours(world):
    lit = light(world)
    floor = ((lit[0] > 0) & (lit[1:].sum(0) == 0)).nonzero()[-1]
    found = []
    for hue in range(10):
        rgb = picture(world, floor_hue=hue)[:, floor[0], floor[1]].tolist()
        h, s, v = colorsys.rgb_to_hsv(*(value / 255 for value in rgb))
        assert s == 1
        assert v > 0.3
        assert h == pytest.approx(hue / 10, abs=0.01)
        found.append(tuple(rgb))
    assert len(set(found)) == 10


@pytest.mark.parametrize("shape", range(4))
def test_a_larger_scale_covers_more(shape, world):
    covered = [object_pixels(world, shape=shape, scale=scale) for scale in range(8)]
    counts = [int(mask.sum()) for mask in covered]
    assert counts == sorted(set(counts))
    assert counts[-1] > 1.8 * counts[0]
    assert all((small & ~large).sum() < 0.02 * small.sum() for small, large in pairwise(covered))


def test_the_four_shapes_differ(world):
    masks = [object_pixels(world, shape=shape) for shape in range(4)]
    for first in range(4):
        for second in range(first):
            assert (masks[first] ^ masks[second]).sum() > 50


@pytest.mark.parametrize("shape", range(4))
def test_the_orientation_turns_the_room_and_the_cube(shape, world):
    sides = [light(world, shape=shape, orientation=orientation) for orientation in range(15)]
    for left, right in pairwise(sides):
        assert (left[1] != right[1]).float().mean() > 0.02
    silhouettes = [object_pixels(world, shape=shape, orientation=orientation) for orientation in (0, 7, 14)]
    turned = max(int((silhouettes[1] ^ other).sum()) for other in silhouettes[::2])
    assert (turned > 20) == (shape == 0)


@pytest.mark.parametrize("shape", range(4))
def test_light_is_finite_and_every_pixel_shows_something(shape, world):
    for scale, orientation in ((0, 0), (0, 14), (7, 0), (7, 14)):
        lit = light(world, shape=shape, scale=scale, orientation=orientation)
        assert lit.isfinite().all()
        assert lit.amin() >= 0
        assert lit[:3].amax() <= 1 + 1e-5
        assert lit[:3].sum(0).amin() > 0.2


def test_outlines_are_smooth(world):
    def shared(lit):
        return ((lit[2] > 0) & (lit[:2].sum(0) > 0)).sum()

    rough = Shapes3D(supersampling=1)
    for shape in range(4):
        assert shared(light(rough, shape=shape)) == 0
        assert shared(light(world, shape=shape)) > 40


def test_more_rays_change_little(world):
    rough, fine = Shapes3D(supersampling=1), Shapes3D(supersampling=6)
    for shape in range(4):
        expected = picture(fine, shape=shape)
        error, rougher = ((picture(w, shape=shape) - expected).abs().float().mean() for w in (world, rough))
        assert error < 0.5 * rougher
        assert error < 1.0


@pytest.mark.parametrize("shape", range(4))
def test_a_highlight_is_on_the_object_and_bright_where_it_is_round(shape, world):
    for orientation in (0, 7, 14):
        floor, wall, thing, highlight = light(world, shape=shape, orientation=orientation)
        assert not highlight[thing == 0].any()
        assert highlight.amax() <= 0.45
        if shape >= 2:
            assert highlight.amax() > 0.3
            assert (floor + wall)[highlight == highlight.amax()].sum() == 0


def test_the_highlight_is_white(world):
    lit = light(world, shape=2)
    brightest = lit[3].argmax()
    for hue in (0, 3, 6):
        rgb = picture(world, shape=2, object_hue=hue).flatten(1)[:, brightest]
        assert rgb.min() > 100


# The original -----------------------------------------------------------------------------------------------------


@pytest.fixture
def original(tmp_path):
    """A folder with a small file as the original is laid out, and its pictures."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    with h5py.File(tmp_path / "3dshapes.h5", "w") as file:
        file["images"] = pictures
        file["labels"] = np.zeros((20, 6))
    return tmp_path, torch.from_numpy(pictures).permute(0, 3, 1, 2)


@pytest.mark.parametrize("numbers", [[0], [19, 3, 3, 0, 19, 7], list(range(20)), [5] * 4, [[1, 9], [9, 0]]])
def test_the_original_is_read_in_any_order(numbers, original):
    folder, pictures = original
    world = shapes3d("original", folder)
    assert isinstance(world, OriginalShapes3D)
    assert len(world) == 20
    assert "3dshapes.h5" in world.source
    for asked in (numbers, torch.tensor(numbers)):
        found = world[asked]
        assert found.dtype == torch.uint8
        assert torch.equal(found, pictures[torch.tensor(numbers)])


def test_a_single_number_of_the_original_is_a_single_picture(original):
    folder, pictures = original
    assert torch.equal(shapes3d("original", folder)[torch.tensor(4)], pictures[4])


def test_the_original_is_looked_up_where_the_environment_says(original, monkeypatch):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(original[0]))
    assert len(shapes3d("original")) == 20


def grouped(path):
    with h5py.File(path, "w") as file:
        file.create_group("images")


def linked(path, link):
    with h5py.File(path, "w") as file:
        file["images"] = link


def typed(path):
    with h5py.File(path, "w") as file:
        file["images"] = np.dtype("uint8")


def write(path, name="images", shape=(4, 64, 64, 3), dtype=np.uint8):
    with h5py.File(path, "w") as file:
        file[name] = np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "There is no .*github.com.*rendered", id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), "damaged", id="empty"),
        pytest.param(lambda path: path.write_bytes(b"not an h5 file" * 1000), "damaged", id="text"),
        pytest.param(lambda path: path.mkdir(), "damaged", id="folder"),
        pytest.param(lambda path: write(path, name="pictures"), "damaged or is not", id="no images"),
        pytest.param(grouped, "holds no array named images", id="a group"),
        pytest.param(typed, "holds no array named images", id="a type"),
        pytest.param(lambda path: linked(path, h5py.SoftLink("/images")), "damaged or is not", id="circular link"),
        pytest.param(lambda path: linked(path, h5py.SoftLink("/nothing")), "damaged or is not", id="broken link"),
        pytest.param(lambda path: linked(path, h5py.ExternalLink(path.name, "/images")), "damaged or", id="external"),
        pytest.param(lambda path: write(path, shape=(4, 32, 32, 3)), r"\(4, 32, 32, 3\), uint8; expected", id="side"),
        pytest.param(lambda path: write(path, shape=(4, 3, 64, 64)), r"\(4, 3, 64, 64\), uint8; expected", id="layout"),
        pytest.param(lambda path: write(path, dtype=np.float32), "float32", id="type"),
    ],
)
def test_a_file_that_is_not_the_original_is_refused_by_name(make, said, tmp_path):
    make(tmp_path / "3dshapes.h5")
    with pytest.raises(ReaderError, match=said) as refused:
        shapes3d("original", tmp_path)
    assert str(tmp_path / "3dshapes.h5") in str(refused.value)


def test_a_truncated_file_is_refused_by_name(original):
    file = original[0] / "3dshapes.h5"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ReaderError, match=r"3dshapes\.h5 is damaged"):
        shapes3d("original", original[0])


def test_an_unknown_source_is_answered_with_the_closest():
    with pytest.raises(ReaderError, match=r"no source 'orignal'. Did you mean 'original'"):
        shapes3d("orignal")
