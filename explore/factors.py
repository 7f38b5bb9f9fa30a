"""Chaque facteur a-t-il son propre nombre ? Mesurer si le réseau a séparé les choses qui changent d'une image à l'autre.

Lit     : model_name.pth, les images de dataset_folder et leur fichier factors.csv (une ligne par image, une colonne par
          facteur ; celui des images de démonstration est images/demo/factors.csv).
Écrit   : explore/results/factors_VAE_64.png (combien chaque latent sait de chaque facteur).
Ensuite : sweep_beta.py, qui refait ces mesures pour plusieurs beta.

Trois notes, de 0 (tout est mélangé) à 1 (un latent par facteur), comme dans Locatello et al. (2019, arXiv:1811.12359).
"""
import csv
import sys

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from sklearn.model_selection import train_test_split

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images, avec leur factors.csv (dans un sous-dossier aussi)
bins = 20                     #*** en combien de classes égales découper un facteur ou un latent : 5 à 30
# *******************************************************************************************


# %% Les facteurs
def read_factors(folder, names):
    """Les vrais facteurs de chaque image : un tableau (N, facteurs) et leurs noms, lus dans les factors.csv du dossier."""
    rows = {}
    for file in sorted(folder.rglob("factors.csv")):
        with open(file, encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                rows[(file.parent / row.pop("image", "")).relative_to(folder).as_posix()] = row
    missing = [name for name in names if name not in rows]
    if missing:
        sys.exit(f"{len(missing)} images sans ligne dans un factors.csv, dont {missing[0]} : il faut connaître les vrais facteurs. "
                 "Ce script est fait pour les images de démonstration, ou pour des images que vous avez dessinées vous-même.")
    factors = list(rows[names[0]])
    try:
        return np.array([[float(rows[name][factor]) for factor in factors] for name in names]), factors
    except (ValueError, KeyError, TypeError):
        sys.exit("factors.csv : chaque case doit contenir un nombre, avec un point et non une virgule (0.25).")


# %% Les mesures
def cut(values, bins):
    """Range des nombres dans bins classes de même effectif (ou une classe par valeur, s'il y en a peu)."""
    levels, ranks = np.unique(values, return_inverse=True)
    return ranks if len(levels) <= bins else np.searchsorted(np.quantile(values, np.arange(1, bins) / bins), values, "right")


def shared_information(codes, factors, bins=20):
    """Ce que chaque latent sait de chaque facteur, de 0 à 1 : un tableau (latents, facteurs).

    C'est l'information mutuelle I divisée par celle du facteur, H. Avec peu d'images, deux choses sans aucun lien
    semblent partager un peu d'information, E : on la retire, (I - E) / (H - E). Sous 1000 images, le résultat reste sévère."""
    table = np.empty((codes.shape[1], factors.shape[1]))
    for k, factor in enumerate(cut(column, bins) for column in factors.T):
        entropy = mutual_info_score(factor, factor)
        for j, code in enumerate(cut(column, bins) for column in codes.T):
            chance = expected_mutual_information(contingency_matrix(factor, code, sparse=True), len(factor))
            table[j, k] = (mutual_info_score(factor, code) - chance) / max(entropy - chance, 1e-9)
    return table


def gap(table):
    """Pour chaque facteur (colonne), l'écart entre le meilleur latent et le second ; puis la moyenne."""
    ranked = np.sort(np.vstack([table, np.zeros(table.shape[1])]), axis=0)      # un second, même s'il n'y a qu'un latent
    return float((ranked[-1] - ranked[-2]).mean())


def squared_correlation(codes, factors):
    """La part de chaque facteur qu'une droite prédit à partir de chaque latent : un tableau (latents, facteurs)."""
    codes, factors = codes - codes.mean(0), factors - factors.mean(0)
    return (codes.T @ factors)**2 / np.maximum(np.outer((codes**2).sum(0), (factors**2).sum(0)), 1e-12)


def concentration(table):
    """Pour chaque ligne : 1 si tout est sur une seule colonne, 0 si c'est réparti. Moyenne pondérée par le poids des lignes."""
    share = table / np.maximum(table.sum(1, keepdims=True), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(1) / np.log(max(table.shape[1], 2))
    return float(np.average(1 - entropy, weights=table.sum(1) + 1e-12))


def score(codes, factors, bins=20):
    """Toutes les notes, dans un dictionnaire.

    MIG    écart entre les deux latents qui en savent le plus sur chaque facteur    (Chen et al., 2018, arXiv:1802.04942)
    SAP    le même écart, avec la corrélation au carré                              (Kumar et al., 2018, arXiv:1711.00848)
    DCI    des arbres devinent les facteurs d'après les codes ; l'importance de chaque latent dit si un latent ne sert
           qu'à un facteur (D), si un facteur n'a besoin que d'un latent (C) ; R2 : la part devinée, sur des images
           de test (Eastwood et Williams, 2018)
    """
    known, unknown, answers, questions = train_test_split(codes, factors, test_size=0.25, random_state=0)
    trees = [GradientBoostingRegressor(subsample=0.5, random_state=0).fit(known[:4000], column[:4000]) for column in answers.T]
    importance = np.stack([tree.feature_importances_ for tree in trees], axis=1)                # (latents, facteurs)
    found = [tree.score(unknown, column) for tree, column in zip(trees, questions.T)]
    return {"MIG": gap(shared_information(codes, factors, bins)), "SAP": gap(squared_correlation(codes, factors)),
            "DCI D": concentration(importance), "DCI C": concentration(importance.T), "R2": found}


# %% La figure
def draw(table, codes, factors, names, scores, title):
    """À gauche, ce que chaque latent sait de chaque facteur ; à droite, chaque facteur selon son meilleur latent."""
    count = len(names)
    figure = plt.figure(figsize=(5 + 2.4 * count, 4.6))
    left, right = figure.subfigures(1, 2, width_ratios=(4.5, 2.4 * count))
    axes = left.subplots()
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (j, k), value in np.ndenumerate(table):
        axes.text(k, j, f"{abs(value):.2f}", ha="center", va="center", color="white" if value > 0.5 else "black")
    axes.set_xticks(range(count), names)
    axes.set_yticks(range(len(table)), [f"z{j + 1}" for j in range(len(table))])
    axes.tick_params(length=0)
    axes.set_title("Ce que chaque latent sait de chaque facteur")
    for k, axes in enumerate(right.subplots(1, count, sharey=True, squeeze=False)[0]):
        best = table[:, k].argmax()
        axes.scatter(codes[:, best], factors[:, k], s=4, alpha=0.5, color="#0072B2", linewidths=0)
        axes.set(xlabel=f"z{best + 1}", title=names[k])
    right.suptitle("Chaque facteur, selon son meilleur latent", fontsize=11)
    figure.suptitle(f"{title}   " + "   ".join(f"{name} {value:.2f}" for name, value in scores.items() if name != "R2"))
    return figure


# %% 1. Le modèle et les vrais facteurs
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("bins", [5, 30])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, mu = lab.open_all(model_name, dataset_folder)
    live = lab.live_latents(saved)
    factors, factor_names = read_factors(lab.kit / dataset_folder, names)
    codes = mu.numpy()

    # %% 2. Les notes
    table = shared_information(codes, factors, bins)
    scores = score(codes, factors, bins)
    for k, name in enumerate(factor_names):
        best, second, *_ = [*table[:, k].argsort()[::-1], None]
        print(f"{name} : surtout z{best + 1} ({table[best, k]:.2f})" + (f", puis z{second + 1} ({table[second, k]:.2f})" if second is not None else "")
              + f" ; {100 * max(scores['R2'][k], 0):.0f} % deviné avec tous les latents"
              + ("." if scores["R2"][k] > 0.5 else " : le réseau ne l'a pas appris."))
    print("Notes, de 0 (tout est mélangé) à 1 (un latent par facteur) : "
          + ", ".join(f"{name} {value:.2f}" for name, value in scores.items() if name != "R2"))

    # %% 3. La figure
    lab.keep(draw(table, codes, factors, factor_names, scores, model_name), f"factors_{model_name}")
