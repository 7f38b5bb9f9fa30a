"""Jouer : le studio, ou l'enregistreur s'il est ouvert ; dessous, l'entraînement en cours."""
import streamlit as st

from page import following, naming, studio, taking, words
from page.parts import part
from page.recorder import record
from page.sources import recording
from page.state import state
from page.views import learning


def draw(data):
    if recording():
        record()
        return
    view = following.current_view(data)
    if not view:
        st.info("Choisissez ou enregistrez des images à gauche (sur un téléphone : » en haut "
                "à gauche), puis Entraîner.")
        return
    if view.foreign:
        source = words.plain(naming.find_source(view.saved))
        st.caption(f"Ce modèle a appris sur d'autres images ({source}) : il redessine tout avec "
                   "ce qu'il connaît.")
    part(studio.draw)(view)
    told = naming.find_told(view.saved)
    if told:
        st.caption(words.plain(" ".join(told)))            # ce que sont devenus les mouvements
    if state.training and state.training.view:
        learning.draw(view)
    else:
        taking.draw(view)
