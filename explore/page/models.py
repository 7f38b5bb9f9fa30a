"""Les fichiers des modèles : les trouver, les ouvrir, en recevoir un venu d'ailleurs.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Ils sont dans explore/models/, et decode_VAE.py les ouvre aussi. En classe, chacun a les
siens dans son espace, et voit aussi ceux que les autres ont montrés.
"""
import re
import tempfile
import threading
from pathlib import Path

import streamlit as st
import torch

from page import limits, space
from page.kit import VAE, load_model, stop, why_not_written, write_whole

writing = threading.Lock()
# avant, un .pth piégé peut exécuter ce qu'il veut, malgré weights_only de load_model :
# CVE-2025-32434 (torch 2.5 et moins), CVE-2026-24747 (torch 2.9 et moins)
safe_torch = (2, 10)


# %% Les trouver
def list_models():
    """Les noms des modèles gardés, le plus récent d'abord."""
    return sorted(list_own() + list_shown(), key=stamp, reverse=True)


def list_own():
    """Ceux du visiteur."""
    return [path.stem for path in space.models().glob("*.pth")]


def list_shown():
    """Ceux que les autres montrent à la classe."""
    paths = space.shown.glob("*.pth") if space.shared else []
    return [path.stem for path in paths if not path.stem.endswith(space.name()[:6])]


def find(stem):
    """Le fichier de ce modèle."""
    own = space.models() / f"{stem}.pth"
    return space.shown / own.name if stem in list_shown() else own


def stamp(stem):
    """La date du fichier ; 0 si quelqu'un vient de le supprimer."""
    try:
        return find(stem).stat().st_mtime
    except OSError:
        return 0


# %% Les ouvrir
@st.cache_resource(max_entries=60, show_spinner=False)
def open_file(path, stamp):
    return load_model(path, VAE)


def open_model(stem):
    """Le réseau et ce que contient son fichier, relus si le fichier a changé."""
    return open_file(find(stem), stamp(stem))


# %% Les ranger
def free_path(folder, stem):
    """Un fichier que personne n'a pris : le nom, ou le nom suivi d'un numéro."""
    folder.mkdir(exist_ok=True)        # sans parents : un espace effacé ne renaît pas
    path, number = folder / f"{stem}.pth", 2
    while path.exists():
        path = folder / f"{stem}_{number}.pth"
        number += 1
    return path


def receive(name, content):
    """Range parmi les modèles un .pth venu d'ailleurs, sans en remplacer un ; rend son nom."""
    if torch.__version__ < safe_torch:
        stop(f"Avec torch {torch.__version__}, un .pth piégé pourrait prendre la main sur cet "
             "ordinateur : la page n'en reçoit qu'avec torch 2.10 ou plus récent. Si vous "
             "savez qui a fait celui-ci, copiez-le vous-même dans explore/models/.")
    limits.check_model(space.models())
    stem = re.sub(r"[^\w-]", "_", Path(name).stem)[:60] or "modele"
    try:
        with tempfile.TemporaryDirectory() as beside:
            path = Path(beside) / f"{stem}.pth"
            path.write_bytes(content)
            load_model(path, VAE)          # refuse ce qui n'est pas un modèle
        with writing:
            path = free_path(space.models(), stem)
            write_whole(path, content)
    except OSError as error:
        stop(f"Impossible d'écrire {stem}.pth ({why_not_written(error)}).")
    return path.stem


def delete(stem):
    """Supprime un modèle du visiteur, et la copie qu'il en montre.

    Le sien, même si un autre vient d'en montrer un du même nom."""
    if space.shared:
        hide(stem)
    (space.models() / f"{stem}.pth").unlink(missing_ok=True)


# %% Les montrer à la classe
def showing(stem):
    """La copie que la classe en voit, si on le montre."""
    return space.shown / f"{stem}_{space.name()[:6]}.pth"


def show(stem):
    """En met une copie là où chacun peut l'ouvrir ; hide la reprend."""
    limits.check_disk(space.shown)
    try:
        write_whole(showing(stem), find(stem).read_bytes())
    except OSError as error:
        stop(f"Impossible de montrer {stem}.pth ({why_not_written(error)}).")


def hide(stem):
    showing(stem).unlink(missing_ok=True)
