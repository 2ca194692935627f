#!/usr/bin/env bash
# torch 2.12.0, CPU: the weight gradient of a grouped convolution in double precision is wrong, without a word, if its weights
# are channels last and the one picture of the batch came by permute(2, 0, 1)[None].
#
# Guess: memory formats change how fast a convolution is, and the last digits; its gradient is the same to rounding.
# What happens: the output is right, the gradient of the weights is not: its largest error is larger than its largest number.
#     The same numbers laid out by .contiguous() give the right gradient. Single precision is right, for oneDNN computes it;
#     switched off (torch.backends.mkldnn.flags(enabled=False)), it is as wrong. One group, and as many groups as channels, are
#     right, and so are 1x1 kernels.
# Seen: largest error over largest number 1.1 and 1.3 in float64 with 2 and 4 groups of 16 channels, 0 with 1 and 16; 1.3 in
#     float32 without oneDNN, 1e-7 with it.
# Source: aten/src/ATen/native/ConvolutionMM2d.cpp, slow_conv2d_backward_weight; a batch of one has a stride of its batch axis
#     that says nothing (16 here, where 672 would be expected), and the groups are narrowed parts of channels-last tensors.
# What bears on users: gradcheck, which wants doubles, fails for a right network, or a training in doubles goes astray. This
#     course's grouped convolutions are channels last in single precision alone, and a test holds their gradients against
#     those of one network after the other.
. "$(dirname "$0")/_environment.sh"
environment torch==2.12.0

"$python" - <<'END'
import torch

torch.manual_seed(0)


def gradient(picture, weight, groups):
    weight = weight.detach().requires_grad_()
    made = torch.conv2d(picture, weight, padding=1, groups=groups)
    ramp = torch.arange(made[0, 0].numel()).to(made).view(made.shape[2:])
    return made.detach(), torch.autograd.grad((made * ramp).sum(), weight)[0]


def error(dtype, groups):
    weight = torch.randn(16, 16 // groups, 3, 3, dtype=dtype)
    picture = torch.randn(7, 6, 16, dtype=dtype).permute(2, 0, 1)[None]  # from H x W x C to a batch of one
    right_output, right = gradient(picture.contiguous(), weight, groups)
    output, found = gradient(picture, weight.contiguous(memory_format=torch.channels_last), groups)
    assert torch.allclose(output, right_output, rtol=1e-4, atol=1e-4)
    return float((found - right).abs().max() / right.abs().max())


doubles = {groups: error(torch.float64, groups) for groups in (1, 2, 4, 16)}
singles = error(torch.float32, 2)
with torch.backends.mkldnn.flags(enabled=False):
    plain = error(torch.float32, 2)
print("float64, by groups:", doubles)
print(f"float32 with 2 groups: {singles:.1e}, without oneDNN {plain:.2f}")
assert doubles[1] < 1e-12 and doubles[16] < 1e-12
assert doubles[2] > 0.5 and doubles[4] > 0.5
assert singles < 1e-5 and plain > 0.5
END
