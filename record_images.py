"""Remplir le dossier images/ avec votre webcam.

Lit     : la webcam (ou un fichier vidéo).
Écrit   : im_0001.png, im_0002.png... sans jamais écraser une image.
Ensuite : train_VAE.py.
Tout reste sur cet ordinateur : aucune image n'est envoyée nulle part.
"""
# ***************** zone *** : à vous de modifier *****************
camera = 0                  #*** 0 à 99 : la webcam, ou "film.mp4"
dataset_folder = "images"   #*** un dossier : où ranger les images
images_per_second = 10      #*** 1 à 30 : images par seconde
# *****************************************************************
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

os.environ["OPENCV_LOG_LEVEL"] = "OFF"    # avant cv2 : il se taira
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"    # de même
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

here = Path(__file__).resolve().parent    # le dossier de ce script
saved_size = 128                          # côté des images enregistrées
goal = 200                                # combien d'images on conseille


# %% Enregistrer
class Mouse:
    """Le bouton gauche : est-il appuyé (down) ? A-t-on cliqué depuis la dernière
    image (clicked) ? Un clic bref compte ainsi toujours."""

    def __init__(self):
        self.down = False
        self.clicked = False

    def hear(self, event, x, y, flags, parameter):
        """OpenCV l'appelle, avec ces cinq valeurs, à chaque geste de la souris."""
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_LBUTTONDBLCLK):
            self.down = True
            self.clicked = True
        elif event == cv2.EVENT_LBUTTONUP:
            self.down = False


def record(capture, folder, recorded):
    """Montre la webcam et enregistre tant que "s" ou le bouton est appuyé."""
    present = len(list(folder.glob("*.png")))
    mouse = Mouse()
    cv2.setMouseCallback("webcam", mouse.hear)    # sans () : OpenCV l'appellera
    last_save = -1                        # l'heure de la dernière image
    while True:
        square = read_square(capture)
        if square is None:
            print("La caméra n'envoie plus d'images (débranchée, ou vidéo finie) : "
                  "rebranchez-la, puis relancez.")
            return
        recording = time.monotonic() < last_save + 0.25    # le point rouge dure un peu
        show("webcam", draw_preview(square, present + len(recorded), recording))
        key = cv2.waitKeyEx(10)    # 10 ms : la fenêtre se dessine, écoute une touche
        now = time.monotonic()
        if key in quit_keys or not is_open("webcam"):
            return
        asked = mouse.down or mouse.clicked or key in (ord("s"), ord("S"))
        # 0.9 : un peu tôt, plutôt que d'attendre une image de caméra de plus
        if asked and now > last_save + 0.9 / images_per_second:
            picture = square.resize((saved_size, saved_size), Image.Resampling.BOX)
            recorded.append(save_picture(picture, folder, "im"))
            mouse.clicked = False
            last_save = now
        elif key in (ord("z"), ord("Z")) and recorded:
            recorded.pop().unlink(missing_ok=True)    # efface le fichier


def draw_preview(square, count, recording):
    """L'aperçu et, à droite, ce que verra le réseau : 64x64 pixels, agrandis."""
    screen = Image.new("RGB", (776, 480), white)
    screen.paste(square.resize((480, 480)))
    small = square.resize((64, 64), Image.Resampling.BOX)
    screen.paste(small.resize((256, 256), Image.Resampling.NEAREST), (500, 40))
    draw = ImageDraw.Draw(screen)
    draw.text((500, 14), "Ce que verra le réseau (64x64)", black, font)
    draw.text((500, 306), f"Images : {count} sur {goal}", black, big_font)
    draw.rectangle((500, 340, 756, 348), (225, 225, 230))
    draw.rectangle((500, 340, 500 + 256 * min(count / goal, 1), 348), green)
    draw.text((500, 364), "s ou clic gauche : enregistrer\nz : effacer la dernière\n"
              "q ou Échap : terminer\nRien ne quitte cet ordinateur.", black, font,
              spacing=9)
    if recording:
        draw.ellipse((16, 16, 40, 40), red)
        draw.text((48, 18), "enregistre", red, font, stroke_width=2, stroke_fill=white)
    return screen


