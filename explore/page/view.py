"""Un réseau devant les images de la page.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import streamlit as st
import torch

from page.kit import encode_images, order_sliders
from page.models import find, open_file, stamp
from page.naming import elsewhere, find_source
from page.pictures import to_sheet

most = 400                                 # images que la page met devant un modèle


class View:
    """Un réseau et les images de la page, d'abord celles qu'il n'a jamais apprises (tests)."""

    def __init__(self, name, model, saved, images, names, tests):
        self.name = name                   # celui du fichier ; "" pendant l'entraînement
        self.model = model
        self.saved = saved
        self.images = images               # des octets, (N, 3, H, W)
        self.names = names
        self.tests = tests
        self.mu, self.logvar = encode_images(model, images, saved["settings"]["task"])
        self.order = order_sliders(saved)
        self.sheet = ""                    # les vignettes de la carte
        self.grids = {}                    # les fonds de la carte déjà dessinés
        self.foreign = False               # vrai s'il n'a appris aucune de ces images

    def get_sheet(self, count):
        if not self.sheet:
            self.sheet = to_sheet(self.images[:count] / 255, 40)
        return self.sheet

    @property
    def beta(self):
        return self.saved["settings"]["beta"]


def find_unseen(names, learned):
    """Les numéros des images jamais apprises ; toutes, s'il n'en reste pas."""
    unseen = [i for i, name in enumerate(names) if name not in learned]
    return torch.tensor(unseen or range(len(names)))


@st.cache_resource(max_entries=60, show_spinner="Le réseau regarde les images…")
def look(path, stamp, source, count, data_stamp, _data):
    """Le modèle devant les images ; les autres paramètres disent quand regarder de nouveau."""
    model, saved = open_file(path, stamp)
    images, names, reasons = _data.load(saved["settings"]["images_size"])
    learned = set(saved["train_names"])
    unseen = find_unseen(names, learned)[:most]
    rest = [i for i, name in enumerate(names) if name in learned][:most - len(unseen)]
    index = torch.cat([unseen, torch.tensor(rest, dtype=torch.int64)])
    view = View(path.stem, model, saved, images[index], [names[i] for i in index], len(unseen))
    # train_VAE.py nomme les images autrement : on ne sait pas
    view.foreign = find_source(saved) != elsewhere and learned.isdisjoint(names)
    return view


def view_model(stem, data):
    return look(find(stem), stamp(stem), data.source, data.count, data.stamp, data)
