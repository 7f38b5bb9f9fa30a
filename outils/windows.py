"""Les fenêtres d'OpenCV : ouvrir, montrer, écouter le clavier et la souris."""
import subprocess
import sys

import cv2
import numpy as np

# les touches 1 à 9, et ce qu'elles écrivent sans Maj sur un clavier français
digits = "123456789"
unshifted = "&é\"'(-è_ç"


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
        # start_new_session : un Ctrl-C pendant cet essai ne le concerne pas
        trial = subprocess.run(attempt, capture_output=True, start_new_session=True)
        if trial.returncode != 0:
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


def read_key(milliseconds):
    """La touche pressée, en minuscule ; "" si aucune ; "q" pour Échap aussi.

    C'est aussi pendant cette attente que les fenêtres se dessinent."""
    key = cv2.waitKeyEx(milliseconds)
    if not -128 <= key < 256:            # au-delà : les flèches, etc.
        return ""
    letter = chr(key % 256).lower()      # % 256 : Linux compte é, è et ç en négatif
    if letter in unshifted:
        letter = digits[unshifted.index(letter)]
    if key == 27:
        letter = "q"
    if key == -1:
        letter = ""
    return letter


class Mouse:
    """Le bouton gauche : est-il appuyé (down) ? A-t-on cliqué depuis la dernière
    fois (clicked) ? Un clic bref compte ainsi toujours."""

    def __init__(self, window):
        self.down = False
        self.clicked = False
        cv2.setMouseCallback(window, self.hear)    # sans () : OpenCV l'appellera

    def hear(self, event, x, y, flags, parameter):
        """OpenCV l'appelle, avec ces cinq valeurs, à chaque geste de la souris."""
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_LBUTTONDBLCLK):
            self.down = True
            self.clicked = True
        elif event == cv2.EVENT_LBUTTONUP:
            self.down = False


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
