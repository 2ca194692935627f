"""What a panel tells its front end when a program moves it, and pictures asked for in several threads."""

import io
import threading

import pytest
import torch
from PIL import Image

from lossconditioning.display import Menu, Slider, explore


def blank(**_):
    buffer = io.BytesIO()
    Image.new("L", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def panel():
    controls = {"a": Slider(-1.0, 1.0, 0.5), "lam": Slider(1e-3, 10.0, 1.0, log=True), "tone": Menu(["one", "other"])}
    return explore(blank, alt="nothing", **controls)


@pytest.fixture
def messages(panel, monkeypatch):
    """Control's name → what its messages to the front end said, one after the other."""
    said = {name: [] for name in panel.controls}
    for name, widget in panel._widgets.items():
        monkeypatch.setattr(
            widget, "_send", lambda message, buffers=None, name=name: said[name].append(message["state"])
        )
    return said


@pytest.mark.parametrize(("name", "value"), [("a", 0.0), ("lam", 0.02)])
def test_a_slider_set_by_program_is_told_its_value_while_it_sends_none_back(panel, messages, name, value):
    panel.set(**{name: value})
    first, second = messages[name]
    assert (first["value"], first["continuous_update"]) == (value, False)
    assert second == {"continuous_update": True}


def test_a_slider_follows_every_move_again_after_a_value_was_refused(panel, messages, monkeypatch):
    widget = panel._widgets["a"]
    monkeypatch.setattr(type(widget), "value", property(lambda self: 0.5, lambda self, value: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        panel.set(a=0.0)
    assert widget.continuous_update
    assert messages["a"][-1] == {"continuous_update": True}


def test_a_menu_set_by_program_is_told_its_choice_alone(panel, messages):
    panel.set(tone="other")
    assert all("continuous_update" not in state for state in messages["tone"])
    assert panel.values["tone"] == "other"


def test_pictures_asked_for_in_two_threads_are_made_one_at_a_time():
    threads, busy, seen = torch.get_num_threads(), threading.Lock(), []

    def render(a):
        alone = busy.acquire(blocking=False)
        threading.Event().wait(0.002)  # long enough for another to come in, if it could
        seen.append((alone, torch.get_num_threads()))
        if alone:
            busy.release()
        return blank()

    panels = [explore(render, a=Slider(0.0, 1.0, 0.5), alt="nothing") for _ in range(2)]
    movers = [
        threading.Thread(target=lambda panel=panel: [panel.set(a=step / 20) for step in range(20)]) for panel in panels
    ]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    assert set(seen) == {(True, 1)}
    assert torch.get_num_threads() == threads
