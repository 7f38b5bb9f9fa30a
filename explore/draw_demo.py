"""Dessiner les images de démonstration : une petite créature dont quatre choses changent, chacune de son côté.

Écrit   : images/demo/0001.png... et images/demo/factors.csv (les quatre vraies valeurs de chaque image, de 0 à 1).
Ensuite : train_VAE.py, qui s'en sert tant que images/ ne contient rien d'autre.
Le dessin n'emploie que + - x / et la racine carrée : il est le même, au pixel près, sur tous les ordinateurs.
"""
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(__file__).resolve().parent.parent / "images" / "demo"
factors = ["place", "couleur", "bouche", "ciel"]
count = 1000
side = 64
yellow, violet = (255, 200, 0), (110, 60, 255)
day, night = (214, 236, 250), (10, 15, 60)
r = 19                                              # le rayon du corps
y, x = np.mgrid[0:side, 0:side] + 0.5               # le centre de chaque pixel


def mix(first, second, amount):
    return [a + (b - a) * amount for a, b in zip(first, second)]


def cover(distance, softness=1):
    """La part de chaque pixel qu'une forme recouvre : 1 dedans, 0 dehors, entre les deux au bord, sur softness pixels."""
    return np.clip(0.5 - distance / softness, 0, 1)[..., None]


def ellipse(center_x, center_y, width, height, softness=2.5):
    """Une ellipse : la distance de chaque pixel à son contour est approchée par k (k - 1) / |gradient de k|."""
    across, down = (x - center_x) / width, (y - center_y) / height
    k = np.sqrt(across**2 + down**2)
    return cover(k * (k - 1) / np.maximum(np.sqrt((across / width)**2 + (down / height)**2), 1e-9), softness)


def draw(place, color, mouth, sky):
    """La créature, (64, 64, 3) en octets. Les quatre facteurs vont de 0 à 1."""
    picture = np.empty((side, side, 3))
    picture[:] = mix(day, night, sky)

    def paint(shape, color):
        picture[:] = picture + (np.array(color, float) - picture) * shape

    paint(cover(46 - y), (150, 200, 130))                               # l'herbe
    cx, cy = 32 + 3 * (2 * place - 1), 56 - r                           # le centre du corps
    body = mix(yellow, violet, color)
    dark = mix(body, (0, 0, 0), 0.35)
    for way in (-1, 1):
        paint(ellipse(cx + way * 0.55 * r, cy - 0.95 * r, 0.22 * r, 0.42 * r, 4), dark)     # oreilles
        paint(ellipse(cx + way * 0.5 * r, 55.5, 0.36 * r, 0.16 * r, 3), dark)               # pieds
    paint(ellipse(cx, cy, r, r, 8), body)                               # le corps, au poil flou
    for way in (-1, 1):
        paint(ellipse(cx + way * 0.36 * r, cy - 0.48 * r, 0.25 * r, 0.25 * r), (255, 255, 255))
        paint(ellipse(cx + way * 0.33 * r, cy - 0.46 * r, 0.12 * r, 0.12 * r), (30, 30, 45))
    opening = (0.12 + 0.5 * mouth) * r
    lips = ellipse(cx, cy + 0.3 * r, 0.7 * r, opening)
    paint(lips, (40, 5, 20))
    paint(ellipse(cx, cy + 0.3 * r + 0.55 * opening, 0.4 * r, 0.5 * opening, 1) * lips, (240, 100, 110))      # la langue
    return (picture / 3 + 0.5).astype(np.uint8) * 3                     # de 3 en 3 : des fichiers plus petits


# %% Tirer les facteurs et dessiner
if __name__ == "__main__":
    random = np.random.RandomState(3416)     # le même tirage dans toutes les versions de numpy, choisi pour n'avoir presque aucun lien entre facteurs
    values = np.stack([(random.permutation(count) + 0.5) / count for _ in factors], axis=1)     # (1000, 4), réguliers de 0 à 1
    folder.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(values, start=1):
        Image.fromarray(draw(*row)).save(folder / f"{number:04d}.png", optimize=True)
    lines = [f"{number:04d}.png," + ",".join(f"{value:.4f}" for value in row) for number, row in enumerate(values, start=1)]
    (folder / "factors.csv").write_text("image," + ",".join(factors) + "\n" + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(f"{count} images dessinées dans {folder}.")
