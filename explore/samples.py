"""Que donne le hasard ? Des images inventées : des codes tirés selon
N(0, 1), ou selon la forme mesurée du nuage des codes.

Lit     : model_name.pth et les images de dataset_folder.
Écrit   : explore/results/samples_VAE_64.png.
Ensuite : groups.py, qui cherche des groupes dans les codes.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : où sont les images
components = 8              #*** 1 à 30 : ellipses du mélange
rows = 6                    #*** 3 à 10 : côté de chaque planche
# *****************************************************************
import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors


# %% Tirer des codes et les juger
def fit_mixture(codes, components):
    """Un mélange de lois normales, des ellipses, qui épouse le nuage des codes."""
    different = len(np.unique(codes, axis=0))
    most = min(len(codes) // 10, different)              # peu d'images, peu d'ellipses
    components = max(1, min(components, most))
    mixture = GaussianMixture(components, max_iter=1000, random_state=0)
    return mixture.fit(codes)


def far_share(drawn, codes):
    """La part des codes tirés qui tombent dans un trou.

    C'est-à-dire plus loin de toute image que 95 % des images ne le sont entre elles."""
    known = NearestNeighbors(n_neighbors=1).fit(codes)
    between, neighbors = known.kneighbors()
    distances, neighbors = known.kneighbors(drawn)
    return (distances > np.quantile(between, 0.95)).mean()


@torch.no_grad()
def decode_live(model, saved, live, drawn):
    """Les images de ces codes, qui ne donnent que les latents vivants."""
    z = saved["z_mean"].repeat(len(drawn), 1)            # les autres restent là
    z[:, live] = torch.tensor(drawn).float()
    return model.decode(z)


# %% La figure
def draw_cloud(axes, codes, mixture, names):
    """Les codes selon les deux premiers latents, N(0, 1), et le mélange."""
    x, y = codes[:3000, :2].T
    axes.plot(x, y, ".", color=figures.grey, markersize=3)
    axes.lines[-1].set_label("codes des images")
    angles = np.linspace(0, 2 * np.pi, 100)
    points = [np.cos(angles), np.sin(angles)]
    circle = np.array(points)                            # (2, 100), de rayon 1
    for radius in (1, 2, 3):
        x, y = radius * circle
        axes.plot(x, y, "--", color=figures.orange)
    axes.lines[-1].set_label("N(0, 1) : 1, 2 et 3 écarts-types")
    for mean, covariance in zip(mixture.means_, mixture.covariances_):
        # la matrice qui change un cercle en l'ellipse de cette covariance
        stretch = np.linalg.cholesky(covariance[:2, :2])
        x, y = mean[:2, None] + 2 * stretch @ circle
        axes.plot(x, y, color=figures.blue)
    axes.lines[-1].set_label("mélange : 2 écarts-types")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.set_aspect("equal", "datalim")


def draw_histogram(axes, codes, mixture, names):
    """Un seul latent : combien d'images à chaque valeur, N(0, 1), et le mélange."""
    axes.hist(codes, 40, density=True, color=figures.grey, label="codes des images")
    low = min(-3, codes.min())
    high = max(3, codes.max())
    x = np.linspace(low, high, 300)
    axes.plot(x, norm.pdf(x), color=figures.orange, label="N(0, 1)")
    mixed = np.exp(mixture.score_samples(x[:, None]))
    axes.plot(x, mixed, color=figures.blue, label="mélange")
    axes.set_xlabel(names[0])
    axes.set_yticks([])


def draw(sheets, codes, mixture, names, title):
    """Les deux planches d'images et, à droite, où sont les codes."""
    figure, frames = plt.subplots(1, 3, figsize=(15, 6.6))
    for axes, name in zip(frames, sheets):
        figures.draw_table(axes, sheets[name])
        axes.set_title(name)
    right = frames[2]
    if len(names) > 1:
        draw_cloud(right, codes, mixture, names)
    else:
        draw_histogram(right, codes, mixture, names)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1))
    right.set_title("Où sont les codes ?")
    figure.suptitle(title)
    return figure


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("components", components, 1, 30)
    lab.check_number("rows", rows, 3, 10)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.need_live(saved)
    if saved["settings"]["beta"] == 0:
        print("Auto-encodeur simple (beta = 0) : sa perte ne rapproche pas ses codes de "
              "N(0, 1).\nIci, le départ (l'ACP) les en rapproche : comparez les deux "
              "planches.")
    random = np.random.default_rng(0)
    live_codes = codes[:, live].double().numpy()         # (N, latents vivants)
    live_codes = random.permutation(live_codes)          # mélangés

    # %% 2. Deux façons de tirer au hasard
    mixture = fit_mixture(live_codes[:5000], components)
    mixed, ellipses = mixture.sample(1000)               # rangés par ellipse
    drawn = {}
    size = (1000, len(live))
    drawn["selon N(0, 1)"] = random.standard_normal(size)
    drawn["selon le mélange"] = random.permutation(mixed)
    far = {}                                             # le % dans un trou
    sheets = {}
    for name, values in drawn.items():
        far[name] = 100 * far_share(values, live_codes[:4000])
        first = values[:rows**2]
        pictures = decode_live(model, saved, live, first)
        title = f"Codes tirés {name} : {far[name]:.0f} % dans un trou"
        sheets[title] = pictures.unflatten(0, (rows, rows))

    # %% 3. Pourquoi ils diffèrent
    latent_names = [lab.name_axis(saved, i) for i in live]
    for name, values in zip(latent_names, live_codes.T):
        print(f"  {name} : moyenne {values.mean():+.2f}, écart-type {values.std():.2f}"
              "   (N(0, 1) : 0 et 1)")
    print("Tombent dans un trou, loin de toute image : "
          f"{far['selon N(0, 1)']:.0f} % des tirages selon N(0, 1), "
          f"{far['selon le mélange']:.0f} % de ceux du mélange, "
          "et 5 % des images elles-mêmes.")
    if far["selon N(0, 1)"] > 10:
        print("Les codes ne remplissent pas N(0, 1) : dans les trous, le réseau dessine "
              "ce qu'il n'a jamais appris.")
    else:
        print("Les codes remplissent bien N(0, 1) : y tirer au hasard donne presque "
              "toujours une image possible.")
    title = f"Que donne le hasard ?   {model_name}"
    figure = draw(sheets, live_codes, mixture, latent_names, title)
    figures.keep(figure, f"samples_{model_name}")
