"""Que change beta ? Entraîner le même réseau avec plusieurs beta,
plusieurs fois chacun, et comparer.

C'est long (le temps restant s'affiche) : Stop garde ce qui est fait, et
un nouveau lancement continue où l'on en était.

Lit     : les images de dataset_folder et, s'il existe, factors.csv ;
          les autres réglages sont ceux de train_VAE.py.
Écrit   : dans explore/results/, sweep_beta.jsonl (une ligne par
          entraînement), sweep_beta.png (les mesures) et
          sweep_beta_traversals.png (ce que fait chaque latent, pour
          le premier et le dernier beta).
Ensuite : train_VAE.py, avec le beta que vous aurez choisi.
"""
# ***************** zone *** : à vous de modifier *****************
dataset_folder = "images"                 #*** un dossier : les images
betas = [1, 4, 8, 20, 102]                #*** 0 à 1000 : les beta
decoders = ["convolution", "broadcast"]   #*** l'un, ou les deux
axes = [True, False]                      #*** independent_axes : idem
repeats = 5                               #*** 1 à 10 : fois chacun
# *****************************************************************
import json
import time

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

import train_VAE
from factors import read_factors, score
from model_VAE_64 import choices, encode_images, limits, to_picture
from record_images import (check_choice, check_folder, check_number, save_picture,
                           stop)
from traversals import traverse


# %% Le plan
def check_list(name, values, example):
    if not isinstance(values, list) or not values:
        stop(f"{name} doit être une liste entre crochets, comme {example} : "
             "corrigez-la dans la zone ***.")


def check_settings():
    """Arrête le script si un réglage ne va pas."""
    check_number("repeats", repeats, 1, 10)
    check_list("betas", betas, "[1, 4, 20]")
    check_list("decoders", decoders, '["convolution"]')
    check_list("axes", axes, "[True]")
    low, high = limits["beta"]
    for beta in betas:
        check_number("chaque élément de betas", beta, low, high)
    for decoder in decoders:
        check_choice("chaque élément de decoders", decoder, choices["decoder"])
    for turned in axes:
        check_choice("chaque élément de axes", turned, choices["independent_axes"])
    train_VAE.check_settings(train_VAE.settings)


def make_plan(count):
    """Les réglages de chaque entraînement ; count : le nombre d'images."""
    same = dict(train_VAE.settings, dataset_folder=dataset_folder, count=count)
    del same["model_name"]                    # ces deux-là n'y changent rien
    del same["film"]
    plan = []
    for repeat in range(repeats):
        for decoder in decoders:
            for turned in axes:
                for beta in betas:
                    plan.append(dict(same, repeat=repeat, decoder=decoder,
                                     independent_axes=turned, beta=beta))
    return plan


def read_runs(path, plan):
    """Les entraînements du plan déjà faits, avec exactement les mêmes réglages."""
    runs = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                run = json.loads(line)
            except ValueError:                # coupée par une panne : on le refera
                continue
            if run["settings"] in plan:
                runs.append(run)
    return runs


# %% Entraîner et mesurer
def measure(case, images, names, factors):
    """Un entraînement : le réseau, ses latents, et ses mesures."""
    test_index, train_index = train_VAE.split(names, case["test_data_proportion"])
    torch.manual_seed(case["repeat"])
    model, settings, seconds = lab.train(images, train_index, **case)
    latents = train_VAE.measure_latents(model, images, train_index, settings)
    mu, logvar = encode_images(model, images, settings["task"])
    results = {}
    if factors is not None:
        results = score(mu.numpy(), factors)
    error = train_VAE.mean_square(model, images, test_index, settings["task"])
    results["erreur de test"] = error
    results["latents vivants"] = (latents["importance"] > 0.1).sum().item()
    return model, latents, results


def name_case(case):
    """La sorte d'un entraînement : « convolution, axes tournés », par exemple."""
    if case["independent_axes"]:
        return f"{case['decoder']}, axes tournés"
    return f"{case['decoder']}, axes du hasard"


def draw_latents(model, latents):
    """Ce que fait chaque latent : un par ligne, le plus important en haut."""
    order = latents["importance"].argsort(descending=True)
    steps = torch.linspace(-2, 2, 7)
    pictures = traverse(model, latents, order, steps)
    return to_picture(lab.join(pictures))


