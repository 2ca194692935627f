"""A control at a panel for pictures that the reader chooses or brings, beside the sliders."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.display.pictures import open_picture
from lossconditioning.errors import ReaderError, one_of, positive_int

KEPT = 4
"""How many of the reader's own pictures a panel keeps to be chosen again: the last ones."""
_ENDINGS = ".jpg,.jpeg,.png,.webp,.gif,.bmp,.tif,.tiff"


@dataclass(frozen=True)
class Picture:
    """A picture with a name; two are equal if their pixels are, so that what was made from one can be kept.

    Attributes:
        name: for labels and readouts.
        pixels: ``(3, H, W)`` in [0, 1].
        digest: SHA-256 of shape and pixels.
    """

    name: str = field(compare=False)
    pixels: Tensor = field(compare=False, repr=False)
    digest: str = field(init=False, repr=False)

    def __post_init__(self):
        pixels = self.pixels.detach().cpu().contiguous()
        sha = hashlib.sha256(f"{tuple(pixels.shape)}".encode())
        sha.update(pixels.numpy())
        object.__setattr__(self, "digest", sha.hexdigest())


class Upload:
    """A picture that the reader chooses, or brings: at a panel, ``explore(render, picture=Upload({…}), …)``.

    ``render`` is given a `Picture`: its ``name``, and its ``pixels`` ``(3, H, W)`` in [0, 1].

    Args:
        pictures: name → ``(3, H, W)`` in [0, 1]; the first is shown at the start.
        size: cut every picture to a part of this shape, ``(H, W)`` or a square's side, as large as the picture holds, and
            scale that to it. As they are, if not given.
        label: shown at the choice.
    """

    def __init__(self, pictures: Mapping[str, Tensor], *, size: int | tuple[int, int] | None = None, label: str = ""):
        if not isinstance(pictures, Mapping) or not pictures:
            raise ReaderError(
                f"Upload needs at least one picture to begin with, such as {{'name': tensor (3, H, W)}}; got {pictures!r:.80}."
            )
        height, width = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
        self.size = None if size is None else (positive_int("size", height), positive_int("size", width))
        self.label = label
        self.pictures = {name: self.picture(name, pixels) for name, pixels in pictures.items()}

    @property
    def value(self) -> Picture:
        """Where the panel starts."""
        return next(iter(self.pictures.values()))

    def picture(self, name: str, pixels: Tensor) -> Picture:
        """A tensor ``(3, H, W)`` as the `Picture` a panel is given, cut and scaled."""
        if not isinstance(pixels, Tensor) or pixels.dim() != 3 or len(pixels) != 3 or 0 in pixels.shape:
            given = tuple(pixels.shape) if isinstance(pixels, Tensor) else f"a {type(pixels).__name__}"
            raise ReaderError(f"Picture {name!r} must be a tensor (3, H, W); got {given}. open_picture makes one.")
        pixels = pixels.detach().cpu().float()
        if not bool(((pixels >= 0) & (pixels <= 1)).all()):
            raise ReaderError(
                f"Picture {name!r} must have values in [0, 1]; got {float(pixels.min()):g} to {float(pixels.max()):g}. Divide "
                "8-bit values by 255."
            )
        return Picture(name, pixels if self.size is None else _cut(pixels, *self.size))

    # What a panel asks of its controls.

    def widget(self, name: str, label_width: str = "initial") -> PictureChoice:
        """The choice, the button, and a line for what was wrong; its ``value`` is a `Picture`."""
        return PictureChoice(self, self.label or name, label_width)

    def check(self, name: str, value: Any) -> Picture:
        """A value set by program, as this control's: a given picture's name, a tensor ``(3, H, W)`` or a `Picture`."""
        if isinstance(value, str):
            return self.pictures[one_of(f"{name} to choose", value, self.pictures)]
        return self.picture(value.name, value.pixels) if isinstance(value, Picture) else self.picture(name, value)

    def key(self, value: Picture) -> str:
        """What tells one value from another."""
        return value.digest

    def note(self, name: str, value: Picture) -> str:
        """What the reader should know about a value; nothing, for pictures."""
        return ""

    def positions(self, count: int) -> list[Picture]:
        """At most ``count`` values that show what there is, for a film-strip."""
        return list(self.pictures.values())[:count]


def _cut(pixels: Tensor, height: int, width: int) -> Tensor:
    """The middle of a picture as ``(3, height, width)``, scaled, antialiased; of a tall one rather the upper part."""
    scale = min(pixels.shape[1] / height, pixels.shape[2] / width)
    rows, columns = max(1, round(scale * height)), max(1, round(scale * width))
    share = 2 if height == width else 3  # faces stand above the middle, and a flat part has no room to spare
    top, left = (pixels.shape[1] - rows) // share, (pixels.shape[2] - columns) // 2
    part = pixels[:, top : top + rows, left : left + columns]
    if part.shape[1:] == (height, width):
        return part.contiguous()
    return F.interpolate(part[None], (height, width), mode="bilinear", antialias=True)[0].clamp(0, 1)


class PictureChoice(widgets.VBox, widgets.ValueWidget):
    """The widget of an `Upload`: its ``value`` is the `Picture` chosen or uploaded last; a file that fails changes nothing."""

    def __init__(self, upload: Upload, label: str, label_width: str):
        self._upload = upload
        self._choice = widgets.Dropdown(
            options=[(name, picture) for name, picture in upload.pictures.items()],
            value=upload.value,
            description=label,
            style={"description_width": label_width},
        )
        # A larger message would end the connection (tornado's websocket_max_message_size) before anything could be said.
        self._button = widgets.FileUpload(
            accept=_ENDINGS,
            description="Upload a picture",
            tooltip="JPEG, PNG, WebP, GIF, BMP or TIFF, up to 10 MB",
            layout=widgets.Layout(width="max-content"),
        )
        self._message = widgets.HTML()
        super().__init__([widgets.HBox([self._choice, self._button]), self._message], value=upload.value)
        self._choice.observe(self._chosen, names="value")
        self._button.observe(self._uploaded, names="value")
        self.observe(self._changed, names="value")

    def _chosen(self, change: Any) -> None:
        self.value = change.new

    def _uploaded(self, change: Any) -> None:
        if not change.new:  # emptied below
            return
        self._message.value = ""
        # ipywidgets 8 has a tuple of files, ipywidgets 7 (Colab's) a dictionary by name.
        files = [{"name": n, **f} for n, f in change.new.items()] if isinstance(change.new, dict) else change.new
        try:
            self.value = self._upload.picture(files[0]["name"], open_picture(files))
        except ReaderError as error:
            self._message.value = f'<b role="alert">{html.escape(str(error))} The picture before it stays.</b>'
        self._button.set_trait("value", type(change.new)())  # lets the file go, and takes the same one again

    def _changed(self, change: Any) -> None:
        """Keep the choice in step; what was uploaded last can be chosen again."""
        self._message.value = ""
        self._choice.unobserve(self._chosen, names="value")
        options = self._choice.options
        if change.new not in (picture for _, picture in options):
            given = len(self._upload.pictures)
            own = (*options[given:], (f"{change.new.name} (yours)", change.new))
            self._choice.options = (*options[:given], *own[-KEPT:])
        self._choice.value = change.new
        self._choice.observe(self._chosen, names="value")
