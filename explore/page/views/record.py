"""Enregistrer des images avec la webcam : on garde un bouton appuyé, elles s'ajoutent."""
import streamlit as st
from PIL import Image

from page.display import component, part, read_uri
from page.state import state
from record_images import save_picture, stop

recorder = component("recorder", """
<div class="enregistreur">
  <video muted playsinline aria-label="Ce que voit la webcam"></video>
  <p role="status"></p>
  <button type="button">Gardez appuyé pour enregistrer</button>
  <div class="vignettes" aria-hidden="true"></div>
</div>""", "camera.js", "recorder.js")
saved_size = 128       # côté des images enregistrées, comme dans record_images.py


def record(folder):
    """La webcam, son bouton, et de quoi effacer ; les images vont dans images/webcam/."""
    part(record_held)(folder)
    count = len(list(folder.glob("*.png"))) if folder.exists() else 0
    if count:
        with st.container(horizontal=True):
            st.button("Effacer la dernière", on_click=erase_last, args=(folder,))
            if st.button("Tout effacer"):
                erase_all(folder, count)
    st.caption("Elles restent sur cet ordinateur, dans `images/webcam/`. N'enregistrez que "
               "quelqu'un qui est d'accord.")


def record_held(folder):
    """Range les images que le navigateur envoie, par lots, tant que le bouton est appuyé."""
    batch = (state.get("recorder") or {}).get("batch") or {}
    number = batch.get("number")
    if number != state.batch:              # un lot nouveau, et non un autre geste
        state.batch = number
        for uri in batch["pictures"]:
            save_frame(uri, folder)
        if batch["released"]:
            st.rerun()                     # toute la page : ces images servent tout de suite
    count = len(list(folder.glob("*.png"))) if folder.exists() else 0
    recorder(key="recorder", data={"count": count, "received": state.batch},
             on_batch_change=lambda: None)


def save_frame(uri, folder):
    """Enregistre une image comme record_images.py le fait, sans jamais en écraser une."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(read_uri(uri), formats=["PNG"]) as picture:
            square = picture.convert("RGB").resize((saved_size, saved_size))
    except OSError as error:
        stop(f"Impossible d'enregistrer dans {folder} ({error.strerror}) : vérifiez qu'il "
             "reste de la place sur le disque.")
    save_picture(square, folder, "im")


def erase_last(folder):
    names = sorted(folder.glob("*.png"))
    if names:
        names[-1].unlink(missing_ok=True)


@st.dialog("Effacer les images de la webcam ?")
def erase_all(folder, count):
    st.write(f"{count} images seront effacées de `images/webcam/`. Les modèles déjà "
             "entraînés avec elles restent : supprimez-les dans l'onglet Modèles.")
    if st.button(f"Oui, effacer les {count} images"):
        for path in folder.glob("*.png"):
            path.unlink(missing_ok=True)
        st.rerun()
