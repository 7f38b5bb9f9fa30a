"""Les fenêtres d'OpenCV : ouvrir, montrer, savoir si elles sont fermées."""
import subprocess
import sys

import cv2
import numpy as np

quit_keys = (ord("q"), ord("Q"), 27)     # 27 : Échap


def window_trouble():
    """La phrase qui dit pourquoi aucune fenêtre ne s'ouvrira ; None si tout va bien."""
    try:
        cv2.destroyAllWindows()
    except cv2.error:
        return ("OpenCV est là sans ses fenêtres : tapez "
                "%pip uninstall -y opencv-python-headless, puis "
                '%pip install --force-reinstall --no-deps "opencv-python<4.12", '
                "et redémarrez le noyau (menu Consoles).")
    # sans écran, sous Linux, OpenCV tuerait Python : on essaie dans un autre Python
    if sys.platform.startswith("linux"):
        attempt = [sys.executable, "-c", "import cv2; cv2.namedWindow('essai')"]
        if subprocess.run(attempt, capture_output=True).returncode != 0:
            return "Aucun écran : lancez ce script depuis le bureau de l'ordinateur."
    return None


def open_window(window, title, picture, x=0):
    """Ouvre une fenêtre sur cette image : elle ne paraît ainsi jamais vide."""
    # | : ces deux options à la fois
    cv2.namedWindow(window, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    cv2.setWindowTitle(window, title)
    show(window, picture)
    cv2.moveWindow(window, x, 30)        # 30 : la barre de titre reste à l'écran


def show(window, picture):
    """Montre une image de Pillow (rouge, vert, bleu) ; OpenCV veut l'inverse."""
    cv2.imshow(window, cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))


def is_open(window):
    try:
        return cv2.getWindowProperty(window, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:                    # plus aucune fenêtre
        return False


def close_windows():
    """Ferme tout, même ce qu'un lancement précédent a laissé."""
    try:
        cv2.destroyAllWindows()
        cv2.waitKey(1)                   # le temps de les fermer
    except cv2.error:                    # cet OpenCV n'a pas de fenêtres
        pass
