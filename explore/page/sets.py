"""Deux jeux d'images connus, MNIST et CIFAR-10, téléchargés si on les demande.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import socket

import numpy as np
import torch
from PIL import Image

from page import kit
from page.kit import stop

sets = {               # nom : (taille du téléchargement, ce qu'il crée, les étiquettes)
    "MNIST": ("12 Mo", "MNIST", [str(digit) for digit in range(10)]),
    "CIFAR-10": ("170 Mo", "cifar-10-batches-py", [
        "avion", "voiture", "oiseau", "chat", "cerf", "chien", "grenouille", "cheval",
        "bateau", "camion"])}
downloads = kit.folder / "explore" / "data"


def is_downloaded(source):
    return (downloads / sets[source][1]).exists()


def open_set(source, download=False):
    """Le jeu d'images de torchvision ; download : le télécharger d'abord s'il manque."""
    from torchvision import datasets       # importé ici seulement : il met deux secondes
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    try:
        kind = {"MNIST": datasets.MNIST, "CIFAR-10": datasets.CIFAR10}[source]
        return kind(downloads, download=download)
    except (OSError, RuntimeError):
        what = "téléchargé : vérifiez le réseau" if download else f"relu : effacez {downloads}"
        stop(f"{source} n'a pas pu être {what}, puis recommencez. "
             "Les autres images marchent sans réseau.")
    finally:
        socket.setdefaulttimeout(patience)


def read_set(source, count, size):
    """Les count premières images, agrandies, leurs noms (étiquette/numéro) ; aucune écartée."""
    dataset = open_set(source)
    labels = sets[source][2]
    pixels, names = [], []
    for number in range(min(count, len(dataset))):
        picture, label = dataset[number]
        square = picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(square))
        names.append(f"{labels[label]}/{number:05d}")
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return images, names, {}
