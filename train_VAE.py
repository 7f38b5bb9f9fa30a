"""Entraîner le VAE : il apprend seul à résumer chaque image en latent_size nombres, puis à la redessiner.

Lit     : les images de dataset_folder (à défaut, les images de démonstration).
Écrit   : model_name.pth (le modèle) et model_name.png (les courbes et des reconstructions), à côté de ce script.
Ensuite : decode_VAE.py.
Stop (ou "q" dans la fenêtre) arrête avant la fin et garde ce qui est appris.
"""
import copy
import math
import shutil
import sys
import time
import zlib
from pathlib import Path

from model_VAE_64 import VAE, encode_images, load_images, load_model, save_model, spoil, to_picture, vae_loss
import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
images_size = 64              #*** côté des images, en pixels : 32, 64 ou 128
latent_size = 4               #*** combien de nombres résument une image : 1 à 32
dataset_folder = "images"     #*** dossier des images (sous-dossiers compris)
model_name = "VAE_64"         #*** nom du modèle : changez-le pour garder plusieurs modèles
test_data_proportion = 0.1    #*** part des images gardées pour le test, jamais apprises : 0.05 à 0.5
batch_size = 24               #*** images par pas d'apprentissage : 8 à 128
epochs = 10                   #*** nombre de passages sur toutes les images : 5 à 200
learning_rate = 0.005         #*** vitesse d'apprentissage : 0.0005 à 0.01
beta = 1                      #*** poids de la KL : 0 auto-encodeur simple, 1 VAE, 2 à 100 beta-VAE
reconstruction = "mse"        #*** mesure de l'erreur : "mse", "l1", "gaussian" ou "laplace" (sigma-VAE)
decoder = "convolution"       #*** décodeur : "convolution" ou "broadcast" (diffusion spatiale)
task = "copy"                 #*** tâche : "copy", "denoise" (débruiter) ou "super_resolution"
independent_axes = True       #*** True : un curseur, une chose ; False : les axes du hasard, tout se mélange
augmentation = False          #*** True : chaque image est décalée et agrandie un peu, au hasard
kl_warmup = 0                 #*** part de l'entraînement où beta monte de 0 à sa valeur : 0 à 0.5
go_on = False                 #*** True : continuer l'entraînement du modèle model_name
show_window = True            #*** False : pas de fenêtre pendant l'entraînement
film = False                  #*** True : garder l'entraînement en film (model_name.gif)
# *******************************************************************************************

here = Path(__file__).resolve().parent    # le dossier de ce script : tous les chemins partent de lui
allowed = {                               # ce que chaque réglage accepte : [min, max] ou (choix, choix...)
    "images_size": (32, 64, 128), "latent_size": [1, 32], "test_data_proportion": [0.01, 0.9],
    "batch_size": [1, 10000], "epochs": [1, 10000], "learning_rate": [0.00001, 0.1],
    "beta": [0.0, 10000.0], "reconstruction": ("mse", "l1", "gaussian", "laplace"),
    "decoder": ("convolution", "broadcast"), "task": ("copy", "denoise", "super_resolution"),
    "independent_axes": (True, False), "augmentation": (True, False), "kl_warmup": [0.0, 0.5], "go_on": (True, False), "show_window": (True, False),
    "film": (True, False), "dataset_folder": str, "model_name": str}


# %% Apprendre et mesurer
def split(names, proportion, already=()):
    """Les numéros des images de test et d'apprentissage, choisis d'après les noms : les mêmes à chaque lancement.

    Ce qui a déjà été appris (already) ne sert pas au test."""
    order = sorted(range(len(names)), key=lambda i: (names[i] in already, zlib.crc32(names[i].encode())))
    count = max(1, min(round(proportion * len(names)), sum(name not in already for name in names)))
    return torch.tensor(order[:count]), torch.tensor(order[count:])


def new_optimizer(model):
    """Adam (Kingma et Ba, 2015). fused : d'un seul coup, ce que torch sait faire sur un processeur depuis la version 2.4."""
    fused = next(model.parameters()).device.type == "cpu" and torch.__version__ >= (2, 4)
    return torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=fused or None)        # None : torch choisit


