"""Trouve-t-il des groupes tout seul ? Les k-moyennes rangent les codes
en groupes, sans aucune étiquette.

Lit     : model_name.pth et les images de dataset_folder (leurs
          sous-dossiers servent seulement à comparer, à la fin).
Écrit   : explore/results/groups_VAE_64.png.
Ensuite : few_labels.py, qui apprend à nommer des groupes.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : où sont les images
group_count = 0             #*** 2 à 20 ; 0 : le script choisit
shown = 8                   #*** 3 à 12 : images par groupe
# *****************************************************************
import figures
import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score


# %% Les groupes
@torch.no_grad()
def weigh(model, saved):
    """Combien un pas de 1 sur chaque latent change l'image.

    Sans cela, un latent qui ne règle qu'un détail compterait autant que les autres."""
    mean = saved["z_mean"]
    steps = torch.diag(saved["z_spread"])       # une ligne par latent : lui seul bouge
    change = model.decode(mean + steps) - model.decode(mean - steps)
    return change.flatten(1).norm(dim=1) / (2 * saved["z_spread"])


def find_groups(codes, count):
    """Les k-moyennes : le groupe de chaque image, sa distance au centre du groupe,
    et la silhouette, qui dit si les groupes sont nets (1) ou se touchent (0)."""
    method = KMeans(count, n_init=4, random_state=0).fit(codes)
    groups = method.labels_
    distances = method.transform(codes).min(axis=1)
    # mesurée sur 2000 images, et au moins une de chaque groupe
    names, first = np.unique(groups, return_index=True)
    drawn = np.random.default_rng(0).permutation(len(codes))[:2000]
    sample = np.union1d(first, drawn)
    return groups, distances, silhouette_score(codes[sample], groups[sample])


def without_groups(codes):
    """Des codes sans aucun groupe, pour comparer : au hasard dans une boîte aussi
    longue, large et haute que le nuage."""
    spread = PCA().fit_transform(codes)
    size = (min(2000, len(codes)), codes.shape[1])
    random = np.random.default_rng(0)
    return random.uniform(spread.min(0), spread.max(0), size)


# %% La figure
def describe(members, labels, group):
    """Le nom d'un groupe et, s'il y a des sous-dossiers, celui qui y domine."""
    words = f"groupe {group + 1}\nimages : {len(members)}"
    if labels is not None:
        found, counts = np.unique(labels[members], return_counts=True)
        share = 100 * counts.max() / len(members)
        words += f"\n« {found[counts.argmax()]} » : {share:.0f} %"
    return words


def draw_groups(axes, images, labels, groups, distances):
    """Une ligne par groupe : les images les plus proches de son centre."""
    count = groups.max() + 1
    columns = min(shown, np.bincount(groups).max())
    side = images.shape[-1]
    sheet = torch.ones(count, columns, 3, side, side)        # blanc, s'il en manque
    rows = []
    for group in range(count):
        members = np.flatnonzero(groups == group)
        nearest = members[distances[members].argsort()[:columns]]
        sheet[group, :len(nearest)] = images[nearest] / 255
        rows.append(describe(members, labels, group))
    figures.draw_table(axes, sheet, rows)
    axes.set_title("Les images les plus proches du centre de chaque groupe")


def draw_silhouettes(axes, silhouettes, chance, count):
    """La silhouette selon le nombre de groupes ; un trait gris, au nombre gardé."""
    counts = list(silhouettes)
    axes.plot(counts, list(silhouettes.values()), "o-", color=figures.blue,
              label="vos images")
    axes.plot(counts, list(chance.values()), "s--", color=figures.orange,
              label="codes sans aucun groupe")
    axes.axvline(count, color=figures.grey, zorder=0)
    axes.set_title("Les groupes sont-ils nets ?")
    axes.set_xlabel("nombre de groupes")
    axes.set_ylabel("silhouette")
    axes.set_ylim(0, 1.03)
    axes.set_xticks(counts)
    axes.legend()


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_choice("group_count", group_count, [0] + list(range(2, 21)))
    lab.check_number("shown", shown, 3, 12)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    codes = codes * weigh(model, saved)       # deux codes sont loin si leurs images le sont
    codes = codes[:, lab.need_live(saved)]
    codes = codes.double().numpy().round(3)                  # (N, latents vivants)
    different = len(np.unique(codes, axis=0))
    needed = max(2, group_count) + 1
    if different < needed:
        lab.stop(f"{different} images différentes, c'est trop peu : il en faut {needed}. "
                 "Enregistrez-en d'autres avec record_images.py, ou baissez group_count.")

    # %% 2. Les groupes, pour plusieurs nombres de groupes
    counts = list(range(2, min(10, different - 1) + 1))
    if group_count > 10:
        counts.append(group_count)
    reference = without_groups(codes)
    silhouettes = {}
    chance = {}
    for count in counts:
        silhouettes[count] = find_groups(codes, count)[2]
        chance[count] = find_groups(reference, count)[2]
    count = group_count
    if count == 0:
        count = max(silhouettes, key=silhouettes.get)        # la meilleure silhouette
    groups, distances, silhouette = find_groups(codes, count)

    # %% 3. Sont-ils nets ? Et retrouvent-ils les sous-dossiers ?
    print(f"{count} groupes, silhouette {silhouette:.2f} (1 : groupes nets ; des codes "
          f"sans aucun groupe donneraient {chance[count]:.2f}).")
    if silhouette < chance[count] + 0.1:
        print("Il n'y a pas de groupes nets : d'une image à l'autre, tout change peu à "
              "peu. Les k-moyennes découpent quand même.")
    elif silhouette < 0.6:
        print("Les groupes se touchent : regardez leurs images avant d'y croire.")
    else:
        print("Les groupes sont nets.")
    labels = lab.folder_labels(names)
    if labels is not None:
        agreement = adjusted_rand_score(labels, groups)
        print(f"Accord avec les {len(set(labels))} sous-dossiers (indice de Rand "
              f"ajusté) : {agreement:.2f} (1 : les mêmes groupes ; 0 : le hasard).")

    # %% 4. La figure
    rows = groups.max() + 1
    size = (0.85 * shown + 7, max(4.5, 0.95 * rows + 1.2))
    figure, (left, right) = plt.subplots(1, 2, figsize=size,
                                         width_ratios=(0.85 * shown + 2, 4))
    draw_groups(left, images, labels, groups, distances)
    draw_silhouettes(right, silhouettes, chance, count)
    figure.suptitle(f"Trouve-t-il des groupes tout seul ?   {model_name}")
    figures.keep(figure, f"groups_{model_name}")
