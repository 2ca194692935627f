"""What CompressAI's ScaleHyperprior computes from parameters and pictures that formulas give: what ours is compared with.

The stored numbers are made in an environment of its own, for CompressAI asks for an older NumPy than this project's:

    pip install compressai==1.2.8
    python tests/unit/compressai_numbers.py
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

STORED = Path(__file__).with_suffix(".json")
N, M = 8, 12
BATCH, HEIGHT, WIDTH = 2, 64, 128
CASES = ("rounded", "noisy")
FEW = 300
"""Of a larger tensor, about this many numbers are stored, evenly spread."""
LAM = 0.01
MARGIN = 2e-4
"""No latent may be as close as this to where its rounding changes, so that all machines round alike."""


def spread(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers in [−1, 1) that depend on name and shape alone, float32: whole numbers, one product, one remainder.

    So they are the same to the last bit on every machine and under every version of PyTorch.
    """
    index = torch.arange(math.prod(shape), dtype=torch.float64)
    places = index * (index + zlib.crc32(name.encode()) % 1009 + 1)
    return (places * 0.6180339887498949 % 1 * 2 - 1).float().reshape(shape)


# As in a trained network: latents of several quantisation steps, deviations from below the smallest to several steps.
GAINS = {"g_a.6.weight": 6.0, "g_s.0.weight": 0.3, "g_s.6.weight": 0.5, "h_a.4.weight": 12.0, "h_s.4.weight": 3.0}
OFFSETS = {"g_s.6.bias": 0.5, "h_s.4.bias": 1.0}


def parameter(name: str, shape: tuple[int, ...]) -> Tensor:
    """A parameter, by CompressAI's name."""
    values, kind = spread(name, shape), name.split(".")[-1]
    if name.startswith("entropy_bottleneck.matrices"):
        return 0.5 * values - 0.6
    if name.startswith(("entropy_bottleneck.biases", "entropy_bottleneck.factors")):
        return 0.5 * values
    if kind == "quantiles":  # only the middle ones, the medians, are used
        return 1.5 * values
    if kind == "beta":
        return 1 + 0.3 * values
    if kind == "gamma":
        return 0.15 + 0.2 * values  # some below their bound
    if kind == "weight":
        return GAINS.get(name, 1.0) * (3 / math.prod(shape[1:])) ** 0.5 * values
    return OFFSETS.get(name, 0.0) + 0.2 * values


def pictures() -> Tensor:
    """``(2, 3, 64, 128)`` in [0, 1]: smooth, with a little of everything else."""
    y, x = torch.arange(HEIGHT, dtype=torch.float64)[:, None], torch.arange(WIDTH, dtype=torch.float64)
    waves = [(x * (k + 1) / 31 + y * (5 - k) / 23 + k).sin() for k in range(3 * BATCH)]
    smooth = torch.stack(waves).reshape(BATCH, 3, HEIGHT, WIDTH).float()
    return 0.5 + 0.35 * smooth + 0.1 * spread("pictures", smooth.shape)


def noise() -> tuple[Tensor, Tensor]:
    """Of y ``(2, M, 4, 8)`` and of z ``(2, N, 1, 2)``, in [−½, ½)."""
    y = spread("noise of y", (BATCH, M, HEIGHT // 16, WIDTH // 16))
    return y / 2, spread("noise of z", (BATCH, N, HEIGHT // 64, WIDTH // 64)) / 2


def watched(model: nn.Module, run: Callable[[], tuple[Tensor, Tensor, Tensor]]) -> dict[str, Tensor]:
    """Everything that is compared, by name; ``run`` calls the model and gives picture and likelihoods of y and z."""
    found = {}
    layers = {"y": "g_a", "z": "h_a", "scales": "h_s"}
    hooks = [
        getattr(model, layer).register_forward_hook(lambda _, __, output, name=name: found.update({name: output}))
        for name, layer in layers.items()
    ]
    picture, y_likelihood, z_likelihood = run()
    for hook in hooks:
        hook.remove()
    bits = sum(-likelihood.log2().flatten(1).sum(1) for likelihood in (y_likelihood, z_likelihood))
    return {**found, "picture": picture, "y_likelihood": y_likelihood, "z_likelihood": z_likelihood, "bits": bits}


def gradients(model: nn.Module, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of R + λ · D, by parameter; those that it does not depend on are left out."""
    error = 255**2 * (found["picture"] - pictures()).square().mean()
    objective = found["bits"].sum() / (BATCH * HEIGHT * WIDTH) + LAM * error
    named = dict(model.named_parameters())
    values = torch.autograd.grad(objective, list(named.values()), allow_unused=True)
    return {name: value for name, value in zip(named, values, strict=True) if value is not None}


def thin(values: Tensor) -> list[float]:
    """About `FEW` of the numbers, evenly spread, with seven digits."""
    flat = values.detach().flatten()
    return [float(f"{value:.7g}") for value in flat[:: 1 + 2 * (len(flat) // (2 * FEW))].tolist()]


def compressai_model() -> nn.Module:
    """CompressAI's network with the formula's parameters."""
    from compressai.models import ScaleHyperprior

    model = ScaleHyperprior(N, M)
    with torch.no_grad():
        for name, values in model.named_parameters():
            values.copy_(parameter(name, tuple(values.shape)))
    return model


def compressai_values(model: nn.Module, case: str) -> dict[str, Tensor]:
    """What CompressAI's network computes; its own noise, which is random, is replaced by ours."""
    if case == "rounded":
        model.eval()
    else:
        y_noise, z_noise = noise()
        z_noise = z_noise.transpose(0, 1)  # as it is added there: channels first
        model.train()
        model.gaussian_conditional.quantize = lambda values, *_: values + y_noise
        model.entropy_bottleneck.quantize = lambda values, *_: values + z_noise.reshape(values.shape)

    def run():
        output = model(pictures())
        return output["x_hat"], output["likelihoods"]["y"], output["likelihoods"]["z"]

    return watched(model, run)


def check_rounding(found: Mapping[str, Tensor], medians: Tensor) -> None:
    for values in (found["y"], found["z"] - medians[:, None, None]):
        margin = 0.5 - (values - values.round()).abs().max()
        assert margin > MARGIN, f"a latent is {margin:.1e} from where its rounding changes; change the formula"


def main() -> None:
    import compressai

    stored: dict[str, Any] = {"compressai": compressai.__version__, "torch": torch.__version__}
    for case in CASES:
        model = compressai_model()
        found = compressai_values(model, case)
        check_rounding(found, model.entropy_bottleneck.quantiles[:, 0, 1])
        stored |= {f"{case} {name}": thin(values) for name, values in found.items()}
    stored["gradient norms"] = {name: float(values.norm()) for name, values in gradients(model, found).items()}
    lines = (f"{json.dumps(name)}: {json.dumps(values)}" for name, values in stored.items())
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
