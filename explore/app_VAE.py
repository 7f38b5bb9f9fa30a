"""La page : la même leçon que les quatre scripts, dans un navigateur, sans toucher au code.

Lancer  : streamlit run explore/app_VAE.py, dans le dossier du kit.
Lit     : les créatures, images/, la webcam, des fichiers, MNIST ou CIFAR-10.
Écrit   : explore/models/ (les modèles, que decode_VAE.py ouvre aussi), images/webcam/ (la
          webcam) et explore/data/ (MNIST et CIFAR-10, si on les demande).
Rien ne quitte cet ordinateur, et lui seul voit la page (voir README.md pour la classe).
La page est faite dans explore/page/ : un fichier par chose, et un par onglet dans views/.
"""
import streamlit as st

from page import choosing, following, models, naming, parts, sources, state, steps, words
from page.views import (comparing, inventing, keeping, learning, lesson, one_image, plane,
                        rebuilding, sliders, webcam)

tabs_of_a_model = {"Entraînement": learning.draw, "Curseurs": sliders.draw, "Carte": plane.draw,
                   "Une image": one_image.draw, "Webcam": webcam.draw,
                   "Reconstructions": rebuilding.draw, "Inventer": inventing.draw}
other_tabs = {"Comparer": comparing.draw, "Modèles": keeping.draw, "Comprendre": lesson.draw}


def page():
    """À gauche les images et les réglages ; à droite le modèle, l'entraînement, les onglets."""
    st.set_page_config("VAE : apprendre sans professeur", "🎨", "wide")
    state.prepare()
    with st.container(key="invisible"):
        st.html(parts.style)
        parts.french(key="french")
        following.recognise()
    following.welcome()
    with st.sidebar:
        data = parts.careful(sources.choose_data)()
        parts.part(following.choose_settings)(data)
    title, choice = st.columns([1, 1], vertical_alignment="center")
    title.html('<h1 class="vae-title">VAE : apprendre sans professeur</h1>')
    with choice:
        stem = choosing.choose_model()
    parts.part(following.follow, following.beat())()
    steps.draw(data)
    parts.part(draw_tabs, following.beat())(stem, data)


def draw_tabs(stem, data):
    """Les onglets ; seul celui qui est ouvert est dessiné, et son nom est dans l'adresse.

    Ils se redessinent avec lui : sinon, celui que l'on ouvre pendant qu'un autre répond
    resterait vide."""
    if stem and not models.stamp(stem):
        st.rerun()             # supprimé depuis une autre page : toute celle-ci le dit
    names = [*tabs_of_a_model, *other_tabs]
    tabs = st.tabs(names, key="onglet", bind="query-params")
    for tab, name in zip(tabs, names):
        if tab.open:
            with tab:
                parts.careful(draw_tab)(name, stem, data)


def draw_tab(name, stem, data):
    """Un onglet ; les premiers ont besoin d'un modèle et d'images."""
    if name in other_tabs:
        other_tabs[name](data)
        return
    view = following.current_view(stem, data)
    if not view:
        st.info("À gauche (sur un téléphone : » en haut à gauche), choisissez ou enregistrez "
                "des images, puis Entraîner.")
        return
    if view.foreign:
        source = words.plain(naming.find_source(view.saved))
        st.caption(f"Ce modèle a appris sur d'autres images ({source}) : il redessine tout avec "
                   "ce qu'il connaît.")
    tabs_of_a_model[name](view)


parts.careful(page)()
