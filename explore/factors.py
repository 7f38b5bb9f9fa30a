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
import csv

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from sklearn.model_selection import train_test_split

from record_images import check_number, stop


# %% Les facteurs
def read_factors(folder, names):
    """Les vrais facteurs de chaque image, (N, facteurs), et leurs noms."""
    rows = {}
    for path in sorted(folder.rglob("factors.csv")):
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                image = path.parent / row.pop("image", "")
                rows[image.relative_to(folder).as_posix()] = row
    missing = [name for name in names if name not in rows]
    if missing:
        stop(f"{len(missing)} images sans ligne dans un factors.csv, dont {missing[0]} : "
             "il faut connaître les vrais facteurs. Ce script est fait pour les images "
             "de démonstration, ou pour des images que vous avez dessinées vous-même.")
    factor_names = list(rows[names[0]])
    factors = np.zeros((len(names), len(factor_names)))
    try:
        for i, name in enumerate(names):
            for k, factor in enumerate(factor_names):
                factors[i, k] = float(rows[name][factor])
    except (ValueError, KeyError, TypeError):
        stop("factors.csv : chaque case doit contenir un nombre, avec un point et non "
             "une virgule (0.25).")
    return factors, factor_names


def cut(values, bins):
    """Range des nombres dans bins classes de même effectif : leur numéro de classe.

    S'il y a peu de valeurs différentes, une classe par valeur."""
    levels, ranks = np.unique(values, return_inverse=True)
    if len(levels) <= bins:
        return ranks
    limits = np.quantile(values, np.arange(1, bins) / bins)
    return np.searchsorted(limits, values, "right")


# %% Les mesures : un tableau, une ligne par latent, une colonne par facteur
def shared_information(codes, factors, bins=20):
    """Ce que chaque latent sait de chaque facteur, de 0 à 1.

    C'est l'information mutuelle I divisée par celle du facteur, H. Avec peu d'images,
    deux choses sans aucun lien semblent partager un peu d'information, E : on la
    retire, (I - E) / (H - E). Sous 1000 images, le résultat reste sévère."""
    table = np.zeros((codes.shape[1], factors.shape[1]))
    for j, k in np.ndindex(table.shape):
        code = cut(codes[:, j], bins)
        factor = cut(factors[:, k], bins)
        pairs = contingency_matrix(factor, code, sparse=True)
        chance = expected_mutual_information(pairs, len(factor))
        entropy = mutual_info_score(factor, factor)
        shared = mutual_info_score(factor, code)
        table[j, k] = (shared - chance) / max(entropy - chance, 1e-9)
    return table


def squared_correlation(codes, factors):
    """La part de chaque facteur qu'une droite prédit à partir de chaque latent."""
    codes = codes - codes.mean(axis=0)
    factors = factors - factors.mean(axis=0)
    norms = np.outer((codes**2).sum(axis=0), (factors**2).sum(axis=0))
    return (codes.T @ factors)**2 / np.maximum(norms, 1e-12)


def gap(table):
    """L'écart entre le meilleur latent et le second, en moyenne sur les facteurs."""
    nobody = np.zeros((1, table.shape[1]))       # un second, s'il n'y a qu'un latent
    ranked = np.sort(np.vstack([table, nobody]), axis=0)
    return float((ranked[-1] - ranked[-2]).mean())


def concentration(table):
    """Pour chaque ligne, 1 si tout est sur une seule colonne, 0 si c'est réparti.

    La moyenne : une ligne compte selon son poids."""
    weights = table.sum(axis=1)
    share = table / np.maximum(weights, 1e-12)[:, None]
    logs = np.log(np.maximum(share, 1e-12))
    entropy = -(share * logs).sum(axis=1) / np.log(max(table.shape[1], 2))
    return float(np.average(1 - entropy, weights=weights + 1e-12))


