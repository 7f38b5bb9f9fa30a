"""Dessiner les images de démonstration : une petite créature dont quatre choses
changent, chacune de son côté.

Écrit   : images/demo/0001.png... et images/demo/factors.csv (les quatre vraies
          valeurs de chaque image, de 0 à 1).
Ensuite : train_VAE.py, qui s'en sert tant que images/ ne contient rien d'autre.
Le dessin n'emploie que + - x / et la racine carrée : il est le même, au pixel près,
sur tous les ordinateurs.
"""
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(__file__).resolve().parent.parent / "images" / "demo"
count = 1000
side = 64
yellow = (255, 200, 0)
violet = (110, 60, 255)
day = (214, 236, 250)
night = (10, 15, 60)
radius = 19                                         # le rayon du corps
y, x = np.mgrid[0:side, 0:side] + 0.5               # le centre de chaque pixel


# %% Les formes
def mix(first, second, amount):
    """Une couleur entre deux autres : la première si amount = 0, la seconde si 1."""
    first = np.array(first)
    return first + (np.array(second) - first) * amount


def cover(distance, softness=1):
    """La part de chaque pixel qu'une forme recouvre : 1 dedans, 0 dehors.

    Entre les deux au bord, sur softness pixels."""
    return np.clip(0.5 - distance / softness, 0, 1)[..., None]


def ellipse(center_x, center_y, width, height, softness=2.5):
    """Une ellipse, où k vaut 1 au bord.

    La distance de chaque pixel au bord est à peu près k (k - 1) / |gradient de k|."""
    across = (x - center_x) / width
    down = (y - center_y) / height
    k = np.sqrt(across**2 + down**2)
    slope = np.sqrt((across / width)**2 + (down / height)**2)
    return cover(k * (k - 1) / np.maximum(slope, 1e-9), softness)


def paint(picture, shape, color):
    """Pose une couleur sur l'image, là où est la forme."""
    picture += (color - picture) * shape


# %% La créature
def part(middle, across, down, width, height, softness=2.5):
    """Une ellipse du corps : sa place et sa taille, comptées en rayons du corps."""
    return ellipse(middle + across * radius, 56 - radius + down * radius,
                   width * radius, height * radius, softness)


def draw(place, color, mouth, sky):
    """La créature, (64, 64, 3) en octets. Les quatre facteurs vont de 0 à 1."""
    picture = np.empty((side, side, 3))
    picture[:] = mix(day, night, sky)
    grass = cover(46 - y)
    paint(picture, grass, (150, 200, 130))
    body = mix(yellow, violet, color)
    dark = mix(body, (0, 0, 0), 0.35)
    middle = 32 + 3 * (2 * place - 1)
    for way in (-1, 1):                             # à gauche, puis à droite
        ear = part(middle, 0.55 * way, -0.95, 0.22, 0.42, 4)
        foot = part(middle, 0.5 * way, 18.5 / radius, 0.36, 0.16, 3)
        paint(picture, ear, dark)
        paint(picture, foot, dark)
    fur = part(middle, 0, 0, 1, 1, 8)               # au bord flou
    paint(picture, fur, body)
    for way in (-1, 1):
        eye = part(middle, 0.36 * way, -0.48, 0.25, 0.25)
        pupil = part(middle, 0.33 * way, -0.46, 0.12, 0.12)
        paint(picture, eye, (255, 255, 255))
        paint(picture, pupil, (30, 30, 45))
    opening = 0.12 + 0.5 * mouth
    lips = part(middle, 0, 0.3, 0.7, opening)
    tongue = part(middle, 0, 0.3 + 0.55 * opening, 0.4, 0.5 * opening, 1)
    paint(picture, lips, (40, 5, 20))
    paint(picture, tongue * lips, (240, 100, 110))  # la langue ne dépasse pas
    # de 3 en 3 : les fichiers sont plus petits
    return (picture / 3 + 0.5).astype(np.uint8) * 3


# %% Dessiner : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    # le même tirage dans toutes les versions de numpy ; 3416 est choisi pour n'avoir
    # presque aucun lien entre les facteurs
    random = np.random.RandomState(3416)
    values = np.zeros((count, 4))
    for k in range(4):                              # réguliers de 0 à 1, mélangés
        values[:, k] = (random.permutation(count) + 0.5) / count
    lines = ["image,place,couleur,bouche,ciel"]
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        name = f"{i + 1:04d}.png"
        place, color, mouth, sky = values[i]
        picture = Image.fromarray(draw(place, color, mouth, sky))
        picture.save(folder / name, optimize=True)
        lines.append(f"{name},{place:.4f},{color:.4f},{mouth:.4f},{sky:.4f}")
    text = "\n".join(lines) + "\n"
    (folder / "factors.csv").write_bytes(text.encode())
    print(f"{count} images dessinées dans {folder}.")
