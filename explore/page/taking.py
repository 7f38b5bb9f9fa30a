"""Emporter : le modèle dans un seul fichier, l'image du studio, des films.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Rien n'est écrit dans le kit : le navigateur range chaque fichier dans ses téléchargements.
"""
import io

import streamlit as st
import torch

from page import models, studio
from page.kit import (film_map, film_path, film_slider, make_page, name_axis, to_gif,
                      to_picture)
from page.state import state
from page.training import visits

reach = 2              # jusqu'où va le curseur du film, comme dans decode_VAE.py


def draw(view):
    """Trois boutons, sous le studio ; rien, si c'est le modèle d'un autre."""
    if view.name in models.list_shown():
        return
    said = studio.held()
    left, middle, right = st.columns(3)
    with left:
        offer("Emporter le modèle (un fichier)", lambda: take_model(view, said),
              f"{view.name}.html",
              "Il peut redessiner un visage appris : ne le donnez qu'avec l'accord de chacun.")
    with middle:
        offer("Garder l'image", lambda: take_picture(view, said), f"{view.name}.png",
              "Si l'on y reconnaît quelqu'un, demandez-lui d'abord.")
    with right:
        offer("Faire un film", lambda: take_film(view, said), f"{view.name}.gif",
              "Le premier curseur se promène : demandez à ceux que l'on y reconnaît.")


def offer(words, make, name, promise):
    """Un bouton, et la phrase sur l'accord ; le fichier n'est fait que si on le demande."""
    with st.container(gap="xxsmall"):
        st.download_button(words, make, name, on_click="ignore")
        st.caption(promise)


def take_model(view, said):
    """Une page qui s'ouvre partout, sans Python, avec les noms donnés aux curseurs."""
    named = said.get("names") or {}
    given = named["names"] if named.get("model") == view.name else {}
    names = [given.get(name_axis(view.saved, i), "") for i in view.order]
    return make_page(view.model, view.saved, view.name, names).encode()


@torch.no_grad()
def take_picture(view, said):
    """L'image du studio, agrandie."""
    picture = to_picture(view.model.decode(find_code(view, said)[None])[0]).resize((512, 512))
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def take_film(view, said):
    """Le premier curseur se promène ; les autres restent où ils sont."""
    return to_gif(film_slider(view.model, view.saved, find_code(view, said), view.order[0], reach))


def offer_path(view, a, b):
    """D'une image à une autre, et retour."""
    if view.name:
        offer("Faire un film de A à B",
              lambda: to_gif(film_path(view.model, view.mu[a], view.mu[b])),
              f"{view.name}_chemin.gif",
              "Si A ou B montre quelqu'un, demandez-lui d'abord.")


def offer_map(view):
    """La carte qui s'arrange, si ce modèle est celui que le visiteur vient d'entraîner."""
    training = visits.get(state.visitor)
    if training and training.path and training.path.stem == view.name and len(view.order) > 1:
        offer("Faire un film de la carte", lambda: take_map(view, training),
              f"{view.name}_carte.gif",
              "Il montre les images elles-mêmes : ne le donnez qu'avec l'accord de chacun.")


def take_map(view, training):
    """Les images de test rangées par leur code, aux premières époques, où tout change."""
    return to_gif(film_map(training.view.images, training.codes, view.order[:2]))


def find_code(view, said):
    return studio.find_code(view, studio.last_ask(view, said))[0]
