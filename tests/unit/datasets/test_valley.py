"""The valley: layouts that tell nothing of the style, pictures that show it, one place in every light, smooth films."""

import itertools

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets import DATASETS, time_lapse, valley
from lossconditioning.datasets.landscapes.noise import colors
from lossconditioning.datasets.valley import FACTORS, HOURS, PLACES
from lossconditioning.datasets.valley.coloring import SEASONS
from lossconditioning.datasets.valley.land import LEVEL, Land
from lossconditioning.datasets.valley.light import WEATHERS, Style, elevation, light_of
from lossconditioning.datasets.valley.picture import Cut, layout, picture
from lossconditioning.datasets.valley.view import LAYOUT, place, view
from lossconditioning.datasets.valley.woods import woods

SIDE = 32
CUT = Cut(0, SIDE, 0.5, 0.5)
MIDDLE = {"night": 1.0, "dawn": 6.2, "day": 12.0, "dusk": 17.8}


@pytest.fixture(scope="module")
def pairs():
    return valley(60, size=SIDE)


@pytest.fixture(scope="module")
def every():
    """One cut in every style, in the middle of each part of the day: (hour, weather, season) → ``(32, 32, 3)`` in [0, 1]."""
    return {
        style: picture(CUT, Style(MIDDLE[style[0]], *style[1:])).astype(np.float32) / 255
        for style in itertools.product(HOURS, WEATHERS, SEASONS)
    }


# What a pair is -----------------------------------------------------------------------------------------------------------


def test_they_are_pairs_with_named_factors(pairs):
    for part in (pairs.layouts, pairs.pictures):
        assert (part.dtype, part.shape) == (torch.uint8, (60, 3, SIDE, SIDE))
        assert part.is_contiguous()
    assert (pairs.factors.dtype, pairs.factors.shape) == (torch.int64, (60, 3))
    assert (pairs.names, pairs.values) == (("hour", "weather", "season"), tuple(FACTORS.values()))
    for name, values in FACTORS.items():
        assert pairs.factor(name).unique().tolist() == list(range(len(values)))
    assert pairs.source == "the valley, 60 pairs of 'train'"


def test_a_pair_does_not_depend_on_how_many_are_asked_for(pairs):
    found = valley(7, size=SIDE)
    for name in ("layouts", "pictures", "factors"):
        assert torch.equal(getattr(found, name), getattr(pairs, name)[:7])


def test_no_generator_of_the_readers_is_touched():
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    valley(1, size=16)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_parts_are_seen_from_places_of_their_own_and_in_other_styles(pairs):
    assert len({number for places in PLACES.values() for number in places}) == sum(map(len, PLACES.values()))
    assert len({place(number).x for places in PLACES.values() for number in places}) == 18
    other = valley(8, "test", SIDE)
    assert not torch.equal(other.factors, pairs.factors[:8])
    apart = torch.cdist(other.layouts.float().flatten(1), pairs.layouts.float().flatten(1)) / (3 * SIDE * SIDE) ** 0.5
    assert apart.min() > 1


def test_the_style_of_another_leaves_the_layout_and_gives_its_factors(pairs):
    styles = torch.arange(12).flip(0)
    found = valley(12, size=SIDE, styles=styles)
    assert torch.equal(found.layouts, pairs.layouts[:12])
    assert torch.equal(found.factors, pairs.factors[styles])
    same = valley(3, size=SIDE, styles=[7, 7, 7])
    assert same.style(0) == same.style(2) == pairs.style(7)
    assert torch.equal(valley(3, size=SIDE, styles=range(3)).pictures, pairs.pictures[:3])


def test_layouts_differ_little_and_pictures_much(pairs):
    layouts, pictures = (part.float().flatten(1) for part in (pairs.layouts, pairs.pictures))
    mean = pairs.layouts.float().mean((2, 3))
    assert mean.std(0).max() < 12
    assert pairs.pictures.float().mean((2, 3)).std(0).min() > 30
    assert torch.pdist(pictures).mean() > 1.3 * torch.pdist(layouts).mean()


def test_a_layout_has_the_fixed_colours_and_all_of_them():
    drawn = layout(Cut(0, 64, 0.5, 0.5)).reshape(-1, 3).astype(np.float32)
    apart = np.abs(drawn[:, None] - 255 * colors(" ".join(LAYOUT.values()))[None]).max(-1)
    assert (apart.min(0) < 12).all()
    assert (apart.min(1) < 3).mean() > 0.5  # the others lie on borders, which are smoothed


# What a style shows -------------------------------------------------------------------------------------------------------


def test_all_styles_differ(every):
    flat = torch.from_numpy(np.stack(list(every.values()))).flatten(1)
    assert torch.pdist(flat).min() / flat.shape[1] ** 0.5 > 0.01  # in fog at night, spring and summer


def test_hours_have_their_light(every):
    sky = {hour: every[hour, "clear", "summer"][:4].mean((0, 1)) for hour in HOURS}
    mean = {hour: every[hour, "clear", "summer"].mean() for hour in HOURS}
    assert mean["day"] > mean["dawn"] > mean["night"]
    assert mean["day"] > mean["dusk"] > mean["night"]
    assert mean["night"] < 0.25
    assert sky["night"][2] > 2 * sky["night"][0]  # dark blue
    assert sky["day"][2] > sky["day"][0]
    assert sky["dusk"][0] > sky["dusk"][1] + 0.05
    assert sky["dawn"].mean() > sky["dusk"].mean()


