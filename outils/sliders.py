"""Des curseurs d'OpenCV, de 0 à 200, sous une image ou dans leurs propres fenêtres."""
import cv2
from PIL import Image

from outils.drawing import white
from outils.windows import is_open, open_window


class Sliders:
    """Au-delà de 8 curseurs, ils ont leurs propres fenêtres, 16 par fenêtre."""

    def __init__(self, window, labels):
        self.main_window = window
        self.labels = labels
        self.windows = [window] * len(labels)            # celle de chaque curseur
        if len(labels) > 8:
            self.windows = [f"curseurs {1 + line // 16}" for line in range(len(labels))]
        self.positions = [100] * len(labels)

    def open(self, title, picture):
        """Ouvre les fenêtres, puis leurs curseurs, au milieu."""
        open_window(self.main_window, title, picture)
        others = sorted(set(self.windows) - {self.main_window})
        for place, window in enumerate(others):
            strip = Image.new("RGB", (268, 8), white)    # lui donne sa largeur
            open_window(window, window.capitalize(), strip, 820 + 272 * place)
        for label, window in zip(self.labels, self.windows):
            cv2.createTrackbar(label, window, 100, 200, ignore)

    def all_open(self):
        windows = set(self.windows) | {self.main_window}
        return all([is_open(window) for window in windows])

    def read_moved(self):
        """Les curseurs bougés à la main : {leur rang: leur position}."""
        moved = {}
        for line, (label, window) in enumerate(zip(self.labels, self.windows)):
            position = cv2.getTrackbarPos(label, window)
            if position != self.positions[line]:
                self.positions[line] = position
                moved[line] = position
        return moved

    def place(self, positions):
        """Place les curseurs ; read_moved n'y verra pas un geste de la main."""
        self.positions = positions
        for label, window, position in zip(self.labels, self.windows, positions):
            cv2.setTrackbarPos(label, window, position)


def ignore(position):
    """OpenCV veut prévenir une fonction ; ici, read_moved regarde lui-même."""
