"""La webcam, ou un fichier vidéo à sa place."""
import os
import sys
import time

import cv2
from PIL import Image

from outils.checks import check_number
from outils.stop import here, stop


def open_camera(camera):
    """Ouvre la webcam (un numéro) ou la vidéo (un nom de fichier)."""
    print("Ouverture de la caméra... (quelques secondes)")
    if isinstance(camera, str):
        return open_movie(camera)
    check_number("camera", camera, 0, 99)
    backend = cv2.CAP_ANY
    if sys.platform == "win32":
        backend = cv2.CAP_DSHOW          # sous Windows, s'ouvre bien plus vite
    capture = cv2.VideoCapture(camera, backend)
    if wait_for_light(capture):
        return capture
    capture.release()
    stop(f"La caméra {camera} ne répond pas : branchez-la, fermez les programmes qui "
         "s'en servent (Teams, Zoom, navigateur), autorisez Spyder à l'utiliser, "
         "ou essayez un autre numéro (réglage camera).")


def wait_for_light(capture):
    """Passe les premières images, souvent noires. Vrai si la caméra en envoie."""
    good = False
    start = time.monotonic()
    try:
        while capture.isOpened() and time.monotonic() < start + 3:
            good, frame = capture.read()
            if good and frame.mean() > 10:
                break
    except BaseException:                # Stop, pendant cette attente
        capture.release()
        raise
    return good                          # même noire : la pièce est peut-être sombre


def open_movie(name):
    if not os.path.isfile(here / name):
        stop(f"La vidéo {name} est introuvable : vérifiez le réglage camera.")
    capture = cv2.VideoCapture(str(here / name))
    if capture.grab():                   # au moins une image
        return capture
    capture.release()
    stop(f"La vidéo {name} est illisible : essayez un fichier .mp4 ou .avi.")


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
        time.sleep(0.05)                 # il en manque parfois : on insiste
    return None
