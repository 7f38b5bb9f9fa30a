"""Que change beta ? Entraîner le même réseau avec plusieurs beta, plusieurs fois chacun, et comparer.

Lit     : les images de dataset_folder et, s'il y en a un, leur factors.csv ; les autres réglages viennent de train_VAE.py.
Écrit   : explore/results/sweep_beta.jsonl (une ligne par entraînement), sweep_beta.png (les mesures) et
          sweep_beta_traversals.png (ce que fait chaque latent, pour le premier et le dernier beta).
Ensuite : train_VAE.py, avec le beta que vous aurez choisi.
C'est long (le temps restant s'affiche) : Stop garde ce qui est fait, et un nouveau lancement continue où l'on en était.
"""
import contextlib
import json
import sys
import time

import laboratory as lab
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

import record_images as tools
import train_VAE
from factors import read_factors, score
from model_VAE_64 import encode_images, load_images, to_picture
from traversals import traverse

# ****************************** zone *** : à vous de modifier ******************************
dataset_folder = "images"                     #*** dossier des images
betas = [1, 4, 8, 20, 102]                    #*** les beta à comparer, du plus petit au plus grand
decoders = ["convolution", "broadcast"]       #*** les décodeurs à comparer
axes = [True, False]                          #*** independent_axes : axes du code tournés ou non, ou les deux
repeats = 5                                   #*** entraînements de chaque sorte, pour voir la part du hasard : 1 à 10
# *******************************************************************************************


# %% Entraîner et mesurer
def measure(settings, images, names, factors):
    """Un entraînement. Rend le réseau, ses latents et ses mesures : notes, erreur de test, latents vivants."""
    test_index, train_index = train_VAE.split(names, settings["test_data_proportion"])
    torch.manual_seed(settings["repeat"])
    model, settings, seconds = lab.train(images, train_index, **settings)
    latents = train_VAE.measure_latents(model, images, train_index, settings)
    mu, logvar = encode_images(model, images, settings["task"])
    scores = {} if factors is None else score(mu.numpy(), factors)
    output = train_VAE.reconstruct(model, images, test_index, settings["task"])["sortie"]
    return model, latents, scores | {"erreur de test": (output - images[test_index] / 255).square().mean().item(),
                                     "latents vivants": (latents["importance"] > 0.1).sum().item()}


def read_runs(file, plan):
    """Les entraînements du plan déjà faits, avec exactement les mêmes réglages."""
    runs = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else ():
        with contextlib.suppress(ValueError):             # une ligne coupée par une panne : cet entraînement sera refait
            runs.append(json.loads(line))
    return [run for run in runs if run["settings"] in plan]


# %% Les figures
def name_case(case):
    """La sorte d'un entraînement : "convolution, axes tournés", par exemple."""
    return f"{case['decoder']}, axes {'tournés' if case['independent_axes'] else 'du hasard'}"


def picture_of(case, folder):
    """Le fichier où sont dessinées les traversées de cette sorte."""
    turned = "tournes" if case["independent_axes"] else "hasard"
    return folder / f"{case['decoder']}_{turned}_{case['beta']:g}.png"


def draw_scores(runs, title):
    """Une mesure par cadre : chaque point est un entraînement, la ligne passe par les médianes."""
    measures = [name for name in runs[0]["results"] if name != "R2"]
    figure, frames = plt.subplots(1, len(measures), figsize=(2.9 * len(measures), 3.6), squeeze=False)
    betas = sorted({run["settings"]["beta"] for run in runs})
    kinds = sorted({name_case(run["settings"]) for run in runs}, reverse=True)
    for axes, name in zip(frames[0], measures):
        for shift, (kind, color) in enumerate(zip(kinds, lab.colors)):
            values = {beta: [run["results"][name] for run in runs if run["settings"]["beta"] == beta
                             and name_case(run["settings"]) == kind] for beta in betas}
            values = {place: found for place, found in enumerate(values.values()) if found}
            for place, found in values.items():
                axes.plot([place + 0.12 * shift] * len(found), found, "o", color=color, alpha=0.35, markersize=5)
            axes.plot([place + 0.12 * shift for place in values], [np.median(found) for found in values.values()], color=color, label=kind)
        axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
        axes.set(xlabel="beta", title=name)
        axes.set_ylim(bottom=0, top=1 if name[:3] in ("MIG", "SAP", "DCI") else None)
        axes.yaxis.set_major_locator(plt.MaxNLocator(5, integer=name == "latents vivants"))
    figure.legend(*frames[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds), frameon=False)
    figure.suptitle(title)
    return figure


