"""Dessiner le film de démonstration : un poisson, et quatre mouvements, un à la fois.

Écrit   : images/aquarium/m1_0001.png... (sa place), m2_... (il approche), m3_... (sa
          queue), m4_... (l'eau), comme les touches 1 à 4 de record_images.py.
Ensuite : train_VAE.py, avec dataset_folder = "images/aquarium" et epochs = 30.
Comme devant une webcam, ce qui devrait rester immobile bouge toujours un peu, et la
lumière aussi. Rien que + - x / et la racine carrée : le même film partout.
"""
from pathlib import Path

import numpy as np
from PIL import Image

from draw_demo import cover, ellipse, mix, paint, side, x, y

folder = Path(__file__).resolve().parent.parent / "images" / "aquarium"
frames = 60                                         # images par mouvement : six secondes
orange = (250, 150, 30)
sand = (205, 180, 120)
weed = (40, 115, 55)


# %% Le poisson
def triangle(points):
    """La part de chaque pixel que recouvre un triangle, fait de trois points."""
    distance = np.full((side, side), -100.0)
    (ax, ay), (bx, by), (cx, cy) = points
    turn = np.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    ends = [points[1], points[2], points[0]]
    for (px, py), (qx, qy) in zip(points, ends):
        length = ((qx - px)**2 + (qy - py)**2)**0.5
        outside = (qy - py) * (x - px) - (qx - px) * (y - py)
        distance = np.maximum(distance, turn * outside / length)
    return cover(distance, 1.5)


def draw(place, near, tail, water):
    """Le poisson, d'après ses quatre valeurs, de 0 à 1 : des nombres (64, 64, 3)."""
    picture = np.zeros((side, side, 3))
    picture[:] = mix((40, 110, 190), (60, 190, 130), water)
    picture *= (1.15 - 0.35 * y / side)[..., None]  # plus sombre au fond
    picture[56:] = sand
    paint(picture, triangle([(3, 60), (11, 60), (6, 36)]), weed)
    paint(picture, triangle([(51, 60), (59, 60), (57, 29)]), weed)
    middle = 32 + 11 * (2 * place - 1)
    size = 7 + 5 * near
    beat = 0.75 * size * (2 * tail - 1)
    root = (middle - 0.8 * size, 30)
    top = (middle - 1.75 * size, 30 - 0.7 * size + beat)
    bottom = (middle - 1.75 * size, 30 + 0.7 * size + beat)
    paint(picture, triangle([root, top, bottom]), (225, 90, 20))
    paint(picture, ellipse(middle, 30, 1.15 * size, 0.72 * size), orange)
    eye = middle + 0.62 * size
    paint(picture, ellipse(middle, 30, 0.2 * size, 0.66 * size), (255, 240, 225))
    paint(picture, ellipse(eye, 30 - 0.18 * size, 0.2 * size, 0.2 * size), (255, 255, 255))
    paint(picture, ellipse(eye, 30 - 0.18 * size, 0.1 * size, 0.1 * size), (20, 20, 30))
    return picture


# %% Les mouvements
def back_and_forth(random):
    """De 0 à 1 et retour, en 3 à 4 secondes, doucement aux deux bouts."""
    turns = random.uniform(0, 2) + 2 * np.arange(frames) / random.uniform(30, 40)
    t = np.abs(turns % 2 - 1)
    return t * t * (3 - 2 * t)


def drift(random, spread=0.2):
    """Ce qui devrait rester immobile : jamais tout à fait."""
    marks = 0.5 + spread * random.uniform(-1, 1, frames // 15 + 2)
    return np.interp(np.arange(frames) / 15, np.arange(len(marks)), marks)


def film(seed):
    """Les images, (240, 64, 64, 3), et les quatre valeurs de chacune."""
    random = np.random.RandomState(seed)
    pictures = []
    values = []
    for k in range(4):
        rows = np.stack([drift(random) for j in range(4)], axis=1)
        rows[:, k] = back_and_forth(random)
        lights = 0.96 + 0.08 * drift(random, 0.5)
        for row, light in zip(rows, lights):
            picture = np.clip(draw(*row) * light, 0, 255)
            # de 3 en 3 : les fichiers sont plus petits
            pictures.append((picture / 3 + 0.5).astype(np.uint8) * 3)
            values.append(row)
    return np.stack(pictures), np.stack(values)


# %% Dessiner : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    folder.mkdir(parents=True, exist_ok=True)
    pictures, values = film(0)
    for i, picture in enumerate(pictures):
        name = f"m{1 + i // frames}_{1 + i % frames:04d}.png"
        Image.fromarray(picture).save(folder / name, optimize=True)
    print(f"{len(pictures)} images dessinées dans {folder}.")
