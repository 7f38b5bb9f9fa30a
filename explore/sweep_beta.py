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

import figures
import laboratory as lab
import torch
from scores import check_count, read_factors, score
from sweep_figures import draw_measures, draw_traversals, name_case


# %% Le plan
def check_list(name, values, example):
    """Arrête le script si ce n'est pas une liste, ou si elle est vide."""
    if not isinstance(values, list) or not values:
        lab.stop(f"{name} doit être une liste entre crochets, comme {example} : "
                 "corrigez-la dans la zone ***.")


def check_zone():
    """Arrête le script si un réglage ne va pas."""
    lab.check_number("repeats", repeats, 1, 10)
    check_list("betas", betas, "[1, 4, 20]")
    check_list("decoders", decoders, '["convolution"]')
    check_list("axes", axes, "[True]")
    low, high = lab.limits["beta"]
    for beta in betas:
        lab.check_number("chaque élément de betas", beta, low, high)
    for decoder in decoders:
        lab.check_choice("chaque élément de decoders", decoder, lab.choices["decoder"])
    for turned in axes:
        lab.check_choice("chaque élément de axes", turned, lab.choices["independent_axes"])
    lab.check_settings(lab.settings)          # ceux de train_VAE.py


def make_plan(count):
    """Les réglages de chaque entraînement ; count : le nombre d'images."""
    same = dict(lab.settings, dataset_folder=dataset_folder, count=count)
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


# %% Les images
def open_factors(folder, names):
    """Les vrais facteurs des images, (N, facteurs) ; None s'il n'y a pas de factors.csv."""
    if not list(folder.rglob("factors.csv")):
        print("Pas de factors.csv, donc pas de notes MIG, SAP et DCI : seulement "
              "l'erreur et les latents vivants.")
        return None
    check_count(len(names))
    factors, factor_names = read_factors(folder, names)
    return factors


# %% Entraîner et mesurer
def train_case(case, images, names, factors, movements):
    """Un entraînement : le réseau, ses latents, et ses mesures."""
    if not case["independent_axes"]:
        movements = lab.Movements()      # aucun
    train_index, test_index = lab.split(names, case["test_data_proportion"])
    torch.manual_seed(case["repeat"])
    model, settings, seconds = lab.train(images, train_index, movements=movements, **case)
    latents = lab.measure_latents(model, images, train_index, settings)
    latents["movements"] = movements.found
    results = {}
    if factors is not None:
        mu, logvar = lab.encode_images(model, images, settings["task"])
        results = score(mu.numpy(), factors)
    error = lab.pixel_error(model, images, test_index, settings["task"])
    results["erreur de test"] = error
    results["latents vivants"] = len(lab.live_latents(latents))
    return model, latents, results


def draw_latents(model, latents):
    """Ce que fait chaque latent : un par ligne, dans l'ordre des curseurs."""
    steps = torch.linspace(-2, 2, 7)
    pictures = lab.traverse(model, latents, lab.order_sliders(latents), steps)
    return lab.to_picture(figures.join(pictures))


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


# %% 1. Les images et le plan : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_zone()
    images, names = lab.open_images(dataset_folder, lab.settings["images_size"])
    factors = open_factors(lab.kit / dataset_folder, names)
    movements = lab.find_movements(names, lab.settings["latent_size"])
    folder = lab.results / "sweep_beta"
    lab.make_folder(folder)
    path = lab.results / "sweep_beta.jsonl"
    plan = make_plan(len(names))
    runs = read_runs(path, plan)
    done = [run["settings"] for run in runs]
    left = [case for case in plan if case not in done]
    if runs:
        print(f"Entraînements déjà faits : {len(runs)} sur {len(plan)}. On continue.")

    # %% 2. Les entraînements
    start = time.time()
    try:
        for number, case in enumerate(left, start=1):
            model, latents, results = train_case(case, images, names, factors, movements)
            run = {"settings": case, "results": results}
            if case["repeat"] == 0:
                picture = draw_latents(model, latents)
                run["picture"] = lab.save_picture(picture, folder, "latents").name
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(run, ensure_ascii=False) + "\n")
            runs.append(run)
            tell(runs, plan, (time.time() - start) / number)
    except KeyboardInterrupt:
        print("Arrêt demandé : ce qui est fait est gardé. Relancez ce script pour "
              "continuer.")
    if not runs:
        lab.stop("Pas encore d'entraînement terminé, donc pas de figure : relancez ce "
                 "script.")

    # %% 3. Les figures
    figures.keep(draw_measures(runs), "sweep_beta")
    shown = []
    for run in runs:
        at_end = run["settings"]["beta"] in (betas[0], betas[-1])
        if at_end and "picture" in run and (folder / run["picture"]).exists():
            shown.append(run)
    if shown:
        figures.keep(draw_traversals(shown, folder), "sweep_beta_traversals")
