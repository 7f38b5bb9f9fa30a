"""Avec peu d'étiquettes ? Apprendre à reconnaître des sortes d'images
avec 2, 5, 20 ou 100 images étiquetées par classe.

La même méthode simple (la régression logistique) apprend sur les codes
du VAE, sur une ACP de même taille, et sur les pixels. Le VAE et l'ACP
ont déjà vu toutes les images, mais aucune étiquette.

Lit     : model_name.pth et les images de dataset_folder. Leurs
          étiquettes sont leurs sous-dossiers ; à défaut, une colonne
          de factors.csv, coupée en 4 classes égales.
Écrit   : explore/results/few_labels_VAE_64.png.
Ensuite : vos propres images, rangées dans des sous-dossiers.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier, et ses sous-dossiers
factor = "bouche"           #*** sinon, une colonne de factors.csv
draws = 10                  #*** 3 à 50 : tirages (la part du hasard)
# *****************************************************************
import time

import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from scores import cut, read_factors
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


# %% Les étiquettes
def read_labels(folder, names, factor):
    """L'étiquette de chaque image : son sous-dossier, ou le quart de son facteur."""
    labels = lab.folder_labels(names)
    if labels is not None:
        return labels
    if not list(folder.rglob("factors.csv")):
        lab.stop("Pas d'étiquettes : rangez vos images dans au moins deux sous-dossiers, "
                 "un par sorte (images/tasse, images/main...), puis relancez.")
    values, columns = read_factors(folder, names)
    lab.check_choice("factor", factor, columns)
    quarters = cut(values[:, columns.index(factor)], 4)
    print("Pas de sous-dossiers : les étiquettes sont les 4 quarts de "
          f"« {factor} », lus dans factors.csv.")
    return np.array([f"{factor} {quarter + 1}/4" for quarter in quarters])