def tell(runs, plan, seconds):
    """Une ligne sur le dernier entraînement ; seconds : ce que dure chacun."""
    case = runs[-1]["settings"]
    words = []
    for name, value in runs[-1]["results"].items():
        if name != "R2":
            words.append(f"{name} {value:.3g}")
    minutes = seconds * (len(plan) - len(runs)) / 60
    print(f"{len(runs)}/{len(plan)}  {name_case(case)}, beta = {case['beta']:g} : "
          f"{', '.join(words)} ; encore {minutes:.0f} min")


# %% Les figures
def find(runs, kind, beta, name):
    """Cette mesure, pour chaque entraînement de cette sorte et de ce beta."""
    found = []
    for run in runs:
        case = run["settings"]
        if name_case(case) == kind and case["beta"] == beta:
            found.append(run["results"][name])
    return found


def draw_measure(axes, name, runs):
    """Une mesure selon beta : un point par entraînement, une ligne par sorte.

    Les lignes passent par les médianes."""
    betas = sorted({run["settings"]["beta"] for run in runs})
    kinds = sorted({name_case(run["settings"]) for run in runs}, reverse=True)
    for kind, color, shift in zip(kinds, lab.colors, (0, 0.12, 0.24, 0.36)):
        places = []
        medians = []
        for place, beta in enumerate(betas):
            found = find(runs, kind, beta, name)
            x = place + shift                 # côte à côte, pour les distinguer
            axes.plot([x] * len(found), found, "o", color=color, alpha=0.4)
            if found:
                places.append(x)
                medians.append(np.median(found))
        axes.plot(places, medians, color=color, label=kind)
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_xlabel("beta")
    axes.set_title(name)
    axes.set_ylim(bottom=0)
    if name[:3] in ("MIG", "SAP", "DCI"):
        axes.set_ylim(0, 1.03)
    if name == "latents vivants":
        axes.yaxis.get_major_locator().set_params(integer=True)


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


def draw_traversals(runs, folder):
    """Ce que fait chaque latent : une sorte par ligne, un beta par colonne."""
    betas = sorted({run["settings"]["beta"] for run in runs})
    kinds = sorted({name_case(run["settings"]) for run in runs}, reverse=True)
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
                    "(un par ligne, du plus au moins important)")
    return figure


# %% 1. Les images et le plan : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_settings()
    images, names = lab.open_images(dataset_folder, train_VAE.images_size)
    factors = None
    if list((lab.kit / dataset_folder).rglob("factors.csv")):
        factors, factor_names = read_factors(lab.kit / dataset_folder, names)
    else:
        print("Pas de factors.csv, donc pas de notes MIG, SAP et DCI : seulement "
              "l'erreur et les latents vivants.")
    folder = check_folder("sweep_beta", "explore/results/sweep_beta", written=True)
    path = lab.results / "sweep_beta.jsonl"
    plan = make_plan(len(names))
    runs = read_runs(path, plan)
    done = [run["settings"] for run in runs]
    left = [case for case in plan if case not in done]
    if runs:
        print(f"{len(runs)} entraînements sur {len(plan)} sont déjà faits : on continue.")

    # %% 2. Les entraînements
    start = time.time()
    try:
        for number, case in enumerate(left, start=1):
            model, latents, results = measure(case, images, names, factors)
            run = {"settings": case, "results": results}
            if case["repeat"] == 0:
                picture = draw_latents(model, latents)
                run["picture"] = save_picture(picture, folder, "latents").name
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(run, ensure_ascii=False) + "\n")
            runs.append(run)
            tell(runs, plan, (time.time() - start) / number)
    except KeyboardInterrupt:
        print("Arrêt demandé : ce qui est fait est gardé. Relancez ce script pour "
              "continuer.")
    if not runs:
        stop("Pas encore d'entraînement terminé, donc pas de figure : relancez ce script.")

    # %% 3. Les figures
    lab.keep(draw_measures(runs), "sweep_beta")
    shown = []
    for run in runs:
        at_end = run["settings"]["beta"] in (betas[0], betas[-1])
        if at_end and "picture" in run and (folder / run["picture"]).exists():
            shown.append(run)
    if shown:
        lab.keep(draw_traversals(shown, folder), "sweep_beta_traversals")
