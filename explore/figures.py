"""Les figures du laboratoire : leur aspect, un tableau d'images, et où on les garde.

Ce fichier ne fait rien quand on le lance : ouvrez traversals.py.
"""
import laboratory as lab
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

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


def join(pictures):
    """Un tableau d'images, (lignes, colonnes, 3, H, W), devient une seule image."""
    lines = [torch.cat(list(row), dim=2) for row in pictures]
    return torch.cat(lines, dim=1)


def draw_table(axes, pictures, rows=(), columns=()):
    """Dessine un tableau d'images ; rows, columns : les noms des lignes, des colonnes."""
    side = pictures.shape[-1]
    gap = side // 16                             # un peu de blanc sépare les images
    picture = join(F.pad(pictures, (0, gap, 0, gap), value=1))
    axes.imshow(lab.to_picture(picture[:, :-gap, :-gap]))
    axes.set_yticks(side / 2 + (side + gap) * np.arange(len(rows)), rows)
    axes.set_xticks(side / 2 + (side + gap) * np.arange(len(columns)), columns)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def keep(figure, name):
    """Garde la figure dans explore/results/ et la montre (onglet Plots de Spyder)."""
    lab.make_folder(lab.results)
    try:
        figure.savefig(lab.results / f"{name}.png", dpi=150, bbox_inches="tight")
    except OSError as error:
        lab.stop(f"Impossible d'écrire {name}.png ({lab.why_not_written(error)}).")
    print(f"Figure enregistrée : explore/results/{name}.png")
    if matplotlib.get_backend().lower() != "agg":       # agg : pas d'écran
        plt.show()
