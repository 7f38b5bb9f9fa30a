"""Les couleurs et les polices des fenêtres."""
from pathlib import Path

import cv2
from PIL import ImageFont

black = (30, 30, 35)
grey = (110, 110, 120)
white = (250, 250, 250)
red = (215, 40, 40)
green = (60, 160, 90)
blue = (40, 90, 200)
orange = (225, 110, 20)


def load_font(size):
    """Une police qui a les accents : celle d'OpenCV (Linux), sinon Arial."""
    own = Path(cv2.__file__).parent / "qt/fonts/DejaVuSans.ttf"
    for name in (str(own), "arial.ttf", "Arial.ttf"):
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            pass                         # pas ici : on essaie la suivante
    return ImageFont.load_default(size)


small_font = load_font(12)
font = load_font(15)
big_font = load_font(22)
