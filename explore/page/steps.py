"""Le premier écran : une phrase, et les trois étapes en images.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import html

import streamlit as st

from page.pictures import to_uri
from page.state import state

sentence = ("Montrez des images au réseau : il apprend seul à résumer chacune en quelques "
            "nombres. Puis bougez ces nombres, et l'image suit.")


def draw(data):
    """La phrase et les trois étapes, jusqu'au premier entraînement du visiteur."""
    first_tab = state.get("onglet") in (None, "Entraînement")
    if state.began or not first_tab or not data:
        return
    cards = [write_card("1. Choisir des images", draw_images(data),
                        "à gauche : les vôtres, ou des créatures"),
             write_card("2. Entraîner", draw_network(), "à gauche : le bouton bleu"),
             write_card("3. Explorer", draw_sliders(), "ci-dessous : curseurs, carte…")]
    st.html(f'<p class="vae-line">{html.escape(sentence)}</p>'
            f'<ol class="vae-steps">{"".join(cards)}</ol>')


def write_card(title, picture, words):
    return f"<li><strong>{title}</strong><div>{picture}</div><span>{words}</span></li>"


def draw_images(data):
    """Trois des images choisies."""
    images = data.load(64)[0]
    few = images[::max(1, len(images) // 3)][:3] / 255
    return "".join(f'<img src="{to_uri(image)}" alt="">' for image in few)


def draw_network():
    """Un réseau : quatre barres de hauteurs différentes (page.css)."""
    return "".join(f'<i style="height: {height}px"></i>' for height in (34, 16, 26, 20))


def draw_sliders():
    """Trois curseurs, chacun à sa place (page.css)."""
    return "".join(f'<s><b style="left: {left}%"></b></s>' for left in (20, 65, 40))
