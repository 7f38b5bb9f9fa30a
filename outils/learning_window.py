"""La fenêtre de l'apprentissage : elle montre, écoute "q" et le bouton Stop."""
import math
import time

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
            print(trouble, "Les courbes seront dans le .png.")

    def update(self, picture, words):
        """Du nouveau : une image à montrer, une phrase à dire."""
        if self.open and self.count == 0:
            open_window("apprentissage", "Apprentissage", picture)
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