def choose_images(labels, random, most=3000):
    """Les numéros de most images au plus, autant de chaque classe.

    Une classe de moins de 4 images est laissée de côté."""
    classes = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) >= 4:
            classes.append(random.permutation(members))
    count = len(classes)
    if count < 2 or count > 50:
        lab.stop(f"Il faut de 2 à 50 classes de 4 images ou plus, et il y en a {count} : "
                 "ajoutez des images, ou regroupez des sous-dossiers.")
    share = max(4, most // count)
    return np.concatenate([members[:share] for members in classes])


def choose_counts(labels):
    """Combien d'images étiqueter par classe ; la moitié des images sert de test."""
    classes, sizes = np.unique(labels, return_counts=True)
    counts = []
    for count in (2, 5, 20, 100):
        if 2 * count <= sizes.min() and count * len(classes) <= 1000:
            counts.append(count)
    if counts[-1] < 100:
        print(f"{counts[-1]} étiquettes par classe au plus : la plus petite, "
              f"« {classes[sizes.argmin()]} », a {sizes.min()} images, dont la moitié "
              "sert de test ; et je n'en pose pas plus de 1000 en tout.")
    return counts


# %% Apprendre
def describe(images, codes):
    """Trois façons de décrire les mêmes images : codes, ACP, pixels."""
    skip = max(1, images.shape[-1] // 64)            # 128 pixels : un sur deux suffit
    pixels = images[:, :, ::skip, ::skip].flatten(1).numpy() / np.float32(255)
    count, size = codes.shape
    small = PCA(min(size, count - 1), svd_solver="randomized", random_state=0)
    ways = {"codes du VAE": codes, "ACP": small.fit_transform(pixels), "pixels": pixels}
    features = {}
    for way, values in ways.items():
        name = f"{way} ({values.shape[1]} nombres)"
        features[name] = StandardScaler().fit_transform(values)    # écart-type 1
    return features


def split_at_random(labels, count, turn, random):
    """Un tirage : count images à apprendre par classe, et la moitié de test."""
    pool, test = train_test_split(np.arange(len(labels)), test_size=0.5,
                                  stratify=labels, random_state=turn)
    known = []
    for label in np.unique(labels):
        members = pool[labels[pool] == label]
        known.extend(random.choice(members, count, replace=False))
    return known, test


def recognize(values, labels, known, test):
    """Apprend les étiquettes de known : la part reconnue de test, et les secondes.

    C'est la moyenne des classes : une grande classe ne compte pas plus."""
    start = time.perf_counter()
    with threadpool_limits(1):    # plusieurs cœurs s'attendraient sans fin
        method = LogisticRegression(max_iter=5000).fit(values[known], labels[known])
    seconds = time.perf_counter() - start
    guesses = method.predict(values[test])
    return balanced_accuracy_score(labels[test], guesses), seconds


# %% Montrer
def draw(counts, scores, seconds, class_count, title):
    """Une courbe par façon de décrire, dans une bande d'un écart-type."""
    figure, axes = plt.subplots(figsize=(9.5, 5.6))
    colors = [figures.blue, figures.orange, "#717581"]
    for name, color, mark in zip(scores, colors, "os^"):
        mean = scores[name].mean(axis=1)
        spread = scores[name].std(axis=1)
        low = mean - spread
        axes.fill_between(counts, low, mean + spread, color=color, alpha=0.2, lw=0)
        label = f"{name} : {1000 * seconds[name]:.0f} ms pour apprendre"
        axes.plot(counts, mean, mark + "-", color=color, label=label)
    chance = 1 / class_count
    axes.axhline(chance, color="black", linestyle=":",
                 label=f"au hasard : {100 * chance:.0f} %")
    axes.set_xlabel(f"images étiquetées par classe ({class_count} classes)")
    axes.set_ylabel("images de test reconnues")
    axes.set_xscale("log")
    axes.set_xticks(counts, counts)
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.legend()
    figure.suptitle(title)
    return figure


def compare(counts, by_codes, others, name):
    """Dit avec combien d'étiquettes les codes gagnent, et avec combien ils perdent."""
    gaps = by_codes - others                         # (nombres d'étiquettes, tirages)
    # moins que cela peut être du hasard
    doubt = 2 * gaps.std(axis=1) / gaps.shape[1]**0.5
    wins = []
    losses = []
    for count, gap, limit in zip(counts, gaps.mean(axis=1), doubt):
        if gap > limit:
            wins.append(str(count))
        elif gap < -limit:
            losses.append(str(count))
    verdict = []
    if wins:
        verdict.append("gagnent avec " + ", ".join(wins))
    if losses:
        verdict.append("perdent avec " + ", ".join(losses))
    if verdict:
        print(f"Face {name}, les codes {' et '.join(verdict)} images par classe.")
    else:
        print(f"Face {name}, les codes font jeu égal.")


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("draws", draws, 3, 50)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.need_live(saved)
    labels = read_labels(lab.kit / dataset_folder, names, factor)
    random = np.random.default_rng(0)
    kept = choose_images(labels, random)
    truth = labels[kept]
    features = describe(images[kept], codes[kept][:, live].numpy())

    # %% 2. Apprendre avec peu d'étiquettes, plusieurs fois
    counts = choose_counts(truth)
    scores = {}                                      # la part reconnue
    seconds = {}                                     # la durée, avec le plus d'étiquettes
    for name in features:
        scores[name] = np.zeros((len(counts), draws))
    for row, count in enumerate(counts):
        for turn in range(draws):
            known, test = split_at_random(truth, count, turn, random)
            for name, values in features.items():
                share, seconds[name] = recognize(values, truth, known, test)
                scores[name][row, turn] = share
        words = []
        for name in features:
            found = 100 * scores[name][row]
            words.append(f"{name} {found.mean():.0f} ± {found.std():.0f} %")
        print(f"{count} images par classe : {', '.join(words)}")

    # %% 3. Le bilan
    by_codes, by_pca, by_pixels = scores.values()
    compare(counts, by_codes, by_pca, "à l'ACP")
    compare(counts, by_codes, by_pixels, "aux pixels")
    class_count = len(np.unique(truth))
    title = f"Avec peu d'étiquettes ?   {model_name}"
    figure = draw(counts, scores, seconds, class_count, title)
    figures.keep(figure, f"few_labels_{model_name}")
