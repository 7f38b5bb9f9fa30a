"""Comparer les sortes d'auto-encodeurs sur les images de démonstration :
python tests/compare_kinds.py

Chaque ligne du tableau change un réglage de la zone *** de train_VAE.py ; les autres
gardent leur valeur. Trois entraînements par ligne, un par graine du hasard ; chaque
nombre est la médiane des trois. Environ 10 minutes.
"""
seeds = 3
kinds = [{"beta": 0}, {"beta": 1}, {"beta": 8}, {"beta": 20},
         {"reconstruction": "l1"}, {"reconstruction": "gaussian"},
         {"reconstruction": "laplace"}, {"decoder": "broadcast"},
         {"task": "denoise"}, {"task": "super_resolution"}]

import time

from benchmark import demo, load, train
import cv2
import numpy as np
import torch

from model_VAE_64 import spoil
from train_VAE import mean_square, measure_latents


# %% Les auto-encodeurs
def measure(kind, images, train_index, test_index, seed):
    """Un entraînement : erreur de test, KL totale en bits, latents vivants, secondes.

    Si beta = 0, la KL est sans objet : ce n'est pas un nombre (nan)."""
    torch.manual_seed(seed)
    model, settings, seconds = train(images, train_index, **kind)
    error = mean_square(model, images, test_index, settings["task"])
    importance = measure_latents(model, images, test_index, settings)["importance"]
    bits = importance.sum().item()
    if settings["beta"] == 0:
        bits = np.nan
    live = (importance > 0.1).sum().item()
    return error, bits, live, seconds


def compare(images, train_index, test_index):
    """Toutes les sortes, une graine après l'autre : (sortes, graines, 4 mesures)."""
    results = np.zeros((len(kinds), seeds, 4))
    total = len(kinds) * seeds
    done = 0
    start = time.time()
    for seed in range(seeds):
        for place, kind in enumerate(kinds):
            results[place, seed] = measure(kind, images, train_index, test_index, seed)
            done += 1
            left = (time.time() - start) * (total / done - 1) / 60
            print(f"\r{done} entraînements sur {total}, encore {left:.0f} min  ", end="",
                  flush=True)
    print()
    return results


def write_row(kind, runs):
    """Une ligne du tableau : les médianes."""
    (setting, value), = kind.items()
    error, bits, live, seconds = np.median(runs, axis=0)
    told = "-"
    if not np.isnan(bits):
        told = f"{bits:.1f}"
    print(f"| `{setting} = {value!r}` | {error:.5f} | {told} | {live:.0f} "
          f"| {seconds:.0f} s |")


# %% Les filtres, qui n'apprennent rien
def error_of(outputs, target):
    """Erreur (carré moyen) d'images (N, H, W, 3)."""
    return np.square(np.clip(outputs, 0, 1) - target).mean()


def compare_filters(target):
    """Les mêmes images de test, débruitées ou agrandies sans rien apprendre, avec la
    meilleure taille de filtre."""
    noisy = spoil(target, "denoise").permute(0, 2, 3, 1).numpy()
    small = spoil(target, "super_resolution")[:, :, ::4, ::4].permute(0, 2, 3, 1).numpy()
    target = target.permute(0, 2, 3, 1).numpy()
    blur = {}
    for width in (0.5, 0.7, 0.9, 1.1, 1.4, 2):
        images = [cv2.GaussianBlur(image, None, width) for image in noisy]
        blur[width] = error_of(images, target)
    median = {}
    for size in (3, 5):
        median[size] = error_of([cv2.medianBlur(image, size) for image in noisy], target)
    large = [cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
             for image in small]
    width = min(blur, key=blur.get)
    size = min(median, key=median.get)
    print(f"| débruiter : flou gaussien, écart-type {width} | {blur[width]:.5f} | | | |")
    print(f"| débruiter : médian, côté {size} | {median[size]:.5f} | | | |")
    print(f"| agrandir 4 fois : bicubique | {error_of(large, target):.5f} | | | |")


# %% Tout comparer
if __name__ == "__main__":
    images, train_index, test_index = load(demo)
    results = compare(images, train_index, test_index)
    print("| réglage | erreur de test (carré moyen) | KL (bits) | latents vivants "
          "| entraînement |\n|---|---|---|---|---|")
    for kind, runs in zip(kinds, results):
        write_row(kind, runs)
    compare_filters(images[test_index] / 255)
    print("\nLatent vivant : plus de 0,1 bit de KL ; si beta = 0, plus de 0,1 % des "
          "changements de l'image.")
