"""Atelier, modèles : télécharger le modèle ouvert, le supprimer, en ouvrir un venu d'ailleurs."""
import streamlit as st

from page import models, space
from page.naming import name_model
from page.state import state
from page.words import plain


def draw():
    if state.last_model in models.list_shown():
        st.markdown(f"**{plain(name_model(state.last_model))}** est montré à toute la classe : "
                    "il ne peut être ni téléchargé, ni supprimé.")
    elif state.last_model:
        keep(state.last_model)
    file = st.file_uploader("Ouvrir un modèle .pth (fait par train_VAE.py, ou par cette page "
                            "ailleurs)", ".pth", key="foreign")
    if file and state.received != file.file_id:
        state.received = file.file_id
        state.opened = models.receive(file.name, file.getvalue())
        state.sentence = f"{state.opened}.pth est rangé parmi les modèles, et ouvert."
        st.rerun()


def keep(stem):
    """Le modèle ouvert : où il est, le télécharger, le montrer, le supprimer."""
    path = models.find(stem)
    where = "votre espace" if space.shared else f"`explore/models/{stem}.pth`"
    st.markdown(f"**{plain(name_model(stem))}** est dans {where}. Copié à "
                f'côté de decode_VAE.py, il s\'y ouvre avec `model_name = "{stem}"`.')
    try:
        content = path.read_bytes()
    except OSError:
        st.info("Ce modèle vient d'être supprimé depuis une autre page.")
        return
    with st.container(horizontal=True):
        st.download_button("Télécharger le .pth", content, path.name,
                           "application/octet-stream", on_click="ignore")
        if st.button("Supprimer"):
            erase(stem)
        if space.shared:
            offer_class(stem)


def offer_class(stem):
    """Le montrer à la classe, ou ne plus le montrer."""
    if models.showing(stem).exists():
        st.button("Ne plus le montrer à la classe", on_click=models.hide, args=(stem,))
    elif st.button("Le montrer à la classe"):
        confirm(stem)


@st.dialog("Montrer ce modèle à la classe ?")
def confirm(stem):
    st.markdown("Chacun pourra l'ouvrir et bouger ses curseurs, mais ni le télécharger, ni le "
                "supprimer. **Il peut redessiner un visage appris** : demandez d'abord à ceux "
                "que l'on y reconnaît. Vous pourrez le reprendre.")
    with st.container(horizontal=True):
        if st.button("Oui, le montrer", type="primary"):
            models.show(stem)
            st.rerun()
        if st.button("Non"):
            st.rerun()


@st.dialog("Supprimer ce modèle ?")
def erase(stem):
    """Demande, efface, puis se ferme : la page dit ensuite quel modèle est ouvert."""
    st.markdown(f"**{plain(name_model(stem))}** sera effacé du disque, pour tout le monde.")
    with st.container(horizontal=True):
        if st.button("Oui, supprimer ce modèle", type="primary"):
            name = name_model(stem)
            models.delete(stem)
            state.last_model = None
            state.sentence = f"{name} est supprimé."
            st.rerun()
        if st.button("Non, le garder"):
            st.rerun()
