#!/usr/bin/env bash
# constriction 0.5.0: the quantised Gaussian adds the tails to its two edge symbols; its text says it renormalises.
#
# Guess: as the class documents, the Gaussian is clipped to the range and renormalised, so that every probability is the
#     Gaussian's own times one factor.
# What happens: nothing is renormalised. All mass left of the range goes to the lowest symbol, all mass right of it to the
#     highest. Where the mean lies near an end, or the deviation is as wide as the range, the edges become the likeliest
#     symbols and their neighbours cost bits more than documented.
# Seen, for QuantizedGaussian(-10, 10) with mean 14 and deviation 3: symbol 10 has probability 0.93 (documented: 0.45),
#     symbol 9 has 0.033 (documented: 0.27), three bits dearer. With mean 0 and deviation 30, both ends have 0.38 each
#     (documented: 0.046).
# Source: the docstring of constriction.stream.model.QuantizedGaussian against src/stream/model/quantize.rs, where the
#     Rust documentation of LeakyQuantizer says that mass remaining on the tails is added to the ends of the support.
# What bears on users: a rate computed from the documented formula is not what the coder writes. Make the range wide
#     against mean and deviation, or give the coder a table (Categorical), as this course's codec does.
. "$(dirname "$0")/_environment.sh"
environment constriction==0.5.0 numpy==2.4.6 scipy==1.17.1

"$python" - <<'END'
import constriction
import numpy as np
from scipy.stats import norm

COUNT = 20_000


def coded(symbol, mean, std):
    """The probability by which the coder charges for a symbol."""
    model = constriction.stream.model.QuantizedGaussian(-10, 10, mean, std)
    coder = constriction.stream.queue.RangeEncoder()
    coder.encode(np.full(COUNT, symbol, dtype=np.int32), model)
    return 2 ** (-coder.num_bits() / COUNT)


def mass(low, high, mean, std):
    return norm.cdf(high, mean, std) - norm.cdf(low, mean, std)


for mean, std in ((14.0, 3.0), (0.0, 30.0)):
    inside = mass(-10.5, 10.5, mean, std)
    for symbol in (-10, 0, 9, 10):
        documented = mass(symbol - 0.5, symbol + 0.5, mean, std) / inside
        low = -np.inf if symbol == -10 else symbol - 0.5
        high = np.inf if symbol == 10 else symbol + 0.5
        with_tails, seen = mass(low, high, mean, std), coded(symbol, mean, std)
        print(f"mean {mean:g} std {std:g} symbol {symbol:3}: coded {seen:.5f}, documented {documented:.5f}")
        if with_tails > 1e-3:
            assert abs(seen / with_tails - 1) < 0.01, "no longer the Gaussian plus its tails at the edges"
            assert abs(seen / documented - 1) > 0.5, "as documented"
END
