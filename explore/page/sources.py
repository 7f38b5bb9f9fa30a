"""Les images de la page : créatures, dossier images/, webcam, fichiers, MNIST ou CIFAR-10.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Les fichiers déposés ne sont jamais écrits sur le disque : ils sont lus en mémoire, puis
oubliés. Les images de la webcam, elles, vont dans images/webcam/, comme celles de
record_images.py vont dans images/.
"""
import hashlib
import io
import re
import socket
import zipfile
import zlib
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch
from PIL import Image

import train_VAE
from model_VAE_64 import extensions, list_images, load_images, read_image
from page.display import gallery
from page.state import state
from page.views.record import record
from record_images import stop

kit = Path(train_VAE.__file__).resolve().parent
pictures = kit / "images"
creatures, webcam, uploads = "Créatures (démonstration)", "Ma webcam", "Mes fichiers"
folders = {creatures: pictures / "demo", "Dossier images/": pictures,
           webcam: pictures / "webcam"}
sets = {               # nom : (taille du téléchargement, ce qu'il crée, les étiquettes)
    "MNIST": ("12 Mo", "MNIST", [str(digit) for digit in range(10)]),
    "CIFAR-10": ("170 Mo", "cifar-10-batches-py", [
        "avion", "voiture", "oiseau", "chat", "cerf", "chien", "grenouille", "cheval",
        "bateau", "camion"])}
downloads = kit / "explore" / "data"
max_files = 10_000                # un dépôt : tant de fichiers...
max_bytes = 500_000_000           # ... tant d'octets en tout, une fois décompressé...
max_file = 30_000_000             # ... et tant par image


# %% Choisir
class Data(NamedTuple):
    """Les images choisies dans la page ; load les lit (une fois) à la taille voulue."""
    source: str
    count: int         # combien d'images d'un jeu connu
    stamp: object      # change dès que les images changent
    files: list        # les fichiers déposés

    def load(self, size):
        """Les images (octets), leurs noms, et {nom: raison} pour celles qui sont écartées."""
        return read(self.source, size, self.count, self.stamp, self.files)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Lecture des images…")
def read(source, size, count, stamp, _files):
    if source == uploads:
        return read_uploads(_files, size)
    if source in sets:
        return read_set(source, downloads, count, size)
    return read_folder(folders[source], size)


def choose_data():
    """Le choix des images, et ce qu'on en voit ; None s'il n'y en a pas encore."""
    source = st.selectbox("Images", [*folders, uploads, *sets], key="source",
                          bind="query-params")
    if source == uploads:
        data = choose_files()
    elif source in sets:
        data = choose_set(source)
    else:
        if source == webcam:
            record(folders[webcam])
        stamp = folder_stamp(folders[source])
        data = Data(source, 0, stamp, []) if stamp or source != webcam else None
    if data:
        show_data(data)
    return data


def choose_files():
    words = "Des images, ou un zip qui en contient. Elles ne quittent pas cet ordinateur."
    files = st.file_uploader(words, [*sorted(extensions), ".zip"],
                             accept_multiple_files=True, key="files")
    stamp = tuple(file.file_id for file in files)
    return Data(uploads, 0, stamp, files) if files else None


def choose_set(source):
    count = st.number_input("Combien d'images (plus il y en a, plus c'est long)",
                            100, 20_000, 3000, 500, key="count", bind="query-params")
    if not is_downloaded(source, downloads):
        size = sets[source][0]
        st.caption(f"{source} n'est pas encore sur cet ordinateur : {size} à télécharger, "
                   "une seule fois.")
        if not st.button(f"Télécharger {source}"):
            return None
        with st.spinner(f"Téléchargement de {source}…"):
            open_set(source, downloads, download=True)
    return Data(source, count, None, [])


