#!/usr/bin/env bash
# onnxruntime 1.27.0 (CPU): instance normalisation of a constant channel is not zero; in large pictures it nears one.
#
# Guess: a channel with one value everywhere minus its mean is zero, so that the result is the bias exactly, or to 1e-5.
# What happens: the mean of the channel is a running sum in float32, and its rounding error grows with the picture. The
#     deviation is then that error, too, and the division by it lifts the error towards one: the whole channel moves by up
#     to one standard deviation.
# Seen, scale 1 and bias 0, all values 117.3: 0.04 at 32 x 32 pixels, 0.16 at 64 x 64, 0.94 at 256 x 256 and 0.996 at
#     512 x 512; all values 0.7: 0.04 at 512 x 512. The same float32 values summed in float64: 0.
# Source: onnxruntime/core/providers/cpu/nn/instance_norm.cc: mean and squared norm of an Eigen float array, and
#     x * s + (b - mean * s) for the rest. PyTorch 2.14.1 gave less than 0.002 for all
#     of these (seen by hand, not run here).
# What bears on users: a painter with instance normalisation that is exported to ONNX need not agree with PyTorch on skies,
#     margins and blank pictures. Compare the two on a photograph, and let flat channels out of the comparison.
. "$(dirname "$0")/_environment.sh"
environment onnxruntime==1.27.0 onnx==1.23.2 numpy==2.4.6

"$python" - <<'END'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

shape = (1, 1, "height", "width")
graph = helper.make_graph(
    [helper.make_node("InstanceNormalization", ["x", "scale", "bias"], ["y"], epsilon=1e-5)],
    "flat",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    [
        helper.make_tensor("scale", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("bias", TensorProto.FLOAT, [1], [0.0]),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 9
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def exact(x):
    x = x.astype(np.float64)
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


seen = {}
for value in (117.3, 0.7):
    for side in (32, 64, 256, 512):
        x = np.full((1, 1, side, side), value, dtype=np.float32)
        (y,) = session.run(None, {"x": x})
        seen[value, side] = float(np.abs(y).max())
        print(f"all {value}, {side} x {side}: {seen[value, side]:.4f}, exactly {np.abs(exact(x)).max():.1e}")
        assert np.abs(exact(x)).max() < 1e-4

assert seen[117.3, 512] > 0.5 and seen[117.3, 64] > 0.01, "a flat channel stays near zero"

# What is not flat is right.
x = np.random.default_rng(0).random((1, 1, 256, 256), dtype=np.float32)
assert np.abs(session.run(None, {"x": x})[0] - exact(x)).max() < 1e-3
END
