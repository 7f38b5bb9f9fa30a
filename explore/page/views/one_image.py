"""L'onglet Une image : son mu et son sigma sur la carte, z tiré de nouveau, et sa KL en détail."""
import math
import random

import pandas as pd
import streamlit as st
import torch

from page import atlas
from page.kit import kl_divergence, name_axis
from page.pictures import gallery
from page.state import state
from page.words import comma

kept = 12              # combien de z tirés restent sur la carte
detailed = 8           # combien de latents ont leur ligne dans le tableau


def draw(view):
    """À gauche la carte et l'ellipse ; à droite l'image, ses tirages et sa KL."""
    if view.beta:
        st.caption("Pour chaque nombre du code, l'encodeur propose une valeur, **mu**, et une "
                   "marge, **sigma** : de combien le hasard peut s'en écarter. Le décodeur "
                   "reçoit **z**, tiré autour de mu.")
    left, right = st.columns([4, 5])
    with right:
        number = choose_image(view)
        draws = find_draws(view, number)
        if view.beta and st.button("Tirer z à nouveau", type="primary"):
            draws["noises"] = [torch.randn(len(view.order)), *draws["noises"]][:kept]
    mu, sigma = view.mu[number], torch.exp(view.logvar[number] / 2)
    codes = [mu + sigma * noise for noise in draws["noises"]]
    with left:
        draw_ellipse(view, mu, sigma, codes)
    with right:
        draw_pictures(view, number, mu, codes)
        if view.beta:
            draw_kl(view, mu, sigma, kl_divergence(mu, view.logvar[number]))
        else:
            st.caption("Un auto-encodeur simple n'a ni sigma ni KL : le décodeur reçoit mu, "
                       "sans hasard. Entraînez un VAE ou un bêta-VAE pour les voir.")


def choose_image(view):
    count = len(view.images)
    words = f"Numéro de l'image, de 1 à {count}"
    place, other = st.columns([2, 3], vertical_alignment="bottom")
    if other.button("Une autre image"):
        state.number = random.randint(1, count)
    if not 1 <= (state.get("number") or 0) <= count:
        state.number = 1
    return place.number_input(words, 1, count, key="number", persist_state="session") - 1


def find_draws(view, number):
    """Les z déjà tirés pour cette image de ce modèle."""
    if not state.draws or state.draws["of"] != (view.name, number, len(view.order)):
        state.draws = {"of": (view.name, number, len(view.order)), "noises": []}
    return state.draws


def draw_ellipse(view, mu, sigma, codes):
    """La carte : le point est mu (ou le dernier z), l'ellipse un et deux sigma autour de mu."""
    plane = (view.order * 2)[:2]
    center = atlas.place(view, mu[None], plane)[0]
    width = (sigma / view.saved["z_spread"])[plane]
    points = [atlas.place(view, code[None], plane)[0].tolist() for code in codes]
    point = points[0] if points else center.tolist()
    ellipse = [*center.tolist(), *width.tolist()] if view.beta else None
    atlas.draw(view, "ellipse", plane, movable=False, veil=0.3, point=point, turn=str(point),
               ellipse=ellipse, dots=points)
    if view.beta:
        words = ("L'ellipse : mu au centre, 1 sigma en trait plein, 2 sigma en pointillé. "
                 "z = mu + sigma × epsilon, où epsilon est tiré selon la courbe en cloche.")
        if width.max() > atlas.limit:
            words += (" Ici sigma dépasse la carte : ce nombre ne dit presque rien de l'image, "
                      "et des z tombent dehors.")
        st.caption(words)


@torch.no_grad()
def draw_pictures(view, number, mu, codes):
    """L'image, celle que donne mu, et celles des derniers z."""
    pictures = view.model.decode(torch.stack([mu, *codes[:4]]))
    words = ["image", "de mu", "du dernier z", *["z d'avant"] * 3]
    columns = [view.images[number] / 255, *pictures]
    gallery([[picture] for picture in columns], ["image"], words[:len(columns)], side=84, most=560)


def draw_kl(view, mu, sigma, kl):
    """La KL de chaque latent, avec ses nombres ; leur somme est la KL de l'image."""
    rows = []
    for i in view.order[:detailed]:
        m, s = mu[i].item(), sigma[i].item()
        rows.append({"latent": name_axis(view.saved, i), "mu": comma(m, 2), "sigma": comma(s, 3),
                     "mu²": comma(m**2, 3), "sigma²": comma(s**2, 4),
                     "-1 - ln sigma²": comma(-1 - math.log(s**2), 3),
                     "KL": comma(kl[i].item(), 3)})
    rest = kl[view.order[detailed:]].sum().item()
    if len(kl) > detailed:
        rows.append({"latent": f"les {len(kl) - detailed} autres", "KL": comma(rest, 3)})
    total = kl.sum().item()
    rows.append({"latent": "en tout", "KL": comma(total, 3)})
    st.table(pd.DataFrame(rows).fillna("").set_index("latent"))
    st.caption("KL : ce que coûte chaque nombre du code, la moitié de mu² + sigma² - 1 - ln "
               f"sigma². En tout {comma(total, 3)} nats, soit {comma(total / math.log(2), 1)} "
               "bits.")
    if sigma.min() < 0.15:
        st.caption("Un petit sigma : l'image ne change presque pas d'un tirage à l'autre. Pour "
                   "la voir changer, entraînez un bêta-VAE (beta 4, ou plus).")
