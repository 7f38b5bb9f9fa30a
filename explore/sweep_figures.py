"""Les deux figures de sweep_beta.py : les mesures, et ce que fait chaque latent.

Ce fichier ne fait rien quand on le lance : ouvrez sweep_beta.py.
"""
import figures
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image


def name_case(case):
    """La sorte d'un entraînement : « convolution, axes tournés », par exemple."""
    if case["independent_axes"]:
        return f"{case['decoder']}, axes tournés"
    return f"{case['decoder']}, axes du hasard"


def list_betas(runs):
    return sorted({run["settings"]["beta"] for run in runs})


def list_kinds(runs):
    return sorted({name_case(run["settings"]) for run in runs}, reverse=True)


def find(runs, kind, beta, name):
    """Cette mesure, pour chaque entraînement de cette sorte et de ce beta."""
    found = []
    for run in runs:
        case = run["settings"]
        if name_case(case) == kind and case["beta"] == beta:
            found.append(run["results"][name])
    return found


# %% Les mesures
def draw_measures(runs):
    """Une mesure par cadre."""
    names = [name for name in runs[0]["results"] if name != "R2"]
    size = (2.9 * len(names), 3.9)
    figure, frames = plt.subplots(1, len(names), figsize=size)
    for axes, name in zip(frames, names):
        draw_measure(axes, name, runs)
    lines, labels = frames[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=2)
    figure.suptitle("Que change beta ?")
    return figure


def draw_measure(axes, name, runs):
    """Une mesure selon beta : un point par entraînement, une ligne par sorte."""
    betas = list_betas(runs)
    for number, kind in enumerate(list_kinds(runs)):
        draw_kind(axes, [find(runs, kind, beta, name) for beta in betas], number, kind)
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_xlabel("beta")
    axes.set_title(name)
    axes.set_ylim(bottom=0)
    if name in ("MIG", "SAP", "DCI D", "DCI C"):
        axes.set_ylim(0, 1.03)
    if name == "latents vivants":
        axes.yaxis.get_major_locator().set_params(integer=True)


def draw_kind(axes, values, number, kind):
    """Une sorte : ses points, et une ligne qui passe par leurs médianes.

    values : pour chaque beta, les mesures ; il n'y en a pas encore, après un Stop."""
    color = figures.colors[number]
    places = []
    medians = []
    for place, found in enumerate(values):
        x = place + 0.12 * number             # côte à côte, pour les distinguer
        axes.plot([x] * len(found), found, "o", color=color, alpha=0.4)
        if found:
            places.append(x)
            medians.append(np.median(found))
    axes.plot(places, medians, color=color, label=kind)


# %% Les latents
def draw_traversals(runs, folder):
    """Ce que fait chaque latent : une sorte par ligne, un beta par colonne."""
    betas = list_betas(runs)
    kinds = list_kinds(runs)
    size = (1 + 4.6 * len(betas), 0.8 + 2.9 * len(kinds))
    figure, frames = plt.subplots(len(kinds), len(betas), squeeze=False, figsize=size)
    for axes in frames.flat:
        axes.axis("off")                      # certains restent vides après un Stop
    for run in runs:
        case = run["settings"]
        axes = frames[kinds.index(name_case(case)), betas.index(case["beta"])]
        axes.imshow(Image.open(folder / run["picture"]))
        axes.set_title(f"{name_case(case)}, beta = {case['beta']:g}")
    figure.suptitle("Ce que fait chaque latent, de -2 à +2 écarts-types "
                    "(un par ligne, dans l'ordre des curseurs)")
    return figure
