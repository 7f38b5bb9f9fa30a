"""Les couleurs, les polices et les courbes des fenêtres."""
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from outils.pictures import to_picture

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


def draw_training(words, history, rows):
    """Une phrase, les courbes des pertes et, dessous, des rangées d'images.

    history : six mesures par époque ; rows : {nom de la rangée: (N, 3, H, W)}."""
    screen = Image.new("RGB", (900, 300 + 100 * len(rows)), white)
    draw = ImageDraw.Draw(screen)
    draw.text((12, 8), words, black, font)
    draw_curves(draw, history)
    for line, (name, pictures) in enumerate(rows.items()):
        draw.text((12, 342 + 100 * line), name, black, font, anchor="lm")
        for column, picture in enumerate(pictures):
            place = (112 + 96 * column, 294 + 100 * line)
            screen.paste(to_picture(picture).resize((96, 96)), place)
    return screen


def draw_curves(draw, history):
    """La perte et la perte de test, dans le cadre de 70 à 880 et de 58 à 270."""
    draw.line((70, 58, 70, 270, 880, 270), grey)
    if len(history) < 2:
        return
    losses = np.array(history)[:, [0, 3]]           # (époques, 2)
    low = losses.min()
    high = losses.max()
    # à l'écran, y descend : 270 est le bas du cadre
    heights = 270 - 212 * (losses - low) / max(high - low, 1e-9)
    across = np.linspace(70, 880, len(losses))
    draw.line(list(zip(across, heights[:, 0])), blue, 2)
    draw.line(list(zip(across, heights[:, 1])), orange, 2)
    draw.text((70, 34), "perte", blue, font)
    draw.text((130, 34), "perte de test", orange, font)
    draw.text((62, 58), f"{high:.4g}", grey, small_font, anchor="rm")
    draw.text((62, 270), f"{low:.4g}", grey, small_font, anchor="rm")
    draw.text((70, 274), "époque 1", grey, small_font)
    draw.text((880, 274), f"époque {len(losses)}", grey, small_font, anchor="ra")
