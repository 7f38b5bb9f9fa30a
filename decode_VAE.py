"""Déplacer les curseurs : chacun règle un nombre du code, et l'image suit.

Lit     : model_name.pth ; les images (touche i) et la webcam (touche w).
Écrit   : decode_0001.png... (touche s), sans jamais en écraser une.
Ensuite : changez la zone *** de train_VAE.py, relancez-le, et comparez.
"""
# ******************** zone *** : à vous de modifier ********************
model_name = "VAE_64"       #*** un nom : celui donné dans train_VAE.py
dataset_folder = "images"   #*** un dossier : les images de la touche i
camera = 0                  #*** 0 à 99 : numéro de la webcam, ou "film.mp4"
slider_reach = 2            #*** 1 à 5 : course d'un curseur (écarts-types)
walk_seconds = 4            #*** 1 à 20 : durée d'un aller-retour (touche p)
# ***********************************************************************
import math
import time

from model_VAE_64 import load_images, load_model, random_codes, spoil, to_picture
import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from record_images import (black, check_folder, check_name, check_number,
                           close_windows, font, green, grey, here, is_open,
                           open_camera, open_window, quit_keys, read_square, red,
                           save_picture, screen_works, show, small_font, stop, white)

help_lines = ["h  image au hasard", "m  image moyenne", "i  image du dossier",
              "p  promenade", "w  webcam", "s  enregistrer l'image", "q  quitter"]


# %% Les curseurs
class Sliders:
    """Un curseur par latent, du plus important au moins important.

    De 0 à 200 : 100 est la moyenne, 0 et 200 sont à slider_reach écarts-types.
    Jusqu'à 8, ils sont sous l'image ; sinon dans d'autres fenêtres, 16 par fenêtre."""

    def __init__(self, saved):
        self.mean = saved["z_mean"]
        self.step = saved["z_spread"] * slider_reach / 100
        self.order = saved["importance"].argsort(descending=True).tolist()
        self.labels = []
        self.windows = []
        unit = "bits"
        if saved["settings"]["beta"] == 0:
            unit = "%"
        for line, i in enumerate(self.order):
            self.labels.append(f"z{i + 1} {saved['importance'][i]:.1f} {unit}")
            if len(self.order) <= 8:
                self.windows.append("decodeur")
            else:
                self.windows.append(f"curseurs {1 + line // 16}")
        self.positions = [100] * len(self.order)

    def open(self):
        open_window("decodeur", f"VAE : {model_name}")
        x = 820                           # à droite de l'image
        for window in sorted(set(self.windows)):
            if window != "decodeur":
                open_window(window, window.capitalize(), x)
                show(window, Image.new("RGB", (268, 8), white))
                x += 272
        for label, window in zip(self.labels, self.windows):
            cv2.createTrackbar(label, window, 100, 200, ignore)

    def are_open(self):
        return is_open("decodeur") and all([is_open(name) for name in self.windows])

    def move(self, z):
        """Écrit dans z les curseurs bougés à la main. Vrai s'il y en a."""
        moved = False
        for line, i in enumerate(self.order):
            position = cv2.getTrackbarPos(self.labels[line], self.windows[line])
            if position != self.positions[line]:
                self.positions[line] = position
                z[i] = self.mean[i] + self.step[i] * (position - 100)
                moved = True
        return moved

    def follow(self, z):
        """Place les curseurs sur le code z."""
        places = (100 + (z - self.mean) / self.step).round().clamp(0, 200)
        for line, i in enumerate(self.order):
            self.positions[line] = int(places[i])
            cv2.setTrackbarPos(self.labels[line], self.windows[line], int(places[i]))


def ignore(position):
    """OpenCV veut une fonction à appeler ; ici, move lit les curseurs."""