def draw_traversals(cases, folder):
    """Ce que fait chaque latent, d'après le premier entraînement de chaque sorte : une sorte par ligne, un beta par colonne."""
    kinds = list(dict.fromkeys(name_case(case) for case in cases))
    betas = list(dict.fromkeys(case["beta"] for case in cases))
    figure, frames = plt.subplots(len(kinds), len(betas), squeeze=False, figsize=(1 + 4.6 * len(betas), 0.8 + 2.9 * len(kinds)))
    for axes, case in zip(frames.flat, cases):
        axes.imshow(Image.open(picture_of(case, folder)))
        axes.set_title(f"{name_case(case)}, beta = {case['beta']:g}")
    for axes in frames.flat:
        axes.axis("off")
    figure.suptitle("Ce que fait chaque latent, de -3 à +3 écarts-types (une ligne chacun, du plus au moins important)")
    return figure


# %% 1. Les images et le plan
if __name__ == "__main__":
    for name, values in (("dataset_folder", str), ("repeats", [1, 10])):
        tools.check(name, globals()[name], values)
    for name, values, example in (("betas", betas, "[1, 4, 20]"), ("decoders", decoders, '["convolution"]'), ("axes", axes, "[True]")):
        if not (isinstance(values, list) and values):
            sys.exit(f"{name} = {values!r} ne va pas : il faut une liste entre crochets, comme {example}. Corrigez-la dans la zone ***, puis relancez.")
    for beta in betas:
        tools.check("betas", beta, [0.0, 10000.0])
    for decoder in decoders:
        tools.check("decoders", decoder, train_VAE.allowed["decoder"])
    for turned in axes:
        tools.check("axes", turned, (True, False))
    images, names = load_images(lab.kit / dataset_folder, train_VAE.images_size)
    if len(images) < 10:
        sys.exit(f"{len(images)} images ne suffisent pas : il en faut au moins 10. Enregistrez-en avec record_images.py.")
    factors = None
    if any((lab.kit / dataset_folder).rglob("factors.csv")):
        factors, factor_names = read_factors(lab.kit / dataset_folder, names)
    else:
        print("Pas de factors.csv, donc pas de notes MIG, SAP et DCI : seulement l'erreur et les latents vivants.")
    settings = {name: getattr(train_VAE, name) for name in train_VAE.allowed if name not in ("model_name", "go_on", "show_window", "film")}
    plan = [settings | {"dataset_folder": dataset_folder, "count": len(names), "decoder": decoder, "beta": beta,
                        "independent_axes": turned, "repeat": repeat}
            for repeat in range(repeats) for decoder in decoders for turned in axes for beta in betas]
    folder = lab.results / "sweep_beta"                   # les traversées de chaque sorte
    folder.mkdir(parents=True, exist_ok=True)
    file = lab.results / "sweep_beta.jsonl"

    # %% 2. Les entraînements
    runs = read_runs(file, plan)
    done, start = len(runs), time.time()
    if done:
        print(f"{done} entraînements sur {len(plan)} sont déjà faits : on continue.")
    try:
        for case in plan:
            if case in [run["settings"] for run in runs]:
                continue
            model, latents, results = measure(case, images, names, factors)
            if case["repeat"] == 0:
                pictures = traverse(model, latents, latents["importance"].argsort(descending=True), torch.linspace(-3, 3, 7))
                to_picture(torch.cat(list(torch.cat(list(pictures.transpose(0, 1)), dim=3)), dim=1)).save(
                    picture_of(case, folder))
            runs.append({"settings": case, "results": results})
            with open(file, "a", encoding="utf-8") as lines:
                lines.write(json.dumps(runs[-1], ensure_ascii=False) + "\n")
            left = (time.time() - start) / (len(runs) - done) * (len(plan) - len(runs)) / 60
            print(f"{len(runs)}/{len(plan)}  {name_case(case)}, beta = {case['beta']:g} : "
                  + ", ".join(f"{name} {value:.3g}" for name, value in results.items() if name != "R2") + f" ; encore {left:.0f} min")
    except KeyboardInterrupt:
        print("Arrêt demandé : ce qui est fait est gardé. Relancez ce script pour continuer.")
    if not runs:
        sys.exit("Pas encore d'entraînement terminé, donc pas de figure : relancez ce script.")

    # %% 3. Les figures
    lab.keep(draw_scores(runs, "Que change beta ?"), "sweep_beta")
    done = [run["settings"] for run in runs]
    ends = [case for case in plan if case in done and case["repeat"] == 0 and case["beta"] in (betas[0], betas[-1])]
    if ends:
        lab.keep(draw_traversals(sorted(ends, key=name_case, reverse=True), folder), "sweep_beta_traversals")
