"""The faces that ship: the numbers that notebook and README rest on, the panel and the figures."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning.conditioning import DynamicNet
from lossconditioning.evaluation.alphas import WIDE
from lossconditioning.systems import dynamic_faces as faces
from lossconditioning.systems.dynamic_faces import figures
from lossconditioning.systems.dynamic_faces.panel import PEOPLE, TIMES
from lossconditioning.training import Run


def model(name):
    return faces.load(name).model


def test_recorded_numbers_reach_their_bounds():
    metrics = faces.recorded_evaluation().metrics
    assert metrics["face_monotonicity"] >= 0.95
    assert metrics["face_shift"] >= 0.5


def test_few_faces_are_measured_under_the_same_names_and_tell_much_the_same():
    recorded, found = faces.recorded_evaluation().metrics, faces.evaluate(run=Run(profile="smoke")).metrics
    assert found.keys() == recorded.keys()
    for name, value in found.items():
        assert isinstance(value, float)
        if "shift" in name or "accuracy" in name:
            assert value == pytest.approx(recorded[name], abs=0.1)


@pytest.mark.parametrize("name", faces.TURNED)
def test_blocks_turn_the_attribute_they_are_for(name):
    attribute, generator, classifier = faces.TURNED[name], model("face_dark_hair"), model("face_classifier")
    latents = faces.codes(32, generator.latent)
    with torch.no_grad():
        sheet = faces.sheet(generator, {attribute: model(name)}, latents, [0.0, 0.5, 1.0])
        told = [classifier(sheet[:, i])[:, classifier.names.index(attribute)].sigmoid().mean() for i in range(3)]
    assert told[0] < 0.2 < 0.8 < told[2]
    assert told[0] <= told[1] <= told[2]


def test_faces_keep_their_place_while_an_attribute_is_turned():
    sets = {attribute: model(name) for name, attribute in faces.TURNED.items()}
    panel = faces.play(DynamicNet(model("face_dark_hair"), sets), 32)
    assert list(panel.controls) == ["blond_hair", "smiling", "who"]
    assert panel.controls["blond_hair"].label == "α of blond hair"
    pictures = [panel.set(blond_hair=1.0), panel.set(smiling=1.0), panel.set(who=panel.controls["who"].names[1])]
    assert len({panel.set(blond_hair=0.0, smiling=0.0), *pictures}) == 4
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG, in all colours
    frame = np.asarray(Image.open(io.BytesIO(panel.image)))
    assert frame.shape[1] > 64 * TIMES * PEOPLE
    assert (frame[-24:] < 128).any(), "no α below the faces"


def test_scores_draw_the_attribute_that_is_meant_thickest_and_a_bar_for_what_changes_in_each_person():
    names = ("blond_hair", "smiling", "hat")
    rising = torch.linspace(0, 1, len(WIDE))[:, None].expand(-1, 3)
    before, after = torch.full((4, 3), -50.0), torch.tensor([[-50.0, 50, -50]] * 3 + [[50.0, 50, -50]])
    turn = faces.Turn("smiling", names, torch.tensor(WIDE), rising, rising, before, after, torch.ones(3), 1.0)
    above, below = figures.scores([turn]).axes
    widths = {line.get_label(): line.get_linewidth() for line in above.get_lines()}
    assert max(widths, key=widths.get) == "smiling"
    assert [bar.get_width() for bar in below.patches] == pytest.approx([0.25, 1, 0])
    assert [text.get_text() for text in below.texts] == ["25 % flip", "100 % flip", "0 % flip"]
    assert [label.get_text() for label in below.get_yticklabels()] == ["blond hair", "smiling", "hat"]


def test_a_sheet_of_faces_has_a_picture_for_every_person_and_setting():
    made = figures.face_sheet(torch.zeros(2, 3, 3, 64, 64), ["a", "b", "c"])
    assert sum(len(axis.get_images()) for axis in made.axes) == 6
