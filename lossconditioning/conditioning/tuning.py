r"""Tuning blocks: turn a trained network's objective without training it again (Shoshan et al., "Dynamic-Net", section 3).

A *main network* θ is trained for an objective O₀ and frozen. Behind some of its layers, *tuning blocks* ψ are added and
trained, alone, for another objective O₁. Afterwards each is scaled by a number,

    ẑ = z₀ + α ψ(z₀),

so that α = 0 is the main network, α = 1 stands in for one trained for O₁, and what lies between for what lies between.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.calls import CALLS, Site, forgotten, remember_in_checkpoints, sites
from lossconditioning.conditioning.layers import At, key, outputs
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.tracing import exporting

Alpha = float | Tensor | Sequence[float | Tensor]
"""How far the blocks of a set are turned on: one number for all, ``(B,)`` for one per example, or one of either per block."""


class TuningBlock(nn.Module):
    """ψ: three 3×3 convolutions with ReLU between them (section 4); reflection at the edges, no normalisation.

    Args:
        channels: C of the features ``(B, C, H, W)``, H and W 2 or more, that it changes.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.channels = positive_int("channels", channels)
        first, second, third = (nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect") for _ in range(3))
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)

    def forward(self, features: Tensor) -> Tensor:
        """ψ(z), without α and the sum; the same shape."""
        return self.layers(features)


class TuningBlocks(nn.Module):
    """The blocks of one objective O₁, one behind each of some named layers of a main network.

    A module of its own, whose state_dict holds nothing of the main network's: it is saved and loaded apart.

    Args:
        channels: layer's name → C of its output.
    """

    def __init__(self, channels: Mapping[str, int]):
        super().__init__()
        self.at = tuple(channels)
        self.blocks = nn.ModuleDict({key(name): TuningBlock(count) for name, count in channels.items()})

    def __getitem__(self, name: str) -> TuningBlock:
        return self.blocks[key(one_of("layer with a tuning block", name, self.at))]

    def __len__(self) -> int:
        return len(self.at)

    def alphas(self, alpha: Alpha) -> dict[str, float | Tensor]:
        """α of each block by its layer's name, each a number or ``(B,)``."""
        if isinstance(alpha, Sequence) and not isinstance(alpha, str):
            if len(alpha) != len(self):
                raise ReaderError(
                    f"One α for each of {len(self)} blocks ({', '.join(self.at)}) expected; got {len(alpha)}."
                )
            return dict(zip(self.at, map(_checked, alpha), strict=True))
        return dict.fromkeys(self.at, _checked(alpha))


class DynamicNet(nn.Module):
    """A frozen main network with one or several sets of tuning blocks: ``model(*inputs, alpha=0.5)``. Made by `tune`.

    Only the blocks have gradients and change with ``.train()``: the main network stays as it was, statistics of batch
    normalisation included, and computes at α = 0 exactly what it did. ``model.main(*inputs)`` leaves the blocks out.

    Attributes:
        main: the main network, not copied.
        sets: name → `TuningBlocks`; their effects add up.
    """

    def __init__(self, main: nn.Module, sets: Mapping[str, TuningBlocks]):
        super().__init__()
        remember_in_checkpoints()
        self.main = main
        self._site = _Freeze(main)
        self.sets = nn.ModuleDict()
        for name, blocks in sets.items():
            self.add(name, blocks)
        weakref.finalize(
            self, self._site.thaw, main
        ).atexit = False  # a model that is gone leaves the network as it was

    def add(self, name: str, blocks: TuningBlocks) -> None:
        """Add a set of blocks, or put it in the place of the one of that name."""
        if not str(name).isidentifier() or (name not in self.sets and hasattr(self.sets, name)):
            raise ReaderError(f"A set of blocks has a plain word for a name, such as 'blond'; got {name!r}.")
        known = dict(self.main.named_modules())
        places = {layer: known[one_of("layer", layer, known)] for layer in blocks.at}
        for layer, place in places.items():
            if layer not in self._site.hooks:
                self._site.hooks[layer] = place.register_forward_hook(_Turn(layer, self._site))
        self.sets[name] = blocks

    def __enter__(self) -> DynamicNet:
        """``with DynamicNet(main, sets) as model:`` leaves the main network as it was afterwards."""
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def undo(self) -> nn.Module:
        """Take the blocks off and return the main network, trainable where it was, unless another `DynamicNet` holds it."""
        self._site.thaw(self.main)
        return self.main

    def train(self, mode: bool = True) -> DynamicNet:
        """As any module's; the main network stays in evaluation mode."""
        super().train(mode)
        self.main.eval()
        return self

    def forward(self, *inputs: Tensor, alpha: Alpha | Mapping[str, Alpha]) -> Tensor:
        """Run the main network with its blocks turned on by α.

        Args:
            alpha: one number, ``(B,)`` for one per example, or a sequence with either for each block in the order of
                ``blocks.at``; with several sets, a set's name → any of these (sets that are not named are left out). Between
                0 and 1 it interpolates, below and above it extrapolates.
        """
        if not self._site.stands:
            raise ReaderError("The blocks were taken off by undo(): call the network it returned, without α.")
        turned: dict[str, list[tuple[TuningBlock, float | Tensor]]] = {}
        for layer, parts in self._turned(alpha):
            turned.setdefault(layer, []).append(parts)
        before = CALLS.now
        CALLS.now = {**before, self._site: (turned, self)}
        try:
            return self.main(*inputs)
        finally:
            CALLS.now = before

    def _turned(self, alpha: Alpha | Mapping[str, Alpha]) -> Iterator[tuple[str, tuple[TuningBlock, float | Tensor]]]:
        if not isinstance(alpha, Mapping):
            if len(self.sets) != 1:
                raise ReaderError(
                    f"There are {len(self.sets)} sets of blocks ({', '.join(self.sets)}): say whose α it is, alpha={{name: α}}."
                )
            alpha = dict.fromkeys(self.sets, alpha)
        for name, turned in alpha.items():
            blocks = self.sets[one_of("set of tuning blocks", name, list(self.sets))]
            for layer, value in blocks.alphas(turned).items():
                if isinstance(value, Tensor) or value != 0:
                    yield layer, (blocks[layer], value)


