"""Remplir le dossier images/ avec votre webcam.

Lit     : la webcam (ou un fichier vidéo).
Écrit   : im_0001.png, im_0002.png... sans jamais écraser une image ;
          m1_0001.png... pour le mouvement 1, m2_... pour le 2, etc.
Ensuite : train_VAE.py.
Tout reste sur cet ordinateur : aucune image n'est envoyée nulle part.
"""
# ***************** zone *** : à vous de modifier *****************
camera = 0                  #*** 0 à 99 : la webcam, ou "film.mp4"
dataset_folder = "images"   #*** un dossier : où ranger les images
images_per_second = 10      #*** 1 à 30 : images par seconde
# *****************************************************************
import time
from collections import Counter

import outils               # en premier : règle ce qui suit
import cv2
from PIL import Image, ImageDraw

from outils.camera import open_camera, read_square
from outils.checks import check_folder, check_number
from outils.drawing import big_font, black, font, green, red, small_font, white
from outils.files import make_folder, save_picture
from outils.names import read_name
from outils.stop import stop
from outils.windows import (Mouse, close_windows, is_open, open_window, read_key, show,
                            window_trouble)

saved_size = 128            # côté des images enregistrées
goal = 200                  # combien d'images on conseille
help_text = """s ou clic gauche : enregistrer
1 à 9 : enregistrer un mouvement,
    un seul à la fois (1 : la tête,
    2 : la bouche...)
z : effacer la dernière
q ou Échap : terminer
Rien ne quitte cet ordinateur."""


def record(capture, folder, recorded):
    """Montre la webcam ; enregistre tant que s, 1 à 9 ou le bouton est enfoncé."""
    present = list(folder.glob("*.png"))
    mouse = Mouse("webcam")
    last_save = -1                        # l'heure de la dernière image
    last_delete = -1
    while True:
        square = read_square(capture)
        if square is None:
            print("La caméra n'envoie plus d'images (débranchée, ou vidéo finie) : "
                  "rebranchez-la, puis relancez.")
            return
        recording = time.monotonic() < last_save + 0.25    # le point rouge dure un peu
        counts = count_kinds(present + recorded)
        show("webcam", draw_preview(square, counts, recording))
        key = read_key(10)    # 10 ms : la fenêtre se dessine, écoute une touche
        now = time.monotonic()
        if key == "q" or not is_open("webcam"):
            return
        kind = None                   # le début du nom de l'image, si on en veut une
        if key == "s" or mouse.down or mouse.clicked:
            kind = "im"
        elif key in list("123456789"):
            kind = "m" + key              # un mouvement
        # 0.9 : sinon, on attendrait souvent une image de caméra de plus
        if kind is not None and now > last_save + 0.9 / images_per_second:
            picture = square.resize((saved_size, saved_size), Image.Resampling.BOX)
            recorded.append(save_picture(picture, folder, kind))
            mouse.clicked = False
            last_save = now
        # 0.15 : tenir z n'efface pas vingt images par seconde
        elif key == "z" and recorded and now > last_delete + 0.15:
            delete_last(recorded)
            last_delete = now


def delete_last(recorded):
    """Efface le fichier de la dernière image."""
    try:
        recorded[-1].unlink(missing_ok=True)
        recorded.pop()
    except PermissionError:               # Windows : un autre programme la montre
        print("Cette image est ouverte ailleurs : fermez-la, puis réessayez.")


def count_kinds(paths):
    """Combien d'images de chaque sorte : {"im": 40, "m1": 60, "": 3}."""
    return Counter([read_name(path.name)[0] for path in paths])


def draw_preview(square, counts, recording):
    """L'aperçu et, à droite, la même image en 64x64 pixels, agrandis, et le compte."""
    screen = Image.new("RGB", (776, 480), white)
    screen.paste(square.resize((480, 480)))
    small = square.resize((64, 64), Image.Resampling.BOX)
    screen.paste(small.resize((192, 192), Image.Resampling.NEAREST), (500, 36))
    draw = ImageDraw.Draw(screen)
    draw.text((500, 10), "La même, en 64x64 pixels", black, font)
    total = sum(counts.values())
    draw.text((500, 238), f"Images : {total} sur {goal}", black, big_font)
    draw.rectangle((500, 272, 756, 280), (225, 225, 230))
    draw.rectangle((500, 272, 500 + 256 * min(total / goal, 1), 280), green)
    for number in range(1, 10):
        count = counts[f"m{number}"]
        if count > 0:
            place = (698, 34 + 21 * number)
            draw.text(place, f"{number} : {count}", green, font)
            draw.text((698, 36), "mouvement", green, small_font)
    draw.text((500, 292), help_text, black, font, spacing=8)
    if recording:
        draw.ellipse((16, 16, 40, 40), red)
        draw.text((48, 18), "enregistre", red, font, stroke_width=2, stroke_fill=white)
    return screen


# %% Le programme : il commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_number("images_per_second", images_per_second, 1, 30)
    folder = check_folder("dataset_folder", dataset_folder)
    make_folder(folder)
    trouble = window_trouble()
    if trouble:
        stop(trouble)
    close_windows()                       # ce qu'un lancement précédent a pu laisser
    recorded = []
    capture = cv2.VideoCapture()          # vide, pour que finally puisse la fermer
    try:
        capture = open_camera(camera)
        open_window("webcam", "Webcam", Image.new("RGB", (776, 480), white))
        record(capture, folder, recorded)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        capture.release()
        close_windows()
        if recorded:
            print(f"Images enregistrées dans {folder} : {len(recorded)}. "
                  "Ensuite : train_VAE.py")
