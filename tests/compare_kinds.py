"""Comparer les sortes d'auto-encodeurs sur les images de démonstration : python tests/compare_kinds.py

Chaque ligne du tableau change un réglage de la zone *** de train_VAE.py ; les autres gardent leur valeur.
Trois entraînements par ligne, un par graine du hasard ; chaque nombre est la médiane des trois. Environ 10 minutes.
"""
import statistics
import time

import cv2
import numpy as np
import torch

from benchmark import demo, load, test_error, train
from model_VAE_64 import spoil
from train_VAE import measure_latents

seeds = 3
kinds = [{"beta": 0}, {"beta": 1}, {"beta": 8}, {"beta": 20},
         {"reconstruction": "l1"}, {"reconstruction": "gaussian"}, {"reconstruction": "laplace"}, {"decoder": "broadcast"},
         {"task": "denoise"}, {"task": "super_resolution"}]


# %% Les auto-encodeurs
def measure(kind, images, train_index, test_index, seed):
    """Un entraînement : erreur de test, KL totale en bits (sans objet si beta = 0), latents vivants, secondes."""
    torch.manual_seed(seed)
    model, settings, seconds = train(images, train_index, **kind)
    importance = measure_latents(model, images, test_index, settings)["importance"]
    return (test_error(model, images, test_index, settings["task"]), importance.sum().item() if settings["beta"] else None,
            (importance > 0.1).sum().item(), seconds)


def compare(images, train_index, test_index):
    """Toutes les sortes, une graine après l'autre. Rend les lignes du tableau."""
    results, start, done = [[] for kind in kinds], time.time(), 0
    for seed in range(seeds):
        for place, kind in enumerate(kinds):
            results[place].append(measure(kind, images, train_index, test_index, seed))
            done += 1
            left = (time.time() - start) * (seeds * len(kinds) / done - 1)
            print(f"\r{done} entraînements sur {seeds * len(kinds)}, encore {left / 60:.0f} min  ", end="", flush=True)
    print()
    for kind, runs in zip(kinds, results):
        name = ", ".join(f"`{setting} = {value!r}`" for setting, value in kind.items())
        error, bits, live, seconds = (None if None in values else statistics.median(values) for values in zip(*runs))
        yield f"| {name} | {error:.5f} | {'-' if bits is None else f'{bits:.1f}'} | {live} | {seconds:.0f} s |"


# %% Les filtres, qui n'apprennent rien
def filter_error(inputs, target, apply):
    """Erreur (carré moyen) de apply, appliqué à chaque image (H, W, 3) de inputs."""
    outputs = np.stack([apply(image) for image in inputs.permute(0, 2, 3, 1).numpy()])
    return float(np.square(outputs.clip(0, 1) - target.permute(0, 2, 3, 1).numpy()).mean())


def compare_filters(target):
    """Les mêmes images de test, débruitées ou agrandies sans rien apprendre, avec la meilleure taille de filtre."""
    noisy, small = spoil(target, "denoise"), spoil(target, "super_resolution")[:, :, ::4, ::4]
    blur = {width: filter_error(noisy, target, lambda image: cv2.GaussianBlur(image, None, width))
            for width in (0.5, 0.7, 0.9, 1.1, 1.4, 2)}
    median = {size: filter_error(noisy, target, lambda image: cv2.medianBlur(image, size)) for size in (3, 5)}
    bicubic = filter_error(small, target, lambda image: cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))
    for name, errors in (("flou gaussien, écart-type", blur), ("médian, côté", median)):
        best = min(errors, key=errors.get)
        yield f"| débruiter : {name} {best} | {errors[best]:.5f} | | | |"
    yield f"| agrandir 4 fois : bicubique | {bicubic:.5f} | | | |"


if __name__ == "__main__":
    images, train_index, test_index = load(demo)
    lines = [*compare(images, train_index, test_index), *compare_filters(images[test_index] / 255)]
    print("| réglage | erreur de test (carré moyen) | KL (bits) | latents vivants | entraînement |\n|---|---|---|---|---|")
    print("\n".join(lines))
    print("\nLatent vivant : plus de 0,1 bit de KL ; si beta = 0, plus de 0,1 % des changements de l'image.")
