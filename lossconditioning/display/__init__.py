"""What a reader sees and touches: figures with alt text, slider panels, pictures of their own."""

from lossconditioning.display.figures import (
    COLORS,
    LINES,
    MARKERS,
    LiveFigure,
    figure,
    film_strip,
    jpeg,
    look,
    png,
    show,
)
from lossconditioning.display.grids import LiveRow, blank_pictures, enlarged, exact_axes, picture_grid, to_bytes
from lossconditioning.display.menu import Menu
from lossconditioning.display.moving import animation, show_moving
from lossconditioning.display.panel import Panel, explore
from lossconditioning.display.pictures import open_picture
from lossconditioning.display.slider import Slider
from lossconditioning.display.triangle import Triangle
from lossconditioning.display.uploads import Picture, Upload

__all__ = [
    "COLORS",
    "LINES",
    "MARKERS",
    "LiveFigure",
    "LiveRow",
    "Menu",
    "Panel",
    "Picture",
    "Slider",
    "Triangle",
    "Upload",
    "animation",
    "blank_pictures",
    "enlarged",
    "exact_axes",
    "explore",
    "figure",
    "film_strip",
    "jpeg",
    "look",
    "open_picture",
    "picture_grid",
    "png",
    "show",
    "show_moving",
    "to_bytes",
]