def score(codes, factors, bins=20):
    """Toutes les notes, dans un dictionnaire.

    MIG    écart entre les deux latents qui en savent le plus sur chaque facteur
           (Chen et al., 2018, arXiv:1802.04942)
    SAP    le même écart, avec la corrélation au carré
           (Kumar et al., 2018, arXiv:1711.00848)
    DCI    des arbres devinent les facteurs d'après les codes ; l'importance de chaque
           latent dit si un latent ne sert qu'à un facteur (D), si un facteur n'a besoin
           que d'un latent (C) ; R2 : la part devinée, sur des images de test
           (Eastwood et Williams, 2018)
    """
    known, unknown, answers, questions = train_test_split(
        codes, factors, test_size=0.25, random_state=0)
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    found = []
    for k in range(factors.shape[1]):
        trees = GradientBoostingRegressor(subsample=0.5, random_state=0)
        trees.fit(known[:4000], answers[:4000, k])
        importance[:, k] = trees.feature_importances_
        found.append(trees.score(unknown, questions[:, k]))
    return {"MIG": gap(shared_information(codes, factors, bins)),
            "SAP": gap(squared_correlation(codes, factors)),
            "DCI D": concentration(importance),
            "DCI C": concentration(importance.T),
            "R2": found}


# %% Montrer
def write_scores(scores):
    """Les notes en une ligne ; R2, qui en a une par facteur, se lit à part."""
    words = [f"{name} {scores[name]:.2f}" for name in scores if name != "R2"]
    return ", ".join(words)


def tell(name, information, found):
    """Une ligne sur un facteur : les deux latents qui en savent le plus."""
    order = information.argsort()[::-1]
    words = [f"surtout z{order[0] + 1} ({information[order[0]]:.2f})"]
    if len(order) > 1:
        words.append(f"puis z{order[1] + 1} ({information[order[1]]:.2f})")
    verdict = "."
    if found <= 0.5:
        verdict = " : le réseau ne l'a pas appris."
    print(f"{name} : {', '.join(words)} ; {100 * max(found, 0):.0f} % deviné avec tous "
          f"les latents{verdict}")


def draw_information(axes, table, names):
    """Ce que chaque latent sait de chaque facteur : plus c'est bleu, plus il en sait."""
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (j, k), value in np.ndenumerate(table):
        color = "black"
        if value > 0.5:
            color = "white"
        axes.text(k, j, f"{abs(value):.2f}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(table)), [f"z{j + 1}" for j in range(len(table))])
    axes.tick_params(length=0)
    axes.set_title("Ce que chaque latent sait de chaque facteur")


def draw(table, codes, factors, names, title):
    """À gauche, la table ; à droite, chaque facteur selon son meilleur latent."""
    count = len(names)
    figure, frames = plt.subplots(1, 1 + count, figsize=(5 + 2.4 * count, 4.6),
                                  width_ratios=[4.5] + [2.4] * count)
    draw_information(frames[0], table, names)
    for k in range(count):
        axes = frames[1 + k]
        best = table[:, k].argmax()
        axes.scatter(codes[:, best], factors[:, k], s=4, alpha=0.5, color=lab.blue)
        axes.set_title(f"{names[k]}, selon z{best + 1}")
    figure.suptitle(title)
    return figure


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_number("bins", bins, 5, 30)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    lab.live_latents(saved)                      # s'arrête s'il n'y en a pas
    codes = codes.numpy()
    factors, factor_names = read_factors(lab.kit / dataset_folder, names)

    # %% 2. Les notes
    table = shared_information(codes, factors, bins)
    scores = score(codes, factors, bins)
    for k, name in enumerate(factor_names):
        tell(name, table[:, k], scores["R2"][k])
    print("Notes, de 0 (tout est mélangé) à 1 (un latent par facteur) : "
          + write_scores(scores))

    # %% 3. La figure
    title = f"Chaque facteur a-t-il son nombre ?   {model_name}   {write_scores(scores)}"
    figure = draw(table, codes, factors, factor_names, title)
    lab.keep(figure, f"factors_{model_name}")
