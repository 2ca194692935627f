"""Learned image compression of "You Only Train Once" (section 4.2, appendix A.2): notebook 03.

A lossy codec trades the size of a file against the quality of what it holds. Here one network is told how to trade, for every
picture anew, writes real files (with `lossconditioning.codec`), and is held against fixed-weight networks, JPEG and WebP.
"""

from lossconditioning.codec import GDN, OVERHEAD, Codec, Container, FileError, gaussian_likelihood, to_psnr, to_size
from lossconditioning.evaluation.rate_distortion import quality
from lossconditioning.systems.compression.claims import CLAIMS
from lossconditioning.systems.compression.data import experiment_data, patches
from lossconditioning.systems.compression.evaluation import bd_rate_between, compare, compared, recall, recorded_curve
from lossconditioning.systems.compression.measures import NAMES, measure, measure_file, recode
from lossconditioning.systems.compression.models import ScaleHyperprior, uniform_noise
from lossconditioning.systems.compression.panel import play, play_size
from lossconditioning.systems.compression.recipes import FIXED_NAMES, Config, build, experiments
from lossconditioning.systems.compression.shelf import DEFAULT, Shelf
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.systems.compression.task import LAM_RANGE, lam_grid, terms
from lossconditioning.systems.compression.training import around, draw, weigh
from lossconditioning.training import System

SYSTEM = System(
    name="compression",
    Config=Config,
    experiments=experiments,
    build=build,
    data=experiment_data,
    terms=terms,
    weigh=weigh,
    draw=draw,
    around=around,
    measure=measure,
    compare=compare,
    compared=compared,
    recall=recall,
    CLAIMS=CLAIMS,
    play=play,
    tolerance="mean_cost within 5 %",
    reads=("data",),
)
fit, train, train_all = SYSTEM.fit, SYSTEM.train, SYSTEM.train_all
load, recorded = SYSTEM.load, SYSTEM.recorded
evaluate, recorded_evaluation = SYSTEM.evaluate, SYSTEM.recorded_evaluation
SHELF = Shelf(SYSTEM)
open_codec, compress, decompress = SHELF.open_codec, SHELF.compress, SHELF.decompress
