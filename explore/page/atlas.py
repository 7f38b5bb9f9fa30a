"""La carte : les images à la place de leur code, sur deux latents, et un point que l'on traîne.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st
import torch
from PIL import Image

from page.kit import name_axis, to_picture
from page.legend import colors, draw_legend
from page.parts import component
from page.pictures import to_uri, write_uri

limit = 2.7            # la carte va de -limit à +limit, en écarts-types
steps = 11             # le fond dessiné par le réseau : steps x steps images

show_map = component("atlas", """
<div class="carte">
  <div class="fond" role="img"></div>
  <svg viewBox="-1 -1 2 2" aria-hidden="true"></svg>
  <button type="button" class="point"
          aria-label="Point de la carte : flèches pour le déplacer"></button>
</div><p></p>""")
show_answer = component("answer", """
<img class="answer" alt="Image décodée à cet endroit"><p></p>""")


def place(view, codes, plane):
    """Les places de codes sur la carte : (N, 2), en écarts-types."""
    mean, spread = view.saved["z_mean"], view.saved["z_spread"]
    return ((codes - mean) / spread)[:, plane]


def to_code(view, origin, plane, point):
    """Le code d'un point de la carte ; les autres latents restent ceux d'origin."""
    code = origin.clone()
    for latent, value in zip(plane, point):
        code[latent] = view.saved["z_mean"][latent] + value * view.saved["z_spread"][latent]
    return code


def choose_plane(view):
    """Les deux latents de la carte : au départ, les deux premiers curseurs."""
    names = {name_axis(view.saved, i): i for i in view.order}
    if len(names) < 2:
        return [0, 0]
    with st.container(horizontal=True):
        first = st.selectbox("En largeur", list(names), 0, key="across", persist_state="session")
        second = st.selectbox("En hauteur", list(names), 1, key="up", persist_state="session")
    return [names[first], names[second]]


@torch.no_grad()
def draw_grid(view, origin, plane):
    """Le fond : ce que le réseau dessine à chaque endroit, gardé pour les gestes suivants."""
    key = (*plane, *origin.tolist())
    if key not in view.grids:
        reach = limit * (steps - 1) / steps
        values = torch.linspace(-reach, reach, steps)
        codes = []
        for up in values.flip(0):
            for across in values:
                codes.append(to_code(view, origin, plane, (across, up)))
        pictures = view.model.decode(torch.stack(codes))
        rows = [torch.cat(list(row), dim=2) for row in pictures.split(steps)]
        sheet = to_picture(torch.cat(rows, dim=1)).resize((660, 660), Image.Resampling.BOX)
        view.grids[key] = write_uri(sheet, "JPEG")
    return view.grids[key]


def find_colors(names):
    """Une couleur par sous-dossier : {dossier: couleur} ; rien s'il y en a un, ou plus de dix."""
    folders = sorted({name.rpartition("/")[0] for name in names})
    return dict(zip(folders, colors)) if 1 < len(folders) <= len(colors) else {}


def draw(view, key, plane=None, movable=True, background="", point=None, turn="", ellipse=None,
         dots=(), veil=1):
    """La carte. Rend la place du point si on l'a traîné : {"turn", "asked", "x", "y"}, ou None."""
    plane = plane or (view.order * 2)[:2]
    places = place(view, view.mu[:150], plane)
    legend = find_colors(view.names[:150])
    frames = [legend.get(name.rpartition("/")[0], "") for name in view.names[:150]]
    moved = show_map(key=key, on_point_change=lambda: None, data={
        "sheet": view.get_sheet(), "places": places.round(decimals=2).tolist(), "frames": frames,
        "limit": limit, "background": background, "movable": movable, "veil": veil,
        "point": point, "turn": turn, "ellipse": ellipse, "dots": list(dots),
        "axes": [name_axis(view.saved, i) for i in plane],
        "words": f"{len(places)} images, chacune à la place de son code"})
    if legend:
        draw_legend({folder or "sans dossier": color for folder, color in legend.items()})
    return moved.get("point")


@torch.no_grad()
def answer(view, code, asked, words, key="answer", side=256):
    """L'image décodée à l'endroit du point ; asked : la demande à laquelle elle répond."""
    picture = view.model.decode(code[None])[0]
    show_answer(key=key, data={"picture": to_uri(picture), "asked": asked, "side": side,
                               "words": words})