# %% Le tableau de bord
class Board:
    """Le code z que l'on dessine, et qui le choisit (driver).

    driver : "curseurs" (la main ou une touche), "promenade" ou "webcam"."""

    def __init__(self, model, saved, sliders):
        self.model = model
        self.saved = saved
        self.sliders = sliders
        self.z = saved["z_mean"].clone()
        self.driver = "curseurs"
        self.capture = None               # la webcam, quand elle est ouverte
        self.images = None                # celles du dossier, lues à la touche i
        self.next_image = 0
        self.walk_start = 0
        self.walk_from = self.z
        self.seen = {}                    # ce que le réseau vient de regarder
        self.message = ""
        self.message_color = green
        self.changed = True               # il faut redessiner

    def give_back(self):
        """Rend la main aux curseurs : plus de webcam, plus de promenade."""
        if self.capture is not None:
            self.capture.release()
        self.capture = None
        self.driver = "curseurs"
        self.seen = {}
        self.changed = True

    def press(self, letter):
        """Fait ce que demande une touche."""
        self.changed = True
        self.message_color = green
        if letter == "s":
            picture = to_picture(self.decode()).resize((512, 512))
            path = save_picture(picture, here, "decode")
            self.message = f"Image enregistrée : {path.name}"
        if letter in ("h", "m", "i", "p", "w"):
            before = self.driver
            self.give_back()
            self.message = ""
            try:
                self.obey(letter, before)
            except SystemExit as trouble:     # pas d'image, pas de webcam
                self.message = f"{trouble}".split(" :")[0] + " (voir la console)"
                self.message_color = red

    def obey(self, letter, before):
        if letter == "h":
            self.z = random_codes(self.saved, 1)[0]
        elif letter == "m":
            self.z = self.saved["z_mean"].clone()
        elif letter == "i":
            if self.images is None:
                size = self.saved["settings"]["images_size"]
                self.images, names = load_images(here / dataset_folder, size)
            self.look_at(self.images[self.next_image % len(self.images)] / 255)
            self.next_image += 1
        elif letter == "p" and before != "promenade":
            self.driver = "promenade"
            self.walk_start = time.monotonic()
            self.walk_from = self.z.clone()
        elif letter == "w" and before != "webcam":
            self.capture = open_camera(camera)
            self.driver = "webcam"

    def walk(self):
        """Un aller-retour le long d'un curseur, puis du suivant."""
        turns = (time.monotonic() - self.walk_start) / walk_seconds
        sliders = self.sliders
        i = sliders.order[int(turns) % len(sliders.order)]
        self.z = self.walk_from.clone()
        swing = math.sin(2 * math.pi * turns)         # de -1 à 1
        self.z[i] = sliders.mean[i] + 100 * sliders.step[i] * swing
        self.changed = True

    def film(self):
        """Une image de la webcam de plus."""
        square = read_square(self.capture)
        if square is None:
            self.give_back()
            self.message = "Caméra arrêtée : rebranchez-la, puis touche w."
            self.message_color = red
            return
        size = self.saved["settings"]["images_size"]
        small = square.resize((size, size), Image.Resampling.BOX)
        self.look_at(torch.tensor(np.asarray(small)).permute(2, 0, 1) / 255)

    @torch.no_grad()
    def look_at(self, image):
        """Le réseau regarde une image : z devient le code qu'il lui donne."""
        task = self.saved["settings"]["task"]
        inputs = spoil(image[None], task)             # [None] : un lot d'une image
        mu, logvar = self.model.encode(inputs)
        self.z = mu[0]
        self.seen = {"entrée": inputs[0]}
        if task != "copy":
            self.seen["cible"] = image
        self.changed = True

    @torch.no_grad()
    def decode(self):
        return self.model.decode(self.z[None])[0]

    def draw(self):
        """L'image décodée, les touches, ce que le réseau a vu, et les nombres."""
        screen = Image.new("RGB", (816, 480), white)
        draw = ImageDraw.Draw(screen)
        screen.paste(to_picture(self.decode()).resize((456, 456)))
        for line, words in enumerate(help_lines):
            draw.text((472, 8 + 21 * line), words, black, font)
        for place, (name, picture) in enumerate(self.seen.items()):
            draw.text((472, 164 + 148 * place), name, grey, small_font)
            screen.paste(to_picture(picture).resize((128, 128)), (472, 180 + 148 * place))
        height = 24
        values_font = font
        if len(self.z) > 16:
            height = 14
            values_font = small_font
        for line, i in enumerate(self.sliders.order):
            words = f"z{i + 1}  {self.z[i]:+.2f}"
            draw.text((690, 8 + height * line), words, black, values_font)
        draw.text((8, 459), self.message, self.message_color, font)
        return screen


def drive(board, sliders):
    """Dessine, écoute la main, les touches, la promenade, la webcam, et recommence."""
    while True:
        if board.changed:
            show("decodeur", board.draw())
            board.changed = False
        key = cv2.waitKeyEx(5)            # c'est ici que les fenêtres vivent
        if key in quit_keys or not sliders.are_open():
            return
        if sliders.move(board.z):
            board.give_back()
            continue
        if 0 < key < 128:
            board.press(chr(key).lower())
        if board.driver == "promenade":
            board.walk()
        if board.driver == "webcam":
            board.film()
        if board.changed:
            sliders.follow(board.z)


# %% 1. Le modèle : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_number("slider_reach", slider_reach, 1, 5)
    check_number("walk_seconds", walk_seconds, 1, 20)
    check_folder("dataset_folder", dataset_folder)
    check_name("model_name", model_name)
    model, saved = load_model(here / f"{model_name}.pth")
    if saved["settings"]["beta"] == 0:
        print("Auto-encodeur simple (beta = 0) : rien n'a rapproché ses codes de "
              "N(0, 1). L'image au hasard (h) est tirée autour des codes mesurés.")
    if not screen_works():
        stop("Aucun écran : lancez decode_VAE.py depuis le bureau de l'ordinateur.")

    # %% 2. Les curseurs
    sliders = Sliders(saved)
    board = Board(model, saved, sliders)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)      # pour une seule image, partager prend plus de temps
    close_windows()               # une fenêtre restée du lancement précédent
    try:
        sliders.open()
        drive(board, sliders)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        board.give_back()
        torch.set_num_threads(threads)
        close_windows()
