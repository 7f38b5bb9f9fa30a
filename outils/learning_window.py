"""La fenêtre de l'apprentissage : elle montre, écoute "q" et le bouton Stop."""
import math
import time

import numpy as np
from PIL import Image, ImageDraw

from outils.drawing import black, blue, font, grey, orange, small_font, white
from outils.pictures import to_picture
from outils.stop import StopButton
from outils.windows import is_open, open_window, read_key, show, window_trouble


class LearningWindow:
    """Sans écran, il ne reste que les phrases de la console, et le bouton Stop."""

    def __init__(self, epochs, film):
        self.button = StopButton()       # désormais, Stop ne coupe rien : il est noté
        self.asked = False               # a-t-on appuyé sur "q" ?
        self.film = film
        self.every = math.ceil(epochs / 100)    # 100 vues au plus, environ
        self.views = []                  # celles du film
        self.count = 0                   # combien de fois il y a eu du nouveau
        self.start = time.monotonic()
        self.next_look = 0
        trouble = window_trouble()
        self.open = trouble is None
        if trouble:
            print(trouble)
            print("Les courbes seront dans le .png.")

    def update(self, picture, words):
        """Du nouveau : une image à montrer, une phrase à dire."""
        if self.open and self.count == 0:
            open_window("apprentissage", "Apprentissage", picture)
            self.listen()                # la dessine tout de suite, à sa taille
        elif self.open:
            show("apprentissage", picture)
        if self.film and self.count % self.every == 0:
            self.views.append(picture.quantize())    # 256 couleurs, pour le .gif
        self.count += 1
        print(f"\r{words}  {time.monotonic() - self.start:.0f} s")

    def must_stop(self, share):
        """Vrai s'il faut arrêter. share : ce qui est fait, de 0 à 1."""
        if time.monotonic() > self.next_look:
            self.next_look = time.monotonic() + 0.2
            print(f"\r{100 * share:.0f} %", end="")
            if self.open:
                self.listen()
        return self.asked or self.button.pressed

    def listen(self):
        if read_key(1) == "q":
            self.asked = True
        if not is_open("apprentissage"):
            self.open = False
            print("\nFenêtre fermée : l'apprentissage continue ; Stop l'arrête.")


# %% Ce qu'elle montre
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
