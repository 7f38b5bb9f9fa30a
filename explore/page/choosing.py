"""Le modèle ouvert : la liste où on le choisit, et le formulaire qui le suit.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st

from page import address, space
from page.models import list_models, list_own, open_model
from page.naming import describe, name_model
from page.settings import fill
from page.state import state


def settle():
    """Décide du modèle et du lieu ; un autre modèle donne ses réglages au formulaire."""
    models = list_models()
    state.linked = address.read() or state.linked
    if state.opened in models:
        state.model, state.opened = state.opened, None
    state.lieu, state.place = state.place or state.get("lieu") or "Jouer", None
    if state.last_model and state.last_model not in models:
        state.sentence = (state.sentence or f"{state.last_model}.pth n'est plus là : "
                          "un autre modèle est ouvert.")
    if state.get("model") not in models:
        state.model = first_model(models)
    if state.model:
        new = state.model != state.last_model and not state.linked
        if new and describe(state.model):
            fill(open_model(state.model)[1]["settings"])
        state.linked = False
    state.last_model = state.model


def choose_model():
    """La liste des modèles gardés."""
    models = list_models()
    if models:
        st.selectbox("Modèle ouvert", models, models.index(state.model) if state.model else None,
                     name_model,
                     key="model", placeholder="Choisissez un modèle",
                     label_visibility="collapsed",
                     disabled=bool(state.training and state.training.view))


def first_model(models):
    """Le modèle ouvert à l'arrivée : jamais celui qu'un autre a entraîné sur ses photos."""
    own = list_own() if space.shared else []
    for stem in models:
        about = describe(stem)
        if about and (stem in own or not about["private"]):
            return stem
    return None
