"""What Figure 6 of "Dynamic-Net" shows, as numbers, for finished networks."""

from __future__ import annotations

from collections.abc import Mapping

from lossconditioning.evaluation import frechet
from lossconditioning.systems.dynamic_faces.data import HELD_OUT, held_out_faces
from lossconditioning.systems.dynamic_faces.measures import (
    CODES,
    accuracy,
    codes,
    distance,
    diversity,
    features,
    made,
    spread,
)
from lossconditioning.systems.dynamic_faces.models import signed
from lossconditioning.systems.dynamic_faces.recipes import CLASSIFIER, MAIN, TURNED
from lossconditioning.systems.dynamic_faces.turns import turn
from lossconditioning.training import Run, Trained

TURNS = 128
"""How many generated faces are turned."""
FRECHET = 1024
"""How many generated faces are compared with as many real ones by their Fréchet distance."""


def compared(run: Run) -> tuple[str, ...]:
    """Everything: blocks turn a generator's faces, which the classifier looks at."""
    return (CLASSIFIER, MAIN, *TURNED)


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """All numbers of face generation, named "face_…"; those of one set of blocks end in its attribute.

    Returns:
        "face_accuracy" of the classifier. "face_diversity", "face_distance" and "face_frechet" of the main network's faces
        against held-out ones, and "face_frechet_real" of these against others of their kind. For each set of blocks
        "face_monotonicity_…", "face_shift_…", "face_others_…" (mean absolute shift of the other attributes),
        "face_person_change_…" and "face_person_flips_…" (of each person, see `Turn`) and "face_diversity_…" (at α = 1 over
        α = 0). "face_monotonicity" and "face_shift" of the attribute that follows least, "face_person_change" and
        "face_person_flips" of the blocks that change most.
    """
    count, people = (32, 8) if run.smoke else (HELD_OUT, CODES)
    classifier, main = trained[CLASSIFIER].model, trained[MAIN].model
    everyone = held_out_faces(trained[CLASSIFIER].config, count, run.data)
    alike = signed(held_out_faces(trained[MAIN].config, people, run.data).images)
    latents, real = codes(people, main.latent), spread(classifier, everyone)
    faces = made(main, latents)
    many = 2 * (count if run.smoke else FRECHET)
    real_features = features(classifier, held_out_faces(trained[MAIN].config, many, run.data).images)
    one, other = real_features.chunk(2)
    found = {
        "face_accuracy": float(accuracy(classifier, everyone).mean()),
        "face_diversity": diversity(faces, alike),
        "face_distance": distance(faces, alike),
        "face_frechet": frechet(features(classifier, made(main, codes(many // 2, main.latent))), one),
        "face_frechet_real": frechet(other, one),
    }
    turns = [turn(main, trained[name].model, classifier, what, latents[:TURNS], real) for name, what in TURNED.items()]
    for each in turns:
        found |= {
            f"face_monotonicity_{each.attribute}": each.monotonicity,
            f"face_shift_{each.attribute}": each.shifts[each.attribute],
            f"face_others_{each.attribute}": each.others,
            f"face_person_change_{each.attribute}": each.person_change,
            f"face_person_flips_{each.attribute}": each.person_flips,
            f"face_diversity_{each.attribute}": each.diversity,
        }
    found["face_monotonicity"] = min(each.monotonicity for each in turns)
    found["face_shift"] = min(each.shifts[each.attribute] for each in turns)
    found["face_person_change"] = max(each.person_change for each in turns)
    found["face_person_flips"] = max(each.person_flips for each in turns)
    return found
