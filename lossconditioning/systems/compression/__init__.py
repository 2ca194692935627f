"""Learned image compression of "You Only Train Once" (section 4.2, appendix A.2): notebook 03.

A lossy codec trades the size of a file against the quality of what it holds. Here one network is told how to trade, for every
picture anew, writes real files, and is held against fixed-weight networks, JPEG and WebP.
"""

from lossconditioning.systems.compression.codec import WEIGHTS, Codec, Symbols
from lossconditioning.systems.compression.container import MAX_PIXELS, OVERHEAD, Container, FileError
from lossconditioning.systems.compression.entropy_models import FactorisedPrior, bits, gaussian_likelihood
from lossconditioning.systems.compression.evaluation import (
    Trained,
    compare,
    evaluate,
    fixed_names,
    load,
    recorded,
    recorded_curve,
    recorded_evaluation,
    recorded_metrics_curve,
)
from lossconditioning.systems.compression.files import DEFAULT, compress, decompress, open_codec
from lossconditioning.systems.compression.gdn import GDN
from lossconditioning.systems.compression.measures import curve, measure, quality
from lossconditioning.systems.compression.models import QuantisationStep, ScaleHyperprior, uniform_noise
from lossconditioning.systems.compression.pictures import held_out_photographs, patches, training_photographs
from lossconditioning.systems.compression.play import play, play_size
from lossconditioning.systems.compression.recipes import PROFILES, SYSTEM, Config, build, experiments
from lossconditioning.systems.compression.references import recode, reference_curve
from lossconditioning.systems.compression.search import Found, to_psnr, to_size
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.systems.compression.task import (
    LAMBDA_RANGE,
    lambda_grid,
    lambda_prior,
    psnr,
    squared_error,
    terms,
)
from lossconditioning.systems.compression.training import fit, train, train_all

__all__ = [
    "DEFAULT",
    "GDN",
    "LAMBDA_RANGE",
    "MAX_PIXELS",
    "OVERHEAD",
    "PROFILES",
    "SYSTEM",
    "WEIGHTS",
    "Codec",
    "Config",
    "Container",
    "FactorisedPrior",
    "FileError",
    "Found",
    "QuantisationStep",
    "ScaleHyperprior",
    "Symbols",
    "Trained",
    "bits",
    "build",
    "compare",
    "compress",
    "curve",
    "decompress",
    "evaluate",
    "experiments",
    "fit",
    "fixed_names",
    "gaussian_likelihood",
    "held_out_photographs",
    "lambda_grid",
    "lambda_prior",
    "load",
    "measure",
    "open_codec",
    "patches",
    "play",
    "play_size",
    "psnr",
    "quality",
    "recode",
    "recorded",
    "recorded_curve",
    "recorded_evaluation",
    "recorded_metrics_curve",
    "reference_curve",
    "squared_error",
    "start_from_principal_components",
    "terms",
    "to_psnr",
    "to_size",
    "train",
    "train_all",
    "training_photographs",
    "uniform_noise",
]
