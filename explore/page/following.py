"""Lancer l'entraînement, le suivre, et le retrouver quand on recharge la page.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import secrets

import streamlit as st

from page import address, folders, sources
from page.kit import usual_settings
from page.models import list_models
from page.parts import component
from page.presence import find_closing
from page.settings import ask_all, name_kind, propose_epochs
from page.state import state
from page.training import Training, made, visits
from page.view import view_model
from page.words import plain

visit = component("visit", "", "address.js", "visit.js")  # et le panneau d'un téléphone
next_steps = {
    "Jouer": "C'est appris. Bougez un curseur, traînez le point de la carte, tirez z.",
    "Comparer": "C'est appris : les deux modèles sont côte à côte."}


# %% Lancer
def choose_settings(data):
    """Le bouton Entraîner et les réglages."""
    top = st.container()
    settings = ask_all()
    address.write()
    with top:
        ready = st.button("Entraîner", type="primary", disabled=not data or is_busy(),
                          width="stretch")
        if data:
            count = len(data.load(usual_settings["images_size"])[1])
            propose_epochs(count, settings["epochs"])
    if ready:
        state.closings += 1
        begin(settings, data, "Jouer")


def is_busy():
    """Vrai pendant un entraînement que le visiteur a demandé ; celui de l'arrivée cède le pas."""
    return state.training is not None and state.began


def begin(settings, data, place):
    """Entraîne ; place : le lieu où aller à la fin."""
    before = state.training
    start(settings, data, place)
    if before:
        before.stop_asked.set()
    state.began, state.problem = True, ""
    state.recorder_open = False
    state.place = "Jouer"
    st.rerun()


def start(settings, data, place=None):
    images, names, reasons = data.load(settings["images_size"])
    about = {"source": data.source, "fingerprint": sources.fingerprint(images, names)}
    state.training = Training(settings, images, names, about, find_closing(), place)
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
        state.began = True
        if not found.opened:
            state.training = found
            state.sentence = "Votre entraînement vous attendait : le voici."


# %% Suivre
def beat():
    """Toutes les combien de secondes la page se redessine : seulement pendant un entraînement."""
    return 1 if state.training else None


def current_view(data):
    """Le réseau à montrer : celui qui apprend, sinon le modèle ouvert ; None s'il n'y en a pas."""
    if state.training and state.training.view:
        return state.training.view
    return view_model(state.last_model, data) if state.last_model and data else None


def follow():
    """La phrase à dire, puis la barre de progression, Pause et Arrêter."""
    training = state.training
    if training and not training.is_alive():
        finish(training)
    if state.sentence:
        st.toast(plain(state.sentence), duration="long")
        state.sentence = ""
    if state.problem:
        st.error(plain(state.problem))
    if training:
        training.closing = find_closing()      # après une coupure, c'en est un autre
        draw_progress(training)


def finish(training):
    """L'entraînement est fini : la page s'ouvre sur le nouveau modèle, là où il sert."""
    state.training = None
    state.problem = training.sentence
    training.opened = True
    if training.path:
        state.opened = training.path.stem
        made.setdefault(state.visitor, []).append(state.opened)
    if training.path and training.place:
        state.place = training.place
        state.sentence = next_steps[training.place]
    st.rerun()


def draw_progress(training):
    epochs, left = training.settings["epochs"], training.seconds_left()
    epoch = min(epochs, len(training.history) + 1)
    words = f"{name_kind(training.settings)} : époque {epoch} sur {epochs}"
    if not training.running.is_set():
        words += ", en pause"
    else:
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
