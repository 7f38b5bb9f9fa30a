"""Lire des fichiers d'images, à plusieurs, et dire pourquoi certains sont écartés.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import torch

from page.kit import read_image


def add(files, name, file):
    """Ajoute un fichier ; deux du même nom sont gardés tous les deux : a.png, a (2).png..."""
    path, number = Path(name), 2
    while name in files:
        name = path.with_name(f"{path.stem} ({number}){path.suffix}").as_posix()
        number += 1
    files[name] = file


def read_files(files, size):
    """Les images (octets) de {nom: fichier}, leurs noms, et {nom: raison} des écartées.

    Les images sont None s'il n'y en a aucune de lisible."""
    with ThreadPool(2) as pool:
        results = pool.map(lambda file: read_image(file, size), files.values())
    pixels, names, reasons = [], [], {}
    for name, (image, reason) in zip(files, results):
        if reason:
            reasons[name] = reason
        else:
            pixels.append(image)
            names.append(name)
    images = torch.from_numpy(np.stack(pixels)) if pixels else None
    return images, names, reasons
