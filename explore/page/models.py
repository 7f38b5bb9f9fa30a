"""Les modèles de la page : les ouvrir, les nommer, en recevoir, en supprimer.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Ils sont dans explore/models/, et decode_VAE.py les ouvre aussi.
"""
import hashlib
import json
import re
import tempfile
import threading
import time
from pathlib import Path

import streamlit as st
import torch

import train_VAE
from model_VAE_64 import encode_images, load_model, write_whole
from page.display import to_sheet
from page.settings import first, name_kind, others
from page.sources import is_private
from page.state import state
from record_images import stop

folder = Path(train_VAE.__file__).resolve().parent / "explore" / "models"
elsewhere = "train_VAE.py"
most = 400                                 # images que la page met devant un modèle
writing = threading.Lock()


# %% Un réseau devant des images
class View:
    """Un réseau et les images de la page, d'abord celles qu'il n'a jamais apprises (tests)."""

    def __init__(self, name, model, saved, images, names, tests):
        self.name = name                   # celui du fichier ; "" pendant l'entraînement
        self.model = model
        self.saved = saved
        self.images = images               # des octets, (N, 3, H, W)
        self.names = names
        self.tests = tests
        self.mu, self.logvar = encode_images(model, images, saved["settings"]["task"])
        self.order = saved["importance"].argsort(descending=True).tolist()
        self.sheet = ""                    # les vignettes de la carte
        self.grids = {}                    # les fonds de la carte déjà dessinés
        self.foreign = False               # vrai s'il n'a appris aucune de ces images

    def get_sheet(self):
        if not self.sheet:
            self.sheet = to_sheet(self.images[:150] / 255, 40)
        return self.sheet

    @property
    def beta(self):
        return self.saved["settings"]["beta"]


def find_unseen(names, learned):
    """Les numéros des images jamais apprises ; toutes, s'il n'en reste pas."""
    unseen = [i for i, name in enumerate(names) if name not in learned]
    return torch.tensor(unseen or range(len(names)))


@st.cache_resource(max_entries=30, show_spinner="Le réseau regarde les images…")
def look(stem, stamp, source, count, data_stamp, _data):
    """Le modèle devant les images ; les autres paramètres disent quand regarder de nouveau."""
    model, saved = open_model(stem)
    images, names, reasons = _data.load(saved["settings"]["images_size"])
    learned = set(saved["train_names"])
    unseen = find_unseen(names, learned)[:most]
    rest = [i for i, name in enumerate(names) if name in learned][:most - len(unseen)]
    index = torch.cat([unseen, torch.tensor(rest, dtype=torch.int64)])
    view = View(stem, model, saved, images[index], [names[i] for i in index], len(unseen))
    # train_VAE.py nomme les images autrement : on ne sait pas
    view.foreign = find_source(saved) != elsewhere and learned.isdisjoint(names)
    return view


def view_model(stem, data):
    return look(stem, stamp(stem), data.source, data.count, data.stamp, data)


# %% Les fichiers
def list_models():
    """Les noms des modèles gardés, le plus récent d'abord."""
    paths = sorted(folder.glob("*.pth"), key=lambda path: stamp(path.stem), reverse=True)
    return [path.stem for path in paths]


def stamp(stem):
    """La date du fichier ; 0 si quelqu'un vient de le supprimer."""
    try:
        return (folder / f"{stem}.pth").stat().st_mtime
    except OSError:
        return 0


@st.cache_resource(max_entries=60, show_spinner=False)
def open_file(path, stamp):
    return load_model(path)


def open_model(stem):
    """Le réseau et ce que contient son fichier, relus si le fichier a changé."""
    return open_file(folder / f"{stem}.pth", stamp(stem))


