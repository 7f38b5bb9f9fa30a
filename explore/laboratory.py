"""Ce que partagent les scripts de explore/ : ouvrir un modèle et ses
images, dessiner un tableau, garder une figure, entraîner.

Ce fichier ne fait rien quand on le lance : ouvrez traversals.py.
"""
import os
import runpy
import sys
import time
import warnings
from pathlib import Path

kit = Path(__file__).resolve().parent.parent     # le dossier des quatre scripts
sys.path.insert(0, str(kit))                     # où Python les trouvera
from model_VAE_64 import VAE, encode_images, load_images, load_model, to_picture
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

import train_VAE
from record_images import check_folder, check_name, stop

results = kit / "explore" / "results"            # les figures s'enregistrent ici
plt.rcParams.update({
    "figure.dpi": 110, "figure.titlesize": 13, "figure.constrained_layout.use": True,
    "font.size": 10, "axes.titlesize": 11, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False,
    "image.interpolation": "nearest"})
blue = "#0072B2"
orange = "#D55E00"
grey = "#94a4a2"
# dix couleurs que les daltoniens distinguent aussi (Petroff, 2021, arXiv:2107.02270)
colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
          "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]
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
    if not path.exists() and model_name == train_VAE.model_name:
        print("Pas encore de modèle : je lance train_VAE.py, tel qu'il est.")
        runpy.run_path(str(kit / "train_VAE.py"), run_name="__main__")
    return load_model(path)


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
    settings = saved["settings"]
    images, names = open_images(dataset_folder, settings["images_size"])
    if (images == images[0]).all():
        stop("Toutes les images sont les mêmes : il n'y a rien à comparer. "
             "Enregistrez-en d'autres avec record_images.py.")
    mu, logvar = encode_images(model, images, settings["task"])
    return model, saved, images, names, mu


def live_latents(saved):
    """Les latents vivants, du plus important au moins important."""
    order = saved["importance"].argsort(descending=True).tolist()
    live = [i for i in order if saved["importance"][i] > 0.1]
    if not live:
        stop("Tous les latents sont morts : le réseau dessine toujours la même image. "
             "Baissez beta dans train_VAE.py, puis relancez-le.")
    return live


def folder_labels(names):
    """Le sous-dossier de chaque image, son étiquette ; None s'il y en a moins de deux."""
    labels = [Path(name).parent.name or "sans dossier" for name in names]
    if len(set(labels)) < 2:
        return None
    return np.array(labels)


def folder_colors(labels):
    """Une couleur par sous-dossier ; rien s'il n'y en a pas, ou plus de dix."""
    if labels is None:
        return {}
    folders = sorted(set(labels))
    if len(folders) > len(colors):
        print(f"{len(folders)} sous-dossiers : au-delà de {len(colors)}, les couleurs "
              "se confondraient, je n'en mets pas.")
        return {}
    return dict(zip(folders, colors))


# %% Dessiner
def join(pictures):
    """Un tableau d'images, (lignes, colonnes, 3, H, W), devient une seule image."""
    lines = [torch.cat(list(row), dim=2) for row in pictures]
    return torch.cat(lines, dim=1)


def draw_table(axes, pictures, rows=(), columns=()):
    """Dessine un tableau d'images ; rows, columns : les noms des lignes, des colonnes."""
    side = pictures.shape[-1]
    gap = side // 16                             # un peu de blanc sépare les images
    picture = join(F.pad(pictures, (0, gap, 0, gap), value=1))
    axes.imshow(to_picture(picture[:, :-gap, :-gap]))
    axes.set_yticks(side / 2 + (side + gap) * np.arange(len(rows)), rows)
    axes.set_xticks(side / 2 + (side + gap) * np.arange(len(columns)), columns)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def keep(figure, name):
    """Garde la figure dans explore/results/ et la montre (onglet Plots de Spyder)."""
    check_folder("results", "explore/results", written=True)
    figure.savefig(results / f"{name}.png", dpi=150, bbox_inches="tight")
    print(f"Figure enregistrée : explore/results/{name}.png")
    if matplotlib.get_backend().lower() != "agg":       # agg : pas d'écran
        plt.show()


# %% Entraîner
def train(images, train_index, **changes):
    """Entraîne sans fenêtre, aux réglages de train_VAE.py, sauf changes.

    Renvoie le réseau, ses réglages, et les secondes qu'il a fallu."""
    settings = dict(train_VAE.settings)
    settings.update(changes)
    start = time.perf_counter()
    model = VAE(images.shape[-1], settings["latent_size"], settings["decoder"])
    model = model.to(images.device)
    model.start_from(images[train_index[:1000]])
    test_index = train_index[:1]                 # ici, on mesure après coup
    for done in train_VAE.learn(model, images, train_index, test_index, settings, []):
        pass
    return model, settings, time.perf_counter() - start
