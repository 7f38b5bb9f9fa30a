"""Avec peu d'étiquettes ? Apprendre à reconnaître des sortes d'images avec 2, 5, 20 ou 100 images étiquetées par classe.

Lit     : model_name.pth (le modèle) et les images de dataset_folder. Leurs étiquettes sont leurs sous-dossiers ; à défaut,
          une colonne de factors.csv (celui des images de démonstration), coupée en 4 classes égales.
Écrit   : explore/results/few_labels_VAE_64.png.
Ensuite : vos propres images, rangées dans des sous-dossiers.
La même méthode simple (régression logistique) apprend sur les codes du VAE, sur une ACP de même taille, et sur les pixels.
Le VAE et l'ACP ont déjà vu toutes les images, mais aucune étiquette.
"""
import sys
import time

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import record_images as tools
from factors import cut, read_factors

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images, rangées dans un sous-dossier par sorte
factor = "bouche"             #*** sans sous-dossiers : la colonne de factors.csv à deviner
draws = 10                    #*** tirages des images étiquetées, pour voir la part du hasard : 3 à 50
# *******************************************************************************************


# %% Les étiquettes
def read_labels(folder, names, factor):
    """L'étiquette de chaque image : son sous-dossier, ou le quart où tombe son facteur."""
    labels = lab.folder_labels(names)
    if labels is None and any(folder.rglob("factors.csv")):
        values, columns = read_factors(folder, names)
        tools.check("factor", factor, tuple(columns))
        labels = np.array([f"{factor} {quarter + 1}/4" for quarter in cut(values[:, columns.index(factor)], 4)])
        print(f"Pas de sous-dossiers : les étiquettes sont les 4 quarts de « {factor} », lus dans factors.csv.")
    if labels is None:
        sys.exit("Pas d'étiquettes : rangez vos images dans au moins deux sous-dossiers, un par sorte "
                 "(images/tasse, images/main...), puis relancez.")
    return labels


def choose_images(labels, random, most=3000):
    """Les numéros de most images au plus, autant de chaque classe ; une classe de moins de 4 images est laissée de côté."""
    classes = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    classes = [members[:max(4, most // len(classes))] for members in classes if len(members) >= 4]
    if not 2 <= len(classes) <= 50:
        sys.exit(f"Il faut de 2 à 50 classes de 4 images ou plus, et il y en a {len(classes)} : "
                 "ajoutez des images, ou regroupez des sous-dossiers.")
    return np.concatenate(classes)


# %% Apprendre
def learn(features, labels, known, test):
    """Apprend sur les images known. Rend la part reconnue des images test (moyenne des classes) et la durée, en secondes."""
    start = time.perf_counter()
    method = LogisticRegression(max_iter=5000).fit(features[known], labels[known])
    seconds = time.perf_counter() - start
    return balanced_accuracy_score(labels[test], method.predict(features[test])), seconds


def draw(counts, scores, seconds, classes, title):
    """Une courbe par façon de décrire les images ; la bande : un écart-type de part et d'autre de la moyenne des tirages."""
    figure, axes = plt.subplots(figsize=(9.5, 5.6))
    for (name, values), color, mark in zip(scores.items(), ("#0072B2", "#D55E00", "#717581"), "os^"):
        mean, spread = values.mean(1), values.std(1)
        axes.fill_between(counts, mean - spread, mean + spread, color=color, alpha=0.2, linewidth=0)
        axes.plot(counts, mean, mark + "-", color=color, label=f"{name} : {1000 * seconds[name]:.0f} ms pour apprendre")
    axes.axhline(1 / len(classes), color="black", linestyle=":", label=f"au hasard : {100 / len(classes):.0f} %")
    axes.set(xlabel=f"images étiquetées par classe ({len(classes)} classes)", ylabel="images de test reconnues",
             ylim=(0, 1.02), xscale="log")
    axes.set_xticks(counts, counts)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.legend(frameon=False)
    figure.suptitle(title)
    return figure


# %% 1. Le modèle, les images et leurs étiquettes
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("factor", str), ("draws", [3, 50])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    live = lab.live_latents(saved)
    labels = read_labels(lab.kit / dataset_folder, names, factor)

    # %% 2. Trois façons de décrire les mêmes images
    random = np.random.default_rng(0)
    kept = choose_images(labels, random)
    truth = labels[kept]
    skip = max(1, images.shape[-1] // 64)                                                    # 128 pixels : un sur deux suffit
    pixels = images[kept, :, ::skip, ::skip].flatten(1).numpy() / np.float32(255)            # (images gardées, 3 * H * W)
    size = min(len(live), len(kept) - 1)
    features = {f"codes du VAE ({len(live)} nombres)": codes[kept][:, live].numpy(),
                f"ACP ({size} nombres)": PCA(size, svd_solver="randomized", random_state=0).fit_transform(pixels),
                f"pixels ({pixels.shape[1]} nombres)": pixels}
    features = {name: StandardScaler().fit_transform(values) for name, values in features.items()}

    # %% 3. Apprendre avec peu d'étiquettes, plusieurs fois
    classes, sizes = np.unique(truth, return_counts=True)                                    # la moitié sert de test
    counts = [count for count in (2, 5, 20, 100) if 2 * count <= sizes.min() and count * len(classes) <= 1000]
    if counts[-1] < 100:
        print(f"{counts[-1]} étiquettes par classe au plus : la plus petite, « {classes[sizes.argmin()]} », a {sizes.min()} images, "
              "dont la moitié sert de test ; et je n'en pose pas plus de 1000 en tout.")
    scores = {name: np.empty((len(counts), draws)) for name in features}                     # la part reconnue
    seconds = {name: 0 for name in features}                                                 # la durée, avec le plus d'étiquettes
    for row, count in enumerate(counts):
        for turn in range(draws):
            pool, test = train_test_split(np.arange(len(kept)), test_size=0.5, stratify=truth, random_state=turn)
            known = np.concatenate([random.choice(pool[truth[pool] == label], count, replace=False) for label in classes])
            for name, values in features.items():
                scores[name][row, turn], seconds[name] = learn(values, truth, known, test)
        results = [f"{name.split(' (')[0]} {100 * values[row].mean():.0f} ± {100 * values[row].std():.0f} %" for name, values in scores.items()]
        print(f"{count} images par classe : {', '.join(results)}")

    # %% 4. Le bilan
    by_codes, *others = scores.values()
    for name, other in zip(("à l'ACP", "aux pixels"), others):
        gaps = by_codes - other                                                              # (nombres d'étiquettes, tirages)
        doubt = 2 * gaps.std(1) / draws**0.5
        ends = [verb + " avec " + ", ".join(str(count) for count, yes in zip(counts, found) if yes)
                for verb, found in (("gagnent", gaps.mean(1) > doubt), ("perdent", gaps.mean(1) < -doubt)) if found.any()]
        print(f"Face {name}, les codes " + (" et ".join(ends) + " images par classe." if ends else "font jeu égal."))
    lab.keep(draw(counts, scores, seconds, classes, f"Avec peu d'étiquettes ?   {model_name}"), f"few_labels_{model_name}")