def train_epoch(model, images, index, optimizer, epoch, settings):
    """Une époque : les images[index], mélangées, lot par lot. Rend (yield) la perte, l'erreur et la KL de chaque lot."""
    model.train()
    batches = index[torch.randperm(len(index))].split(settings["batch_size"])
    for number, batch in enumerate(batches):
        progress = (epoch - 1 + number / len(batches)) / settings["epochs"]      # de 0 à 1 au fil de l'entraînement
        optimizer.param_groups[0]["lr"] = (settings["learning_rate"] * min(1, 0.05 + 10 * progress)  # départ en douceur,
                                           * (1 + math.cos(math.pi * progress)) / 2)                 # arrivée aussi
        beta = settings["beta"] * (min(1, progress / settings["kl_warmup"]) if settings["kl_warmup"] else 1)
        target = images[batch] / 255                                             # (N, 3, 64, 64), de 0 à 1
        if settings["augmentation"]:
            target = augment(target)
        output, mu, logvar = model(spoil(target, settings["task"]), noise=settings["beta"] > 0)
        loss, error, kl = vae_loss(output, target, mu, logvar, beta, settings["reconstruction"])
        if not math.isfinite(loss.item()):
            raise FloatingPointError
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item(), error.item(), kl.sum().item()
    if settings["independent_axes"] and epoch < settings["epochs"]:      # pas à la fin : logvar doit encore s'y faire
        mu, logvar = encode_images(model, images[index[:2000]], settings["task"])
        turn_axes(model, mu.cpu(), logvar.cpu())


@torch.no_grad()
def turn_axes(model, mu, logvar):
    """Tourne les axes du code pour que chaque nombre varie seul, sans changer aucune image.

    C'est l'analyse en composantes indépendantes (Hyvärinen et Oja, 2000, FastICA). Pourquoi
    cela marche sans étiquettes : un mélange de causes sans lien entre elles (une place, une
    couleur) ressemble toujours plus à une cloche (loi normale) que chacune d'elles. On cherche
    donc les axes où les nombres ressemblent le moins à une cloche.
    1. blanchir : x = (mu - moyenne) @ white, pour que chaque axe ait le même écart-type, 1 ;
    2. tourner  : y = x @ turn.T, où la rotation turn éloigne le plus possible la moyenne de
                  y**6 de celle d'une cloche (on suit la pente, puis on en refait une rotation).
    Enfin chaque axe est réduit, pour que mu**2 + sigma**2 vaille 1 en moyenne, comme N(0, 1).
    """
    # un latent qui ne dit presque rien reste à sa place
    live = (mu.var(0, correction=0) > 0.5).nonzero().flatten()
    mean = mu[:, live].mean(0)
    x = mu[:, live] - mean
    covariance = x.T @ x / len(x)
    if len(live) == 0 or not covariance.isfinite().all():
        return                                       # tout est mort, ou les pas sont trop grands
    values, vectors = torch.linalg.eigh(covariance)
    if values.min() < 0.001:                         # trop peu d'images, ou toutes pareilles
        return
    white = vectors @ torch.diag(values**-0.5) @ vectors.T
    x = x @ white
    turn = torch.eye(len(live))
    for step in range(100):
        y = x @ turn.T
        slope = (y**5).T @ x / len(x) - 5 * (y**4).mean(0)[:, None] * turn
        U, S, V = torch.linalg.svd(slope)
        turn = U @ V                                 # la rotation la plus proche de slope
    go = turn @ white
    noise = go**2 @ logvar[:, live].exp().mean(0)    # sigma**2 sur les nouveaux axes
    go = go / torch.sqrt(1 + noise)[:, None]
    axes, back = model.axes, model.back
    go, mean = go.to(axes.weight.device), mean.to(axes.weight.device)
    axes.weight[live] = go @ axes.weight[live]       # mu devient (mu - moyenne) @ go.T...
    axes.bias[live] = go @ (axes.bias[live] - mean)
    back.bias += back.weight[:, live] @ mean         # ... et le décodeur fait l'inverse
    back.weight[:, live] = back.weight[:, live] @ go.inverse()


def augment(target):
    """Un cadrage au hasard pour chaque image : 80 à 100 % de sa surface."""
    from torchvision.transforms import v2      # importé ici seulement : torchvision met deux secondes à se charger
    crop = v2.RandomResizedCrop(target.shape[-1], scale=(0.8, 1), ratio=(1, 1), antialias=True)
    return torch.stack([crop(image) for image in target])


@torch.no_grad()
def evaluate(model, images, index, settings):
    """Perte, erreur et KL moyennes sur images[index], sans rien apprendre."""
    model.eval()
    total = np.zeros(3)
    for batch in index.split(500):
        target = images[batch] / 255
        output, mu, logvar = model(spoil(target, settings["task"]), noise=settings["beta"] > 0)
        loss, error, kl = vae_loss(output, target, mu, logvar, settings["beta"], settings["reconstruction"])
        total += np.array([loss.item(), error.item(), kl.sum().item()]) * len(batch)
    return (total / len(index)).tolist()


@torch.no_grad()
def reconstruct(model, images, index, task):
    """Ce que reçoit le réseau et ce qu'il redessine, sans hasard ; et l'image nette, si la tâche n'est pas de copier."""
    model.eval()
    target = images[index] / 255
    inputs = spoil(target, task)
    rows = {"entrée": inputs, "sortie": model(inputs, noise=False)[0]}
    return rows if task == "copy" else rows | {"cible": target}