def test_weather_takes_colour_and_contrast(every):
    def colour(weather):
        found = every["day", weather, "summer"]
        return (found.max(-1) - found.min(-1)).mean()

    def contrast(weather):
        return every["day", weather, "summer"][: SIDE // 2].mean(-1).std()

    assert colour("clear") > 1.5 * max(colour("overcast"), colour("fog"), colour("rain"))
    assert contrast("fog") < 0.8 * min(contrast("clear"), contrast("overcast"))
    assert every["day", "rain", "summer"].mean() < every["day", "overcast", "summer"].mean()


def test_seasons_have_their_colours(every):
    ground = {season: every["day", "clear", season][-6:].mean((0, 1)) for season in SEASONS}
    red, green, blue = ground["summer"]
    assert green > red > blue
    red, green, blue = ground["autumn"]
    assert red > green > blue
    assert ground["winter"].min() > 0.55
    assert ground["spring"][1] > ground["spring"][0]


def test_windows_are_lit_at_night_and_fewer_when_people_sleep():
    def warm(hour):
        found = picture(Cut(0, 96, 0.5, 0.5), Style(hour, "clear", "summer")).astype(int)
        return int(((found[..., 0] > 150) & (found[..., 0] > found[..., 2] + 40)).sum())

    late, evening = warm(2.0), warm(20.5)
    assert 3 < late < evening


def test_the_sun_reaches_the_summits_first():
    it, early = view(0, SIDE), picture(CUT, Style(6.4, "clear", "summer")).astype(float)
    rows, columns = CUT.window
    high = it.high[rows, columns][::-1].reshape(SIDE, 2, SIDE, 2).max((1, 3))
    solid = it.distance[rows, columns][::-1].reshape(SIDE, 2, SIDE, 2).max((1, 3)) < 100
    assert early[solid & (high > 5)].mean() > 1.3 * early[solid & (high < 1)].mean()


def test_light_changes_without_a_jump():
    lights = [light_of(Style(hour, "clear", "summer")) for hour in np.arange(0, 24.05, 0.05) % 24]
    for name in ("sky", "sun", "sky_light", "haze", "moon", "glow", "stars", "lamps", "low"):
        values = np.stack([np.ravel(getattr(light, name)) for light in lights])
        assert np.abs(np.diff(values, axis=0)).max() < 0.12, name
    assert [round(elevation(hour), 6) for hour in (6, 12, 18, 24)] == [0, 1, 0, -1]


# Films --------------------------------------------------------------------------------------------------------------------


def test_a_film_runs_smoothly_through_a_day():
    film = time_lapse(np.arange(0, 24, 0.1), size=SIDE)
    assert film.pictures.shape == film.layouts.shape == (240, 3, SIDE, SIDE)
    assert (film.layouts == film.layouts[:1]).all()
    apart = film.pictures.float().diff(dim=0).abs().mean((1, 2, 3))
    assert apart.max() < 8
    assert (film.pictures[120].float() - film.pictures[0].float()).abs().mean() > 40
    assert film.style(5) == {"weather": "clear", "season": "summer"}
    assert film.source == "the valley from 0 to 23.9 o'clock, clear, summer"


def test_a_film_goes_on_after_midnight_with_other_clouds():
    today, tomorrow = (time_lapse([hour], size=SIDE).pictures.float() for hour in (12, 36))
    assert 0 < (today - tomorrow).abs().mean() < 30


# What it is made of -------------------------------------------------------------------------------------------------------


def test_the_lake_lies_in_every_view_and_the_peaks_stand_behind():
    for number in (0, 5, 17):
        it = view(number, 16)
        names = list(LAYOUT)
        share = {name: float((it.what == index).mean()) for index, name in enumerate(names)}
        assert 0.05 < share["water"] < 0.3
        assert 0.2 < share["sky"] < 0.5
        assert min(share["walls"], share["roofs"], share["snow"], share["peaks"]) > 0.002
        assert it.high[it.what == names.index("snow")].min() > 4
        assert (it.high[it.what == names.index("water")] < LEVEL + 0.1).all()
        mirrored = it.source[it.what == names.index("water")]
        assert (mirrored >= 0).all()
        assert (mirrored > np.nonzero(it.what == names.index("water"))[0]).all()


def test_woods_stand_in_the_world_not_in_the_picture():
    found = woods()
    assert len(found.x) > 2000
    one, other = (Land(place(number), 64).columns(found.x, found.z) for number in (0, 1))
    shift = (one - other) * found.z  # near ones move by more
    np.testing.assert_allclose(shift, shift[0], rtol=1e-3)


# Mistakes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
        ({"count": 1_000_001}, "A part has 1,000,000 pairs; asked for 1,000,001"),
        ({"split": "tets"}, "no split 'tets'. Did you mean 'test'"),
        ({"size": 8}, "size is from 16 to 256 pixels; got 8"),
        ({"size": 512}, "size is from 16 to 256 pixels; got 512"),
        ({"size": 64.0}, "size must be a whole number"),
        ({"count": 3, "styles": [0, 1]}, "one for each of the 3, from 0; got 2"),
    ],
)
def test_pairs_that_are_not_there_are_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        valley(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"weather": "fogg"}, "no weather 'fogg'. Did you mean 'fog'"),
        ({"season": "sumer"}, "no season 'sumer'. Did you mean 'summer'"),
        ({"place": 18}, "Places are numbered from 0 to 17; got 18"),
        ({"place": True}, "Places are numbered from 0 to 17; got True"),
        ({"size": 300}, "size is from 16 to 256 pixels; got 300"),
        ({"hours": []}, "hours are some finite numbers"),
        ({"hours": [float("nan")]}, "hours are some finite numbers"),
    ],
)
def test_films_that_can_not_be_made_are_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        time_lapse(**{"hours": [12.0], **wrong})


def test_the_registry_has_it():
    entry = DATASETS["valley"]
    assert (entry.load, entry.fetch) == (valley, None)
