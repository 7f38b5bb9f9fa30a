"""Mesurer ce que valent des filtres qui n'apprennent rien, sur les images de test.

Lit     : les images de démonstration, abîmées comme le font les tâches "denoise" et
          "super_resolution" de train_VAE.py.
Écrit   : dans la console, les erreurs que cite mesures.md ; rien ailleurs.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import laboratory as lab
import cv2
import numpy as np


def error_of(outputs, target):
    """L'erreur (moyenne des carrés) d'images (N, H, W, 3)."""
    return np.square(np.clip(outputs, 0, 1) - target).mean()


def compare_filters(target):
    """Débruiter avec la meilleure taille de filtre ; agrandir quatre fois."""
    noisy = lab.spoil(target, "denoise").permute(0, 2, 3, 1).numpy()
    small = lab.spoil(target, "super_resolution")[:, :, ::4, ::4].permute(0, 2, 3, 1).numpy()
    target = target.permute(0, 2, 3, 1).numpy()
    blur = {}
    for width in (0.5, 0.7, 0.9, 1.1, 1.4, 2):
        blur[width] = error_of([cv2.GaussianBlur(image, None, width) for image in noisy], target)
    median = {}
    for size in (3, 5):
        median[size] = error_of([cv2.medianBlur(image, size) for image in noisy], target)
    large = [cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
             for image in small]
    width = min(blur, key=blur.get)
    size = min(median, key=median.get)
    print(f"Débruiter, flou gaussien d'écart-type {width} : {blur[width]:.5f}")
    print(f"Débruiter, filtre médian de côté {size} : {median[size]:.5f}")
    print(f"Agrandir 4 fois, bicubique : {error_of(large, target):.5f}")


if __name__ == "__main__":
    images, names = lab.load_images(lab.kit / "images" / "demo", 64)
    train_index, test_index = lab.split(names, lab.settings["test_data_proportion"])
    compare_filters(images[test_index] / 255)
