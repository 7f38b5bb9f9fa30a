"""Les noms des modèles : celui du fichier, et celui que lit le visiteur.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import hashlib
import json
import re
import time

import streamlit as st

from page.kit import usual_settings
from page.models import find, list_shown, open_file, stamp
from page.settings import all_names, name_kind
from page.sources import is_private
from page.words import count_words

elsewhere = "train_VAE.py"                 # l'origine d'un modèle que la page n'a pas appris


def describe(stem):
    """Sa sorte, ses réglages et ses images, en quelques mots ; None si le fichier est illisible."""
    return describe_file(find(stem), stamp(stem))


@st.cache_data(max_entries=1000, show_spinner=False)
def describe_file(path, stamp):
    try:
        saved = open_file(path, stamp)[1]
    except SystemExit:
        return None
    settings = saved["settings"]
    source = find_source(saved)
    changed = [f"{name} {settings[name]}" for name in all_names
               if name != "epochs" and settings[name] != usual_settings[name]]
    return {"kind": name_kind(settings), "changed": changed, "source": source,
            "private": is_private(source), "epochs": len(saved["history"])}


def find_source(saved):
    """Les images qu'il a apprises ; elsewhere, si ce n'est pas dans cette page."""
    about = saved.get("data")
    source = about.get("source") if isinstance(about, dict) else None
    # jamais str(source) : d'une liste piégée, le texte remplirait la mémoire
    return source[:40] if isinstance(source, str) else elsewhere


def find_told(saved):
    """Ce que l'entraînement a dit des mouvements, phrase par phrase."""
    told = saved.get("told")
    if not isinstance(told, list):
        return []
    return [sentence[:300] for sentence in told if isinstance(sentence, str)]


def name_model(stem):
    """Un nom pour une liste : la sorte, ce qui n'est pas de départ, les images, l'heure.

    Deux modèles n'ont jamais le même : la page les reconnaît à ce nom."""
    about = describe(stem)
    if about is None:
        return f"{stem} (illisible)"
    epochs = count_words(about["epochs"], "époque")
    moment = time.strftime("%H:%M:%S", time.localtime(stamp(stem)))
    words = [about["kind"], *about["changed"], about["source"], epochs, moment]
    made = re.fullmatch(r".+_[0-9a-f]{6}_\d+(?:_(\d+))?", stem)      # par file_stem
    if stem in list_shown():               # appris avant l'heure, ou par un autre visiteur
        words.insert(0, "de la classe" if stem.endswith("_classe") else "montré")
    elif not made:
        words.insert(0, stem)              # un fichier venu d'ailleurs : son nom
    elif made[1]:
        words.append(f"n° {made[1]}")
    return " · ".join(words)


def file_stem(settings, about, epochs):
    """Le nom du fichier : la sorte, et des lettres qui changent avec les réglages et les images."""
    used = {name: value for name, value in settings.items() if name != "model_name"}
    key = json.dumps([used, about["fingerprint"]], sort_keys=True)
    letters = hashlib.blake2b(key.encode(), digest_size=3).hexdigest()
    return f"{name_kind(settings).replace('ê', 'e')}_{letters}_{epochs}"
