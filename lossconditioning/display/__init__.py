"""What a reader sees and touches: figures with alt text, slider panels, pictures of their own."""

from lossconditioning.display.figures import COLORS, LINES, MARKERS, LiveFigure, figure, film_strip, look, png, show
from lossconditioning.display.grids import LiveRow, blank_pictures, picture_grid, to_bytes
from lossconditioning.display.menu import Menu
from lossconditioning.display.panel import Panel, explore
from lossconditioning.display.pictures import open_picture
from lossconditioning.display.slider import Slider
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
    "Upload",
    "blank_pictures",
    "explore",
    "figure",
    "film_strip",
    "look",
    "open_picture",
    "picture_grid",
    "png",
    "show",
    "to_bytes",
]
