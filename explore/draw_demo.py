"""Dessiner les images de démonstration : une petite créature dont quatre choses changent, chacune de son côté.

Écrit   : images/demo/0001.png... et images/demo/factors.csv (les quatre vraies valeurs de chaque image, de 0 à 1).
Ensuite : train_VAE.py, qui s'en sert tant que images/ ne contient rien d'autre.
Le dessin n'emploie que + - x / et la racine carrée : il est le même, au pixel près, sur tous les ordinateurs.
"""
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(__file__).resolve().parent.parent / "images" / "demo"
factors = ["place", "couleur", "bouche", "taille"]
count = 1000
side = 64
yellow, coral, violet = (255, 210, 50), (235, 95, 110), (95, 60, 215)
y, x = np.mgrid[0:side, 0:side] + 0.5               # le centre de chaque pixel


def mix(first, second, amount):
    return [a + (b - a) * amount for a, b in zip(first, second)]


def cover(distance):
    """La part de chaque pixel qu'une forme recouvre : 1 dedans, 0 dehors, entre les deux au bord (contour lissé)."""
    return np.clip(0.5 - distance, 0, 1)[..., None]


def ellipse(center_x, center_y, width, height):
    """Une ellipse : la distance de chaque pixel à son contour est approchée par k (k - 1) / |gradient de k|."""
    across, down = (x - center_x) / width, (y - center_y) / height
    k = np.sqrt(across**2 + down**2)
    return cover(k * (k - 1) / np.maximum(np.sqrt((across / width)**2 + (down / height)**2), 1e-9))


def draw(place, color, mouth, size):
    """La créature, (64, 64, 3) en octets. Les quatre facteurs vont de 0 à 1."""
    picture = np.empty((side, side, 3))
    picture[:] = (214, 236, 250)                                        # le ciel

    def paint(shape, color):
        picture[:] = picture + (np.array(color, float) - picture) * shape

    paint(cover(46 - y), (150, 200, 130))                               # l'herbe
    r = 16 + 6 * size                                                   # le rayon du corps
    cx, cy = 32 + 6 * (2 * place - 1), 56 - r                           # son centre : les pieds restent au sol
    body = mix(yellow, coral, 2 * color) if color < 0.5 else mix(coral, violet, 2 * color - 1)
    dark = mix(body, (0, 0, 0), 0.35)
    for way in (-1, 1):
        paint(ellipse(cx + way * 0.55 * r, cy - 0.95 * r, 0.22 * r, 0.42 * r), dark)    # oreilles
        paint(ellipse(cx + way * 0.5 * r, 55.5, 0.36 * r, 0.16 * r), dark)              # pieds
    paint(ellipse(cx, cy, r, r), body)
    for way in (-1, 1):
        paint(ellipse(cx + way * 0.36 * r, cy - 0.48 * r, 0.25 * r, 0.25 * r), (255, 255, 255))
        paint(ellipse(cx + way * 0.33 * r, cy - 0.46 * r, 0.12 * r, 0.12 * r), (30, 30, 45))
    opening = (0.04 + 0.6 * mouth) * r
    lips = ellipse(cx, cy + 0.3 * r, 0.74 * r, opening)
    paint(lips, (70, 15, 35))
    paint(ellipse(cx, cy + 0.3 * r + 0.55 * opening, 0.4 * r, 0.5 * opening) * lips, (240, 100, 110))      # la langue
    return (picture + 0.5).astype(np.uint8)


# %% Tirer les facteurs et dessiner
if __name__ == "__main__":
    random = np.random.RandomState(0)        # ce générateur-là donne les mêmes nombres dans toutes les versions de numpy
    values = np.stack([(random.permutation(count) + 0.5) / count for _ in factors], axis=1)     # (1000, 4), réguliers de 0 à 1
    folder.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(values, start=1):
        Image.fromarray(draw(*row)).save(folder / f"{number:04d}.png", optimize=True)
    lines = [f"{number:04d}.png," + ",".join(f"{value:.4f}" for value in row) for number, row in enumerate(values, start=1)]
    (folder / "factors.csv").write_text("image," + ",".join(factors) + "\n" + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(f"{count} images dessinées dans {folder}.")