@st.cache_data(max_entries=200, show_spinner=False)
def describe(stem, stamp):
    """Sa sorte, ses réglages et ses images, en quelques mots ; None si le fichier est illisible."""
    try:
        saved = open_model(stem)[1]
    except SystemExit:
        return None
    settings = saved["settings"]
    source = find_source(saved)
    changed = [f"{name} {settings[name]}" for name in first + others
               if name != "epochs" and settings[name] != train_VAE.settings[name]]
    return {"kind": name_kind(settings), "changed": changed, "source": source,
            "private": is_private(source), "epochs": len(saved["history"])}


def find_source(saved):
    """Les images qu'il a apprises ; elsewhere, si ce n'est pas dans cette page."""
    about = saved.get("data")
    return str(about.get("source"))[:40] if isinstance(about, dict) else elsewhere


def name_model(stem):
    """Un nom pour une liste : la sorte, ce qui n'est pas de départ, les images, l'heure.

    Deux modèles n'ont jamais le même : la page les reconnaît à ce nom."""
    about = describe(stem, stamp(stem))
    if about is None:
        return f"{stem} (illisible)"
    epochs = f"{about['epochs']} époque{'s' * (about['epochs'] > 1)}"
    moment = time.strftime("%H:%M:%S", time.localtime(stamp(stem)))
    words = [about["kind"], *about["changed"], about["source"], epochs, moment]
    made = re.fullmatch(r".+_[0-9a-f]{6}_\d+(?:_(\d+))?", stem)      # par file_stem
    if not made:
        words.insert(0, stem)              # un fichier venu d'ailleurs : son nom
    elif made[1]:
        words.append(f"n° {made[1]}")
    return " · ".join(words)


def file_stem(settings, about, epochs):
    """Le nom du fichier : la sorte, et des lettres qui changent avec les réglages et les images."""
    used = {name: value for name, value in settings.items() if name != "model_name"}
    key = json.dumps([used, about["fingerprint"]], sort_keys=True)
    letters = hashlib.blake2b(key.encode(), digest_size=3).hexdigest()
    return f"{name_kind(settings).replace('ê', 'e')}_{letters}_{epochs}"


def free_path(stem):
    """Un fichier que personne n'a pris : le nom, ou le nom suivi d'un numéro."""
    folder.mkdir(exist_ok=True)
    path, number = folder / f"{stem}.pth", 2
    while path.exists():
        path = folder / f"{stem}_{number}.pth"
        number += 1
    return path


def receive(name, content):
    """Range parmi les modèles un .pth venu d'ailleurs, sans en remplacer un ; rend son nom."""
    stem = re.sub(r"[^\w-]", "_", Path(name).stem)[:60] or "modele"
    try:
        with tempfile.TemporaryDirectory() as beside:
            path = Path(beside) / f"{stem}.pth"
            path.write_bytes(content)
            load_model(path)               # refuse ce qui n'est pas un modèle, sans rien exécuter
        with writing:
            path = free_path(stem)
            write_whole(path, content)
    except OSError as error:
        stop(f"Impossible d'écrire {stem}.pth ({error.strerror}) : libérez de la place, "
             "puis recommencez.")
    return path.stem


# %% Choisir
def choose_model():
    """La liste des modèles gardés ; le nom de celui qu'on regarde, ou None."""
    models = list_models()
    if state.opened in models:
        state.model = state.opened
        state.opened = None
    if state.last_model and state.last_model not in models:
        state.sentence = (state.sentence or f"{state.last_model}.pth a été supprimé : "
                          "un autre modèle est ouvert.")
    if state.get("model") not in models:
        state.model = first_model(models)
    state.last_model = state.model
    if not models:
        return None
    return st.selectbox("Modèle ouvert", models, 0 if state.model else None, name_model,
                        key="model", placeholder="Choisissez un modèle",
                        label_visibility="collapsed", disabled=state.training is not None)


def first_model(models):
    """Le modèle ouvert à l'arrivée : jamais celui qu'un autre a entraîné sur ses photos."""
    for stem in models:
        about = describe(stem, stamp(stem))
        if about and not about["private"]:
            return stem
    return None
