"""Trouve-t-il des groupes tout seul ? Les k-moyennes rangent les codes en groupes, sans aucune étiquette.

Lit     : model_name.pth (le modèle) et les images de dataset_folder (des sous-dossiers servent seulement à comparer, à la fin).
Écrit   : explore/results/groups_VAE_64.png.
Ensuite : few_labels.py, qui apprend à nommer des groupes avec peu d'étiquettes.
"""
import sys

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
dataset_folder = "images"     #*** dossier des images
group_count = 0               #*** nombre de groupes : 2 à 20, ou 0 pour que le script choisisse entre 2 et 10
shown = 8                     #*** images à montrer dans chaque groupe : 3 à 12
# *******************************************************************************************


# %% Les groupes
@torch.no_grad()
def weigh(model, saved):
    """Combien un pas de 1 sur chaque latent change l'image : racine de la somme des carrés.

    Sans cela, un latent qui ne règle qu'un détail compterait autant que les autres."""
    steps = torch.diag(saved["z_spread"])
    change = model.decode(saved["z_mean"] + steps) - model.decode(saved["z_mean"] - steps)
    return change.flatten(1).norm(dim=1) / (2 * saved["z_spread"])


def find_groups(codes, count):
    """Les k-moyennes : le numéro du groupe de chaque image, sa distance au centre, et la silhouette (mesurée sur 2000 images)."""
    method = KMeans(count, n_init=4, random_state=0).fit(codes)
    first = np.unique(method.labels_, return_index=True)[1]                # au moins une image de chaque groupe
    sample = np.union1d(first, np.random.default_rng(0).permutation(len(codes))[:2000])
    silhouette = silhouette_score(codes[sample], method.labels_[sample])
    return method.labels_, method.transform(codes).min(1), silhouette


def without_groups(codes):
    """Des codes sans aucun groupe, pour comparer : répartis au hasard dans une boîte aussi longue, large et haute que le nuage."""
    spread = PCA().fit_transform(codes)
    return np.random.default_rng(0).uniform(spread.min(0), spread.max(0), (min(2000, len(codes)), codes.shape[1]))


# %% La figure
def draw(images, labels, groups, distances, silhouettes, chance, shown, title):
    """À gauche, les images les plus proches du centre de chaque groupe ; à droite, la silhouette selon le nombre de groupes."""
    count = groups.max() + 1
    shown = min(shown, np.bincount(groups).max())
    width, height = 0.85 * shown + 2, max(4.5, 0.95 * count + 1.2)
    figure, (left, right) = plt.subplots(1, 2, figsize=(width + 5, height), width_ratios=(width, 4))
    sheet, rows = images.new_full((count, shown, *images.shape[1:]), 255), []
    for group in range(count):
        members = np.flatnonzero(groups == group)
        nearest = members[distances[members].argsort()[:shown]]
        sheet[group, :len(nearest)] = images[nearest]
        rows.append(f"groupe {group + 1}\n{len(members)} images")
        if labels is not None:
            found, counts = np.unique(labels[members], return_counts=True)
            rows[-1] += f"\n« {found[counts.argmax()]} » : {100 * counts.max() / len(members):.0f} %"
    lab.draw_table(left, sheet / 255, rows)
    left.set_title("Les images les plus proches du centre de chaque groupe")
    right.plot(*zip(*silhouettes.items()), "o-", color="#0072B2", label="vos images")
    right.plot(*zip(*chance.items()), "s--", color="#D55E00", label="codes sans aucun groupe")
    right.axvline(count, color="#94a4a2", zorder=0)
    right.set(title="Les groupes sont-ils nets ?", xlabel="nombre de groupes", ylabel="silhouette",
              ylim=(0, 1.03), xticks=list(silhouettes))
    right.legend(frameon=False)
    figure.suptitle(title)
    return figure


# %% 1. Le modèle, les images et leurs codes
if __name__ == "__main__":
    for name, values in (("model_name", str), ("dataset_folder", str), ("group_count", (0, *range(2, 21))), ("shown", [3, 12])):
        tools.check(name, globals()[name], values)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    codes = codes * weigh(model, saved)       # deux codes sont loin si leurs images sont loin
    codes = codes[:, lab.live_latents(saved)].double().numpy().round(3)       # (N, latents vivants)
    labels = lab.folder_labels(names)
    most = len(np.unique(codes, axis=0)) - 1                                  # des images identiques ont le même code
    if most < max(2, group_count):
        sys.exit(f"{most + 1} images différentes ne suffisent pas pour {max(2, group_count)} groupes : "
                 "baissez group_count, ou enregistrez d'autres images avec record_images.py.")

    # %% 2. Les groupes
    counts = sorted({*range(2, min(10, most) + 1), group_count} - {0})
    found = {count: find_groups(codes, count) for count in counts}
    silhouettes = {count: silhouette for count, (_, _, silhouette) in found.items()}
    count = group_count or max(silhouettes, key=silhouettes.get)
    groups, distances, silhouette = found[count]
    reference = without_groups(codes)
    chance = {count: find_groups(reference, count)[2] for count in counts}

    # %% 3. Sont-ils nets ? Et retrouvent-ils les sous-dossiers ?
    print(f"{count} groupes, silhouette {silhouette:.2f} (1 : groupes nets ; des codes sans aucun groupe donneraient {chance[count]:.2f}).")
    if silhouette < chance[count] + 0.1:
        print("Il n'y a pas de groupes nets : d'une image à l'autre, tout change peu à peu. Les k-moyennes découpent quand même.")
    elif silhouette < 0.6:
        print("Les groupes se touchent : regardez leurs images avant d'y croire.")
    else:
        print("Les groupes sont nets.")
    if labels is not None:
        agreement = adjusted_rand_score(labels, groups)
        print(f"Accord avec les {len(set(labels))} sous-dossiers (indice de Rand ajusté) : {agreement:.2f} "
              "(1 : les mêmes groupes ; 0 : le hasard).")
    figure = draw(images, labels, groups, distances, silhouettes, chance, shown, f"Trouve-t-il des groupes tout seul ?   {model_name}")
    lab.keep(figure, f"groups_{model_name}")
