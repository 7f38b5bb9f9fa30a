"""Les réglages : ceux de la zone *** de train_VAE.py, et leur aide.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import re

import streamlit as st

from page import kit
from page.kit import choices, limits, stop, usual_settings
from page.state import state
from page.words import count_words

kinds = {              # les quatre sortes, et ce qui les distingue dans la zone ***
    "auto-encodeur": {"beta": 0, "reconstruction": "mse"},
    "VAE": {"beta": 1, "reconstruction": "mse"},
    "bêta-VAE": {"beta": 4, "reconstruction": "mse"},
    "sigma-VAE": {"beta": 1, "reconstruction": "gaussian"}}
promises = {           # ce que chacune change, en une phrase
    "auto-encodeur": "Un code exact, sans hasard : il redessine au mieux, mais rien ne le "
                     "prépare à inventer.",
    "VAE": "Un peu de hasard dans le code : il peut ensuite inventer des images.",
    "bêta-VAE": "Un code qui coûte plus cher : il en dit moins, et l'image est plus floue.",
    "sigma-VAE": "Il règle seul le poids de l'erreur. Son sigma est celui de l'erreur : ce n'est "
                 "pas celui du code."}
first = {"latent_size": "Combien de curseurs", "beta": "Prix de l'information",
         "epochs": "Passages sur les images"}                       # toujours visibles
others = ["reconstruction", "independent_axes", "decoder", "task", "batch_size",
          "learning_rate", "images_size", "test_data_proportion", "augmentation"]
all_names = [*first, *others]
script = (kit.folder / "train_VAE.py").read_text("utf-8")
zone = dict(re.findall(r"(?m)^(\w+) = .*?\s+#\*\*\* (.*)$", script))              # {nom: aide}


def name_kind(settings):
    """La sorte que donnent ces réglages."""
    if not settings["beta"]:
        return "auto-encodeur"
    if settings["reconstruction"] in ("gaussian", "laplace"):
        return "sigma-VAE"
    return "VAE" if settings["beta"] <= 1 else "bêta-VAE"


def take_kind():
    """On a choisi une sorte : elle donne leur valeur à beta et à reconstruction."""
    values = kinds[state.kind]
    state.beta = f"{values['beta']:g}"
    state.reconstruction = values["reconstruction"]


def ask(name):
    """Un réglage : son aide et son départ viennent de train_VAE.py."""
    words = f"{name} : {zone[name]}"
    value = state.get(name, write_field(name, usual_settings[name]))
    label = first.get(name, words)
    kept = {"key": name, "persist_state": "session", "help": words if name in first else None}
    if choices.get(name) == [True, False]:
        return st.toggle(label, value, **kept)
    if name in choices:
        return st.selectbox(label, choices[name], choices[name].index(value), **kept)
    low, high = limits[name]
    if isinstance(low, int):
        return st.number_input(label, low, high, value, **kept)
    return read_number(name, st.text_input(label, value, **kept), low, high)


def read_number(name, text, low, high):
    """Le nombre écrit, avec une virgule ou avec un point."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        stop(f"{name} = {text} ne va pas : écrivez un nombre de {low:g} à {high:g}.")
    return int(value) if value == int(value) else value


def fill(settings):
    """Le formulaire prend ces réglages : ceux du modèle que l'on ouvre."""
    for name in all_names:
        state[name] = write_field(name, settings[name])


def write_field(name, value):
    """La valeur d'un réglage, comme son champ la montre."""
    exact = name in choices or isinstance(limits[name][0], int)
    return value if exact else f"{value:g}"


def propose_epochs(count, epochs):
    """S'il y a peu d'images, un bouton pour y passer plus souvent."""
    wished = min(100, 10_000 // count // 10 * 10)
    if epochs <= wished // 2:
        st.button(f"{count_words(count, 'image')} : plutôt {wished} passages", width="stretch",
                  on_click=state.update, args=({"epochs": wished},))


def ask_all():
    """La sorte, les réglages et, replié, ce qui est pour les curieux : les réglages."""
    top = st.container()
    settings = {name: ask(name) for name in first}
    with st.expander("Pour les curieux"):
        settings |= {name: ask(name) for name in others}
    with st.expander("Le bloc à coller dans train_VAE.py"):
        st.code("\n".join(write_line(name, settings[name]) for name in zone if name in settings),
                language=None, wrap_lines=True)
    state.kind = name_kind(settings)       # la sorte suit les réglages, et inversement
    with top:
        st.radio("Sorte", list(kinds), key="kind", horizontal=True, on_change=take_kind)
        st.caption(promises[state.kind])
    return usual_settings | settings | {"film": False}


def write_line(name, value):
    """La ligne de la zone *** de train_VAE.py qui donne cette valeur à ce réglage."""
    line = f"{name} = {value!r}".replace("'", '"')
    return f"{line:<28}#*** {zone[name]}"
