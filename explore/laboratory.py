"""Ce que partagent les scripts de explore/ : ouvrir un modèle et ses images, entraîner, garder une figure.

Ce fichier ne fait rien quand on le lance : ouvrez plutôt traversals.py, map_2D.py, groups.py...
"""
import os
import runpy
import sys
import time
import warnings
from pathlib import Path

kit = Path(__file__).resolve().parent.parent            # le dossier du kit, celui des quatre scripts
sys.path.insert(0, str(kit))
from model_VAE_64 import VAE, encode_images, load_images, load_model
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

import train_VAE

results = kit / "explore" / "results"                   # les figures s'enregistrent ici
plt.rcParams.update({"figure.dpi": 110, "font.size": 10, "axes.titlesize": 11, "figure.titlesize": 13,
                     "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
                     "image.interpolation": "nearest"})
colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]
# dix couleurs que les daltoniens distinguent aussi (Petroff, 2021, arXiv:2107.02270)
warnings.filterwarnings("ignore", message="KMeans is known to have a memory leak")      # sous Windows, sans gravité ici
os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(max(1, (os.cpu_count() or 1) - 1)))     # sinon scikit-learn cherche wmic, que Windows 11 n'a plus


def open_model(model_name):
    """Le réseau et ce que contient son fichier. S'il n'y a pas encore de modèle, train_VAE.py en fait un."""
    path = kit / f"{model_name}.pth"
    if not path.exists() and model_name == train_VAE.model_name:
        print("Pas encore de modèle : je lance train_VAE.py, tel qu'il est.")
        runpy.run_path(str(kit / "train_VAE.py"), run_name="__main__")
    return load_model(path)


def open_all(model_name, dataset_folder):
    """Le réseau, ce que contient son fichier, les images (octets), leurs noms et leurs codes (N, latent_size)."""
    model, saved = open_model(model_name)
    images, names = load_images(kit / dataset_folder, saved["settings"]["images_size"])
    if len(images) < 10:
        sys.exit(f"{len(images)} images ne suffisent pas : il en faut au moins 10. Enregistrez-en avec record_images.py.")
    if all(torch.equal(image, images[0]) for image in images):
        sys.exit("Toutes les images sont les mêmes : il n'y a rien à comparer. Enregistrez-en d'autres avec record_images.py.")
    mu, logvar = encode_images(model, images, saved["settings"]["task"])
    return model, saved, images, names, mu


def live_latents(saved):
    """Les latents vivants, du plus important au moins important."""
    order = saved["importance"].argsort(descending=True).tolist()
    live = [i for i in order if saved["importance"][i] > 0.1]
    if not live:
        sys.exit("Tous les latents sont morts : le réseau dessine toujours la même image. Baissez beta dans train_VAE.py, puis relancez-le.")
    return live


def folder_labels(names):
    """Le sous-dossier de chaque image, qui sert d'étiquette ; None s'il n'y en a pas au moins deux."""
    labels = [Path(name).parent.name or "sans dossier" for name in names]
    return np.array(labels) if len(set(labels)) > 1 else None


def folder_colors(labels):
    """Une couleur par sous-dossier ; rien s'il n'y en a pas, ou plus de dix (les couleurs se confondraient)."""
    folders = [] if labels is None else sorted(set(labels))
    if len(folders) > len(colors):
        print(f"{len(folders)} sous-dossiers : au-delà de {len(colors)}, les couleurs se confondraient, je n'en mets pas.")
        return {}
    return dict(zip(folders, colors))


def to_array(image):
    """Une image du réseau (3, H, W), de 0 à 1, devient un tableau (H, W, 3) pour matplotlib."""
    return image.detach().clamp(0, 1).permute(1, 2, 0).numpy()


def draw_table(axes, pictures, rows=(), columns=()):
    """Dessine des images (lignes, colonnes, 3, H, W) en tableau ; rows et columns : les noms des lignes et des colonnes."""
    side = pictures.shape[-1]
    gap = side // 16                                    # un peu de blanc sépare les images
    framed = F.pad(pictures, (0, gap, 0, gap), value=1)
    picture = torch.cat([torch.cat(list(row), dim=2) for row in framed], dim=1)             # (3, hauteur, largeur)
    axes.imshow(to_array(picture[:, :-gap, :-gap]))
    axes.set_yticks(np.arange(len(rows)) * (side + gap) + side / 2, rows)
    axes.set_xticks(np.arange(len(columns)) * (side + gap) + side / 2, columns)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def keep(figure, name):
    """Enregistre la figure dans explore/results/ et l'affiche (onglet Plots de Spyder)."""
    results.mkdir(exist_ok=True)
    figure.savefig(results / f"{name}.png", dpi=150, bbox_inches="tight")
    print(f"Figure enregistrée : explore/results/{name}.png")
    if matplotlib.get_backend().lower() != "agg":       # agg : pas d'écran
        plt.show()


def train(images, train_index, **changes):
    """Entraîne sans fenêtre, aux réglages de la zone *** de train_VAE.py, sauf changes.

    Renvoie le réseau, ses réglages, et les secondes qu'il a fallu."""
    settings = {**train_VAE.settings, **changes}
    start = time.perf_counter()
    model = VAE(images.shape[-1], settings["latent_size"], settings["decoder"])
    model = model.to(images.device)
    model.start_from(images[train_index[:1000]])
    test_index = train_index[:1]        # ici, on mesure après coup
    for done in train_VAE.learn(model, images, train_index, test_index, settings, []):
        pass
    return model, settings, time.perf_counter() - start
