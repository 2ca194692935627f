"""Face generation by DCGAN, an attribute of the faces turned after training (Dynamic-Net, section 4.2)."""

from lossconditioning.systems.dynamic_net.faces.comparisons import Turn, evaluate_faces, sheet, turn
from lossconditioning.systems.dynamic_net.faces.measures import card_metrics, codes, made, spread, turned
from lossconditioning.systems.dynamic_net.faces.networks import Classifier, Discriminator, Generator, pixels, signed
from lossconditioning.systems.dynamic_net.faces.play import play
from lossconditioning.systems.dynamic_net.faces.recipes import SYSTEM, TURNED, Config, build, experiments
from lossconditioning.systems.dynamic_net.faces.sets import held_out_faces, training_faces
from lossconditioning.systems.dynamic_net.faces.training import fit, main_network, train

__all__ = [
    "SYSTEM",
    "TURNED",
    "Classifier",
    "Config",
    "Discriminator",
    "Generator",
    "Turn",
    "build",
    "card_metrics",
    "codes",
    "evaluate_faces",
    "experiments",
    "fit",
    "held_out_faces",
    "made",
    "main_network",
    "pixels",
    "play",
    "sheet",
    "signed",
    "spread",
    "train",
    "training_faces",
    "turn",
    "turned",
]
