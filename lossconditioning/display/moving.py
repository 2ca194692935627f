"""Pictures that move without a kernel: in a saved notebook, on a code-hosting page, in the book."""

from __future__ import annotations

import io
from collections.abc import Sequence

from IPython.display import Image, Markdown, display
from PIL import Image as Picture

from lossconditioning.errors import ReaderError, positive

_SAMPLED = 12
"""From how many frames the colours of all are chosen."""


def animation(frames: Sequence[bytes], seconds: float = 0.12) -> bytes:
    """Frames as one animated PNG, which begins anew at its end. What can not move it, and paper, shows the first frame.

    All frames share one palette of 256 colours: with one of its own for each, colours would flicker.

    Args:
        frames: PNG or JPEG bytes, all of one size.
        seconds: how long each is shown.

    Raises:
        ReaderError: if there are no frames, or of several sizes.
    """
    pictures = [Picture.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    if len({picture.size for picture in pictures}) != 1:
        sizes = sorted({picture.size for picture in pictures})
        raise ReaderError(f"An animation needs frames, all of one size; got {len(pictures)} of sizes {sizes}.")
    chosen = pictures[:: max(1, len(pictures) // _SAMPLED)]
    width, height = pictures[0].size
    together = Picture.new("RGB", (width, height * len(chosen)))
    for number, picture in enumerate(chosen):
        together.paste(picture, (0, number * height))
    palette = together.quantize(256)
    first, *rest = (picture.quantize(palette=palette, dither=Picture.Dither.NONE) for picture in pictures)
    buffer, milliseconds = io.BytesIO(), round(1000 * positive("seconds", seconds))
    first.save(buffer, "PNG", save_all=True, append_images=rest, duration=milliseconds, loop=0, optimize=True)
    return buffer.getvalue()


def show_moving(frames: Sequence[bytes], *, alt: str, caption: str, seconds: float = 0.12) -> None:
    """Display frames as an `animation` in a notebook, with alt text and a caption, as `show` does a figure."""
    if not alt.strip() or not caption.strip():
        raise ReaderError("Every animation needs alt text (what it shows) and a caption (what to see in it).")
    display(Image(data=animation(frames, seconds), format="png", metadata={"alt": alt}))
    display(Markdown(f"*{caption}*"))
