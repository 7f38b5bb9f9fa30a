"""Qu'y a-t-il entre deux images ? Le chemin dans l'espace latent,
au-dessus d'un simple fondu des pixels.

Lit     : model_name.pth et les images de dataset_folder.
Écrit   : explore/results/interpolation_VAE_64.png.
Ensuite : samples.py, qui tire des images au hasard.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : où sont les images
shown = 3                   #*** 1 à 6 : paires d'images à montrer
steps = 7                   #*** 3 à 12 : images de chaque chemin
draw_number = 0             #*** 0 à 1000 : change les paires tirées
# *****************************************************************
import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch


# %% Les chemins
@torch.no_grad()
def interpolate(model, images, codes, pair, steps):
    """D'une image à l'autre, par les codes, puis par les pixels.

    Chaque chemin va d'un original à l'autre : (2, steps + 2, 3, H, W) en tout."""
    a, b = pair
    first = images[a] / 255
    last = images[b] / 255
    by_codes = [first]
    by_pixels = [first]
    for t in torch.linspace(0, 1, steps):       # 0 : l'image a, 1 : l'image b
        z = (1 - t) * codes[a] + t * codes[b]
        by_codes.append(model.decode(z[None])[0])
        by_pixels.append((1 - t) * first + t * last)
    by_codes.append(last)
    by_pixels.append(last)
    return torch.stack([torch.stack(by_codes), torch.stack(by_pixels)])


def distance_to_real(pictures, images):
    """L'écart (carré moyen) entre chaque image et la vraie image la plus proche."""
    pixels = images.flatten(1) / 255
    distances = torch.cdist(pictures.flatten(1), pixels)        # (images, vraies)
    return distances.amin(1)**2 / pixels.shape[1]


def draw(paths, title):
    """Une paire par cadre : en haut le chemin des codes, en bas le fondu."""
    columns = paths.shape[2]
    size = (1.25 * columns + 2, 2.65 * len(paths) + 0.8)
    figure, frames = plt.subplots(len(paths), 1, squeeze=False, figsize=size)
    shares = [f"{100 * t:.0f} %" for t in np.linspace(0, 1, columns - 2)]
    names = ["image A"] + shares + ["image B"]
    for axes, path in zip(frames[:, 0], paths):
        figures.draw_table(axes, path, ["chemin des codes", "fondu des pixels"], names)
    figure.suptitle(title)
    return figure


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("shown", shown, 1, 6)
    lab.check_number("steps", steps, 3, 12)
    lab.check_number("draw_number", draw_number, 0, 1000)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    lab.need_live(saved)                     # s'arrête s'il n'y en a pas

    # %% 2. Les chemins
    random = np.random.default_rng(draw_number)
    pairs = [random.choice(len(images), 2, replace=False) for number in range(50)]
    paths = [interpolate(model, images, codes, pair, steps) for pair in pairs[:shown]]
    paths = torch.stack(paths)                  # (paires, 2, steps + 2, 3, H, W)
    figure = draw(paths, f"Qu'y a-t-il entre deux images ?   {model_name}")
    figures.keep(figure, f"interpolation_{model_name}")

    # %% 3. Le milieu ressemble-t-il à une vraie image ?
    middles = [interpolate(model, images, codes, pair, 3)[:, 2] for pair in pairs]
    middles = torch.stack(middles)              # (50, 2, 3, H, W)
    real = images[random.permutation(len(images))[:2000]]
    by_codes = distance_to_real(middles[:, 0], real).mean().item()
    by_pixels = distance_to_real(middles[:, 1], real).mean().item()
    print(f"Au milieu de {len(pairs)} chemins, l'écart avec la vraie image la plus "
          f"proche : {by_codes:.4f} par les codes, {by_pixels:.4f} par le fondu.")
    if by_codes < 0.9 * by_pixels:
        print("Le chemin des codes passe plus près des vraies images : il transforme "
              "l'une en l'autre, sans les superposer.")
    else:
        print("Ici, le chemin des codes ne passe pas nettement plus près des vraies "
              "images que le fondu : images trop différentes, ou réseau trop flou "
              "(essayez plus d'époques, ou un latent_size plus grand).")
