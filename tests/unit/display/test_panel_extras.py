"""Panels with a menu, with buttons, and with a fine picture for when the sliders are still."""

import asyncio
import io

import pytest
from driven_panels import STILL, buttons, run
from PIL import Image

import lossconditioning as lc
from lossconditioning.display import Menu, Slider, explore
from lossconditioning.display import panel as panel_module


def shade(value: float, side: int = 20) -> bytes:
    """A PNG whose grey tells the value in [0, 1]."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), round(255 * min(1, max(0, value)))).save(buffer, "PNG")
    return buffer.getvalue()


def coarse(a, b=0.5):
    return shade((a + b) / 2), {"picture": "coarse"}


def fine(a, b=0.5):
    if a == 0.9:
        raise lc.ReaderError("no <fine> picture at 0.9")
    return shade((a + b) / 2, 40), {"picture": "fine"}


def two_sliders(**options):
    return explore(coarse, a=Slider(0.0, 1.0, 0.5), b=Slider(0.0, 1.0, 0.5), alt="grey", **options)


@pytest.fixture
def panel():
    """With a fine picture."""
    return two_sliders(refine=fine)


# Menus --------------------------------------------------------------------------------------------------------------------


def test_a_menu_starts_where_it_is_told_and_passes_the_name_on():
    names = ["dark", "grey", "bright"]
    panel = explore(lambda tone: (shade(names.index(tone) / 2), {"tone": tone}), tone=Menu(names, "grey"), alt="grey")
    assert panel.values == {"tone": "grey"}
    assert panel.image == shade(0.5)
    assert panel.set(tone="bright") == shade(1)
    panel._widgets["tone"].value = "dark"
    assert panel.image == shade(0)
    assert panel.readouts == {"tone": "dark"}
    assert Menu(names).value == "dark"


def test_an_unknown_choice_is_answered_with_the_known():
    menu = Menu(["poppies", "snow"])
    assert menu.check("style", "snow") == "snow"
    with pytest.raises(lc.ReaderError, match=r"no style 'popies'. Did you mean 'poppies'.*Known: poppies, snow"):
        menu.check("style", "popies")
    panel = explore(lambda style: shade(0), style=menu, alt="black")
    with pytest.raises(lc.ReaderError, match="no style 'rain'"):
        panel.set(style="rain")
    assert panel.values == {"style": "poppies"}
    with pytest.raises(lc.ReaderError, match="'rain'"):
        Menu(["poppies", "snow"], "rain")


@pytest.mark.parametrize("names", [[], ["a", 1], [None]], ids=str)
def test_a_menu_needs_names(names):
    with pytest.raises(lc.ReaderError, match="at least one name, all of them strings"):
        Menu(names)


def test_a_menus_film_strip_shows_its_first_choices():
    seen = []

    def render(tone):
        seen.append(tone)
        return shade(0)

    explore(render, tone=Menu("abcdef"), alt="black", strip=3)
    assert seen == ["a", "b", "c"]


# Fine pictures ------------------------------------------------------------------------------------------------------------


def test_a_set_panel_shows_the_quick_picture_and_a_settled_one_the_fine(panel):
    assert panel.set(a=0.1, b=0.3) == shade(0.2)
    assert panel.readouts == {"picture": "coarse"}
    assert panel.settle() == panel.image == shade(0.2, 40)
    assert panel.readouts == {"picture": "fine"}
    assert "fine" in panel._text.value


def test_quick_and_fine_pictures_are_kept_side_by_side(panel):
    first, made = panel.set(a=0.1), panel.frames
    settled = panel.settle()
    assert panel.frames == made + 1
    panel.set(a=0.8)
    assert panel.frames == made + 2
    assert panel.set(a=0.1) == first
    assert panel.settle() == settled
    assert panel.frames == made + 2


def test_a_panel_without_a_fine_picture_settles_where_it_is():
    panel = two_sliders()
    before, made = panel.set(a=0.2), panel.frames
    assert panel.settle() == before
    assert panel.frames == made


def test_a_panel_starts_with_fine_pictures_and_so_does_its_film_strip(panel):
    assert panel.image == shade(0.5, 40)
    assert panel.still == explore(fine, a=Slider(0.0, 1.0, 0.5), alt="grey").still


def test_the_fine_picture_comes_once_the_sliders_are_still(panel):
    async def drag():
        panel._widgets["a"].value = 0.1
        await asyncio.sleep(STILL / 2)
        quick = panel.image
        await asyncio.sleep(4 * STILL)
        return quick, panel.image

    assert run(drag()) == (shade(0.3), shade(0.3, 40))


def test_no_fine_picture_is_made_while_moves_go_on():
    seen = []

    def careful(a, b):
        seen.append(a)
        return fine(a, b)

    panel = two_sliders(refine=careful)
    seen.clear()

    async def drag():
        for step in range(8):
            panel._widgets["a"].value = step / 10
            await asyncio.sleep(STILL / 3)
        during = list(seen)
        await asyncio.sleep(4 * STILL)
        return during

    assert run(drag()) == []
    assert seen == [0.7]
    assert panel.image == shade(0.6, 40)


def test_a_move_just_before_the_fine_picture_puts_it_off(panel, monkeypatch):
    monkeypatch.setattr(panel_module, "_SETTLE", 0.005)  # long enough to look before it is over

    async def drag():
        panel._widgets["a"].value = 0.1
        await asyncio.sleep(STILL + panel_module._SETTLE - 0.001)
        panel._widgets["a"].value = 0.2
        seen = []
        for wait in (0.003, STILL / 2, STILL):
            await asyncio.sleep(wait)
            seen.append(panel.image)
        return seen

    assert run(drag()) == [shade(0.3), shade(0.35), shade(0.35, 40)]


def test_what_a_program_sets_right_after_a_move_stays(panel):
    async def drag():
        panel._widgets["a"].value = 0.1
        await asyncio.sleep(STILL / 2)
        panel.set(a=0.8)
        await asyncio.sleep(4 * STILL)

    run(drag())
    assert panel.values["a"] == 0.8
    assert panel.image == shade(0.65)


def test_a_readers_mistake_in_the_fine_picture_is_shown_and_the_quick_one_stays(panel):
    quick = panel.set(a=0.9)
    assert panel.settle() == quick
    assert "no &lt;fine&gt; picture at 0.9" in panel._text.value
    panel.set(a=0.2)
    assert "picture at 0.9" not in panel._text.value


def test_an_error_in_the_fine_picture_is_shown_though_nobody_waits_for_it():
    panel = two_sliders(refine=lambda a, b: fine("no number" if a == 0.3 else a, b))

    async def drag():
        panel._widgets["a"].value = 0.3
        await asyncio.sleep(4 * STILL)

    run(drag())
    assert "TypeError" in panel._text.value


# Buttons ------------------------------------------------------------------------------------------------------------------

PRESETS = {"both low": {"a": 0.1, "b": 0.2}, "only b": {"b": 1.0}}


def test_a_panel_without_presets_has_no_buttons(panel):
    assert buttons(panel) == {}


def test_a_button_moves_the_sliders_it_names():
    panel = two_sliders(presets=PRESETS)
    assert set(buttons(panel)) == {*PRESETS, "surprise me"}
    buttons(panel)["both low"].click()
    assert panel.values == {"a": 0.1, "b": 0.2}
    assert panel.image == shade(0.15)
    buttons(panel)["only b"].click()
    assert panel.values == {"a": 0.1, "b": 1.0}


def test_a_button_moves_menus_and_makes_one_picture():
    def render(a, tone):
        return shade(a if tone == "as it is" else 1 - a)

    panel = explore(
        render,
        a=Slider(0.0, 1.0, 0.5),
        tone=Menu(["as it is", "negative"]),
        presets={"a negative": {"a": 0.25, "tone": "negative"}},
        alt="grey",
    )
    made = panel.frames
    buttons(panel)["a negative"].click()
    assert panel.values == {"a": 0.25, "tone": "negative"}
    assert panel.image == shade(0.75)
    assert panel.frames == made + 1


def test_after_a_button_the_fine_picture_comes_too():
    panel = two_sliders(presets=PRESETS, refine=fine)

    async def press():
        buttons(panel)["both low"].click()
        quick = panel.image
        await asyncio.sleep(4 * STILL)
        return quick, panel.image

    assert run(press()) == (shade(0.15), shade(0.15, 40))


@pytest.mark.parametrize(
    ("values", "said"),
    [({"c": 0.5}, "no slider 'c'"), ({"a": 1.5}, "from 0 to 1; got 1.5"), ({"a": "0.5"}, "from 0 to 1; got '0.5'")],
    ids=str,
)
def test_a_preset_that_can_not_be_set_is_refused_at_once(values, said):
    with pytest.raises(lc.ReaderError, match=said):
        two_sliders(presets={"a button": values})


def test_surprises_stay_in_the_trained_ranges_and_differ():
    panel = explore(
        lambda a, lam, tone: shade(a),
        a=Slider(-1.0, 1.0, 0.5, beyond=0.5),
        lam=Slider(1e-3, 10.0, 1.0, log=True, beyond=0.5),
        tone=Menu(["one", "other"]),
        presets={"middle": {"a": 0.0}},
        alt="grey",
    )
    seen = []
    for _ in range(40):
        buttons(panel)["surprise me"].click()
        seen.append(panel.values)
    assert all(-1 <= values["a"] <= 1 and 0.999e-3 <= values["lam"] <= 10.01 for values in seen)
    assert "outside" not in panel._text.value
    assert len({values["a"] for values in seen}) > 20
    assert min(values["lam"] for values in seen) < 0.05 < 0.5 < max(values["lam"] for values in seen)
    assert {values["tone"] for values in seen} == {"one"}