@torch.no_grad()
def measure_latents(model, images, index, settings):
    """Pour les curseurs : moyenne, écart-type et importance de chaque latent sur images[index]."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mean, spread = mu.mean(0), mu.std(0, correction=0) + 1e-6
    if settings["beta"]:        # la KL de chaque latent, en bits
        importance = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0) / math.log(2)
    else:                       # sans KL : sa part des changements de l'image, en %
        change = model.decode(mean + torch.diag(spread)) - model.decode(mean - torch.diag(spread))
        importance = 100 * change.square().sum((1, 2, 3)) / (change.square().sum() + 1e-9)
    return {"z_mean": mean.cpu(), "z_spread": spread.cpu(), "importance": importance.nan_to_num(0, 0, 0).cpu()}


# %% La fenêtre
def draw_progress(losses, test_losses, title, rows):
    """Les courbes de perte et, dessous, des images de test au-dessus de leurs reconstructions."""
    screen = Image.new("RGB", (900, 300 + 100 * len(rows)), tools.white)
    draw = ImageDraw.Draw(screen)
    draw.text((12, 8), title, tools.black, tools.font)
    left, top, right, bottom = 70, 58, 880, 270
    values = np.array([losses, test_losses]) if losses else np.zeros((2, 1))
    low = values.min()
    high = max(values[:, 1:].max(initial=low), low + 1e-9)        # la première perte, énorme, sort du cadre
    heights = np.maximum(bottom - (bottom - top) * (values - low) / (high - low), top)
    across = np.linspace(left, right, values.shape[1])
    for curve, color, name, x in ((heights[0], (40, 90, 200), "perte", 70), (heights[1], (225, 110, 20), "perte de test", 130)):
        draw.line(list(zip(across, curve)), color, 2)
        draw.text((x, 34), name, color, tools.font)
    draw.line((left, top, left, bottom, right, bottom), tools.grey)
    if losses:
        draw.text((left - 8, top), f"{high:.4g}", tools.grey, tools.small_font, anchor="rm")
        draw.text((left - 8, bottom), f"{low:.4g}", tools.grey, tools.small_font, anchor="rm")
        draw.text((left, bottom + 4), "époque 1", tools.grey, tools.small_font)
        draw.text((right, bottom + 4), f"époque {len(losses)}", tools.grey, tools.small_font, anchor="ra")
    for row, (name, pictures) in enumerate(rows.items()):
        draw.text((12, 342 + 100 * row), name, tools.black, tools.font, anchor="lm")
        for column, picture in enumerate(pictures):
            screen.paste(to_picture(picture).resize((96, 96)), (112 + 96 * column, 294 + 100 * row))
    return screen


# %% 1. Les réglages et les images
if __name__ == "__main__":
    for name, values in allowed.items():
        tools.check(name, globals()[name], values)
    settings = {name: globals()[name] for name in allowed}
    path = here / f"{model_name}.pth"
    tools.check_folder(path.parent)
    if set(path.name) & set('<>:"|?*'):
        sys.exit(f'model_name = {model_name!r} ne va pas : enlevez < > : " | ? *, puis relancez.')
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if go_on:
        model, saved = load_model(path, device)
        settings |= {name: saved["settings"][name] for name in ("images_size", "latent_size", "decoder")}
        print(f"On continue {path.name}, avec ses propres images_size, latent_size et decoder.")
    else:
        saved = {"losses": [], "test_losses": [], "train_names": []}
    images, names = load_images(here / dataset_folder, settings["images_size"])
    if len(names) < 10:
        sys.exit(f"{len(names)} images ne suffisent pas : il en faut au moins 10 (200 conseillées). Enregistrez-en avec record_images.py.")
    already = set(saved["train_names"])
    test_index, train_index = split(names, test_data_proportion, already)
    images = images.to(device)

    # %% 2. Le réseau
    if not go_on:
        model = VAE(images_size, latent_size, decoder).to(device)
        model.start_from(images[train_index[:1000]])
    optimizer = new_optimizer(model)
    losses, test_losses = saved["losses"], saved["test_losses"]
    print(f"Calcul sur {device} : {len(train_index)} images d'apprentissage, {len(test_index)} de test, "
          f"{sum(weight.numel() for weight in model.parameters())} poids à régler.")
    if reconstruction in ("gaussian", "laplace"):
        print("sigma-VAE : la perte peut devenir négative, c'est normal (c'est le logarithme d'une densité).")
    steps = math.ceil(len(train_index) / batch_size)
    if steps * epochs < 200:
        print(f"{steps * epochs} pas d'apprentissage, c'est peu : avec si peu d'images, essayez epochs = {min(200, 400 // steps)}.")

    # %% 3. L'entraînement
    window = show_window and tools.screen_works()
    if window:
        tools.close_windows()             # une fenêtre restée d'un lancement précédent
        tools.open_window("apprentissage", "Apprentissage")
    elif show_window:
        print(f"Pas d'écran, donc pas de fenêtre : les courbes seront dans {path.stem}.png.")
    good, start, told, looked, examples, frames = copy.deepcopy(model.state_dict()), time.time(), time.time(), 0, test_index[:8], []
    title = "Avant d'apprendre"
    try:
        for epoch in range(1, epochs + 1):
            screen = draw_progress(losses, test_losses, title, reconstruct(model, images, examples, task))
            if window:
                tools.show("apprentissage", screen)
            if film and (epoch - 1) % math.ceil(epochs / 100) == 0:              # une centaine de vues au plus
                frames.append(screen.quantize())
            parts = []
            for part in train_epoch(model, images, train_index, optimizer, epoch, settings):
                parts.append(part)
                if time.time() > told + 2:
                    told = time.time()
                    print(f"\rÉpoque {epoch}/{epochs} : {100 * len(parts) // steps} %", end="")
                if window and time.time() > looked + 0.2:
                    looked = time.time()
                    if cv2.waitKeyEx(1) in tools.quit_keys:
                        raise KeyboardInterrupt
                    window = tools.is_open("apprentissage")
            loss, error, kl = np.mean(parts, axis=0).tolist()
            test_loss, test_error, test_kl = evaluate(model, images, test_index, settings)
            if not math.isfinite(test_loss):
                raise FloatingPointError
            losses.append(loss)
            test_losses.append(test_loss)
            good, told = copy.deepcopy(model.state_dict()), time.time()
            title = f"Époque {epoch}/{epochs}  perte {loss:.2f} = erreur {error:.2f} + {beta} x KL {kl:.2f}  test {test_loss:.2f}"
            print(f"\r{title}  {told - start:.0f} s, encore {(told - start) * (epochs / epoch - 1):.0f} s")
    except KeyboardInterrupt:
        print("\nArrêt demandé : je garde ce qui est appris.")
    except FloatingPointError:
        print("\nLa perte n'est plus un nombre : les pas sont trop grands. Divisez learning_rate par 4, puis relancez.")
        if not losses:
            sys.exit("Rien n'a été appris : aucun modèle n'est écrit.")
        print(f"En attendant, je garde le réseau de l'époque {len(losses)}.")
        model.load_state_dict(good)
    finally:
        tools.close_windows()

    # %% 4. Le modèle et le bilan
    latents = measure_latents(model, images, train_index, settings)
    try:
        if path.exists():
            shutil.copyfile(path, path.with_name(f"{path.stem}_precedent.pth"))
            print(f"L'ancien modèle est gardé sous le nom {path.stem}_precedent.pth.")
        save_model(path, model, settings=settings, losses=losses, test_losses=test_losses,
                   train_names=sorted(already.union(names[i] for i in train_index)), **latents)
        screen = draw_progress(losses, test_losses, f"{model_name}, époque {len(losses)}", reconstruct(model, images, examples, task))
        screen.save(path.with_suffix(".png"))
        if film:
            frames.append(screen.quantize())
            frames[0].save(path.with_suffix(".gif"), save_all=True, append_images=frames[1:], duration=300, loop=0)
    except OSError as error:
        sys.exit(f"Impossible d'écrire {path} ({error.strerror}) : libérez de la place, puis relancez la cellule 4 dans Spyder.")
    known, unknown = train_index[:1000], test_index[:1000]
    train_error, test_error = ((reconstruct(model, images, index, task)["sortie"] - images[index] / 255).square().mean().item()
                               for index in (known, unknown))
    mean_error = (images[unknown] / 255 - model.mean_image).square().mean().item()
    print(f"\nErreur (moyenne des carrés des écarts) sur {len(unknown)} images de test : {test_error:.5f} ; avec l'image moyenne : {mean_error:.5f}.")
    if test_error > 0.9 * mean_error:
        print("Le réseau n'a rien appris de plus que l'image moyenne : augmentez epochs ou learning_rate, ou baissez beta.")
    elif test_error > 1.5 * train_error:
        print(f"Surapprentissage : {train_error:.5f} seulement sur les images apprises. Il faut plus d'images, ou moins d'époques.")
    else:
        print(f"Il a appris : {mean_error / max(test_error, 1e-12):.1f} fois mieux que l'image moyenne, sur des images jamais vues.")
    importance, unit = latents["importance"], "bits" if beta else "%"
    for i in importance.argsort(descending=True).tolist():
        print(f"  z{i + 1} : {importance[i]:5.2f} {unit} {'#' * int(40 * importance[i] / (importance.max() + 1e-9))}"
              f"{'' if importance[i] > 0.1 else ' mort : il ne change presque rien'}")
    print(f"Modèle : {path.name}. Courbes et images : {path.stem}.png. Ensuite : decode_VAE.py")
