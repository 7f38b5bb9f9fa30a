"""Chaque facteur a-t-il son propre nombre ? Mesurer si le réseau a
séparé les choses qui changent d'une image à l'autre.

Trois notes, de 0 (tout est mélangé) à 1 (un latent par facteur), comme
dans Locatello et al. (2019, arXiv:1811.12359).

Lit     : model_name.pth, les images de dataset_folder et leur
          factors.csv : une ligne par image, une colonne par facteur
          (comme images/demo/factors.csv).
Écrit   : explore/results/factors_VAE_64.png.
Ensuite : sweep_beta.py, qui refait ces mesures pour plusieurs beta.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : il contient factors.csv
bins = 20                   #*** 5 à 30 : classes, par facteur
# *****************************************************************
import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
from scores import read_factors, score, shared_information, write_scores


# %% Montrer
def tell(name, information, found, latent_names):
    """Une ligne sur un facteur : les deux latents qui en savent le plus."""
    order = information.argsort()[::-1]
    words = [f"surtout {latent_names[order[0]]} ({information[order[0]]:.2f})"]
    if len(order) > 1:
        words.append(f"puis {latent_names[order[1]]} ({information[order[1]]:.2f})")
    verdict = "."
    if found <= 0.5:
        verdict = " : le réseau ne l'a pas appris."
    print(f"{name} : {', '.join(words)} ; {100 * max(found, 0):.0f} % deviné avec tous "
          f"les latents{verdict}")


def draw_information(axes, table, names, latent_names):
    """Ce que chaque latent sait de chaque facteur : plus c'est bleu, plus il en sait."""
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (j, k), value in np.ndenumerate(table):
        color = "black"
        if value > 0.5:
            color = "white"
        axes.text(k, j, f"{abs(value):.2f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(table)), latent_names)
    axes.tick_params(length=0)
    axes.set_title("Ce que chaque latent sait de chaque facteur")


def draw(table, codes, factors, names, latent_names, title):
    """À gauche, la table ; à droite, chaque facteur selon son meilleur latent."""
    count = len(names)
    figure, frames = plt.subplots(1, 1 + count, figsize=(5 + 2.4 * count, 4.6),
                                  width_ratios=[4.5] + [2.4] * count)
    draw_information(frames[0], table, names, latent_names)
    for k in range(count):
        axes = frames[1 + k]
        best = table[:, k].argmax()
        axes.scatter(codes[:, best], factors[:, k], s=4, alpha=0.5, color=figures.blue)
        axes.set_title(f"{names[k]}, selon {latent_names[best]}")
    figure.suptitle(title)
    return figure


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("bins", bins, 5, 30)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    lab.need_live(saved)                      # s'arrête s'il n'y en a pas
    codes = codes.numpy()
    latent_names = [lab.name_axis(saved, i) for i in range(codes.shape[1])]
    factors, factor_names = read_factors(lab.kit / dataset_folder, names)

    # %% 2. Les notes
    table = shared_information(codes, factors, bins)
    scores = score(codes, factors, bins)
    for k, name in enumerate(factor_names):
        tell(name, table[:, k], scores["R2"][k], latent_names)
    print("Notes, de 0 (tout est mélangé) à 1 (un latent par facteur) : "
          + write_scores(scores))

    # %% 3. La figure
    title = f"Chaque facteur a-t-il son nombre ?   {model_name}   {write_scores(scores)}"
    figure = draw(table, codes, factors, factor_names, latent_names, title)
    figures.keep(figure, f"factors_{model_name}")
