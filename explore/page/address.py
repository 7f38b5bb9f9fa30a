"""L'adresse : le modèle, le lieu, les images, les réglages ; la rouvrir les retrouve tous.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st

from page.kit import choices, limits, usual_settings
from page.settings import all_names, fill, write_field
from page.sources import all_sources, recording
from page.state import state

places = ["Jouer", "Comparer", "Comprendre", "Atelier"]


def read():
    """Prend ce que dit une adresse nouvelle : un lien, ou le bouton Retour ; vrai s'il y en a une."""
    asked = st.query_params.to_dict()
    if not asked or asked == state.address:
        return False
    state.model = asked.get("modele", state.get("model"))
    state.recorder_open = "modele" not in asked            # rien à montrer : on enregistre
    if asked.get("lieu") in places:
        state.place = asked["lieu"]
    if asked.get("source") in all_sources():
        state.source = asked["source"]
    fill({name: read_setting(name, asked.get(name, "")) for name in all_names})
    return True


def read_setting(name, text):
    """La valeur écrite ; celle de départ si elle n'est pas permise."""
    if name in choices:
        return {str(choice): choice for choice in choices[name]}.get(text, usual_settings[name])
    low, high = limits[name]
    try:
        value = type(low)(text.replace(",", "."))
    except ValueError:
        return usual_settings[name]
    return value if low <= value <= high else usual_settings[name]


def write():
    """L'adresse dit tout, sauf les réglages de départ ; sans modèle, c'est l'enregistreur."""
    model = None if recording() else state.last_model
    said = {"modele": model, "lieu": state.lieu, "source": state.source}
    said |= {name: str(state[name]) for name in all_names
             if name in state and state[name] != write_field(name, usual_settings[name])}
    state.address = {name: value for name, value in said.items() if value}
    if st.query_params.to_dict() != state.address:
        st.query_params.from_dict(state.address)
