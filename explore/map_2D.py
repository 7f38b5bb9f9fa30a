"""Où sont mes images ? Une carte : ce que le réseau dessine à chaque
endroit d'un plan et, à côté, vos images à leur place.

Lit     : model_name.pth et les images de dataset_folder.
Écrit   : explore/results/map_2D_VAE_64.png.
Ensuite : interpolation.py, qui va d'une image à une autre.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : les images à placer
plane = "latents"           #*** "latents" ou "principal" (ACP)
reach = 2                   #*** 1 à 5 : étendue, en écarts-types
grid = 13                   #*** 5 à 25 : dessins par côté
# *****************************************************************
# pourquoi 2 : au-delà, il n'y a presque plus d'images, et le réseau invente
import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import PCA


# %% Le plan
def choose_plane(plane, codes, saved, live):
    """Les deux directions du plan, longues d'un écart-type, et leurs noms.

    Une seule s'il n'y a qu'un latent vivant."""
    if plane == "latents":
        directions = torch.diag(saved["z_spread"])[live[:2]]    # (2, latents)
        return directions, [lab.name_axis(saved, i) for i in live[:2]]
    count = min(2, len(live))
    pca = PCA(count).fit(codes)
    lengths = np.sqrt(pca.explained_variance_)
    directions = np.diag(lengths) @ pca.components_
    names = []
    for i in range(count):
        share = 100 * pca.explained_variance_ratio_[i]
        names.append(f"axe principal {i + 1} ({share:.0f} % des écarts)")
    return torch.tensor(directions).float(), names


@torch.no_grad()
def decode_grid(model, origin, directions, reach, grid):
    """Les images du plan, (grid, grid, 3, H, W), de haut en bas.

    Une seule ligne s'il n'y a qu'une direction."""
    steps = torch.linspace(-reach, reach, grid)
    across = origin + steps[:, None] * directions[0]            # (grid, latents)
    if len(directions) == 1:
        return model.decode(across)[None]
    lines = []
    for step in steps.flip(0):
        lines.append(model.decode(across + step * directions[1]))
    return torch.stack(lines)


# %% Les vignettes
def choose_apart(points, gap, reach, count=400):
    """Les numéros de points du cadre, au hasard, à gap au moins les uns des autres.

    Les vignettes, de côté gap, ne se recouvriront donc pas."""
    chosen = []
    random = np.random.default_rng(0)
    for i in random.permutation(len(points)):
        inside = abs(points[i]).max() <= reach
        gaps = abs(points[chosen] - points[i]).max(axis=1)      # aux points déjà pris
        if inside and (gaps >= gap).all():
            chosen.append(i)
    return chosen[:count]


def paste_thumbnails(images, points, chosen, frames, limit, side=64):
    """Une grande image blanche, où chaque vignette est centrée sur son point.

    Son cadre est de la couleur frames[i]."""
    middle = 10 * side                # il y a la place pour 20 vignettes par côté
    border = side // 12
    inner = side - 2 * border
    canvas = Image.new("RGB", (2 * middle, 2 * middle), "white")
    for i in chosen:
        picture = lab.to_picture(images[i] / 255)
        framed = Image.new("RGB", (side, side), frames[i])
        picture = picture.resize((inner, inner))
        framed.paste(picture, (border, border))
        across, up = middle * points[i] / limit
        left = round(middle + across - side / 2)
        top = round(middle - up - side / 2)
        canvas.paste(framed, (left, top))
    return canvas


def draw(decoded, canvas, names, limit, legend, title):
    """À gauche, ce que dessine le réseau ; à droite, les images à leur place."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(14.5, 7.4))
    high = limit * len(decoded) / decoded.shape[1]
    picture = lab.to_picture(figures.join(decoded))
    left.imshow(picture, extent=(-limit, limit, -high, high))
    left.set_title("Ce que le réseau dessine à chaque endroit")
    left.set_xlabel(names[0])
    right.imshow(canvas, extent=(-limit, limit, -limit, limit))
    right.set_title("Vos images, à la place de leur code")
    right.set_xlabel(names[0])
    right.set_ylabel(names[1])
    if len(decoded) > 1:
        left.set_ylabel(names[1])
    else:                             # un seul latent : la hauteur ne veut rien dire
        left.set_yticks([])
        right.set_yticks([])
    for name, color in legend.items():
        right.plot([], [], "s", color=color, label=name)        # pour la légende
    if legend:
        right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title)
    return figure


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_choice("plane", plane, ["latents", "principal"])
    lab.check_number("reach", reach, 1.0, 5.0)
    lab.check_number("grid", grid, 5, 25)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.need_live(saved)

    # %% 2. La carte que dessine le réseau
    directions, axis_names = choose_plane(plane, codes, saved, live)
    decoded = decode_grid(model, saved["z_mean"], directions, reach, grid)
    limit = reach * grid / (grid - 1)                      # le bord des images du bord

    # %% 3. Les images à leur place
    # pinverse : l'inverse de points @ directions ; (N, 2), en écarts-types
    points = (codes - saved["z_mean"]) @ directions.pinverse()
    points = points.numpy()
    if len(live) == 1:
        print("Un seul latent vivant : la carte n'est qu'une ligne, et la hauteur des "
              "vignettes est tirée au hasard.")
        random = np.random.default_rng(0)
        heights = random.uniform(-reach, reach, len(points))
        points = np.column_stack([points, heights])
        axis_names.append("hauteur au hasard, sans signification")
    chosen = choose_apart(points, limit / 10, reach)
    print(f"Vignettes placées : {len(chosen)}, pour {len(images)} images ; les autres "
          "les recouvriraient, ou sortent du cadre.")
    labels = lab.folder_labels(names)
    legend = figures.folder_colors(labels)
    frames = ["white"] * len(images)                       # la couleur de chaque cadre
    if legend:
        frames = [legend[label] for label in labels]
    canvas = paste_thumbnails(images, points, chosen, frames, limit)
    title = f"Où sont mes images ?   {model_name}"
    figure = draw(decoded, canvas, axis_names, limit, legend, title)
    figures.keep(figure, f"map_2D_{model_name}")
