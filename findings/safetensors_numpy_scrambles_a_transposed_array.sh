#!/usr/bin/env bash
# safetensors 0.8.0: safetensors.numpy saves a transposed array in the order of memory; it comes back with other values.
#
# Guess: the values come back, as with np.save; or saving is refused, as safetensors.torch refuses such a tensor.
# What happens: bytes are taken from memory as they lie, under the shape of the view. x.T, np.asfortranarray(x), the
#     components of a PCA and every other array in column order come back with the right shape, type and set of values, in
#     the wrong places, without an error or a warning.
# Seen: [[0, 3], [1, 4], [2, 5]] is saved and [[0, 1], [2, 3], [4, 5]] loaded. np.save keeps it.
# Source: bindings/python/py_src/safetensors/numpy.py, _flatten: data_ptr is the array's address, its strides are not
#     looked at. Issue 825 of safetensors/safetensors (August 2026): right in 0.7.0, wrong since 0.8.0. The docstring asks
#     for contiguous arrays. safetensors.torch checks contiguity, but not torch's lazy conjugate and negative bits: with
#     torch 2.12.0 a tensor that is x.conj(), or the imaginary part of one, comes back without its minus sign (seen by
#     hand, not run here, for it needs torch).
# What bears on users: turning weights of (inputs, outputs) into torch's (outputs, inputs) is a `.T`. Wrap it in
#     np.ascontiguousarray before saving, and resolve_conj() and resolve_neg() what a Fourier transform gave.
. "$(dirname "$0")/_environment.sh"
environment safetensors==0.8.0 numpy==2.4.6

"$python" - <<'END'
import io

import numpy as np
from safetensors.numpy import load, load_file, save, save_file

weights = np.arange(6.0, dtype=np.float32).reshape(2, 3).T
loaded = load(save({"weights": weights}))["weights"]
print("saved", weights.tolist(), "loaded", loaded.tolist())
assert loaded.shape == weights.shape and not np.array_equal(loaded, weights)
assert loaded.tolist() == [[0, 1], [2, 3], [4, 5]]

save_file({"weights": weights}, "weights.safetensors")
assert np.array_equal(load_file("weights.safetensors")["weights"], loaded)

# NumPy's own format keeps the values, and so does a copy in row order.
buffer = io.BytesIO()
np.save(buffer, weights)
buffer.seek(0)
assert np.array_equal(np.load(buffer), weights)
assert np.array_equal(load(save({"weights": np.ascontiguousarray(weights)}))["weights"], weights)
END
