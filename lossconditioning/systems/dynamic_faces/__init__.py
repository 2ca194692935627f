"""Face generation by DCGAN, an attribute of the faces turned after training (Dynamic-Net, section 4.2): notebook 06."""

from lossconditioning.systems.dynamic_faces.claims import CLAIMS
from lossconditioning.systems.dynamic_faces.data import experiment_data, held_out_faces, training_faces
from lossconditioning.systems.dynamic_faces.evaluation import compare, compared
from lossconditioning.systems.dynamic_faces.measures import codes, made, measure, spread
from lossconditioning.systems.dynamic_faces.models import Classifier, Discriminator, Generator, pixels, signed
from lossconditioning.systems.dynamic_faces.panel import play
from lossconditioning.systems.dynamic_faces.recipes import TURNED, Config, build, experiments
from lossconditioning.systems.dynamic_faces.task import terms, weigh
from lossconditioning.systems.dynamic_faces.training import around, draw, fit_kind, optimise
from lossconditioning.systems.dynamic_faces.turns import Turn, sheet, turn
from lossconditioning.training import System

SYSTEM = System(
    name="dynamic_faces",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    optimise=optimise,
    around=around,
    training=fit_kind,
    measure=measure,
    compare=compare,
    compared=compared,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="accuracy within 2 %, diversity and distance within 20 %, shift within 0.2",
    reads=("data",),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
