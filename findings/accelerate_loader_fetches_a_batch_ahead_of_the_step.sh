#!/usr/bin/env bash
# accelerate 1.15.0: `prepare` on one CPU process changes the random numbers of a training loop.
#
# Guess: with one process and no GPU, a prepared DataLoader yields what the plain one does: same seed, same run.
# What happens: the prepared loader fetches batch t + 1 before it hands out batch t, to know which one is the last. Where
#     the data set draws (flips, crops, noise) from the generator from which the step draws, too (dropout, noise, loss
#     weights), the draws come in another order: from the first step on the step's numbers differ, from the second batch
#     on the data do. Order and shuffling of the batches stay the same.
# Seen, in the order in which numbers are drawn: batch, step, batch, step, ... becomes batch, batch, step, batch, step, ...
#     The first draw of the step is 0.4901 in the plain loop and 0.3489 in the prepared one.
# Source: accelerate/data_loader.py, DataLoaderShard.__iter__ ("We iterate one batch ahead to check when we are at the
#     end"). PyTorch's own loader does not look ahead with num_workers=0.
# What bears on users: two runs with one seed, one of them with accelerate, are no comparison of anything else; and saving
#     the generator's state between two steps does not save the batch that is already drawn. In this course
#     a batch is a function of the step alone, step t draws from (seed, t), and no loader is prepared.
. "$(dirname "$0")/_environment.sh"
environment accelerate==1.15.0 torch==2.12.0 numpy==2.4.6

"$python" - <<'END'
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

log = []


class Noisy(Dataset):
    """Pictures that get their noise when they are fetched, as augmented ones do."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        if index % 4 == 0:
            log.append("batch")
        return torch.rand(())


def run(prepared):
    log.clear()
    torch.manual_seed(0)
    loader = DataLoader(Noisy(), batch_size=4)
    if prepared:
        loader = Accelerator(cpu=True).prepare(loader)
    batches, weights = [], []
    for batch in loader:
        log.append("step")
        batches.append(batch.tolist())
        weights.append(torch.rand(()).item())  # the loss weight of this step
    return batches, weights, list(log)


plain, prepared = run(False), run(True)
for name, (batches, weights, order) in (("plain", plain), ("prepared", prepared)):
    print(f"{name:8} weights", [round(weight, 4) for weight in weights], "order", *order)

assert plain[2] == ["batch", "step"] * 4
assert prepared[2] == ["batch"] + ["batch", "step"] * 3 + ["step"]
assert plain[0][0] == prepared[0][0] and plain[0][1] != prepared[0][1]
assert plain[1][0] != prepared[1][0]
assert run(False) == plain and run(True) == prepared, "each is reproducible by itself"
END