def show_data(data):
    """Combien d'images, quelques-unes, et celles qui sont écartées."""
    images, names, reasons = data.load(state.get("images_size", train_VAE.images_size))
    demo = all(name.startswith("demo/") for name in names)
    if demo and data.source == "Dossier images/":
        st.caption("Pas encore d'images à vous dans images/ : voici celles de démonstration.")
    if data.source != webcam:              # elle montre déjà les siennes
        st.caption(f"{len(names)} images")
        few = images[::max(1, len(images) // 5)][:5]
        gallery([[image / 255] for image in few], ["image du jeu"], side=40)
    if reasons:
        with st.expander(f"{len(reasons)} écartées"):
            lines = [f"{name} : {reason}" for name, reason in list(reasons.items())[:50]]
            st.text("\n".join(lines))


# %% Un dossier
def folder_stamp(folder):
    """Change dès qu'un fichier arrive dans le dossier, ou en part ; 0 s'il est vide."""
    inside = [folder, *folder.rglob("*")] if folder.exists() else []
    if len(inside) < 2:
        return 0
    return max(path.stat().st_mtime_ns for path in inside if path.is_dir())


def read_folder(folder, size):
    """Les images du dossier, comme train_VAE.py, nommées depuis images/."""
    images, names = load_images(folder, size)
    start = folder.relative_to(pictures)
    left = {name: "illisible : la raison est dans la console"
            for name in list_images(folder) if name not in set(names)}
    return images, [(start / name).as_posix() for name in names], left


# %% Des fichiers déposés
def check_zip(name, members):
    """Refuse un zip piégé avant d'en lire un octet."""
    for member in members:
        if re.search(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^\w:", member.filename):
            stop(f"{name} refusé : {member.filename!r} voudrait s'écrire hors de son dossier.")
        ordinary = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if member.flag_bits & 1 or not ordinary:
            stop(f"{name} : zip chiffré ou d'un format rare. Refaites un zip ordinaire, "
                 "sans mot de passe.")
    if sum(member.file_size for member in members) > max_bytes:
        stop(f"{name} refusé : décompressé, il dépasserait {max_bytes // 10**6} Mo.")


def unzip(name, content, room):
    """Les images d'un zip, décompressées en mémoire : {nom: octets}. room : les octets permis."""
    if content.count(b"PK\1\2") > max_files:
        stop(f"{name} : plus de {max_files} fichiers. Déposez-en moins.")
    files = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_zip(name, archive.infolist())
            for member in archive.infolist():
                hidden = re.search(r"(^|/)(\.|__MACOSX)", member.filename)
                if hidden or Path(member.filename).suffix.lower() not in extensions:
                    continue
                with archive.open(member) as file:
                    picture = file.read(max_file + 1)
                room -= len(picture)
                if room < 0:              # compté à mesure : rien de plus n'est décompressé
                    stop(f"C'est trop : {max_bytes // 10**6} Mo au plus. Déposez-en moins.")
                add(files, f"{Path(name).stem}/{member.filename}", picture)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        stop(f"{name} n'est pas un zip lisible, ou il est abîmé : refaites-le.")
    return files


def add(files, name, content):
    """Ajoute un fichier ; deux du même nom sont gardés tous les deux : a.png, a (2).png..."""
    path, number = Path(name), 2
    while name in files:
        name = path.with_name(f"{path.stem} ({number}){path.suffix}").as_posix()
        number += 1
    files[name] = content


def unpack(uploads):
    """Toutes les images déposées, seules ou dans des zips : {nom: octets}."""
    files = {}
    for upload in uploads:
        room = max_bytes - sum(len(content) for content in files.values())
        content = upload.getvalue()
        if upload.name.lower().endswith(".zip"):
            inside = unzip(upload.name, content, room)
        elif len(content) > room:
            stop(f"C'est trop : {max_bytes // 10**6} Mo au plus. Déposez-en moins.")
        else:
            inside = {upload.name: content}
        for name, picture in inside.items():
            add(files, name, picture)
        if len(files) > max_files:
            stop(f"C'est trop : {max_files} images au plus. Déposez-en moins.")
    return files


def read_uploads(uploads, size):
    """Les images déposées, leurs noms, et {nom: raison} pour celles qui sont écartées."""
    files = unpack(uploads)

    def read_one(content):
        if len(content) > max_file:
            return None, f"plus de {max_file // 10**6} Mo"
        return read_image(io.BytesIO(content), size)

    with ThreadPool(2) as pool:
        results = dict(zip(files, pool.map(read_one, files.values())))
    reasons = {name: reason for name, (image, reason) in results.items() if reason}
    names = sorted(results.keys() - reasons.keys())
    if not names:
        why = "".join(f" {name} : {reason}." for name, reason in list(reasons.items())[:3])
        stop(f"Aucune image lisible dans ce que vous avez déposé.{why} "
             "Il faut des fichiers .jpg ou .png, ou un zip qui en contient.")
    pixels = np.stack([results[name][0] for name in names])
    return torch.from_numpy(pixels), names, reasons


# %% MNIST et CIFAR-10
def is_downloaded(source, folder):
    return (folder / sets[source][1]).exists()


def open_set(source, folder, download=False):
    """Le jeu d'images de torchvision ; download : le télécharger d'abord s'il manque."""
    from torchvision import datasets       # importé ici seulement : il met deux secondes
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    try:
        kind = {"MNIST": datasets.MNIST, "CIFAR-10": datasets.CIFAR10}[source]
        return kind(folder, download=download)
    except (OSError, RuntimeError):
        what = "téléchargé : vérifiez le réseau" if download else f"relu : effacez {folder}"
        stop(f"{source} n'a pas pu être {what}, puis recommencez. "
             "Les autres images marchent sans réseau.")
    finally:
        socket.setdefaulttimeout(patience)


def read_set(source, folder, count, size):
    """Les count premières images, agrandies, leurs noms (étiquette/numéro) ; aucune écartée."""
    dataset = open_set(source, folder)
    labels = sets[source][2]
    pixels, names = [], []
    for number in range(min(count, len(dataset))):
        picture, label = dataset[number]
        square = picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(square))
        names.append(f"{labels[label]}/{number:05d}")
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return images, names, {}


# %% Ce qui distingue un jeu d'images d'un autre
def fingerprint(images, names):
    """Quelques lettres qui changent dès qu'un pixel ou un nom change."""
    everything = images.numpy().tobytes() + "\n".join(names).encode()
    return hashlib.blake2b(everything, digest_size=4).hexdigest()


def is_private(source):
    """Vrai pour des images qui ne sont qu'à un visiteur : sa webcam, ses fichiers."""
    return source in (webcam, uploads)
