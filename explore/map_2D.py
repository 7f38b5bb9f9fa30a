"""Où sont mes images ? Une carte : les images que le réseau dessine à chaque endroit d'un plan, et les vôtres à leur place.

Lit     : model_name.pth (le modèle) et les images de dataset_folder.
Écrit   : explore/results/map_2D_VAE_64.png.
Ensuite : interpolation.py, qui va d'une image à une autre.
"""
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Patch
from PIL import Image, ImageOps
from sklearn.decomposition import PCA

import record_images as tools
from model_VAE_64 import to_picture

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images à placer sur la carte
plane = "latents"             #*** le plan : "latents" (les deux plus importants) ou "principal" (les deux axes principaux)
reach = 3                     #*** jusqu'où aller de chaque côté, en écarts-types : 1 à 5
grid = 13                     #*** images dessinées par côté : 5 à 25
# *******************************************************************************************


# %% Le plan
def choose_plane(plane, codes, saved, live):
    """Les directions du plan, (2, latent_size), longues d'un écart-type, et leurs noms ; une seule s'il n'y a qu'un latent vivant."""
    if plane == "latents":
        return torch.diag(saved["z_spread"])[live[:2]], [f"z{i + 1}" for i in live[:2]]
    pca = PCA(min(2, len(live))).fit(codes)
    directions = torch.tensor(pca.components_ * np.sqrt(pca.explained_variance_)[:, None], dtype=torch.float)
    return directions, [f"axe principal {i + 1} ({100 * share:.0f} % des écarts)" for i, share in enumerate(pca.explained_variance_ratio_)]


@torch.no_grad()
def decode_grid(model, origin, directions, reach, grid):
    """Les images du plan, vu de dessus : une ligne par hauteur, du haut vers le bas ; une seule ligne s'il n'y a qu'une direction."""
    steps = torch.linspace(-reach, reach, grid)
    across = origin + steps[:, None] * directions[0]                                         # (grid, latent_size)
    if len(directions) == 1:
        return model.decode(across)[None]
    return torch.stack([model.decode(across + step * directions[1]) for step in steps.flip(0)])


# %% Les vignettes
def choose_apart(points, gap, reach, count=400):
    """Des points du cadre, pris au hasard, dont les vignettes (de côté gap) ne se recouvrent pas : leurs numéros."""
    chosen = []
    for i in np.random.default_rng(0).permutation(len(points)):
        if len(chosen) < count and abs(points[i]).max() <= reach and (abs(points[chosen] - points[i]).max(1) >= gap).all():
            chosen.append(i)
    return chosen


def paste_thumbnails(images, points, chosen, frames, limit, side=64):
    """Une grande image blanche où chaque vignette est centrée sur son point, dans un cadre de couleur frames[i]."""
    canvas, border = Image.new("RGB", (28 * side, 28 * side), "white"), side // 12
    for i in chosen:
        picture = to_picture(images[i] / 255).resize((side - 2 * border, side - 2 * border))
        x, y = 14 * side * (1 + points[i] * (1, -1) / limit) - side / 2
        canvas.paste(ImageOps.expand(picture, border, frames[i]), (round(x), round(y)))
    return canvas


def draw(decoded, canvas, names, limit, legend, title):
    """À gauche, ce que dessine le réseau ; à droite, les vraies images à la place de leur code."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(14.5, 7.4))
    rows, columns = decoded.shape[:2]
    left.imshow(lab.to_array(torch.cat([torch.cat(list(row), dim=2) for row in decoded], dim=1)),
                extent=(-limit, limit, -limit * rows / columns, limit * rows / columns))
    right.imshow(canvas, extent=(-limit, limit, -limit, limit))
    left.set(title="Ce que le réseau dessine à chaque endroit", xlabel=names[0], ylabel=names[-1] if rows > 1 else "")
    right.set(title="Vos images, à la place de leur code", xlabel=names[0], ylabel=names[-1])
    if rows == 1:                                          # un seul latent vivant : la hauteur ne veut rien dire
        left.set_yticks([])
        right.set_yticks([])
    if legend:
        patches = [Patch(color=color, label=name) for name, color in legend.items()]
        right.legend(handles=patches, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title)
    return figure


# %% 1. Le modèle, les images et leurs codes
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("plane", ("latents", "principal")), ("reach", [1.0, 5.0]),
                         ("grid", [5, 25])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.live_latents(saved)
    labels = lab.folder_labels(names)

    # %% 2. La carte dessinée par le réseau
    directions, axis_names = choose_plane(plane, codes, saved, live)
    decoded = decode_grid(model, saved["z_mean"], directions, reach, grid)                   # (grid, grid, 3, H, W)
    limit = reach * grid / (grid - 1)                                                        # le bord des images du bord

    # %% 3. Les images à leur place
    points = ((codes - saved["z_mean"]) @ torch.linalg.pinv(directions)).numpy()             # (N, 2), en écarts-types
    if len(directions) == 1:
        print("Un seul latent vivant : la carte n'est qu'une ligne, et la hauteur des vignettes est tirée au hasard.")
        points = np.column_stack([points, np.random.default_rng(0).uniform(-reach, reach, len(points))])
        axis_names.append("hauteur au hasard, sans signification")
    chosen = choose_apart(points, limit / 14, reach)
    legend = lab.folder_colors(labels)
    frames = [legend[label] for label in labels] if legend else ["white"] * len(images)      # la couleur de chaque cadre
    canvas = paste_thumbnails(images, points, chosen, frames, limit)
    print(f"Vignettes placées : {len(chosen)}, pour {len(images)} images ; les autres les recouvriraient, ou sortent du cadre.")
    lab.keep(draw(decoded, canvas, axis_names, limit, legend, f"Où sont mes images ?   {model_name}"), f"map_2D_{model_name}")