class _Freeze(Site):
    """A main network's hooks, and what of it was trainable and in training before it was frozen by the first of them."""

    def __init__(self, main: nn.Module):
        super().__init__()
        self.trainable = [parameter for parameter in main.parameters() if parameter.requires_grad]
        self.training = {module: module.training for module in main.modules()}
        for other in sites(main, _Turn):
            self.trainable += other.trainable
            self.training |= other.training
        main.requires_grad_(False).eval()

    def thaw(self, main: nn.Module) -> None:
        """Take the hooks off; after the last of several, the network is as before the first."""
        if not self.stands:
            return
        self.remove()
        if not sites(main, _Turn):
            for parameter in self.trainable:
                parameter.requires_grad_(True)
            for module, training in self.training.items():
                module.training = training


class _Turn:
    """A forward hook that adds α ψ(z) to one layer's output. An object, not a closure, so that deepcopy can follow it."""

    def __init__(self, name: str, site: _Freeze):
        self.name, self.site = name, site

    def __call__(self, layer: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        if self.site not in CALLS.now and forgotten():
            raise ReaderError(
                f"Layer {self.name!r}, which has tuning blocks, is run again in a backward pass by something that does not "
                "know α. Use torch.utils.checkpoint, or checkpoint the whole tuned network."
            )
        if self.site not in CALLS.now or self.name not in CALLS.now[self.site][0]:
            return None  # as it was
        if not isinstance(output, Tensor) or output.dim() != 4 or min(output.shape[2:]) < 2:
            found = tuple(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
            raise ReaderError(
                f"Layer {self.name!r} puts out {found}; a tuning block needs (B, C, H, W), H and W 2 or more."
            )
        total = output
        for block, alpha in CALLS.now[self.site][0][self.name]:  # every set sees the main network's own features
            if output.shape[1] != getattr(block, "channels", output.shape[1]):  # a block of a reader's own need not say
                raise ReaderError(
                    f"Layer {self.name!r} puts out {tuple(output.shape)}; its tuning block changes {block.channels} channels. "
                    "Is it called at several widths? Put the blocks behind other layers."
                )
            change = block(output)
            if isinstance(alpha, Tensor):
                if alpha.dim() and alpha.shape[0] != output.shape[0]:
                    raise ReaderError(
                        f"{output.shape[0]} examples came with {alpha.shape[0]} α: one for all, or one each."
                    )
                alpha = alpha.to(output).view(-1, *[1] * (output.dim() - 1))
            turned_on = total + alpha * change
            if isinstance(alpha, Tensor) and not torch.is_grad_enabled():
                # Not even the sign of a zero changes where α is 0. Not so with gradients: α's own would be lost there.
                turned_on = torch.where(alpha == 0, total, turned_on)
            total = turned_on
        return total


def tune(
    main: nn.Module,
    at: At,
    *,
    name: str = "tuned",
    example: Tensor | tuple[Tensor, ...] | None = None,
) -> DynamicNet:
    """Freeze a network and put untrained tuning blocks behind some of its layers.

    Args:
        main: any network whose named layers put out ``(B, C, H, W)``. It is not copied.
        at: which layers; as for `condition`.
        name: of this set of blocks; see `DynamicNet.add` for more sets.
        example: an input, needed where a layer does not say how many channels it puts out, as for `condition`.

    Returns:
        the tunable network; train ``model.sets[name].parameters()`` with ``alpha=1``.

    Example:
        >>> model = tune(network, at=["blocks.1", "up.1"])
        >>> painted = model(photographs, alpha=0.5)           # photographs (B, 3, H, W)
    """
    if not isinstance(main, nn.Module):
        raise ReaderError(f"A network (nn.Module) can be tuned; got a {type(main).__name__}.")
    found = outputs(main, at, example)
    flat = [layer for layer, place in found.items() if place.channel_dim != 1]
    if flat:
        raise ReaderError(f"Tuning blocks are convolutions: layers put out (B, C, H, W); {', '.join(flat)} do not.")
    blocks = TuningBlocks({layer: place.channels for layer, place in found.items()})
    reference = next(main.parameters(), None)
    if reference is not None:
        blocks.to(device=reference.device, dtype=reference.dtype)
    return DynamicNet(main, {name: blocks})


def _checked(alpha: float | Tensor) -> float | Tensor:
    """One block's α: a finite number, or a tensor of them, ``()`` or ``(B,)``, which keeps its gradient."""
    if isinstance(alpha, Tensor) and alpha.dim() < 2:
        with contextlib.suppress(RuntimeError):  # under vmap nothing can be looked at
            if not exporting() and not alpha.isfinite().all():
                raise ReaderError(
                    f"α is a number, or one for each example, finite; got {alpha.flatten()[:8].tolist()}."
                )
        return alpha
    if isinstance(alpha, (int, float)) and abs(alpha) < float("inf"):
        return float(alpha)
    try:
        value = float("nan" if isinstance(alpha, str) or getattr(alpha, "ndim", 0) else alpha)
    except (TypeError, ValueError):
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ReaderError(
            f"α is a number, (B,) for one per example, or a sequence of either, one per block; got {alpha!r}."
        )
    return value
