"""Lancer l'entraînement, le suivre, et le retrouver quand on recharge la page.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import secrets

import streamlit as st

from page import folders, sources
from page.kit import usual_settings
from page.models import folder, list_models
from page.naming import file_stem
from page.parts import component
from page.presence import find_closing
from page.settings import ask_all, name_kind
from page.state import state
from page.training import Training, visits
from page.view import view_model
from page.words import plain

visit = component("visit", "")          # il ferme aussi le panneau, sur un téléphone


# %% Lancer
def choose_settings(data):
    """Le bouton Entraîner et les réglages."""
    top = st.container()
    settings = ask_all()
    busy = state.training is not None
    again = state.again
    if top.button("Entraîner", type="primary", disabled=not data or busy, width="stretch"):
        state.closings += 1
        begin(settings, data)
    elif again and data and not busy:
        state.again = None
        begin(again, data, again=True)


def begin(settings, data, again=False):
    state.began = True
    start(settings, data, again)
    st.rerun()


def start(settings, data, again=False):
    """Lance l'entraînement, ou ouvre le modèle s'il existe déjà ; again : le refait."""
    images, names, reasons = data.load(settings["images_size"])
    about = {"source": data.source, "fingerprint": sources.fingerprint(images, names)}
    stem = file_stem(settings, about, settings["epochs"])
    if (folder / f"{stem}.pth").exists() and not again:
        state.opened = stem
        state.sentence = ("Ce modèle existe déjà (mêmes réglages, mêmes images) : le voici. "
                          "Pour le refaire : Recommencer, dans l'onglet Entraînement.")
        return
    state.training = Training(settings, images, names, about, find_closing())
    visits[state.visitor] = state.training
    state.training.start()


def welcome():
    """La toute première visite : le réseau apprend les créatures, pour que tout bouge."""
    busy = any(training.is_alive() for training in visits.values())
    demo = folders.folders[folders.creatures]
    if not state.welcomed and not busy and not list_models() and demo.exists():
        data = sources.Data(folders.creatures, 0, folders.folder_stamp(demo), [])
        start(usual_settings | {"film": False}, data)
    state.welcomed = True


# %% Reconnaître
def recognise():
    """Qui est là ? Après un rechargement, ce visiteur retrouve son entraînement."""
    told = (state.get("visit") or {}).get("token")
    # il ne le dit qu'une fois : redit plus tard, avec lui reviendrait l'ancien modèle ouvert
    visit(key="visit", on_token_change=lambda: None,
          data={"told": bool(told), "closings": state.closings})
    if not state.visitor:
        state.visitor = secrets.token_hex(16)
    if not told or told == state.visitor:
        return
    mine, found = visits.pop(state.visitor, None), visits.get(told)
    state.visitor = told
    if mine:                   # commencé avant de savoir qui il est
        visits[told] = mine
    elif found:
        state.training = found
        state.began = True
        if not found.opened:
            state.sentence = "Votre entraînement vous attendait : le voici."


# %% Suivre
def beat():
    """Toutes les combien de secondes la page se redessine : seulement pendant un entraînement."""
    return 1 if state.training else None


def current_view(stem, data):
    """Le réseau à montrer : celui qui apprend, sinon le modèle ouvert ; None s'il n'y en a pas."""
    if state.training and state.training.view:
        return state.training.view
    return view_model(stem, data) if stem and data else None


def follow():
    """La phrase à dire, puis la barre de progression, Pause et Arrêter."""
    training = state.training
    if training and not training.is_alive():
        finish(training)
    if state.sentence:
        st.info(plain(state.sentence))
        if not training:
            state.sentence = ""
    if training:
        training.closing = find_closing()      # après une coupure, c'en est un autre
        draw_progress(training)


def finish(training):
    """L'entraînement est fini : la page s'ouvre sur le nouveau modèle."""
    state.training = None
    state.sentence = training.sentence or state.sentence
    training.opened = True
    if training.path:
        state.opened = training.path.stem
    st.rerun()


def draw_progress(training):
    epochs, left = training.settings["epochs"], training.seconds_left()
    epoch = min(epochs, len(training.history) + 1)
    words = f"{name_kind(training.settings)} : époque {epoch} sur {epochs}"
    words += f", encore {left:.0f} s" if left else ", départ…"
    bar, pause, end = st.columns([6, 1.4, 1.4], vertical_alignment="bottom")
    bar.progress(training.share, words)
    if training.running.is_set():
        pause.button("Pause", on_click=training.running.clear, width="stretch")
    else:
        pause.button("Continuer", on_click=training.running.set, width="stretch")
    end.button("Arrêter", on_click=training.stop_asked.set, width="stretch",
               help="Arrête tout de suite, et garde les époques finies.",
               disabled=training.stop_asked.is_set())
