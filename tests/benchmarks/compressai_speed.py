"""CompressAI's side of the comparison of speeds: runs in its own environment, does what it is told, says how long it took.

`test_compression_speed` starts it with the path of a file of NumPy arrays: parameters by CompressAI's names, ``picture``,
``patches`` and ``lam``. It prints a line with its versions when it is ready, and then one number for each line that it reads:
seconds for "step", "compress" and "decompress", bytes for "size".
"""

import copy
import sys
import time
from collections.abc import Callable

import compressai
import numpy as np
import torch
from compressai.losses import RateDistortionLoss
from compressai.models import ScaleHyperprior
from torch import Tensor


def training_step(model: ScaleHyperprior, patches: Tensor, lam: float) -> Callable[[], None]:
    criterion = RateDistortionLoss(lmbda=lam)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(patches), patches)["loss"].backward()
        optimizer.step()

    return step


def main(path: str) -> None:
    torch.set_num_threads(1)
    torch.empty(31 * 2**20, dtype=torch.uint8)  # freed at once, as lossconditioning.training.keep_freed_memory does
    given = {name: torch.from_numpy(values) for name, values in np.load(path).items()}
    picture, patches, lam = given.pop("picture"), given.pop("patches"), float(given.pop("lam"))
    model = ScaleHyperprior(len(given["g_a.0.weight"]), len(given["g_a.6.weight"]))
    model.load_state_dict({**model.state_dict(), **given})
    step = training_step(copy.deepcopy(model).train(), patches, lam)
    model.eval().update()
    code = torch.inference_mode()(lambda: model.compress(picture))
    coded = code()
    tasks = {"step": step, "compress": code, "decompress": torch.inference_mode()(lambda: model.decompress(**coded))}
    print(f"CompressAI {compressai.__version__}, PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        if line.strip() == "size":
            print(sum(len(string) for strings in coded["strings"] for string in strings), flush=True)
        else:
            started = time.perf_counter()
            tasks[line.strip()]()
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
