"""Comparer : plusieurs modèles devant les mêmes images."""
import math
import time

import pandas as pd
import streamlit as st
import torch

from page import following, space
from page.curves import draw_balance
from page.kit import average_loss, live_latents, random_codes, reconstruct
from page.models import list_models, list_own, open_model, stamp
from page.naming import describe, name_model
from page.pictures import gallery
from page.state import state
from page.training import made
from page.view import find_unseen, view_model
from page.words import comma, count_words, plain

most = 6               # combien de modèles à la fois
dear = 20              # un prix de l'information (beta) qui se voit


def draw(data):
    """Le choix, ce que chacun redessine et invente, puis le tableau."""
    chosen = choose(data)
    opened = state.last_model
    if opened and data and st.button(f"Entraîner le même avec un prix de {dear} (beta = {dear})",
                                     disabled=following.is_busy()):
        following.begin(open_model(opened)[1]["settings"] | {"beta": dear}, data, "Comparer")
    if len(chosen) < 2 or not data:
        st.info("Il faut au moins deux modèles des mêmes images : entraînez le même avec un "
                "autre prix, ou une autre sorte, et vous verrez ce que coûte l'information.")
        return
    views = [view_model(stem, data) for stem in chosen]
    names = short_names(chosen, views)
    learned = set()
    for view in views:
        learned |= set(view.saved["train_names"])
    images, all_names, reasons = data.load(views[0].saved["settings"]["images_size"])
    index = find_unseen(all_names, learned)[:200]
    rows, pictures = [], []
    for view, name in zip(views, names):
        row, redrawn = measure(view, name, data, index)
        rows.append(row)
        pictures.append(redrawn)
    st.markdown("**Les vraies images**")
    gallery([[image / 255] for image in images[index[:10]]], ["vraie image"], side=60, fill=True)
    for view, name, redrawn in zip(views, names, pictures):
        draw_model(view, name, redrawn)
    draw_numbers(rows, len(index))


def choose(data):
    """D'office, les derniers modèles de ces images, et ceux du visiteur : sa webcam aussi.

    Jamais les photos d'un autre."""
    known = {stem: describe(stem) for stem in list_models()}
    models = [stem for stem in known if known[stem]]
    mine = list_own() if space.shared else made.get(state.visitor, [])
    these = data and (data.source, len(mine))
    if state.compared_for != these:        # d'autres images, ou un modèle de plus
        state.compared_for = these
        same = [stem for stem in models if data and known[stem]["source"] == data.source]
        state.compared = [stem for stem in same
                          if stem in mine or not known[stem]["private"]][:4]
    state.compared = [stem for stem in state.get("compared", []) if stem in models]
    return st.multiselect("Modèles à comparer", models, format_func=name_model, key="compared",
                          max_selections=most, placeholder="Choisissez des modèles",
                          persist_state="session")


def short_names(stems, views):
    """Un nom court par modèle : une lettre, la sorte, et ce qui n'est pas dans tous les autres."""
    about = [describe(stem) for stem in stems]
    details = [[*one["changed"], count_words(one["epochs"], "époque")] for one in about]
    twins = [details.count(detail) > 1 for detail in details]
    for detail, stem, twin in zip(details, stems, twins):
        if twin:                           # tout pareil : l'heure les distingue
            detail.append(time.strftime("%H:%M:%S", time.localtime(stamp(stem))))
    common = set(details[0]).intersection(*details)
    names = []
    for letter, one, detail, view in zip("ABCDEF", about, details, views):
        rest = [words for words in detail if words not in common]
        if view.foreign:
            rest.append(f"appris sur d'autres images ({one['source']})")
        names.append(", ".join([f"{letter} · {one['kind']}", *rest]))
    return names


def measure(view, name, data, index):
    """Une ligne du tableau, et les dix premières images redessinées."""
    settings = view.saved["settings"]
    images = data.load(settings["images_size"])[0]
    redrawn = reconstruct(view.model, images, index, settings["task"])["sortie"]
    error = (redrawn - images[index] / 255).square().mean().item()
    kl = average_loss(view.model, images, index, settings)[2] / math.log(2)
    live = len(live_latents(view.saved))
    row = {"modèle": name, "lettre": name[0], "erreur": error,
           "KL (bits)": kl if view.beta else None,
           "latents vivants": f"{live} sur {settings['latent_size']}"}
    return row, redrawn[:10]


def draw_numbers(rows, count):
    table = []
    for row in rows:
        kl = "sans objet" if row["KL (bits)"] is None else comma(row["KL (bits)"], 1)
        table.append({"modèle": row["modèle"], "erreur": comma(row["erreur"], 5),
                      "KL (bits)": kl, "latents vivants": row["latents vivants"]})
    st.table(pd.DataFrame(table).set_index("modèle"))
    st.caption(f"Erreur : moyenne des carrés des écarts, sur les mêmes {count} images. "
               "KL : ce que coûte le code ; un auto-encodeur simple n'en a pas. Un latent "
               "vivant change l'image ; un latent mort, presque pas.")
    measured = [row for row in rows if row["KL (bits)"] is not None]
    if len(measured) > 1:
        draw_balance(measured)


def draw_model(view, name, redrawn):
    with torch.no_grad():
        invented = view.model.decode(random_codes(view.saved, len(redrawn)))
    st.markdown(f"**{plain(name)}** : en haut ce qu'il en redessine, en bas des images au hasard.")
    gallery(list(zip(redrawn, invented)), ["redessinée", "inventée"], side=60, fill=True)
