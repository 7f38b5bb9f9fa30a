"""Remplir le dossier images/ avec votre webcam.

Lit     : la webcam (ou un fichier vidéo).
Écrit   : dataset_folder/im_0001.png, im_0002.png... (128x128 pixels), sans jamais écraser une image.
Ensuite : train_VAE.py.
Tout reste sur cet ordinateur : aucune image n'est envoyée nulle part.
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# ****************************** zone *** : à vous de modifier ******************************
camera = 0                    #*** numéro de la webcam : 0, 1, 2... ou le chemin d'une vidéo : "film.mp4"
dataset_folder = "images"     #*** dossier où ranger les images (créé s'il n'existe pas)
images_per_second = 10        #*** images par seconde quand on garde "s" appuyé : 1 à 30
# *******************************************************************************************

here = Path(__file__).resolve().parent    # le dossier de ce script : tous les chemins partent de lui
saved_size, goal = 128, 200               # côté des images enregistrées (la plus grande images_size) ; nombre conseillé
(cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel)(0)      # OpenCV se tait
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"


# %% Vérifier (train_VAE.py et decode_VAE.py s'en servent aussi)
def check(name, value, allowed):
    """Arrête le script avec une phrase claire si value ne convient pas. allowed : [min, max], (choix, choix...) ou str."""
    if isinstance(allowed, tuple):
        good = value in allowed and type(value) in map(type, allowed)
        need = "choisissez parmi " + ", ".join(map(repr, allowed))
    elif allowed is str:
        good, need = isinstance(value, str) and value.strip(), 'il faut un nom entre guillemets, comme "images"'
    else:
        kinds, word = ((int,), "nombre entier") if isinstance(allowed[0], int) else ((int, float), "nombre")
        good = type(value) in kinds and allowed[0] <= value <= allowed[1]
        need = f"il faut un {word} de {allowed[0]} à {allowed[1]}"
    if not good:
        sys.exit(f"{name} = {value!r} ne va pas : {need}. Corrigez-le dans la zone ***, puis relancez.")


def check_folder(folder):
    """Crée le dossier s'il manque, et s'assure qu'on peut y écrire."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        sys.exit(f"Impossible d'écrire dans {folder} ({error.strerror}) : copiez le kit dans un dossier à vous.")


# %% Les fenêtres (train_VAE.py et decode_VAE.py s'en servent aussi)
quit_keys = (ord("q"), ord("Q"), 27)      # 27 : Échap
black, grey, white, red = (30, 30, 35), (110, 110, 120), (250, 250, 250), (215, 40, 40)


def load_font(size):
    """Une police qui a les accents : celle d'OpenCV (Linux), sinon Arial (Windows, macOS)."""
    for name in (Path(cv2.__file__).parent / "qt/fonts/DejaVuSans.ttf", "arial.ttf", "Arial.ttf", "DejaVuSans.ttf"):
        try:
            return ImageFont.truetype(str(name), size)
        except OSError:
            continue
    return ImageFont.load_default(size)


small_font, font, big_font = load_font(12), load_font(15), load_font(22)


def screen_works():
    """Sans écran, OpenCV tue Python au lieu de lever une erreur : on essaie donc d'abord dans un autre Python."""
    attempt = [sys.executable, "-c", "import cv2; cv2.namedWindow('essai')"]
    return not sys.platform.startswith("linux") or subprocess.run(attempt, capture_output=True).returncode == 0


def open_window(window, title, x=0):
    cv2.namedWindow(window, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    cv2.setWindowTitle(window, title)
    cv2.moveWindow(window, x, 30)         # 30 : la barre de titre reste à l'écran


def show(window, picture):
    """Affiche une image de Pillow (rouge, vert, bleu) ; OpenCV, lui, attend bleu, vert, rouge."""
    cv2.imshow(window, cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))


