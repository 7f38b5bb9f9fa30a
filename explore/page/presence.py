"""La page d'un visiteur est-elle encore ouverte ?

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import threading

import streamlit as st


@st.cache_resource(scope="session", on_release=threading.Event.set, show_spinner=False)
def find_closing():
    """Un signal, levé quand cette page se ferme ou perd le réseau.

    Streamlit oublie alors ce qu'il gardait pour elle ; une page rouverte a un autre signal."""
    return threading.Event()
