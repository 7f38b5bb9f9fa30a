"""L'atelier : les modèles et leurs fichiers, leurs images, leurs erreurs, leurs courbes."""
import streamlit as st

from page import following, taking
from page.views import inventing, keeping, learning, rebuilding

benches = {"Images redessinées": rebuilding.draw, "Images inventées": inventing.draw,
           "Courbes": learning.draw}


def draw(data):
    name = st.radio("Que regarder ?", ["Modèles", *benches], key="bench", horizontal=True,
                    persist_state="session", label_visibility="collapsed")
    if name == "Modèles":
        keeping.draw()                     # d'abord : un fichier abîmé se supprime ici
    view = following.current_view(data)
    if not view:
        st.info("Il faut des images et un modèle : appuyez sur Entraîner.")
    elif name in benches:
        benches[name](view)
    elif view.name:
        taking.draw(view)
