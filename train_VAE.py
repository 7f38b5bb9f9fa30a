"""Entraîner le VAE : il apprend seul à résumer chaque image en latent_size nombres, puis à la redessiner.

Lit    : les images de dataset_folder (à défaut, les images de démonstration).
Écrit  : model_name.pth (le modèle) et model_name.png (les courbes et des reconstructions), à côté de ce script.
Ensuite : decode_VAE.py.
Stop (ou "q" dans la fenêtre) arrête avant la fin et garde ce qui est appris.
"""
import copy
import math
import shutil
import sys
import tempfile
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

import record_images as tools
from model_VAE_64 import VAE, encode_images, load_images, load_model, save_model, spoil, to_picture, vae_loss

# ****************************** zone *** : à vous de modifier ******************************
images_size = 64              #*** côté des images, en pixels : 32, 64 ou 128
latent_size = 4               #*** combien de nombres résument une image : 1 à 32
dataset_folder = "images"     #*** dossier des images (sous-dossiers compris)
model_name = "VAE_64"         #*** nom du modèle : changez-le pour garder plusieurs modèles
test_data_proportion = 0.1    #*** part des images jamais apprises, gardées pour le test : 0.05 à 0.5
batch_size = 16               #*** images par pas d'apprentissage : 8 à 128
epochs = 15                   #*** nombre de passages sur toutes les images : 5 à 200
learning_rate = 0.004         #*** vitesse d'apprentissage : 0.0005 à 0.01
beta = 1                      #*** poids de la KL : 0 auto-encodeur simple, 1 VAE, 2 à 100 beta-VAE
reconstruction = "mse"        #*** mesure de l'erreur : "mse", "l1", "gaussian", "laplace" (sigma-VAE)
decoder = "convolution"       #*** décodeur : "convolution" ou "broadcast" (diffusion spatiale)
task = "copy"                 #*** tâche : "copy", "denoise" (débruiter) ou "super_resolution"
augmentation = False          #*** True : décale et agrandit un peu chaque image, au hasard
kl_warmup = 0.0               #*** part de l'entraînement pendant laquelle beta monte de 0 à sa valeur : 0 à 0.5
go_on = False                 #*** True : continuer l'entraînement du modèle model_name
show_window = True            #*** False : pas de fenêtre pendant l'entraînement
# *******************************************************************************************

here = Path(__file__).resolve().parent    # le dossier de ce script : tous les chemins partent de lui
allowed = {                               # ce que chaque réglage accepte : [min, max] ou (choix, choix...)
    "images_size": (32, 64, 128), "latent_size": [1, 32], "test_data_proportion": [0.01, 0.9], "batch_size": [1, 10000],
    "epochs": [1, 10000], "learning_rate": [0.00001, 0.1], "beta": [0.0, 10000.0], "kl_warmup": [0.0, 0.5],
    "reconstruction": ("mse", "l1", "gaussian", "laplace"), "decoder": ("convolution", "broadcast"),
    "task": ("copy", "denoise", "super_resolution"), "augmentation": (True, False), "go_on": (True, False), "show_window": (True, False)}


# %% Un passage sur les images
def train_epoch(model, images, index, optimizer, epoch, settings):
    """Une époque : toutes les images images[index], mélangées, lot par lot. Rend (yield) perte, erreur et KL de chaque lot."""
    model.train()
    batches = index[torch.randperm(len(index))].split(settings["batch_size"])
    for number, batch in enumerate(batches):
        progress = (epoch - 1 + number / len(batches)) / settings["epochs"]          # de 0 à 1 au fil de l'entraînement
        optimizer.param_groups[0]["lr"] = (settings["learning_rate"] * min(1, 0.05 + 10 * progress)      # départ en douceur
                                           * (1 + math.cos(math.pi * progress)) / 2)                     # puis arrivée aussi
        beta = settings["beta"] * (min(1, progress / settings["kl_warmup"]) if settings["kl_warmup"] else 1)
        target = images[batch].float() / 255                                         # (N, 3, 64, 64)
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


def augment(target):
    """Un cadrage au hasard pour chaque image : au moins 80 % de sa surface."""
    from torchvision.transforms import v2        # importé ici seulement : il met deux secondes à se charger
    crop = v2.RandomResizedCrop(target.shape[-1], scale=(0.8, 1), ratio=(1, 1), antialias=True)
    return torch.stack([crop(image) for image in target])


@torch.no_grad()
def evaluate(model, images, index, settings):
    """Perte, erreur et KL moyennes sur images[index], sans rien apprendre."""
    model.eval()
    total = np.zeros(3)
    for batch in index.split(500):
        target = images[batch].float() / 255
        output, mu, logvar = model(spoil(target, settings["task"]), noise=settings["beta"] > 0)
        loss, error, kl = vae_loss(output, target, mu, logvar, settings["beta"], settings["reconstruction"])
        total += np.array([loss.item(), error.item(), kl.sum().item()]) * len(batch)
    return (total / len(index)).tolist()


