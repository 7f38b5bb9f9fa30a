"""Les essais de verifier.py qui demandent les paquets du kit : fenêtre, webcam, vitesse.

Ce fichier ne fait rien quand on le lance : ouvrez verifier.py.
Chaque essai renvoie ce qu'il a vu, et ce qu'il faut faire (ou rien).
"""
import contextlib
import io
import time
from pathlib import Path

import laboratory as lab
import cv2
import torch
from PIL import Image


def check_window():
    """Ouvre une vraie fenêtre, un instant."""
    trouble = lab.window_trouble()
    if trouble is not None:
        return "aucune fenêtre ne s'ouvre", trouble
    lab.open_window("essai", "Essai", Image.new("RGB", (300, 100), lab.white))
    cv2.waitKey(500)
    works = lab.is_open("essai")
    lab.close_windows()
    if works:
        return "elle s'ouvre", None
    return "elle s'ouvre, puis se ferme", "Relancez ce script depuis le bureau."


def check_camera(camera):
    """Ouvre la webcam et en lit une image ; sous Linux, le système sait son nom."""
    name = f"webcam {camera}"
    file = Path(f"/sys/class/video4linux/video{camera}/name")
    if file.exists():
        name = f"{name}, {file.read_text().strip()}"
    try:
        with contextlib.redirect_stdout(io.StringIO()):    # ses phrases, pas ici
            capture = lab.open_camera(camera)
    except SystemExit:
        return (f"{name} : absente, ou elle ne répond pas",
                "Sans webcam, l'heure se fait avec les créatures. Sinon : branchez-la, "
                "fermez Teams et Zoom, autorisez Spyder, ou essayez camera = 1.")
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    height = capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    capture.release()
    return f"{name} : elle répond ({width:.0f} x {height:.0f} points)", None


class Stopwatch:
    """Regarde l'apprentissage, et l'arrête au bout de quelques secondes."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.first = None              # les époques déjà faites quand il démarre

    def must_stop(self, done):
        if done > 0 and self.first is None:        # le premier pas met torch en route
            self.first = done
            self.start = time.monotonic()
        if self.first is None:
            return False
        self.done = done
        self.spent = time.monotonic() - self.start
        return self.spent > self.seconds

    def show(self, model, history):
        pass


def check_speed(seconds):
    """Entraîne quelques secondes, sur 1000 images de hasard, et compte ce qui reste."""
    lab.check_settings(lab.settings)
    side = lab.settings["images_size"]
    images = torch.randint(256, (1000, 3, side, side), dtype=torch.uint8)
    watch = Stopwatch(seconds)
    # 1000 époques : il y en a toujours assez pour ces quelques secondes
    lab.train(images, torch.arange(100, 1000), watch, epochs=1000)
    epochs = lab.settings["epochs"]
    whole = watch.spent * epochs / (watch.done - watch.first)
    words = f"environ {whole:.0f} s pour 1000 images et {epochs} époques, ici"
    if whole > 60:
        return words, ("Branchez l'ordinateur sur le secteur et fermez ce qui ne sert "
                       "pas ; sinon, images_size = 32 dans train_VAE.py.")
    return words, None
