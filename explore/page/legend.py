"""Les couleurs de la page, et leur légende.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import html

import streamlit as st

# Dix couleurs que les daltoniens distinguent aussi (Petroff, 2021, arXiv:2107.02270)
colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
          "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]


def draw_legend(legend):
    """Le nom de chaque couleur : {nom: couleur}."""
    words = [f'<span><b style="background: {color}"></b> {html.escape(name)}</span>'
             for name, color in legend.items()]
    st.html('<div class="vae-legend">' + "".join(words) + "</div>")
