"""Ce que la page retient d'un visiteur, d'un geste à l'autre.

Streamlit relance la page à chaque geste : tout ce qui doit durer est ici, une fois.
Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st

state = st.session_state
start = {
    "training": None,      # l'entraînement de ce visiteur (page/training.py), ou None
    "learning": False,     # vrai si la page le suit pas à pas (page/following.py)
    "opened": None,        # le modèle à ouvrir au prochain dessin de la page
    "last_model": None,    # le modèle que l'on regarde ("model", la liste, peut être en retard)
    "linked": False,       # vrai quand l'adresse vient de donner les réglages, et non le modèle
    "address": {},         # ce que dit l'adresse
    "place": None,         # le lieu où aller au prochain dessin de la page
    "sentence": "",        # ce que la page dit une fois, en haut
    "problem": "",         # pourquoi le dernier entraînement n'a rien donné
    "recorder_open": True, # vrai tant que l'enregistreur est à la place du studio
    "welcomed": False,     # vrai quand la première visite est passée
    "began": False,        # vrai dès qu'il a entraîné : la première phrase s'efface
    "closings": 0,         # combien de fois fermer le panneau, sur un téléphone
    "visitor": "",         # qui est là : un nom, le même après un rechargement
    "compared_for": None,  # les images et les modèles pour lesquels on a choisi quoi comparer
    "batch": None,         # le dernier lot d'images reçu de la webcam
    "received": None,      # le fichier .pth déjà rangé parmi les modèles
}
# Les autres clés sont celles des boutons et des listes. L'adresse (page/address.py) en donne
# trois sortes : lieu, source, et les réglages de la zone *** (beta, epochs...).


def prepare():
    """La première fois, donne à chaque clé sa valeur de départ."""
    for name, value in start.items():
        state.setdefault(name, value)
