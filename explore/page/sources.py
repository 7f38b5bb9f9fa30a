"""Les images de la page : créatures, dossier images/, webcam, fichiers, MNIST ou CIFAR-10.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import hashlib
from typing import NamedTuple

import streamlit as st

from page import limits, space
from page.folders import (creatures, everything, find_folder, folder_stamp, folders, read_folder,
                          webcam)
from page.kit import extensions, usual_settings
from page.pictures import gallery
from page.sets import is_downloaded, open_set, read_set, sets
from page.state import state
from page.uploads import read_uploads
from page.words import count_words

uploads = "Mes fichiers"


def all_sources():
    """Les images que l'on peut choisir ; en classe, jamais images/ de cet ordinateur."""
    sources = [*folders, webcam, uploads, *sets]
    if space.shared:
        sources.remove(everything)
    return sources


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


@st.cache_resource(max_entries=40 if space.shared else 8, ttl=3600, show_spinner="Lecture des images…")
def read(source, size, count, stamp, _files):
    if source == uploads:
        return read_uploads(_files, size)
    if source in sets:
        return read_set(source, count, size)
    return read_folder(find_folder(source), size)


def choose_data():
    """Le choix des images, et ce qu'on en voit ; None s'il n'y en a pas encore."""
    sources = all_sources()
    place = sources.index(state.get("source", creatures))
    source = st.selectbox("Images", sources, place, key="source", on_change=open_recorder)
    if source == uploads:
        data = choose_files()
    elif source in sets:
        data = choose_set(source)
    else:
        if source == webcam:
            choose_recording()
        folder = find_folder(source)
        stamp = folder_stamp(folder)
        # le dossier compte : en classe, chacun a le sien pour sa webcam
        data = Data(source, 0, (folder, stamp), []) if stamp or source != webcam else None
    if data:
        show_data(data)
    return data


def open_recorder():
    """On vient de choisir d'autres images : pour la webcam, l'enregistreur s'ouvre."""
    state.recorder_open = state.source == webcam
    if state.recorder_open:
        state.place = "Jouer"
        state.closings += 1        # sur un téléphone, le panneau cachait la caméra


def choose_recording():
    words = "Fermer l'enregistreur" if state.recorder_open else "Enregistrer des images"
    if st.button(words, width="stretch"):
        state.recorder_open = not state.recorder_open
        state.closings += 1
        state.place = "Jouer"
        st.rerun()


def recording():
    """Vrai si l'enregistreur est ouvert : il prend la place du studio."""
    return bool(state.source == webcam and state.recorder_open)


def choose_files():
    where = "Elles ne quittent pas cet ordinateur."
    if space.shared:
        where = "L'ordinateur de la classe les oublie quand cette page se ferme."
    files = st.file_uploader(f"Des images, ou un zip qui en contient. {where}",
                             [*sorted(extensions), ".zip"], accept_multiple_files=True,
                             key="files")
    limits.check_upload(files)
    stamp = tuple(file.file_id for file in files)
    return Data(uploads, 0, stamp, files) if files else None


def choose_set(source):
    limits.check_set(source)
    most = limits.most_learnt if space.shared else 20_000
    count = st.number_input("Combien d'images (plus il y en a, plus c'est long)",
                            100, most, 3000, 500, key="count", persist_state="session")
    if not is_downloaded(source):
        size = sets[source][0]
        st.caption(f"{source} n'est pas encore sur cet ordinateur : {size} à télécharger, "
                   "une seule fois.")
        if not st.button(f"Télécharger {source}"):
            return None
        with st.spinner(f"Téléchargement de {source}…"):
            open_set(source, download=True)
    return Data(source, count, None, [])


def show_data(data):
    """Combien d'images, quelques-unes, et celles qui sont écartées."""
    images, names, reasons = data.load(state.get("images_size", usual_settings["images_size"]))
    demo = all(name.startswith("demo/") for name in names)
    if demo and data.source == everything:
        st.caption("Pas encore d'images à vous dans images/ : voici celles de démonstration.")
    st.caption(count_words(len(names), "image"))
    few = images[::max(1, len(images) // 5)][:5]
    gallery([[image / 255] for image in few], ["image du jeu"], side=40)
    if reasons:
        with st.expander(count_words(len(reasons), "écartée")):
            lines = [f"{name} : {reason}" for name, reason in list(reasons.items())[:50]]
            st.text("\n".join(lines))


# %% Ce qui distingue un jeu d'images d'un autre
def fingerprint(images, names):
    """Quelques lettres qui changent dès qu'un pixel ou un nom change."""
    content = images.numpy().tobytes() + "\n".join(names).encode()
    return hashlib.blake2b(content, digest_size=4).hexdigest()


def is_private(source):
    """Vrai pour des images qui ne sont qu'à un visiteur : sa webcam, ses fichiers."""
    return source in (webcam, uploads)
