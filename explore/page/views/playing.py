"""Jouer : le studio et, pendant l'entraînement, les images redessinées et les courbes."""
import streamlit as st

from page import naming, studio, words
from page.parts import part
from page.state import state
from page.views import learning


def draw(view, data):
    if not view:
        st.info("Choisissez ou enregistrez des images à gauche (sur un téléphone : » en haut "
                "à gauche), puis Entraîner.")
        return
    if view.foreign:
        source = words.plain(naming.find_source(view.saved))
        st.caption(f"Ce modèle a appris sur d'autres images ({source}) : il redessine tout avec "
                   "ce qu'il connaît.")
    part(studio.draw)(view)
    if state.training:
        learning.draw(view)
