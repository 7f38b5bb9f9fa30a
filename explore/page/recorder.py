"""Enregistrer des images avec la webcam : on garde un bouton appuyé, elles s'ajoutent.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Elles vont dans images/webcam/, comme celles de record_images.py vont dans images/, sous les
mêmes noms : im_0001.png, ou m1_0001.png pour le mouvement 1.
"""
import io

import streamlit as st
from PIL import Image, PngImagePlugin

from page import limits, space
from page.kit import (count_kinds, make_folder, read_image, save_numbered, saved_size, stop,
                      stretches)
from page.parts import component, part
from page.pictures import read_uri
from page.state import state
from page.words import count_words

most_at_once = 100         # images d'un lot ; components/recorder.js en envoie 40 au plus
recorder = component("recorder", """
<div class="enregistreur">
  <video muted playsinline aria-label="Ce que voit la webcam"></video>
  <div class="cote">
    <button type="button">Enregistrer<small>gardez appuyé<span> (ou la barre d'espace)</span></small></button>
    <p role="status"></p>
    <progress max="200" value="0" aria-label="Images enregistrées, sur 200"></progress>
    <p>Ou un mouvement : tenez <b>1</b> en bougeant la tête, <b>2</b> en ouvrant la bouche…
       une seule chose à la fois.</p>
    <div class="mouvements"></div>
    <div class="vignettes" aria-hidden="true"></div>
  </div>
</div>""", "camera.js", "recorder.js")


def list_recorded(folder):
    """Les images déjà enregistrées, de la plus ancienne à la dernière."""
    return sorted(folder.glob("*.png"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def record():
    """La webcam, son bouton, et de quoi effacer."""
    folder = space.recorded()
    part(record_held)(folder)
    count = len(list_recorded(folder))
    if count:
        with st.container(horizontal=True):
            st.button("Effacer la dernière", on_click=erase_last, args=(folder,))
            if st.button("Tout effacer"):
                erase_all(folder, count)
    where = "Elles restent sur cet ordinateur, dans `images/webcam/`."
    if space.shared:
        where = ("Elles vont dans votre espace, sur l'ordinateur du professeur : les autres "
                 "ne les voient pas.")
    st.caption(f"{where} N'enregistrez que quelqu'un qui est d'accord.")


def record_held(folder):
    """Range les images que le navigateur envoie, par lots, tant que le bouton est appuyé.

    Sans réponse, il renvoie le même lot : chaque image n'est pourtant rangée qu'une fois."""
    sent = state.get("recorder") or {}
    batch = sent.get("batch")
    if batch and batch["number"] != state.batch:      # un lot nouveau, et non un autre geste
        limits.check_picture(folder)
        # un premier lot a pu être reçu avant un redémarrage de la page, qui l'a oublié
        done = set() if state.batch else read_marks(folder)
        state.batch = batch["number"]
        for place, picture in enumerate(batch["pictures"][:most_at_once]):
            mark = f"{batch['number']} {place}"
            if mark not in done:
                save_frame(picture["uri"], folder, picture["kind"], mark)
        if batch["released"]:
            st.rerun()                     # toute la page : ces images servent tout de suite
    recorder(key="recorder", on_batch_change=lambda: None, data={
        "counts": count_kinds(list_recorded(folder)), "received": state.batch})


def save_frame(uri, folder, kind, mark):
    """Enregistre une image comme record_images.py le fait, sans jamais en écraser une.

    kind : le début de son nom, "im", ou "m1" pour le mouvement 1.
    mark : le numéro de son lot et sa place, gardés dans le fichier."""
    if kind not in stretches:
        stop("Image de la webcam refusée : les mouvements vont de 1 à 9.")
    pixels, reason = read_image(read_uri(uri), saved_size)
    if reason:
        stop(f"Image de la webcam refusée : {reason}.")
    if not folder.exists() and not space.shared:       # en classe, il vient d'être supprimé
        make_folder(folder)
    info = PngImagePlugin.PngInfo()
    info.add_text("lot", mark)
    content = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(content, "PNG", pnginfo=info)
    save_numbered(content.getvalue(), folder, kind, "png")


def read_marks(folder):
    """De quels lots sont les dernières images, les seules qui puissent être renvoyées."""
    marks = set()
    for path in list_recorded(folder)[-most_at_once:]:
        try:
            with Image.open(path) as picture:
                marks.add(picture.info.get("lot"))
        except OSError:                    # abîmée, ou effacée à l'instant
            continue
    return marks


def erase_last(folder):
    for path in list_recorded(folder)[-1:]:
        path.unlink(missing_ok=True)


@st.dialog("Effacer les images de la webcam ?")
def erase_all(folder, count):
    st.write(f"Images de la webcam qui seront effacées : {count}. Les modèles déjà "
             "entraînés avec elles restent : supprimez-les dans l'atelier.")
    with st.container(horizontal=True):
        if st.button(f"Oui, effacer {count_words(count, 'image')}", type="primary"):
            for path in list_recorded(folder):
                path.unlink(missing_ok=True)
            st.rerun()
        if st.button("Non, les garder"):
            st.rerun()
