"""La page : la même leçon que les quatre scripts, dans un navigateur, sans toucher au code.

Lancer  : streamlit run explore/app_VAE.py, dans le dossier du kit.
Lit     : les créatures, images/, la webcam, des fichiers, MNIST ou CIFAR-10.
Écrit   : explore/models/ (les modèles, que decode_VAE.py ouvre aussi), images/webcam/ (la
          webcam) et explore/data/ (MNIST et CIFAR-10, si on les demande).
Rien ne quitte cet ordinateur, et lui seul voit la page (voir README.md pour la classe).
La page est faite dans explore/page/ : un fichier par chose, et un par lieu dans views/.
"""
import streamlit as st

from page import (address, choosing, following, models, nickname, parts, sources, space,
                  state)
from page.views import comparing, lesson, playing, teaching, workshop

draw = dict(zip(address.places, (playing.draw, comparing.draw, lesson.draw, workshop.draw)))
idea = ("Montrez des images au réseau : il apprend seul à résumer chacune en quelques nombres. "
        "Puis bougez ces nombres, et l'image suit."
        "<span> Vos images et Entraîner : » en haut à gauche.</span>")


def page():
    """À gauche les images et les réglages ; à droite le modèle, l'entraînement, les lieux."""
    st.set_page_config("VAE : enregistrer, entraîner, jouer", "🎨", "wide")
    state.prepare()
    with st.container(key="invisible"):
        st.html(parts.style)
        parts.french(key="french")
        following.recognise()
    if space.shared and teaching.takes_the_page():
        return
    following.welcome()
    choosing.settle()
    with st.sidebar:
        if space.shared:
            st.caption(f"Votre espace : **{nickname.find_nickname(space.name())}**")
        data = parts.careful(sources.choose_data)()
        parts.part(following.choose_settings)(data)
    title, choice = st.columns([1, 1], vertical_alignment="center")
    title.html('<h1 class="vae-title">Enregistrer, entraîner, jouer</h1>')
    with choice:
        choosing.choose_model()
    every = following.beat()
    parts.part(following.follow, every)()
    parts.part(draw_place, every if state.state.learning else None)(data)


def draw_place(data):
    """Celui des quatre lieux que l'on a choisi."""
    if state.state.last_model and not models.stamp(state.state.last_model):
        st.rerun()             # supprimé depuis une autre page : toute celle-ci le dit
    if not state.state.began:
        st.html(f'<p class="vae-line">{idea}</p>')
    place = st.radio("Lieu", address.places, address.places.index(state.state.lieu), key="lieu",
                     horizontal=True, label_visibility="collapsed")
    address.write()
    with st.container(key=place):
        parts.careful(draw[place])(data)


parts.careful(page)()