# %% Outils communs aux scripts : arrêter, vérifier
def stop(sentence):
    """Dit ce qui ne va pas, et arrête le script, sans texte rouge dans Spyder."""
    # un nom de fichier étrange ne s'écrit pas toujours : « ? » à la place
    sentence = sentence.encode("utf-8", "replace").decode("utf-8")
    print(sentence)
    end = SystemExit(sentence)            # decode_VAE.py l'attrape et la montre
    end.code = 1                          # pour le système : fini, mais mal
    if "spyder_kernels" in sys.modules:   # 1 s'y afficherait comme une erreur
        end.code = 0
    raise end


def is_number(value, low, high):
    """Vrai pour un nombre de low à high ; entier, si low s'écrit sans virgule."""
    return type(value) in (int, type(low)) and low <= value <= high


def check_number(name, value, low, high):
    if is_number(value, low, high):
        return
    kind = "nombre"
    if type(low) is int:
        kind = "nombre entier"
    advice = "corrigez-le"
    if isinstance(value, tuple) and kind == "nombre":
        advice = "écrivez 1.5 avec un point, et non 1,5"
    stop(f"{name} doit être un {kind} de {low} à {high} : {advice} dans la zone ***.")


def check_choice(name, value, values):
    # les types aussi, car pour Python, True == 1
    if type(value) is not type(values[0]) or value not in values:
        words = ", ".join([repr(choice) for choice in values])
        stop(f"{name} doit être choisi parmi {words} : corrigez-le dans la zone ***.")


def check_name(name, value):
    # \w : une lettre, un chiffre ou _ ; puis au plus 50 autres, ou des -
    if not isinstance(value, str) or not re.fullmatch(r"\w[\w-]{0,50}", value):
        stop(f'{name} doit être un nom entre guillemets, comme "VAE_64" : des lettres, '
             "des chiffres, - ou _, sans espace. Corrigez-le dans la zone ***.")


def check_folder(name, value, written=False):
    """Le dossier indiqué par ce réglage ; written : le crée, et vérifie qu'on y écrit."""
    named = isinstance(value, str) and value.strip() and value.isprintable()
    if not named:
        stop(f'{name} doit être un nom de dossier entre guillemets, comme "images" : '
             "corrigez-le dans la zone ***.")
    folder = here / value                 # / : value, rangé dans le dossier here
    try:
        if written:
            folder.mkdir(parents=True, exist_ok=True)
            trial = folder / f"essai_{os.getpid()}.incomplet"
            trial.write_bytes(b"")
            trial.unlink()
    except OSError as error:
        stop(f"Impossible d'écrire dans {folder} ({error.strerror}) : "
             "copiez le kit dans un dossier à vous.")
    return folder


# %% Outils communs aux scripts : écrire
def write_whole(path, content, replace=True):
    """Écrit tout ou rien : d'abord sous un autre nom, qui devient le vrai d'un coup.

    replace=False : lève (provoque) FileExistsError si ce nom est pris, ou réservé."""
    if replace:                           # "wb" : écrit, même par-dessus
        draft = path.with_name(f"{path.name}.{os.getpid()}.incomplet")
        file = open(draft, "wb")
    else:    # "xb" échoue si ce brouillon existe : il réserve le nom pour un script
        draft = path.with_name(f"{path.name}.incomplet")
        file = open(draft, "xb")
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())       # jusqu'au disque
        if path.exists() and not replace:
            raise FileExistsError
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)     # si l'écriture a échoué


def save_picture(picture, folder, prefix):
    """Enregistre en PNG, avec un numéro de plus que le plus grand déjà là."""
    content = io.BytesIO()                # un fichier en mémoire
    picture.save(content, "PNG")
    numbers = [0]
    for path in folder.glob(f"{prefix}_*"):
        digits = path.stem[len(prefix) + 1:]    # "0012", pour im_0012.png
        if digits.isdecimal():
            numbers.append(int(digits))
    number = max(numbers) + 1
    while True:
        path = folder / f"{prefix}_{number:04d}.png"
        try:
            write_whole(path, content.getvalue(), replace=False)
            return path
        except FileExistsError:           # un autre script vient de prendre ce numéro
            number += 1
        except OSError as error:
            stop(f"Impossible d'écrire {path} ({error.strerror}) : libérez de la "
                 "place. Les images d'avant sont gardées.")


