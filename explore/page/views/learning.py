"""L'onglet Entraînement : les courbes, la carte qui s'arrange, et les images redessinées."""
import streamlit as st
import torch

from page import atlas
from page.curves import draw_curves
from page.kit import reconstruct
from page.naming import find_told
from page.pictures import gallery
from page.settings import name_kind
from page.state import state
from page.words import plain


def draw(view):
    """Celui de l'entraînement en cours, sinon celui du modèle ouvert."""
    history, settings = view.saved["history"], view.saved["settings"]
    told = find_told(view.saved)
    if told:
        st.caption(plain(" ".join(told)))
    curves, cloud = st.columns([5, 4])
    with curves:
        if history:
            draw_curves(history, settings["epochs"], settings["beta"])
            st.caption(explain(settings))
        else:
            st.caption("Le réseau part de l'image moyenne et de quelques images de base (ACP).")
        if not state.training:
            words = "Les mêmes réglages, un autre hasard : retrouve-t-il les mêmes curseurs ?"
            if st.button(f"Recommencer : {name_kind(settings)}, sur les images de gauche",
                         help=words):
                state.again = settings
                st.rerun()
    with cloud:
        atlas.draw(view, "cloud", movable=False)
    rows = reconstruct(view.model, view.images, torch.arange(min(10, view.tests)),
                       settings["task"])
    st.caption("Des images jamais apprises ; dessous, ce que le réseau en redessine.")
    gallery(list(zip(*rows.values())), list(rows), side=64, most=900)


def explain(settings):
    """Ce qui étonne dans ces courbes."""
    words = ("L'apprentissage se mesure pendant l'époque, et le test à la fin : il peut donc "
             "être meilleur.")
    if name_kind(settings) == "sigma-VAE":
        words += " Une perte négative est normale : c'est -ln p, et la densité p peut dépasser 1."
    return words
