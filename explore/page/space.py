"""L'espace du visiteur : où sont ses images et ses modèles.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Sur cet ordinateur seul, il n'y en a qu'un : images/webcam/ et explore/models/. Quand
explore/classe.py ouvre la page à la classe, chacun a le sien, et personne n'ouvre celui
d'un autre : c'est la porte (room/door.py) qui dit à la page qui vient.
"""
import streamlit as st

from page import kit

spaces = kit.folder / "explore" / "espaces"
shown = spaces / "montres"         # les modèles que l'on a montrés à la classe
teacher = "professeur"             # le nom de son espace
shared = False                     # vrai quand la classe partage la page (room/serving.py)


def name():
    """Le nom de l'espace de ce visiteur ; "" si la page n'est que sur cet ordinateur."""
    if not shared:
        return ""
    # une page qui vient de se fermer n'en a plus : il n'y a plus rien à dessiner
    return st.context.headers.get("x-space") or st.stop()


def models():
    """Le dossier de ses modèles."""
    return spaces / name() / "modeles" if shared else kit.folder / "explore" / "models"


def recorded():
    """Le dossier de ses images de la webcam."""
    return spaces / name() / "images" if shared else kit.folder / "images" / "webcam"
