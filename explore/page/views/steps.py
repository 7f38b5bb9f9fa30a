"""Le premier écran : une phrase, et les trois étapes en images."""
import html

import streamlit as st

from page.display import to_uri
from page.state import state

sentence = ("Montrez des images au réseau : il apprend seul à résumer chacune en quelques "
            "nombres. Puis bougez ces nombres, et l'image suit.")


def draw(data):
    """La phrase et les trois étapes, jusqu'au premier entraînement du visiteur."""
    first_tab = state.get("onglet") in (None, "Entraînement")
    if state.began or not first_tab or not data:
        return
    images = data.load(64)[0]
    few = images[::max(1, len(images) // 3)][:3] / 255
    pictures = "".join(f'<img src="{to_uri(image)}" alt="">' for image in few)
    network = "".join(f'<i style="height: {height}px"></i>' for height in (34, 16, 26, 20))
    sliders = "".join(f'<s><b style="left: {left}%"></b></s>' for left in (20, 65, 40))
    steps = [("1. Choisir des images", "à gauche : les vôtres, ou des créatures", pictures),
             ("2. Entraîner", "à gauche : le bouton bleu", network),
             ("3. Explorer", "ci-dessous : curseurs, carte…", sliders)]
    cards = "".join(f"<li><strong>{title}</strong><div>{picture}</div><span>{words}</span></li>"
                    for title, words, picture in steps)
    st.html(f'<p class="vae-line">{html.escape(sentence)}</p><ol class="vae-steps">{cards}</ol>')
