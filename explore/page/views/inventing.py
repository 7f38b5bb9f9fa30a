"""Atelier, images inventées : des images au hasard, et le chemin d'une image à une autre."""
import streamlit as st
import torch

from page import taking
from page.kit import random_codes
from page.pictures import gallery
from page.state import state

steps = 7              # les images d'un chemin


def draw(view):
    draw_samples(view)
    draw_path(view)


@torch.no_grad()
def draw_samples(view):
    """Des codes au hasard, décodés."""
    if view.beta:
        st.markdown("**Au hasard.** Personne n'a dessiné ces images : le décodeur a reçu des codes "
                    "tirés selon N(0, 1).")
    else:
        st.markdown("**Au hasard.** Auto-encodeur simple : sa perte ne rapproche pas ses codes "
                    "de N(0, 1). Ceux-ci sont tirés autour des codes de ses images ; certains "
                    "tombent dans un trou.")
    st.button("D'autres images", key="again_samples")
    pictures = view.model.decode(random_codes(view.saved, 20))
    gallery([[image] for image in pictures], ["image inventée"], side=64)


@torch.no_grad()
def draw_path(view):
    """D'une image A à une image B, par les codes, puis par un simple fondu des pixels."""
    st.markdown("**D'une image à l'autre.** En haut par les codes : le réseau transforme A en B. "
                "En bas par les pixels : un fondu les superpose.")
    a, b = choose_pair(view)
    t = torch.linspace(0, 1, steps)[:, None]
    by_codes = view.model.decode(view.mu[a] + t * (view.mu[b] - view.mu[a]))
    first, last = view.images[a] / 255, view.images[b] / 255
    t = t[:, :, None, None]
    by_pixels = first + t * (last - first)
    words = ["image A", *[f"{100 * i / (steps - 1):.0f} %" for i in range(steps)], "image B"]
    top, bottom = [first, *by_codes, last], [first, *by_pixels, last]
    gallery(list(zip(top, bottom)), ["par les codes", "par les pixels"], words, side=60, fill=True)
    taking.offer_path(view, a, b)


def choose_pair(view):
    """A et B, choisies à la main ; au départ, les deux images les plus éloignées."""
    count = len(view.images)
    apart = torch.cdist(view.mu, view.mu).argmax().item()
    pair = []
    with st.container(horizontal=True):
        for name, far in zip("AB", divmod(apart, count)):
            if not 1 <= state.get(f"image {name}", 0) <= count:
                state[f"image {name}"] = far + 1
            pair.append(st.number_input(f"Image {name}, de 1 à {count}", 1, count,
                                        key=f"image {name}", persist_state="session") - 1)
    return pair
