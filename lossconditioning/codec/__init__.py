"""The codec apart from the experiment that trains it: pictures to bytes and back, with one model, at any weight λ.

`codec` is the whole; `symbols`, `tables` and `container` are its way from whole numbers to a file, `entropy_models` and `gdn`
parts of its network, `tiles` what large pictures need, `search` and `files` what is done with it.
"""

from lossconditioning.codec.codec import Codec
from lossconditioning.codec.container import MAX_PIXELS, OVERHEAD, Container, FileError
from lossconditioning.codec.entropy_models import FactorisedPrior, bits, gaussian_likelihood
from lossconditioning.codec.files import SUFFIX, Goal, compress_file, decompress_file, each
from lossconditioning.codec.gdn import GDN
from lossconditioning.codec.lam_range import LamRange
from lossconditioning.codec.search import Found, to_psnr, to_size
from lossconditioning.codec.symbols import Symbols
from lossconditioning.codec.tiles import LATENT, STRIDE
