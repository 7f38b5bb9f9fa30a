"""Emporter : le modèle dans un seul fichier, l'image du studio, un film de son premier curseur.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Rien n'est écrit dans le kit : le navigateur range chaque fichier dans ses téléchargements.
"""
import io

import streamlit as st
import torch

from page import studio
from page.kit import film_slider, make_page, name_axis, to_gif, to_picture

reach = 2              # jusqu'où va le curseur du film, comme dans decode_VAE.py


def draw(view):
    """Trois boutons ; chaque fichier n'est fait que si on le demande."""
    said = studio.held()
    with st.container(horizontal=True):
        st.download_button("Emporter le modèle (un fichier)", lambda: take_model(view, said),
                           f"{view.name}.html", "text/html", on_click="ignore")
        st.download_button("Garder l'image", lambda: take_picture(view, said), f"{view.name}.png",
                           "image/png", on_click="ignore")
        st.download_button("Faire un film", lambda: take_film(view, said), f"{view.name}.gif",
                           "image/gif", on_click="ignore")
    st.caption("Le modèle, l'image et le film peuvent montrer un visage que le réseau a appris : "
               "ne les donnez qu'avec l'accord de chacun.")


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


def find_code(view, said):
    return studio.find_code(view, studio.last_ask(view, said))[0]