def is_open(window):
    try:
        return cv2.getWindowProperty(window, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:                     # c'était la dernière fenêtre
        return False


def close_windows():
    cv2.destroyAllWindows()
    cv2.waitKey(1)


# %% La caméra (decode_VAE.py s'en sert aussi)
def open_camera(camera):
    """Ouvre la webcam (ou la vidéo) et passe ses premières images, souvent noires."""
    video = isinstance(camera, str)
    if not video:
        check("camera", camera, [0, 99])
    print("Ouverture de la caméra... (quelques secondes)")
    driver = cv2.CAP_DSHOW if sys.platform == "win32" and not video else cv2.CAP_ANY
    capture, start = cv2.VideoCapture(str(here / camera) if video else camera, driver), time.time()
    try:
        while capture.isOpened() and time.time() < start + 4:
            ok, frame = capture.read()
            if ok and (frame.mean() > 10 or time.time() > start + 3):      # assez claire, ou la pièce est sombre
                return capture
        sys.exit(f"La vidéo {camera} est introuvable ou illisible : vérifiez son chemin (réglage camera)." if video else
                 f"La webcam {camera} ne répond pas : branchez-la, fermez les programmes qui s'en servent (Teams, Zoom, "
                 "navigateur), autorisez Spyder à l'utiliser, ou essayez un autre numéro (réglage camera).")
    except BaseException:                 # Stop aussi : la webcam ne reste jamais allumée
        capture.release()
        raise


def read_square(capture):
    """Le carré du centre, en miroir ; None si la caméra ne répond plus (ou si la vidéo est finie)."""
    for attempt in range(20):
        ok, frame = capture.read()
        if ok:
            height, width = frame.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            return Image.fromarray(frame[top:top + side, left:left + side][:, ::-1, ::-1])
        time.sleep(0.05)                  # un raté arrive : on insiste une seconde
    return None


# %% Enregistrer
def save_picture(picture, folder, prefix="im"):
    """Enregistre en PNG, avec un numéro de plus que le plus grand déjà là ; le mode "x" interdit d'écraser."""
    taken = (re.match(rf"{prefix}_(\d+)\.", path.name) for path in folder.iterdir())
    numbers = [int(found[1]) for found in taken if found]
    path = folder / f"{prefix}_{max(numbers, default=0) + 1:04d}.png"
    try:
        with open(path, "xb") as file:
            picture.save(file, "PNG")
    except OSError as error:
        if not isinstance(error, FileExistsError):
            path.unlink(missing_ok=True)  # pas d'image à moitié écrite
        sys.exit(f"Impossible d'écrire {path} ({error.strerror}) : libérez de la place. Les images d'avant sont gardées.")
    return path


def draw_preview(square, count, recording):
    """L'aperçu et, à droite, l'image de 64x64 pixels telle que le réseau la verra, agrandie 4 fois."""
    screen = Image.new("RGB", (776, 480), white)
    screen.paste(square.resize((480, 480)))
    screen.paste(square.resize((64, 64), Image.Resampling.BOX).resize((256, 256), Image.Resampling.NEAREST), (500, 40))
    draw = ImageDraw.Draw(screen)
    draw.text((500, 14), "Ce que verra le réseau (64x64)", black, font)
    draw.text((500, 306), f"{count} images sur {goal}", black, big_font)
    draw.rectangle((500, 340, 756, 348), (225, 225, 230))
    draw.rectangle((500, 340, 500 + 256 * min(count / goal, 1), 348), (60, 160, 90))
    for line, text in enumerate(("s ou clic gauche : enregistrer", "z : effacer la dernière", "q ou Échap : terminer",
                                 "Rien ne quitte cet ordinateur.")):
        draw.text((500, 366 + 25 * line), text, grey if line == 3 else black, font)
    if recording:
        draw.ellipse((16, 16, 40, 40), red)
        draw.text((48, 18), "enregistre", red, font, stroke_width=2, stroke_fill=white)
    return screen


def on_mouse(event, x, y, flags, parameter):
    global button_down
    button_down = event == cv2.EVENT_LBUTTONDOWN or button_down and event != cv2.EVENT_LBUTTONUP


if __name__ == "__main__":
    check("images_per_second", images_per_second, [1, 30])
    check("dataset_folder", dataset_folder, str)
    folder = here / dataset_folder
    check_folder(folder)
    if not screen_works():
        sys.exit("Aucun écran : record_images.py ouvre une fenêtre, lancez-le depuis le bureau de l'ordinateur.")
    close_windows()                       # une fenêtre restée d'un lancement précédent
    recorded, present = [], len([path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg")])
    button_down, last_save, next_save = False, 0, 0
    capture = open_camera(camera)
    try:
        open_window("webcam", "Webcam")
        cv2.setMouseCallback("webcam", on_mouse)
        while square := read_square(capture):
            show("webcam", draw_preview(square, present + len(recorded), time.time() < last_save + 0.25))
            key, now = cv2.waitKeyEx(10), time.time()
            if key in quit_keys or not is_open("webcam"):
                break
            if (key in (ord("s"), ord("S")) or button_down) and now >= next_save:
                recorded.append(save_picture(square.resize((saved_size, saved_size), Image.Resampling.BOX), folder))
                last_save, next_save = now, max(next_save, now - 0.5 / images_per_second) + 1 / images_per_second
            elif key in (ord("z"), ord("Z")) and recorded:
                recorded.pop().unlink(missing_ok=True)
        else:
            print("La caméra n'envoie plus d'images (débranchée, ou vidéo finie) : rebranchez-la, puis relancez.")
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        capture.release()
        close_windows()
        print(f"{len(recorded)} images enregistrées dans {folder}, {present + len(recorded)} en tout. "
              "Ensuite : train_VAE.py")
