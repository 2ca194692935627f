#!/usr/bin/env bash
# constriction 0.5.0: AnsCoder writes a final run of the lowest symbol in no bits, and goes on reading it for ever.
#
# Guess: n symbols of probability 1/2 cost about n bits, wherever they stand; asking an exhausted coder for another
#     symbol is an error.
# What happens: if a message ends in the lowest symbol of its model (a zero in a model over 0, 1, 2; the left end of a
#     quantised Gaussian), the whole run at the end is free. A message of nothing else is the empty file, whatever its
#     length. A coder with nothing left answers every further request with that symbol. The range coder of the same
#     package charges the run in full.
# Seen: 10,000 zeros: 0 bits by AnsCoder, 10,016 by RangeEncoder. [1, 2] and then 0, 10 or 1,000 zeros: 25 bits each.
#     Five symbols from a coder whose is_empty() is true: [0 0 0 0 0].
# Source: src/stream/stack.rs of constriction: Default sets the state to zero, and the lowest symbol, whose cumulative
#     probability is zero, maps a state of zero to zero. The documentation of is_empty there says that symbols can still
#     be taken from an empty coder; that of the Python class AnsCoder says neither.
# What bears on users: do not measure a rate with short messages in an AnsCoder, and write down how many symbols there
#     are, for the end of the data does not tell. This course codes with the range coder, and counts what it writes.
. "$(dirname "$0")/_environment.sh"
environment constriction==0.5.0 numpy==2.4.6

"$python" - <<'END'
import constriction
import numpy as np

model = constriction.stream.model.Categorical(np.array([0.5, 0.25, 0.25]), perfect=False)


def encoded(symbols):
    coder = constriction.stream.stack.AnsCoder()
    coder.encode_reverse(np.array(symbols, dtype=np.int32), model)
    return coder


range_coder = constriction.stream.queue.RangeEncoder()
range_coder.encode(np.zeros(10_000, dtype=np.int32), model)
nothing = encoded([0] * 10_000)
print("10,000 zeros, AnsCoder:", nothing.num_bits(), "bits, RangeEncoder:", range_coder.num_bits(), "bits")
assert nothing.num_bits() == 0 and nothing.is_empty() and range_coder.num_bits() >= 10_000

bits = [encoded([1, 2] + [0] * n).num_valid_bits() for n in (0, 10, 1_000)]
print("[1, 2] and 0, 10, 1,000 zeros:", bits, "bits")
assert len(set(bits)) == 1
# The same symbols in the other order are charged.
assert encoded([0] * 1_000 + [1, 2]).num_valid_bits() > 1_000

coder = encoded([1, 2])
assert coder.decode(model, 2).tolist() == [1, 2] and coder.is_empty()
beyond = coder.decode(model, 5)
print("five symbols beyond the end:", beyond)
assert beyond.tolist() == [0] * 5
END
