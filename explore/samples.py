"""Que donne le hasard ? Des images inventées : des codes tirés selon N(0, 1), ou selon la forme mesurée du nuage des codes.

Lit     : model_name.pth (le modèle) et les images de dataset_folder.
Écrit   : explore/results/samples_VAE_64.png.
Ensuite : groups.py, qui cherche des groupes dans les codes.
"""
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Ellipse
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images
components = 8                #*** ellipses du mélange : 1 à 30
rows = 6                      #*** côté de chaque planche d'images : 3 à 10
# *******************************************************************************************


# %% Tirer des codes et les juger
def fit_mixture(codes, components):
    """Un mélange de lois normales qui épouse le nuage des codes ; moins d'ellipses s'il y a peu d'images."""
    components = max(1, min(components, len(codes) // 10, len(np.unique(codes, axis=0))))
    return GaussianMixture(components, max_iter=1000, random_state=0).fit(codes)


def far_share(drawn, codes):
    """La part des codes tirés qui tombent dans un trou : plus loin de toute image que 95 % des images ne le sont entre elles."""
    known = NearestNeighbors(n_neighbors=1).fit(codes)
    usual = np.quantile(known.kneighbors()[0], 0.95)
    return (known.kneighbors(drawn)[0] > usual).mean()


@torch.no_grad()
def decode_live(model, saved, live, drawn):
    """Les images de ces codes, donnés pour les latents vivants seulement ; les autres restent à leur moyenne."""
    z = saved["z_mean"].repeat(len(drawn), 1)
    z[:, live] = torch.tensor(drawn, dtype=torch.float)
    return model.decode(z)


# %% La figure
def draw_cloud(axes, codes, mixture, names):
    """Les codes selon les deux latents les plus importants, les cercles de N(0, 1) et les ellipses du mélange."""
    axes.plot(*codes[:3000, :2].T, ".", color="#94a4a2", markersize=3, label="codes des images", zorder=0)
    for radius in (1, 2, 3):
        axes.add_patch(Ellipse((0, 0), 2 * radius, 2 * radius, fill=False, color="#D55E00", linewidth=2, linestyle="--",
                               label="N(0, 1) : 1, 2 et 3 écarts-types" if radius == 1 else None))
    for number, (mean, covariance) in enumerate(zip(mixture.means_, mixture.covariances_)):
        lengths, axes_of = np.linalg.eigh(covariance[:2, :2])
        angle = np.degrees(np.arctan2(axes_of[1, 1], axes_of[0, 1]))
        width, height = 4 * np.sqrt(lengths[::-1])
        axes.add_patch(Ellipse(mean[:2], width, height, angle=angle, fill=False, color="#0072B2", linewidth=1.5,
                               label="mélange : 2 écarts-types" if number == 0 else None))
    limit = 1.05 * max(3, abs(codes[:, :2]).max())
    axes.set(xlabel=names[0], ylabel=names[1], aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit))


def draw_histogram(axes, codes, mixture, names):
    """Un seul latent vivant : combien d'images à chaque valeur, la courbe de N(0, 1) et celle du mélange."""
    axes.hist(codes[:, 0], 40, density=True, color="#94a4a2", label="codes des images")
    x = np.linspace(min(-3, codes.min()), max(3, codes.max()), 300)
    axes.plot(x, np.exp(-x**2 / 2) / np.sqrt(2 * np.pi), color="#D55E00", linewidth=2, label="N(0, 1)")
    axes.plot(x, np.exp(mixture.score_samples(x[:, None])), color="#0072B2", linewidth=2, label="mélange")
    axes.set(xlabel=names[0], yticks=[])


def draw(sheets, codes, mixture, names, title):
    figure, frames = plt.subplots(1, 3, figsize=(15, 6.6))
    for axes, (name, pictures) in zip(frames, sheets.items()):
        lab.draw_table(axes, pictures)
        axes.set_title(name)
    (draw_cloud if len(names) > 1 else draw_histogram)(frames[2], codes, mixture, names)
    frames[2].legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False)
    frames[2].set_title("Où sont les codes ?")
    figure.suptitle(title)
    return figure


# %% 1. Le modèle, les images et leurs codes
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("components", [1, 30]), ("rows", [3, 10])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.live_latents(saved)
    if not saved["settings"]["beta"]:
        print("Auto-encodeur simple (beta = 0) : rien n'a rapproché ses codes de N(0, 1). Des codes tirés selon N(0, 1) n'ont "
              "aucune raison de donner de bonnes images ; ceux du mélange, si.")
    random = np.random.default_rng(0)
    live_codes = codes[random.permutation(len(codes))][:, live].double().numpy()             # (N, latents vivants), mélangés

    # %% 2. Deux façons de tirer au hasard
    mixture = fit_mixture(live_codes[:5000], components)
    drawn = {"selon N(0, 1)": random.standard_normal((1000, len(live))), "selon le mélange": mixture.sample(1000)[0]}
    drawn = {name: random.permutation(values) for name, values in drawn.items()}             # le mélange rend ses tirages rangés
    sheets = {name: decode_live(model, saved, live, values[:rows**2]).unflatten(0, (rows, rows)) for name, values in drawn.items()}

    # %% 3. Pourquoi ils diffèrent
    latent_names = [f"z{i + 1}" for i in live]
    for name, values in zip(latent_names, live_codes.T):
        print(f"  {name} : moyenne {values.mean():+.2f}, écart-type {values.std():.2f}   (N(0, 1) : 0 et 1)")
    far = {name: far_share(values, live_codes[:4000]) for name, values in drawn.items()}
    normal, mixed = (100 * share for share in far.values())
    print(f"Tombent dans un trou, loin de toute image : {normal:.0f} % des tirages selon N(0, 1), {mixed:.0f} % de ceux du mélange, "
          "et 5 % des images elles-mêmes.")
    if normal > 10:
        print("Les codes ne remplissent pas N(0, 1) : dans les trous, le réseau dessine ce qu'il n'a jamais appris.")
    else:
        print("Les codes remplissent bien N(0, 1) : y tirer au hasard donne presque toujours une image possible.")
    titled = {f"Codes tirés {name} : {100 * far[name]:.0f} % dans un trou": pictures for name, pictures in sheets.items()}
    lab.keep(draw(titled, live_codes, mixture, latent_names, f"Que donne le hasard ?   {model_name}"), f"samples_{model_name}")