@torch.no_grad()
def reconstruct(model, images, index, task):
    """Ce que reçoit le réseau et ce qu'il redessine, sans hasard ; et l'image nette, si la tâche n'est pas de copier."""
    model.eval()
    target = images[index].float() / 255
    inputs = spoil(target, task)
    rows = {"entrée": inputs, "sortie": model(inputs, noise=False)[0]}
    return rows if task == "copy" else rows | {"cible": target}


def squared_error(model, images, index, task):
    """Moyenne des (sortie - image)**2 sur images[index]."""
    return sum((reconstruct(model, images, batch, task)["sortie"] - images[batch] / 255).square().mean().item() * len(batch)
               for batch in index.split(500)) / len(index)


# %% La fenêtre
def draw_progress(losses, test_losses, title, rows):
    """Les deux courbes de perte et, dessous, des images de test au-dessus de leurs reconstructions."""
    side = 96
    screen = Image.new("RGB", (8 * side + 130, 300 + len(rows) * (side + 4)), tools.white)
    draw = ImageDraw.Draw(screen)
    draw.text((12, 8), title, tools.black, tools.font)
    left, top, right, bottom = 70, 40, screen.width - 20, 270
    values = np.array([losses, test_losses]) if losses else np.zeros((2, 1))
    low, high = values.min(), max(values[:, 1:].max(initial=values.min() + 1e-9), values.min() + 1e-9)   # la première, énorme, sort du cadre
    for curve, color, name, x in ((values[0], (40, 90, 200), "perte", right - 200), (values[1], (225, 110, 20), "perte de test", right - 110)):
        points = [(left + (right - left) * i / max(len(curve) - 1, 1), max(bottom - (bottom - top) * (value - low) / (high - low), top))
                  for i, value in enumerate(curve)]
        draw.line(points, color, 2)
        draw.text((x, top - 28), name, color, tools.font)
    draw.line((left, top, left, bottom, right, bottom), tools.grey)
    for value, y in ((high, top), ((low + high) / 2, (top + bottom) / 2), (low, bottom)):
        draw.text((left - 8, y), f"{value:.4g}", tools.grey, tools.small_font, anchor="rm")
    draw.text((left, bottom + 4), "époque 1", tools.grey, tools.small_font)
    draw.text((right, bottom + 4), f"époque {len(losses)}", tools.grey, tools.small_font, anchor="ra")
    for row, (name, pictures) in enumerate(rows.items()):
        y = 294 + row * (side + 4)
        draw.text((12, y + side / 2), name, tools.black, tools.small_font, anchor="lm")
        for column, picture in enumerate(pictures):
            screen.paste(to_picture(picture).resize((side, side)), (120 + column * side, y))
    return screen


