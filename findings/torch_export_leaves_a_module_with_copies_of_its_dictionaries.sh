#!/usr/bin/env bash
# torch 2.12.0: exporting a module leaves the module itself with copies of its dictionaries and lists.
#
# Guess: torch.export.export reads a module and returns a program; the module it was given is what it was before.
# What happens: unless strict=True, every plain dictionary and list among the module's attributes is another object
#     afterwards, with equal contents. Whatever else holds the first one, a forward hook or a second module, now speaks to an object that the module
#     no longer reads, and nothing is said: the next eager call gives other numbers than the call before the export.
# Seen: after the default export `module.table is table` is False, and a hook that reads the scale which it shares with its
#     module keeps 1 when the module says 5; after one with strict=True both are as before.
# Source: `_detect_attribute_assignment` in torch/_functorch/_aot_autograd/frontend_utils.py takes its snapshot with
#     pytree.tree_map, which builds containers anew, and writes that snapshot back into the module's __dict__.
# What bears on users: state that hooks share with a module belongs into an object, which export leaves alone. λ and α of this
#     course are kept so (lossconditioning/conditioning/calls.py); before, a tuned network lost its blocks by being exported.
. "$(dirname "$0")/_environment.sh"
environment torch==2.12.0 numpy==2.4.6

"$python" - <<'END'
import torch
from torch import nn


class Scaled(nn.Module):
    """Multiplies by a scale that it shares with a hook of its layer."""

    def __init__(self):
        super().__init__()
        self.table, self.linear = {"scale": 1.0}, nn.Linear(2, 2)
        table = self.table
        self.linear.register_forward_hook(lambda layer, inputs, output: output * table["scale"])

    def forward(self, x):
        return self.linear(x)


x = torch.ones(1, 2)
for strict in (False, True):
    module = Scaled()
    table, before = module.table, module(x)
    module.table["scale"] = 5.0
    assert torch.equal(module(x), 5 * before), "the hook reads what the module is told"
    module.table["scale"] = 1.0
    torch.export.export(module, (x,), strict=strict)
    kept = module.table is table
    module.table["scale"] = 5.0
    follows = torch.equal(module(x), 5 * before)
    print(f"strict={strict}: same dictionary {kept}, hook follows {follows}")
    assert kept == follows == strict
END
