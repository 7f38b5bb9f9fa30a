"""Les notes de séparation : lire les vrais facteurs, et dire ce qu'en sait chaque latent.

Ce fichier ne fait rien quand on le lance : ouvrez factors.py.
"""
import csv

import laboratory as lab
import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information
from sklearn.model_selection import train_test_split

# Combien d'images il faut, mesuré en tirant des codes au hasard (20 classes) : deux
# choses sans aucun lien semblent partager jusqu'à 1 avec 21 images, 0.2 avec 40, et
# moins de 0.1 à partir de 100.
fewest = 100


# %% Les facteurs
def read_factors(folder, names):
    """Les vrais facteurs de chaque image, (N, facteurs), et leurs noms."""
    rows = {}
    for path in sorted(folder.rglob("factors.csv")):
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    image = path.parent / row.pop("image", "")
                    rows[image.relative_to(folder).as_posix()] = row
        except (csv.Error, ValueError, TypeError):     # une lettre, un chemin, une case
            lab.stop(f"{path.relative_to(folder)} ne se lit pas : enregistrez-le au format "
                     "« CSV UTF-8 », une ligne par image, toutes les cases remplies.")
    missing = [name for name in names if name not in rows]
    if missing:
        lab.stop(f"Images sans ligne dans un factors.csv : {len(missing)}, dont "
                 f"{missing[0]}. Il faut connaître les vrais facteurs. Ce script est fait "
                 "pour les images de démonstration, ou pour des images que vous avez "
                 "dessinées vous-même.")
    factor_names = list(rows[names[0]])
    factors = np.zeros((len(names), len(factor_names)))
    try:
        for i, name in enumerate(names):
            for k, factor in enumerate(factor_names):
                factors[i, k] = float(rows[name][factor])
    except (ValueError, KeyError, TypeError):
        lab.stop("factors.csv : chaque case doit contenir un nombre, avec un point et "
                 "non une virgule (0.25).")
    return factors, factor_names


def check_count(count):
    """Arrête le script s'il y a trop peu d'images pour ces notes."""
    if count < fewest:
        lab.stop(f"{count} images, c'est trop peu pour mesurer ce que chaque latent sait "
                 f"de chaque facteur : il en faut au moins {fewest} (1000 conseillées).")


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
    check_count(len(codes))
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
    """L'écart entre le meilleur latent et le second, en moyenne sur les facteurs.

    Moins que 0, c'est ne rien savoir : 0."""
    nobody = np.zeros((1, table.shape[1]))       # un second, s'il n'y a qu'un latent
    ranked = np.sort(np.maximum(np.vstack([table, nobody]), 0), axis=0)
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


def write_scores(scores):
    """Les notes en une ligne ; R2, qui en a une par facteur, se lit à part."""
    words = [f"{name} {scores[name]:.2f}" for name in scores if name != "R2"]
    return ", ".join(words)
