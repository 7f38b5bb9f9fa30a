"""L'atelier : les modèles et leurs fichiers, leurs images, leurs erreurs, leurs courbes."""
import streamlit as st

from page.views import inventing, keeping, learning, rebuilding

benches = {"Images redessinées": rebuilding.draw, "Images inventées": inventing.draw,
           "Courbes": learning.draw}


def draw(view, data):
    names = ["Modèles", *benches] if view else ["Modèles"]
    name = st.radio("Que regarder ?", names, key="bench", horizontal=True,
                    persist_state="session", label_visibility="collapsed")
    if name == "Modèles":
        keeping.draw()
    else:
        benches[name](view)
