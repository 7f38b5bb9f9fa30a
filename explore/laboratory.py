"""La porte du laboratoire : tout ce que les scripts de explore/ prennent au kit, et
de quoi ouvrir un modèle et ses images, ou en entraîner un.

Ce fichier ne fait rien quand on le lance : ouvrez traversals.py.
"""
import os
import runpy
import sys
import time
import warnings
from pathlib import Path

kit = Path(__file__).resolve().parent.parent     # le dossier des quatre scripts
results = kit / "explore" / "results"            # les figures s'enregistrent ici
sys.path.insert(0, str(kit))                     # où Python trouvera les scripts
# d'abord celui-ci : il règle torch avant de l'importer
from model_VAE_64 import VAE, encode_images, spoil, start_from, vae_loss
import numpy as np
import torch

from outils.camera import open_camera, read_square
from outils.checks import (check_choice, check_folder, check_name, check_number,
                           check_settings, choices, limits)
from outils.drawing import black, font, grey, red, white
from outils.files import make_folder, save_picture, why_not_written, write_whole
from outils.latents import (live_latents, name_axis, name_latent, order_sliders,
                            random_codes)
from outils.model_file import load_model
from outils.movements import Movements, find_movements
from outils.share import split
from outils.pictures import load_images, to_gif, to_picture
from outils.stop import stop
from outils.windows import close_windows, is_open, open_window, window_trouble
from train_VAE import average_loss, learn, measure_latents, pixel_error, settings

# sous Windows, un message de scikit-learn, sans gravité ici
warnings.filterwarnings("ignore", message="KMeans is known to have a memory leak")
# moins que tous les cœurs, sinon scikit-learn cherche wmic, que Windows 11 n'a plus
cores = max(1, (os.cpu_count() or 1) - 1)
os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(cores))


# %% Ouvrir
def open_model(model_name):
    """Le réseau et ce que contient son fichier ; train_VAE.py le fait s'il manque."""
    check_name("model_name", model_name)
    path = kit / f"{model_name}.pth"
    if not path.exists() and model_name == settings["model_name"]:
        print("Pas encore de modèle : je lance train_VAE.py, tel qu'il est.")
        runpy.run_path(str(kit / "train_VAE.py"), run_name="__main__")
    return load_model(path, VAE)


def open_images(dataset_folder, images_size):
    """Les images du dossier (des octets) et leurs noms."""
    check_folder("dataset_folder", dataset_folder)
    images, names = load_images(kit / dataset_folder, images_size)
    if len(images) < 10:
        stop(f"Images : {len(images)}. Il en faut au moins 10 (200 conseillées) : "
             "enregistrez-en avec record_images.py.")
    return images, names


def open_all(model_name, dataset_folder):
    """Le réseau, son fichier, les images, leurs noms et leurs codes (N, latents)."""
    model, saved = open_model(model_name)
    images, names = open_images(dataset_folder, saved["settings"]["images_size"])
    if (images == images[0]).all():
        stop("Toutes les images sont les mêmes : il n'y a rien à comparer. "
             "Enregistrez-en d'autres avec record_images.py.")
    mu, logvar = encode_images(model, images, saved["settings"]["task"])
    return model, saved, images, names, mu


def folder_labels(names):
    """Le sous-dossier de chaque image, son étiquette ; None s'il y en a moins de deux."""
    labels = [Path(name).parent.name or "sans dossier" for name in names]
    if len(set(labels)) < 2:
        return None
    return np.array(labels)


# %% Les latents
def need_live(saved):
    """Les latents vivants, dans l'ordre des curseurs ; arrête s'il n'y en a pas."""
    live = [i for i in order_sliders(saved) if i in live_latents(saved)]
    if not live:
        stop("Tous les latents sont morts : le réseau dessine toujours la même image. "
             "Baissez beta dans train_VAE.py, puis relancez-le.")
    return live


@torch.no_grad()
def traverse(model, saved, order, steps):
    """Pour chaque latent de order, une image par pas (en écarts-types)."""
    rows = []
    for i in order:
        z = saved["z_mean"].repeat(len(steps), 1)        # (pas, latents)
        z[:, i] += steps * saved["z_spread"][i]          # ce latent, et lui seul
        rows.append(model.decode(z))
    return torch.stack(rows)                             # (latents, pas, 3, H, W)


# %% Entraîner
class Nobody:
    """Personne ne regarde l'apprentissage : il va jusqu'au bout, sans rien montrer."""

    def must_stop(self, done):
        return False

    def show(self, model, history):
        pass


def train(images, train_index, watcher=Nobody(), movements=None, **changes):
    """Entraîne sans fenêtre, aux réglages de train_VAE.py, sauf changes.

    movements : ce que trouve find_movements ; None : ce n'est pas un film de mouvements.
    Renvoie le réseau, ses réglages, et les secondes qu'il a fallu."""
    chosen = settings | changes
    if movements is None:
        movements = Movements()          # aucun
    start = time.perf_counter()
    model = VAE(images.shape[-1], chosen["latent_size"], chosen["decoder"])
    model = model.to(images.device)
    first = train_index[:1000]
    directions = movements.directions(images, first)
    start_from(model, images[first], directions, mixed=not chosen["independent_axes"])
    test_index = train_index[:1]                 # ici, on mesure après coup
    learn(model, images, train_index, test_index, chosen, watcher, movements)
    return model, chosen, time.perf_counter() - start
