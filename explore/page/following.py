"""Lancer l'entraînement, le suivre, et le retrouver quand on recharge la page.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import secrets

import streamlit as st

from page import address, folders, limits, sources, space
from page.kit import usual_settings
from page.line import line, tell_place
from page.models import list_models
from page.parts import careful, component
from page.presence import find_closing
from page.settings import ask_all, name_kind, propose_epochs
from page.state import state
from page.training import Training, enter, find_mark, made, visits
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
        words = "Entraîner"
        if is_busy():
            words = "Dans la file…" if line.find_place(state.training) else "Il apprend…"
        ready = st.button(words, type="primary", disabled=not data or is_busy(),
                          width="stretch")
        if data:
            count = len(data.load(settings["images_size"])[1])
            propose_epochs(count, settings["epochs"])
    if ready:
        state.closings += 1
        with top:                              # un refus se lit sous le bouton
            careful(begin)(settings, data, "Jouer")


def is_busy():
    """Vrai pendant un entraînement que le visiteur a demandé ; celui de l'arrivée cède le pas."""
    return state.training is not None and state.began


def begin(settings, data, place):
    """Entraîne ; place : le lieu où aller à la fin."""
    limits.check_work(len(data.load(settings["images_size"])[1]), settings)
    limits.check_model(space.models())
    start(settings, data, place)
    state.began, state.problem = True, ""
    state.recorder_open = False
    state.place = "Jouer"
    st.rerun()


def start(settings, data, place=None):
    """Met un entraînement dans la file ; ou montre celui que ce visiteur y a déjà."""
    images, names, reasons = data.load(settings["images_size"])
    about = {"source": data.source, "fingerprint": sources.fingerprint(images, names)}
    training = Training(settings, images, names, about, find_closing(), space.models(), place)
    state.training = enter(state.visitor, training)
    if state.training is not training:
        state.sentence = "Un entraînement à la fois : voici celui que vous avez déjà demandé."


def welcome():
    """La toute première visite : le réseau apprend les créatures, pour que tout bouge.

    En classe, il les a apprises une fois pour tous, avant que la porte ne s'ouvre."""
    busy = any(training.is_alive() for training in visits.values())
    demo = folders.folders[folders.creatures]
    needed = not busy and not list_models() and demo.exists()
    if needed and not state.welcomed and not space.shared:
        # comme sources.choose_data les choisit : elles ne sont lues qu'une fois
        data = sources.Data(folders.creatures, 0, (demo, folders.folder_stamp(demo)), [])
        start(usual_settings | {"film": False}, data)
    state.welcomed = True


# %% Reconnaître
def recognise():
    """Qui est là ? Après un rechargement, ce visiteur retrouve son entraînement."""
    told = space.name() or (state.get("visit") or {}).get("token")
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
    elif space.shared and find_mark(space.models()).exists():
        find_mark(space.models()).unlink(missing_ok=True)
        state.sentence = ("L'ordinateur de la classe a redémarré : votre entraînement a été "
                          "coupé. Appuyez de nouveau sur Entraîner.")


# %% Suivre
def beat():
    """Toutes les combien de secondes l'entraînement se redessine ; moins souvent dans la file.

    Ils y sont peut-être trente : rien d'autre dans leur page ne se redessine alors."""
    state.learning = is_learning()
    if state.learning:
        return 1
    return 2 if state.training else None


def is_learning():
    """Vrai si le réseau apprend ; faux dans la file, en pause, ou sans entraînement."""
    training = state.training
    return bool(training) and training.turn.is_set() and training.running.is_set()


def current_view(data):
    """Le réseau à montrer : celui qui apprend, sinon le modèle ouvert ; None s'il n'y en a pas."""
    if state.training and state.training.view:
        return state.training.view
    return view_model(state.last_model, data) if state.last_model and data else None


def follow():
    """La phrase à dire, puis où en est l'entraînement."""
    training = state.training
    if training and not training.is_alive():
        finish(training)
    if state.sentence:
        st.toast(plain(state.sentence), duration="long")
        state.sentence = ""
    if state.problem:
        st.error(plain(state.problem))
    if training:
        if is_learning() != state.learning:    # son tour vient, ou une pause : toute la page suit
            st.rerun()
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
        if sources.recording():
            state.sentence = "C'est appris. Fermez l'enregistreur, à gauche, pour jouer."
        if training.stop_asked.is_set():       # par lui, ou par le professeur
            state.sentence = "Arrêté : les époques finies sont gardées."
    st.rerun()


def draw_progress(training):
    """La barre de progression, Pause et Arrêter."""
    training.closing = find_closing()          # après une coupure, c'en est un autre
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.progress(training.share, f"{name_kind(training.settings)} : {describe(training)}")
        if not training.running.is_set():
            st.button("Continuer", on_click=training.running.set)
        elif training.turn.is_set() and st.button("Pause"):
            training.running.clear()
            st.rerun()
        st.button("Arrêter", on_click=training.stop_asked.set,
                  help="Arrête tout de suite, et garde les époques finies.",
                  disabled=training.stop_asked.is_set())


def describe(training):
    """Où il en est, en quelques mots."""
    epochs = training.settings["epochs"]
    epoch = f"époque {min(epochs, len(training.history) + 1)} sur {epochs}"
    place = line.find_place(training)
    if not training.running.is_set():
        return f"{epoch}, en pause"
    if place:
        return tell_place(place, line.find_wait(training))
    if not training.share:
        return f"{epoch}, départ…"
    return f"{epoch}, encore {line.find_left(training):.0f} s"
