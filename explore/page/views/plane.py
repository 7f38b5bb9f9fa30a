"""L'onglet Carte : traîner un point, et voir l'image que le réseau dessine à cet endroit."""
import streamlit as st

from page import atlas
from page.kit import name_axis


def draw(view):
    """La carte à gauche ; à droite l'image du point, qui suit."""
    left, right = st.columns([5, 4])
    with right:
        plane = atlas.choose_plane(view)
        ground = st.radio("Le fond", ["mes images", "ce que le réseau dessine"], key="ground",
                          horizontal=True, persist_state="session")
    origin = view.saved["z_mean"]
    drawn = ground != "mes images"
    background = atlas.draw_grid(view, origin, plane) if drawn else ""
    with left:
        moved = atlas.draw(view, "map", plane, background=background, veil=0 if drawn else 1,
                           point=[0, 0], turn="map") or {"x": 0, "y": 0, "asked": 0}
    with right:
        across, up = [name_axis(view.saved, i) for i in plane]
        words = (f"{across} à {moved['x']:.1f} et {up} à {moved['y']:.1f} écart-type de la "
                 "moyenne ; les autres nombres du code y restent.")
        code = atlas.to_code(view, origin, plane, (moved["x"], moved["y"]))
        atlas.answer(view, code, moved["asked"], words.replace(".", ",", 2))
