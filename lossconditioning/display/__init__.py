"""What a reader sees and touches: figures with alt text, slider panels."""

from lossconditioning.display.figures import COLORS, LINES, LiveFigure, figure, film_strip, png, show
from lossconditioning.display.panel import Panel, Slider, explore

__all__ = ["COLORS", "LINES", "LiveFigure", "Panel", "Slider", "explore", "figure", "film_strip", "png", "show"]
