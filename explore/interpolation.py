"""Qu'y a-t-il entre deux images ? Le chemin dans l'espace latent, au-dessus d'un simple fondu des pixels.

Lit     : model_name.pth (le modèle) et les images de dataset_folder.
Écrit   : explore/results/interpolation_VAE_64.png.
Ensuite : samples.py, qui tire des images au hasard.
"""
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images
shown = 3                     #*** paires d'images à montrer : 1 à 6
steps = 7                     #*** images de chaque chemin : 3 à 12
draw_number = 0               #*** un autre nombre tire d'autres paires : 0 à 1000
# *******************************************************************************************


@torch.no_grad()
def interpolate(model, images, codes, pair, steps):
    """Deux chemins d'une image à l'autre, entre les deux originaux : par les codes, puis par les pixels. (2, steps + 2, 3, H, W)"""
    ends = images[pair] / 255
    t = torch.linspace(0, 1, steps)
    by_codes = model.decode(codes[pair[0]] + t[:, None] * (codes[pair[1]] - codes[pair[0]]))
    by_pixels = ends[0] + t[:, None, None, None] * (ends[1] - ends[0])
    return torch.stack([torch.cat([ends[:1], path, ends[1:]]) for path in (by_codes, by_pixels)])


def distance_to_real(pictures, images):
    """L'écart (moyenne des carrés) entre chaque image et la vraie image qui lui ressemble le plus."""
    pixels = images.flatten(1) / 255
    return torch.cdist(pictures.flatten(1), pixels).amin(1)**2 / pixels.shape[1]


def draw(paths, title):
    """Une paire par cadre : en haut le chemin des codes, en bas le fondu des pixels."""
    columns = paths.shape[2]
    figure, frames = plt.subplots(len(paths), 1, squeeze=False, figsize=(1.25 * columns + 2, 2.65 * len(paths) + 0.8))
    names = ["image A", *[f"{100 * t:.0f} %" for t in np.linspace(0, 1, columns - 2)], "image B"]
    for number, (axes, path) in enumerate(zip(frames[:, 0], paths), start=1):
        lab.draw_table(axes, path, ["chemin des codes", "fondu des pixels"], names if number == len(paths) else ())
    figure.suptitle(title)
    return figure


# %% 1. Le modèle, les images et leurs codes
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("shown", [1, 6]), ("steps", [3, 12]),
                         ("draw_number", [0, 1000])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    lab.live_latents(saved)

    # %% 2. Les chemins
    random = np.random.default_rng(draw_number)
    pairs = np.stack([random.choice(len(images), 2, replace=False) for _ in range(50)])
    paths = torch.stack([interpolate(model, images, codes, pair, steps) for pair in pairs[:shown]])
    lab.keep(draw(paths, f"Qu'y a-t-il entre deux images ?   {model_name}"), f"interpolation_{model_name}")

    # %% 3. Le milieu ressemble-t-il à une vraie image ?
    middles = torch.stack([interpolate(model, images, codes, pair, 3)[:, 2] for pair in pairs])             # (50, 2, 3, H, W)
    others = images[random.permutation(len(images))[:2000]]
    by_codes, by_pixels = (distance_to_real(middles[:, path], others).mean().item() for path in (0, 1))
    print(f"Au milieu de {len(pairs)} chemins, l'écart avec la vraie image la plus proche : {by_codes:.4f} par les codes, "
          f"{by_pixels:.4f} par le fondu.")
    if by_codes < 0.9 * by_pixels:
        print("Le chemin des codes passe plus près des vraies images : il transforme l'une en l'autre, sans les superposer.")
    else:
        print("Ici, le chemin des codes ne passe pas nettement plus près des vraies images que le fondu : images trop différentes, "
              "ou réseau trop flou (essayez plus d'époques, ou un latent_size plus grand).")
