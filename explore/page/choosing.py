"""Le modèle ouvert : la liste où on le choisit, l'adresse qui le dit, le formulaire qui le suit.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st

from page.models import list_models, open_model, stamp
from page.naming import describe, name_model
from page.settings import all_names, fill
from page.state import state


def settle():
    """Décide du modèle ouvert ; un modèle nouveau donne ses réglages au formulaire."""
    models = list_models()
    asked = st.query_params.get("modele")
    written = any(name in st.query_params for name in ["modele", *all_names])
    link = state.address is None and written           # l'adresse d'un ami : telle qu'il l'a vue
    if state.address is None:
        state.recorder_open = not asked                # sans modèle à montrer, on enregistre
    if asked != state.address and asked in models:
        state.model = asked                            # un lien, ou le bouton Retour
    if state.opened in models:
        state.model, state.opened = state.opened, None
    if state.last_model and state.last_model not in models:
        state.sentence = (state.sentence or f"{state.last_model}.pth a été supprimé : "
                          "un autre modèle est ouvert.")
    if state.get("model") not in models:
        state.model = first_model(models)
    if state.place:
        state.lieu, state.place = state.place, None
    if state.model and state.model != state.last_model and not link:
        if describe(state.model, stamp(state.model)):
            fill(open_model(state.model)[1]["settings"])
    state.last_model = state.model
    state.address = state.model or ""
    if state.address and asked != state.address:
        st.query_params["modele"] = state.address


def choose_model():
    """La liste des modèles gardés."""
    models = list_models()
    if models:
        st.selectbox("Modèle ouvert", models, 0 if state.model else None, name_model,
                     key="model", placeholder="Choisissez un modèle",
                     label_visibility="collapsed", disabled=state.training is not None)


def first_model(models):
    """Le modèle ouvert à l'arrivée : jamais celui qu'un autre a entraîné sur ses photos."""
    for stem in models:
        about = describe(stem, stamp(stem))
        if about and not about["private"]:
            return stem
    return None
