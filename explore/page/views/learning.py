"""Ce que donne l'entraînement : des images redessinées d'abord, puis les courbes."""
import streamlit as st
import torch

from page import taking
from page.curves import draw_curves
from page.kit import reconstruct
from page.pictures import gallery
from page.settings import name_kind


def draw(view):
    """De l'entraînement en cours, sinon du modèle ouvert."""
    history, settings = view.saved["history"], view.saved["settings"]
    rows = reconstruct(view.model, view.images, torch.arange(min(10, view.tests)),
                       settings["task"])
    st.caption("Des images jamais apprises ; dessous, ce que le réseau en redessine.")
    gallery(list(zip(*rows.values())), list(rows), side=60, fill=True)
    if history:
        draw_curves(history, settings["epochs"], settings["beta"])
        st.caption(explain(settings))
        taking.offer_map(view)
    else:
        st.caption("Le réseau part de l'image moyenne et de quelques images de base (ACP).")


def explain(settings):
    """Ce qui étonne dans ces courbes."""
    words = ("L'apprentissage se mesure pendant l'époque, et le test à la fin : le test "
             "peut donc être meilleur.")
    if name_kind(settings) == "sigma-VAE":
        words += " Une perte négative est normale : c'est -ln p, et la densité p peut dépasser 1."
    return words