# %% Ce que porte chaque latent
@torch.no_grad()
def measure_latents(model, images, index, settings):
    """Pour les curseurs : moyenne, écart-type et importance de chaque latent sur les images d'apprentissage."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mean, spread = mu.mean(0), mu.std(0) + 1e-6
    if settings["beta"]:        # la KL de chaque latent, en bits
        importance = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0) / math.log(2)
    else:                       # sans KL : sa part des changements de l'image, en %
        change = (model.decode(mean + torch.diag(spread)) - model.decode(mean - torch.diag(spread))).square().mean((1, 2, 3))
        importance = 100 * change / change.sum()
    return {"z_mean": mean.cpu(), "z_spread": spread.cpu(), "importance": importance.cpu()}


if __name__ == "__main__":
    # %% 1. Les réglages et les images
    for name, values in allowed.items():
        tools.check(name, globals()[name], values)
    settings = {name: globals()[name] for name in [*allowed, "dataset_folder", "model_name"]}
    path = here / f"{model_name}.pth"
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        sys.exit(f"Impossible d'écrire dans {path.parent} ({error.strerror}) : copiez le kit dans un dossier à vous, ou corrigez model_name.")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    model, saved = load_model(path, device) if go_on else (None, None)
    if go_on:
        for name in ("images_size", "latent_size", "decoder"):
            if settings[name] != saved["settings"][name]:
                settings[name] = saved["settings"][name]
                print(f"On continue {path.name} avec {name} = {settings[name]!r}, comme dans ce fichier.")
    images, names = load_images(here / dataset_folder, settings["images_size"])
    if len(names) < 10:
        sys.exit(f"{len(names)} images ne suffisent pas : il en faut au moins 10 (200 conseillées). Enregistrez-en avec record_images.py.")
    already = set(saved["train_names"]) if go_on else set()           # jamais dans le test, même si l'on continue
    order = sorted(range(len(names)), key=lambda i: (names[i] in already, zlib.crc32(names[i].encode())))
    test_count = max(1, min(round(test_data_proportion * len(names)), len(names) - len(already.intersection(names))))
    test_index, train_index = torch.tensor(order[:test_count]), torch.tensor(order[test_count:])
    images = images.to(device)

    # %% 2. Le réseau
    mean_image = sum(images[batch].float().sum(0) for batch in train_index.split(500)) / 255 / len(train_index)
    if not go_on:
        model = VAE(images_size, latent_size, decoder).to(device)
        model.start_from(mean_image)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99))
    losses, test_losses, errors, kls = ([*saved[name]] if go_on else [] for name in ("losses", "test_losses", "errors", "kls"))
    weights = sum(weight.numel() for weight in model.parameters())
    print(f"Calcul sur {device} : {len(train_index)} images d'apprentissage, {len(test_index)} de test, {weights} poids à régler.")
    if reconstruction in ("gaussian", "laplace"):
        print("sigma-VAE : la perte peut devenir négative, c'est normal (c'est le logarithme d'une densité).")
    if batch_size > len(train_index):
        print(f"batch_size = {batch_size} dépasse les {len(train_index)} images d'apprentissage : chaque époque sera un seul pas.")

    # %% 3. L'entraînement
    window = show_window and tools.screen_works()
    if show_window and not window:
        print(f"Pas d'écran : pas de fenêtre, les images seront dans {path.stem}.png.")
    good, start, told, looked = copy.deepcopy(model.state_dict()), time.time(), time.time(), 0
    examples = test_index[:8]
    try:
        for epoch in range(1, epochs + 1):
            parts = []
            for part in train_epoch(model, images, train_index, optimizer, epoch, settings):
                parts.append(part)
                if time.time() > told + 2:
                    told = time.time()
                    print(f"\rÉpoque {epoch}/{epochs} : {100 * len(parts) * batch_size // len(train_index)} %", end="")
                if window and time.time() > looked + 0.2:
                    if not looked:
                        tools.show("apprentissage", draw_progress([], [], "Avant d'apprendre", reconstruct(model, images, examples, task)))
                    looked = time.time()
                    if cv2.waitKeyEx(1) in tools.quit_keys:
                        raise KeyboardInterrupt
                    window = tools.is_open("apprentissage")
            loss, error, kl = np.mean(parts, axis=0).tolist()
            test_loss, test_error, test_kl = evaluate(model, images, test_index, settings)
            for history, value in ((losses, loss), (test_losses, test_loss), (errors, error), (kls, kl)):
                history.append(value)
            good, told = copy.deepcopy(model.state_dict()), time.time()
            spent = told - start
            line = f"Époque {epoch}/{epochs}  perte {loss:.2f} = erreur {error:.2f} + {beta} x KL {kl:.2f}  test {test_loss:.2f}"
            print(f"\r{line}  {spent:.0f} s, encore {spent * (epochs / epoch - 1):.0f} s")
            if window:
                tools.show("apprentissage", draw_progress(losses, test_losses, line, reconstruct(model, images, examples, task)))
    except KeyboardInterrupt:
        print("\nArrêt demandé : je garde ce qui est appris.")
    except FloatingPointError:
        model.load_state_dict(good)
        print(f"\nLa perte n'est plus un nombre : je garde le réseau de l'époque {len(losses)}. Divisez learning_rate par 4 et relancez.")
    finally:
        tools.close_windows()

    # %% 4. Le modèle et le bilan
    latents = measure_latents(model, images, train_index, settings)
    if path.exists():
        shutil.copyfile(path, here / f"{model_name}_precedent.pth")
        print(f"L'ancien modèle est gardé sous le nom {model_name}_precedent.pth.")
    save_model(path, model, settings=settings, losses=losses, test_losses=test_losses, errors=errors, kls=kls,
               train_names=[names[i] for i in train_index], **latents)
    picture = draw_progress(losses, test_losses, f"{model_name}, époque {len(losses)}", reconstruct(model, images, examples, task))
    picture.save(path.with_suffix(".png"))
    train_mse, test_mse = (squared_error(model, images, index, task) for index in (train_index[:1000], test_index))
    mean_mse = sum((images[batch].float() / 255 - mean_image).square().mean().item() * len(batch) for batch in test_index.split(500)) / len(test_index)
    print(f"\nErreur (carré moyen) sur les images de test : {test_mse:.5f} ; avec l'image moyenne pour toutes : {mean_mse:.5f}.")
    if test_mse > 0.9 * mean_mse:
        print("Le réseau n'a rien appris de plus que l'image moyenne : baissez beta, ou augmentez epochs ou learning_rate.")
    elif test_mse > 1.5 * train_mse:
        print(f"Sur-apprentissage : l'erreur n'est que de {train_mse:.5f} sur les images apprises. Il faut plus d'images, ou moins d'époques.")
    else:
        print(f"Il a appris : il redessine {mean_mse / test_mse:.0f} fois mieux que l'image moyenne, les images nouvelles aussi bien que les autres.")
    importance, unit = latents["importance"], "bits" if beta else "%"
    for i in importance.argsort(descending=True).tolist():
        print(f"  z{i + 1} : {importance[i]:5.2f} {unit} {'#' * int(40 * importance[i] / importance.max())}{'' if importance[i] > 0.1 else ' (mort)'}")
    if importance.min() < 0.1:
        print("Un latent mort ne sert à rien : baissez beta pour le réveiller, ou laissez-le.")
    print(f"Modèle : {path.name}. Courbes et images : {path.stem}.png. Ensuite : decode_VAE.py")
