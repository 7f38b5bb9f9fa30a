"""L'onglet Curseurs : ceux des mouvements, puis du plus important au moins important."""
import random

import streamlit as st
import torch

from page.kit import name_latent, random_codes, read_image, spoil, stop
from page.parts import careful, component
from page.pictures import gallery, to_uri
from page.state import state

show_sliders = component("sliders", """
<div class="decodeur"><img alt="Image décodée"><div class="curseurs"></div></div>""")


def draw(view):
    """Un départ au choix (image moyenne, hasard, image du jeu, photo), puis les curseurs."""
    code = state.code
    if not code or code["model"] != view.name or len(code["code"]) != len(view.order):
        start_from(view, view.saved["z_mean"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Image moyenne"):
            start_from(view, view.saved["z_mean"])
        if st.button("Au hasard"):
            start_from(view, random_codes(view.saved, 1)[0])
        if st.button("Une image du jeu"):
            start_from_image(view, view.images[random.randrange(view.tests)] / 255)
        photo = st.toggle("Une photo", key="photo_wanted")
    left, right = st.columns([2, 5])       # la photo et ce qu'il en redessine, côte à côte
    with left:
        if photo:
            careful(take_photo)(view)
        if state.code["seen"] is not None:
            st.caption("Ce que le réseau a reçu")
            gallery([[state.code["seen"]]], ["image reçue"], side=96, most=180)
        elif not photo:
            st.caption("Chaque curseur est un nombre du code ; le décodeur ne voit qu'eux. "
                       + explain(view))
    with right:
        draw_sliders(view)


def explain(view):
    """Ce qui est écrit à côté de chaque curseur."""
    if len(view.saved["movements"]) == len(view.order):
        return "Chacun porte le numéro de son mouvement."
    if view.beta:
        return "Plus un curseur porte de bits, plus il en dit sur l'image."
    return "Son pourcentage est sa part des changements de l'image."


def start_from(view, code, seen=None):
    """Les curseurs partent de ce code ; seen : ce que le réseau a reçu, à montrer à côté."""
    state.code = {"model": view.name, "turn": str(random.random()), "code": code, "seen": seen}


def start_from_image(view, image):
    """Le réseau regarde une image (3, H, W) de 0 à 1, et les curseurs prennent son code."""
    with torch.no_grad():
        inputs = spoil(image[None], view.saved["settings"]["task"])
        start_from(view, view.model.encode(inputs)[0][0], inputs[0])


def take_photo(view):
    words = "Le réseau regardera le carré du centre, en miroir. La photo n'est pas gardée."
    shot = st.camera_input(words, key="camera")
    if shot and state.photo != shot.file_id:
        state.photo = shot.file_id
        pixels, reason = read_image(shot, view.saved["settings"]["images_size"])
        if reason:
            stop(f"Photo illisible : {reason}.")
        mirrored = torch.tensor(pixels).flip(2)        # comme les images de la webcam
        start_from_image(view, mirrored / 255)


@torch.no_grad()
def draw_sliders(view):
    """L'image décodée et les curseurs, de -3 à +3 écarts-types autour de la moyenne."""
    mean, spread = view.saved["z_mean"], view.saved["z_spread"]
    start, order = state.code, view.order
    moved = (state.get("sliders") or {}).get("codes") or {}
    if moved.get("turn") == start["turn"]:             # on les a bougés depuis ce départ
        code = mean.clone()
        code[order] += spread[order] * torch.tensor(moved["values"])
        start["code"] = code
    picture = view.model.decode(start["code"][None])[0]
    labels = [name_latent(view.saved, i).replace(".", ",") for i in order]
    values = ((start["code"] - mean) / spread)[order]
    show_sliders(key="sliders", on_codes_change=lambda: None, data={
        "turn": start["turn"], "asked": moved.get("asked"), "picture": to_uri(picture),
        "middle": mean[order].tolist(), "spread": spread[order].tolist(),
        "labels": labels, "values": values.tolist()})
