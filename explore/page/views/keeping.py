"""Atelier, modèles : télécharger le modèle ouvert, le supprimer, en ouvrir un venu d'ailleurs."""
import streamlit as st

from page.models import folder, receive
from page.naming import name_model
from page.state import state
from page.words import plain


def draw():
    if state.last_model:
        keep(state.last_model)
    file = st.file_uploader("Ouvrir un modèle .pth (fait par train_VAE.py, ou par cette page "
                            "ailleurs)", ".pth", key="foreign")
    if file and state.received != file.file_id:
        state.received = file.file_id
        state.opened = receive(file.name, file.getvalue())
        state.sentence = f"{state.opened}.pth est rangé parmi les modèles, et ouvert."
        st.rerun()


def keep(stem):
    """Le modèle ouvert : où il est, le télécharger, le supprimer."""
    path = folder / f"{stem}.pth"
    st.markdown(f"**{plain(name_model(stem))}** est dans `explore/models/{stem}.pth`. Copié à "
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


@st.dialog("Supprimer ce modèle ?")
def erase(stem):
    """Demande, efface, puis se ferme : la page dit ensuite quel modèle est ouvert."""
    st.markdown(f"**{plain(name_model(stem))}** sera effacé du disque, pour tout le monde.")
    with st.container(horizontal=True):
        if st.button("Oui, supprimer ce modèle", type="primary"):
            name = name_model(stem)
            (folder / f"{stem}.pth").unlink(missing_ok=True)
            state.last_model = None
            state.sentence = f"{name} est supprimé."
            st.rerun()
        if st.button("Non, le garder"):
            st.rerun()
