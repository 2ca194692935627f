"""What systems that paint share: photographs and crops, perceptual losses and their units, layers, optima."""

from lossconditioning.painting.batching import Batch, batches
from lossconditioning.painting.config import FIRST_HALF, PainterConfig
from lossconditioning.painting.lattice import lattice
from lossconditioning.painting.layers import UPSAMPLING, LastConvolution, convolution, doubled
from lossconditioning.painting.optima import OPTIMUM_SIDE, Optima, minimised, recorded_in
from lossconditioning.painting.pace import FULL, SIDES, in_time
from lossconditioning.painting.perceptual import perceptual_loss, training_loss, weights_for
from lossconditioning.painting.photographs import (
    crops,
    held_out_photographs,
    middle_square,
    squares,
    styles,
    training_photographs,
)
from lossconditioning.painting.scales import style_targets, units
