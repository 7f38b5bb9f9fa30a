"""Les images de la page app_VAE.py : un dossier, des fichiers déposés, MNIST ou CIFAR-10.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py dans le dossier du kit.
Les fichiers déposés ne sont jamais écrits sur le disque : ils sont lus en mémoire, puis oubliés.
"""
import hashlib
import io
import re
import socket
import sys
import zipfile
import zlib
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model_VAE_64 import extensions, list_images, load_images, read_image

max_files, max_bytes, max_file = 10_000, 500_000_000, 30_000_000      # un dépôt : fichiers, octets en tout, octets par image
sets = {                                   # nom : (taille du téléchargement, ce qu'il crée, les étiquettes)
    "MNIST": ("12 Mo", "MNIST", [str(digit) for digit in range(10)]),
    "CIFAR-10": ("170 Mo", "cifar-10-batches-py", ["avion", "voiture", "oiseau", "chat", "cerf", "chien", "grenouille", "cheval",
                                                   "bateau", "camion"])}
Image.init()
Image.ID[:] = [kind for kind in Image.ID if kind != "EPS"]      # un fichier EPS est un programme : Pillow le ferait exécuter par Ghostscript


# %% Un dossier
def folder_stamp(folder):
    """Change dès qu'un fichier arrive dans le dossier ou ses sous-dossiers, ou en part."""
    return max((path.stat().st_mtime_ns for path in (folder, *folder.rglob("*")) if path.is_dir()), default=0)


def read_folder(folder, size):
    """Les images du dossier, comme train_VAE.py : les images, leurs noms, et {nom: raison} pour les images écartées."""
    images, names = load_images(folder, size)
    found = {path.relative_to(folder).as_posix() for path in list_images(folder)}
    return images, names, {name: "illisible : la raison est dans la console" for name in found - set(names)}


# %% Des fichiers déposés
def unzip(name, content):
    """Les images d'un zip, décompressées en mémoire : {nom: octets}. Un zip piégé est refusé en entier."""
    if content.count(b"PK\1\2") > max_files:
        sys.exit(f"{name} : plus de {max_files} fichiers. Déposez-en moins.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                if re.search(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^\w:", member.filename):
                    sys.exit(f"{name} refusé : {member.filename!r} voudrait s'écrire hors de son dossier.")
                if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    sys.exit(f"{name} : zip chiffré ou d'un format rare. Refaites un zip ordinaire, sans mot de passe.")
            members = [member for member in archive.infolist() if Path(member.filename).suffix.lower() in extensions
                       and not re.search(r"(^|/)(\.|__MACOSX)", member.filename)]       # fichiers cachés
            if sum(member.file_size for member in members) > max_bytes:
                sys.exit(f"{name} refusé : décompressé, il dépasserait {max_bytes // 10**6} Mo.")
            return {f"{Path(name).stem}/{member.filename}": archive.open(member).read(max_file + 1) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        sys.exit(f"{name} n'est pas un zip lisible, ou il est abîmé : refaites-le.")


def read_uploads(uploads, size):
    """Les images déposées (fichiers ou zip) : les images, leurs noms, et {nom: raison} pour celles qui sont écartées."""
    files = {}
    for upload in uploads:
        files |= unzip(upload.name, upload.getvalue()) if upload.name.lower().endswith(".zip") else {upload.name: upload.getvalue()}
    if len(files) > max_files or sum(map(len, files.values())) > max_bytes:
        sys.exit(f"C'est trop : {max_files} images et {max_bytes // 10**6} Mo au plus. Déposez-en moins.")

    def read(content):
        return (None, f"plus de {max_file // 10**6} Mo") if len(content) > max_file else read_image(io.BytesIO(content), size)

    with ThreadPool() as pool:
        results = dict(zip(files, pool.map(read, files.values())))
    reasons = {name: reason for name, (image, reason) in results.items() if reason}
    names = sorted(results.keys() - reasons.keys())
    if not names:
        why = "".join(f" {name} : {reason}." for name, reason in list(reasons.items())[:3])
        sys.exit(f"Aucune image lisible dans ce que vous avez déposé.{why} Il faut des fichiers .jpg ou .png, ou un zip qui en contient.")
    return torch.from_numpy(np.stack([results[name][0] for name in names])), names, reasons


# %% MNIST et CIFAR-10
def is_downloaded(source, folder):
    return (folder / sets[source][1]).exists()


def open_set(source, folder, download=False):
    """Le jeu d'images de torchvision ; download : le télécharger d'abord s'il manque."""
    from torchvision import datasets       # importé ici seulement : torchvision met deux secondes à se charger
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    try:
        return {"MNIST": datasets.MNIST, "CIFAR-10": datasets.CIFAR10}[source](folder, download=download)
    except (OSError, RuntimeError):
        sys.exit(f"{source} n'a pas pu être {'téléchargé : vérifiez le réseau' if download else 'relu : effacez ' + str(folder)}, "
                 "puis recommencez. Les autres images marchent sans réseau.")
    finally:
        socket.setdefaulttimeout(patience)


def read_set(source, folder, count, size):
    """Les count premières images, agrandies : les images, leurs noms (étiquette/numéro), et aucune image écartée."""
    dataset, labels = open_set(source, folder), sets[source][2]
    chosen = [dataset[i] for i in range(min(count, len(dataset)))]
    pixels = [np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)) for picture, label in chosen]
    names = [f"{labels[label]}/{i:05d}" for i, (picture, label) in enumerate(chosen)]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), names, {}


# %% Ce qui distingue un jeu d'images d'un autre
def fingerprint(images, names):
    """Quelques lettres qui changent dès qu'un pixel ou un nom change."""
    return hashlib.blake2b(images.numpy().tobytes() + "\n".join(names).encode(), digest_size=4).hexdigest()
