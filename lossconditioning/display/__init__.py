"""What a reader sees and touches: figures with alt text, slider panels, pictures of their own."""

from lossconditioning.display.figures import COLORS, LINES, MARKERS, LiveFigure, figure, film_strip, png, show
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
    "Menu",
    "Panel",
    "Picture",
    "Slider",
    "Upload",
    "explore",
    "figure",
    "film_strip",
    "open_picture",
    "png",
    "show",
]
