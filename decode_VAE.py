"""Déplacer les curseurs : chacun règle un nombre, et l'image suit.

Lit     : model_name.pth ; les images (touche i), la webcam (w).
Écrit   : decode_0001.png... (touche s), .gif (f), sans rien écraser.
Ensuite : changez la zone *** de train_VAE.py, relancez, comparez.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : images de la touche i
camera = 0                  #*** 0 à 99 : la webcam, ou "film.mp4"
slider_reach = 2            #*** 1 à 5 : étendue, en écarts-types
walk_seconds = 4            #*** 1 à 20 : secondes par curseur (p)
# *****************************************************************
import math
import time

# en premier : il prépare torch
from model_VAE_64 import VAE, spoil
import numpy as np
import torch
from PIL import Image, ImageDraw

from outils.camera import open_camera, read_square
from outils.checks import check_folder, check_name, check_number
from outils.drawing import black, font, grey, small_font, white
from outils.files import save_numbered, save_picture
from outils.latents import name_latent, order_sliders, random_codes
from outils.model_file import load_model
from outils.pictures import list_images, read_image, to_gif, to_picture
from outils.sliders import Sliders
from outils.stop import here, stop
from outils.windows import close_windows, read_key, show, window_trouble

help_text = """h  image au hasard
m  retour au milieu
i  image du dossier
p  promenade
w  webcam
s  garder l'image
f  film du curseur
q  quitter (ou Échap)"""


# %% Le tableau de bord
class Board:
    """Le code z, et ce qui le change : les curseurs, les touches, la webcam.

    driver dit qui conduit en ce moment : "curseurs", "promenade" ou "webcam".
    Un curseur va de 0 à 200 : 100 est la moyenne de son nombre, 0 et 200 sont à
    slider_reach écarts-types."""

    def __init__(self, model, saved):
        self.model = model
        self.saved = saved
        self.task = saved["settings"]["task"]
        self.size = saved["settings"]["images_size"]
        self.mean = saved["z_mean"]
        self.step = saved["z_spread"] * slider_reach / 100    # un cran de curseur
        self.order = order_sliders(saved)     # order[0] : le latent du curseur du haut
        labels = [name_latent(saved, i) for i in self.order]
        self.sliders = Sliders("decodeur", labels)
        self.z = self.mean.clone()
        self.last = self.order[0]         # le latent du dernier curseur qui a bougé
        self.driver = "curseurs"
        self.capture = None               # la webcam, quand elle est ouverte
        self.names = []                   # les images du dossier (touche i)
        self.next_image = 0               # le numéro de la prochaine
        self.seen = {}                    # ce que le réseau a regardé, à montrer
        self.message = ""
        self.changed = True               # il faut redessiner

    def follow_hand(self):
        """Met dans z les curseurs bougés à la main ; la main conduit alors."""
        for line, position in self.sliders.read_moved().items():
            i = self.order[line]            # line : le rang du curseur ; i : son latent
            self.z[i] = self.mean[i] + self.step[i] * (position - 100)
            self.last = i
            self.take_over()

    def place_sliders(self):
        """Place les curseurs sur le code z."""
        places = 100 + (self.z - self.mean) / self.step
        places = places.round().int().clamp(0, 200)
        self.sliders.place(places[self.order].tolist())

    def take_over(self):
        """La main reprend : arrête la promenade ou la webcam."""
        if self.capture is not None:
            self.capture.release()
            self.capture = None
        self.driver = "curseurs"
        self.seen = {}
        self.message = ""
        self.changed = True

    def press(self, letter):
        """Fait ce que demande une touche ; une phrase dit si c'est impossible."""
        before = self.driver
        self.changed = True
        try:
            if letter == "s":
                picture = to_picture(self.decode()).resize((512, 512))
                self.tell(save_picture(picture, here, "decode"))
            if letter == "f":
                self.tell(save_numbered(to_gif(self.film()), here, "decode", "gif"))
            if letter in ("h", "m", "i", "p", "w"):
                self.take_over()
            if letter == "h":
                self.z = random_codes(self.saved, 1)[0]
            if letter == "m":
                self.z = self.mean.clone()
            if letter == "i":
                self.show_next()
            # réappuyer sur p ou sur w arrête : take_over vient de le faire
            if letter == "p" and before != "promenade":
                self.driver = "promenade"
                self.start_time = time.monotonic()
                self.start_code = self.z.clone()
            if letter == "w" and before != "webcam":
                self.capture = open_camera(camera)
                self.driver = "webcam"
        except SystemExit:
            # stop a dit non : sa phrase est dans la console, et l'on continue
            self.message = "Impossible : la console dit pourquoi."

    def show_next(self):
        """Le réseau regarde l'image suivante du dossier."""
        folder = here / dataset_folder
        if not self.names:
            self.names = list_images(folder)
        name = self.names[self.next_image % len(self.names)]
        self.next_image += 1
        pixels, problem = read_image(folder / name, self.size)
        if problem is None:
            self.look_at(torch.tensor(pixels) / 255)
        else:
            self.message = f"{name} : {problem}"

    def tell(self, path):
        self.message = (f"Écrit : {path.name}. Ne donnez un visage qu'avec l'accord de "
                        "la personne.")

    def walk(self):
        """La promenade : chaque curseur, à son tour, va et vient autour du milieu."""
        turns = (time.monotonic() - self.start_time) / walk_seconds
        self.last = self.order[int(turns) % len(self.order)]
        self.z = self.swing(self.start_code, turns)
        self.changed = True

    def swing(self, code, turns):
        """Ce code, mais où le dernier curseur va et vient ; turns : combien de fois."""
        z = code.clone()
        i = self.last
        z[i] = self.mean[i] + self.step[i] * 100 * math.sin(2 * math.pi * turns)
        return z

    @torch.no_grad()
    def film(self):
        """Le dernier curseur va et vient une fois, en 40 images."""
        codes = [self.swing(self.z, number / 40) for number in range(40)]
        images = self.model.decode(torch.stack(codes))
        return [to_picture(image).resize((256, 256)) for image in images]

    def look_at_camera(self):
        """La webcam : le réseau regarde une image de plus."""
        square = read_square(self.capture)
        if square is None:
            self.take_over()
            self.message = "Plus d'images (caméra débranchée, vidéo finie) : touche w."
            return
        small = square.resize((self.size, self.size), Image.Resampling.BOX)
        pixels = torch.tensor(np.asarray(small)).permute(2, 0, 1)    # (3, H, W)
        self.look_at(pixels / 255)

    @torch.no_grad()
    def look_at(self, image):
        """Le réseau regarde une image : z devient le code qu'il lui donne."""
        inputs = spoil(image[None], self.task)        # [None] : un lot d'une image
        mu, logvar = self.model.encode(inputs)
        self.z = mu[0]
        self.seen = {"entrée": inputs[0]}
        if self.task != "copy":
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
        draw.text((472, 8), help_text, black, font, spacing=4)
        for place, (name, picture) in enumerate(self.seen.items()):
            draw.text((472, 164 + 148 * place), name, grey, small_font)
            picture = to_picture(picture).resize((128, 128))
            screen.paste(picture, (472, 180 + 148 * place))
        height = min(24, 448 // len(self.z))          # 32 lignes tiennent aussi
        for line, i in enumerate(self.order):
            value = round(self.z[i].item(), 2) + 0.0          # jamais -0.00
            words = f"z{i + 1}  {value:+.2f}"
            draw.text((690, 8 + height * line), words, black, small_font)
        draw.text((8, 459), self.message, black, font)
        return screen


def drive(board):
    """Dessine, écoute les touches et la main, laisse agir driver, recommence."""
    while True:
        if board.changed:
            show("decodeur", board.draw())
            board.changed = False
        key = read_key(5)    # 5 ms : les fenêtres se dessinent, écoutent une touche
        if key == "q" or not board.sliders.all_open():
            return
        board.follow_hand()
        if key != "":
            board.press(key)
        if board.driver == "promenade":
            board.walk()
        if board.driver == "webcam":
            board.look_at_camera()
        if board.changed:
            board.place_sliders()


# %% 1. Le modèle : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_number("slider_reach", slider_reach, 1.0, 5)
    check_number("walk_seconds", walk_seconds, 1.0, 20)
    check_folder("dataset_folder", dataset_folder)
    check_name("model_name", model_name)
    model, saved = load_model(here / f"{model_name}.pth", VAE)
    trouble = window_trouble()
    if trouble:
        stop(trouble)

    # %% 2. Les curseurs
    board = Board(model, saved)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)      # une seule image : un seul cœur va plus vite
    close_windows()               # ce qu'un lancement précédent a pu laisser
    try:
        board.sliders.open(f"VAE : {model_name}", board.draw())
        drive(board)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        board.take_over()         # libère la webcam
        torch.set_num_threads(threads)
        close_windows()