# %% Outils communs aux scripts : les fenêtres
quit_keys = (ord("q"), ord("Q"), 27)      # 27 : Échap
black = (30, 30, 35)
grey = (110, 110, 120)
white = (250, 250, 250)
red = (215, 40, 40)
green = (60, 160, 90)


def load_font(size):
    """Une police qui a les accents : celle d'OpenCV (Linux), sinon Arial."""
    own = Path(cv2.__file__).parent / "qt/fonts/DejaVuSans.ttf"
    for name in (str(own), "arial.ttf", "Arial.ttf"):
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            pass                          # pas ici : on essaie la suivante
    return ImageFont.load_default(size)


small_font = load_font(12)
font = load_font(15)
big_font = load_font(22)


def screen_works():
    """Sans écran, OpenCV tuerait Python : on essaie donc dans un autre Python."""
    if not sys.platform.startswith("linux"):    # Windows et macOS ont un écran
        return True
    attempt = [sys.executable, "-c", "import cv2; cv2.namedWindow('essai')"]
    # 0 : cet autre Python a pu ouvrir une fenêtre
    return subprocess.run(attempt, capture_output=True).returncode == 0


def open_window(window, title, x=0):
    # | : ces deux options à la fois
    cv2.namedWindow(window, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    cv2.setWindowTitle(window, title)
    cv2.moveWindow(window, x, 30)         # 30 : la barre de titre reste à l'écran


def show(window, picture):
    """Montre une image de Pillow (rouge, vert, bleu) ; OpenCV veut l'inverse."""
    cv2.imshow(window, cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))


def is_open(window):
    try:
        return cv2.getWindowProperty(window, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:                     # plus aucune fenêtre
        return False


def close_windows():
    """Ferme tout, même ce qu'un lancement précédent a laissé."""
    cv2.destroyAllWindows()
    cv2.waitKey(1)                        # le temps de les fermer


# %% Outils communs aux scripts : la caméra
def open_camera(camera):
    """Ouvre la webcam (ou la vidéo) et passe ses premières images, souvent noires."""
    print("Ouverture de la caméra... (quelques secondes)")
    if isinstance(camera, str):
        if not os.path.isfile(here / camera):
            stop(f"La vidéo {camera} est introuvable : vérifiez le réglage camera.")
        capture = cv2.VideoCapture(str(here / camera))
    else:
        check_number("camera", camera, 0, 99)
        backend = cv2.CAP_ANY
        if sys.platform == "win32":
            backend = cv2.CAP_DSHOW       # sous Windows, s'ouvre bien plus vite
        capture = cv2.VideoCapture(camera, backend)
    good = False
    start = time.monotonic()
    while capture.isOpened() and time.monotonic() < start + 3:
        good, frame = capture.read()
        if good and frame.mean() > 10:
            break
    if good:                              # même noire : la pièce est peut-être sombre
        return capture
    capture.release()
    if isinstance(camera, str):
        stop(f"La vidéo {camera} est illisible : essayez un fichier .mp4 ou .avi.")
    stop(f"La caméra {camera} ne répond pas : branchez-la, fermez les programmes qui "
         "s'en servent (Teams, Zoom, navigateur), autorisez Spyder à l'utiliser, "
         "ou essayez un autre numéro (réglage camera).")


def read_square(capture):
    """Le carré du centre, en miroir ; None si la caméra n'envoie plus rien."""
    for attempt in range(20):
        good, frame = capture.read()
        if good:
            height, width = frame.shape[:2]
            side = min(height, width)
            top = (height - side) // 2
            left = (width - side) // 2
            square = cv2.flip(frame[top:top + side, left:left + side], 1)
            return Image.fromarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB))
        time.sleep(0.05)                  # il en manque parfois : on insiste
    return None


# %% Le programme : il commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_number("images_per_second", images_per_second, 1, 30)
    folder = check_folder("dataset_folder", dataset_folder, written=True)
    if not screen_works():
        stop("Aucun écran : lancez record_images.py depuis le bureau de l'ordinateur.")
    close_windows()
    recorded = []
    capture = cv2.VideoCapture()          # vide, pour que finally puisse la fermer
    try:
        capture = open_camera(camera)
        open_window("webcam", "Webcam")
        record(capture, folder, recorded)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        capture.release()
        close_windows()
        if recorded:
            print(f"Images enregistrées dans {folder} : {len(recorded)}. "
                  "Ensuite : train_VAE.py")
