"""Entraîner le VAE : il apprend seul à résumer chaque image en
latent_size nombres, puis à la redessiner. Stop (ou "q" dans la
fenêtre) garde ce qui est appris, dès la première époque finie.

Lit     : les images de dataset_folder, ou celles de démonstration.
Écrit   : model_name.pth (le modèle), .png (les courbes), .gif (film).
Ensuite : decode_VAE.py.
"""
# ***************** zone *** : à vous de modifier *****************
images_size = 64            #*** 32, 64 ou 128 : côté, en pixels
latent_size = 4             #*** 1 à 32 : combien de nombres par image
dataset_folder = "images"   #*** un dossier : où sont les images
model_name = "VAE_64"       #*** un nom : un autre garde l'ancien
test_data_proportion = 0.1  #*** 0.05 à 0.5 : part des images de test
batch_size = 24             #*** 1 à 1000 : images par pas
epochs = 10                 #*** 1 à 1000 : passages sur les images
learning_rate = 0.005       #*** 0.0001 à 0.1 : taille des pas
# ----- pour plus tard -----
beta = 1                    #*** 0 à 1000 : le prix de l'information
reconstruction = "mse"      #*** "mse", "l1", "gaussian" ou "laplace"
decoder = "convolution"     #*** "convolution" ou "broadcast"
task = "copy"               #*** "copy", "denoise", "super_resolution"
independent_axes = True     #*** True, False : démêler les curseurs ?
augmentation = False        #*** True, False : cadrer au hasard ?
film = False                #*** True, False : garder un film (.gif) ?
# *****************************************************************
import math
import sys

# en premier : il prépare torch
from model_VAE_64 import (VAE, encode_images, kl_divergence, opening_price, spoil,
                          start_from, turn_axes, vae_loss)
import numpy as np
import torch

from outils.checks import check_settings
from outils.files import make_folder
from outils.learning_window import LearningWindow, draw_training
from outils.model_file import keep
from outils.movements import Movements, find_movements
from outils.pictures import load_images, to_picture    # to_picture : à taper, à la fin
from outils.prepare_torch import choose_device
from outils.share import split
from outils.stop import here, stop
from outils.verdict import announce, tell_errors, tell_latents, tell_movements
from outils.windows import close_windows

settings = dict(
    images_size=images_size, latent_size=latent_size, dataset_folder=dataset_folder,
    model_name=model_name, test_data_proportion=test_data_proportion,
    batch_size=batch_size, epochs=epochs, learning_rate=learning_rate, beta=beta,
    reconstruction=reconstruction, decoder=decoder, task=task,
    independent_axes=independent_axes, augmentation=augmentation, film=film)


# %% Apprendre
def learn(model, images, train_index, test_index, settings, watcher, movements):
    """Toutes les époques, pas à pas. Renvoie history, une ligne par époque.

    Une ligne : perte, erreur et KL, puis les mêmes sur les images de test.
    watcher montre les progrès : learn lui demande avant chaque pas s'il faut
    s'arrêter (must_stop), et lui confie le réseau au début et après chaque époque.
    movements : les mouvements du film, s'il y en a (outils/movements.py)."""
    history = []
    watcher.show(model, history)
    movements.means = None    # oublie ce qu'un apprentissage précédent y a laissé
    steps = settings["epochs"] * math.ceil(len(train_index) / settings["batch_size"])
    optimizer, schedule = make_optimizer(model, steps, settings["learning_rate"])
    for epoch in range(settings["epochs"]):
        order = train_index[torch.randperm(len(train_index))]    # dans le désordre
        # des lots (batches) de batch_size numéros d'images ; le dernier : le reste
        batches = order.split(settings["batch_size"])
        measures = []
        for number, batch in enumerate(batches):
            done = epoch + number / len(batches)       # 2.5 : au milieu de la troisième
            if watcher.must_stop(done):
                return history
            price = learning_price(model, done / settings["epochs"], movements,
                                   settings["beta"])
            measures.append(learn_batch(model, images, batch, movements, optimizer,
                                        price, settings))
            schedule.step()                  # la taille du prochain pas
        # démêle les curseurs ; cela dérègle un peu sigma, que l'époque suivante
        # corrige : donc pas après la dernière
        if settings["independent_axes"] and epoch + 1 < settings["epochs"]:
            untangle(model, images, order[:2000], movements, settings)
        train_measures = np.mean(measures, axis=0).tolist()    # colonne par colonne
        test_measures = average_loss(model, images, test_index, settings)
        check_finite(test_measures)
        history.append(train_measures + test_measures)    # les listes bout à bout
        # dix fois vue, une image s'apprend par cœur ("broadcast" a trop peu de poids
        # pour cela ; une autre erreur que "mse" ne se compare pas à variety)
        kind = (settings["decoder"], settings["reconstruction"])
        if epoch >= 9 and kind == ("convolution", "mse"):
            least = min([row[1] for row in history])      # un accident ne compte pas
            for group in optimizer.param_groups[:2]:      # sauf les chemins linéaires
                group["weight_decay"] = find_decay(least, model.variety)
        watcher.show(model, history)
    return history


def learning_price(model, done, movements, beta):
    """Le prix de l'information : beta, et plus au début (voir opening_price).

    Avec des mouvements, chaque curseur sait déjà à quoi il servira : beta suffit."""
    if beta == 0 or movements.found:
        return beta
    return max(beta, opening_price(model, done))


def learn_batch(model, images, batch, movements, optimizer, price, settings):
    """Un pas d'apprentissage sur un lot d'images."""
    # les images dont batch donne les numéros, de 0 à 1
    target = images[batch] / 255                  # (N, 3, 64, 64)
    if settings["augmentation"]:
        target = augment(target)
    inputs = spoil(target, settings["task"])
    inputs = movements.shift(inputs)              # sans mouvements, ne fait rien
    # sans KL (beta = 0), pas de hasard non plus : c'est un simple auto-encodeur
    noise = settings["beta"] > 0
    output, mu, logvar = model(inputs, noise)     # appelle VAE.forward
    loss, error, kl = vae_loss(output, target, mu, logvar, settings["beta"],
                               settings["reconstruction"])
    # item : d'un tenseur à un nombre de Python
    numbers = [loss.item(), error.item(), kl.sum().item()]
    check_finite(numbers)
    loss = loss + (price - settings["beta"]) * kl.sum()  # le prix du moment
    loss = loss + movements.price(mu, logvar, batch)     # + 0 sans mouvements
    # la pente (gradient) : de combien la perte change quand un poids augmente un peu
    optimizer.zero_grad()      # efface les pentes du pas d'avant
    loss.backward()            # calcule celles de tous les poids, et les y range
    optimizer.step()           # un petit pas, dans le sens où la perte baisse
    return numbers


def check_finite(numbers):
    if not np.isfinite(numbers).all():
        stop("La perte n'est plus un nombre : les pas sont trop grands. Divisez\n"
             "learning_rate par 4, puis relancez. Rien n'est écrit.")


def untangle(model, images, index, movements, settings):
    """Entre deux époques, tourne les axes du code : un curseur, une chose."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mu = turn_axes(model, mu, logvar, movements.reserved)
    movements.look(mu, index)


def make_optimizer(model, steps, learning_rate):
    """Ce qui règle les poids, pas après pas, et la taille de ces pas."""
    networks = []
    painting = []
    linears = []
    for name, weight in model.named_parameters():
        if ".linear." in name:
            linears.append(weight)
        elif ".details.7." in name:        # la couche qui peint les détails
            painting.append(weight)
        else:
            networks.append(weight)
    # weight_decay : à chaque pas, les poids reviennent un peu vers zéro, ce qui évite
    # d'apprendre les images par cœur (voir find_decay). Des pas deux fois plus petits
    # pour la couche qui touche à tous les pixels, et dix fois plus petits pour les
    # chemins linéaires, qui savent déjà beaucoup
    groups = [{"params": networks, "weight_decay": 0.22},
              {"params": painting, "weight_decay": 0.22},
              {"params": linears, "weight_decay": 0}]
    rates = [learning_rate, learning_rate / 2, learning_rate / 10]
    # Adam (Kingma et Ba, 2015 ; W : avec weight_decay) ; betas : combien il se souvient
    # des pas d'avant (rien à voir avec beta) ; fused : plus rapide, dès torch 2.5
    fused = torch.__version__ >= (2, 5)
    optimizer = torch.optim.AdamW(groups, rates[0], betas=(0.9, 0.99), fused=fused)
    # départ en douceur, pendant un dixième des pas (0.101, car avec 0.1 et neuf pas,
    # torch diviserait par zéro) ; arrivée aussi, presque à zéro
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=steps + 1, pct_start=0.101, cycle_momentum=False)
    return optimizer, schedule


def find_decay(error, variety):
    """De combien les poids reviennent vers zéro, après dix époques.

    Ce que quelques nombres ne suffisent pas à dire de chaque image, le réseau finirait
    par l'apprendre par cœur. Plus cette part est grande, plus ses poids sont retenus.
    variety : ce qui change d'une image à l'autre (voir start_from)."""
    share = min(1, error / (variety + 1))        # + 1 : jamais zéro
    return max(0.22, 15 * share**2)


def augment(target):
    """Un cadrage au hasard pour chaque image : 80 à 100 % de sa surface."""
    # importé ici seulement : torchvision met deux secondes à se charger
    from torchvision.transforms import v2
    crop = v2.RandomResizedCrop(target.shape[-1], scale=(0.8, 1), ratio=(1, 1),
                                antialias=True)
    return torch.stack([crop(image) for image in target])


# %% Mesurer
@torch.no_grad()
def average_loss(model, images, index, settings):
    """Perte, erreur et KL moyennes sur images[index], sans rien apprendre."""
    total = np.zeros(3)
    for batch in index.split(500):
        target = images[batch] / 255
        inputs = spoil(target, settings["task"])
        noise = settings["beta"] > 0
        output, mu, logvar = model(inputs, noise)
        loss, error, kl = vae_loss(output, target, mu, logvar, settings["beta"],
                                   settings["reconstruction"])
        total += len(batch) * np.array([loss.item(), error.item(), kl.sum().item()])
    return (total / len(index)).tolist()


@torch.no_grad()
def reconstruct(model, images, index, task):
    """Ce que reçoit le réseau et ce qu'il redessine, sans tirer z au hasard."""
    target = images[index] / 255
    inputs = spoil(target, task)
    rows = {"entrée": inputs, "sortie": model(inputs, noise=False)[0]}
    if task != "copy":
        rows["cible"] = target                       # l'image nette
    return rows


def pixel_error(model, images, index, task):
    """L'erreur par pixel (et par couleur) : la moyenne des carrés des écarts."""
    output = reconstruct(model, images, index, task)["sortie"]
    return (output - images[index] / 255).square().mean().item()


@torch.no_grad()
def measure_latents(model, images, index, settings):
    """Pour les curseurs : la moyenne de chaque latent, son écart-type d'une image à
    l'autre, et son importance."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mean = mu.mean(0)
    spread = mu.std(0, correction=0) + 1e-6    # jamais 0 : decode_VAE.py divise par lui
    if settings["beta"] > 0:       # sa KL, en bits
        importance = kl_divergence(mu, logvar).mean(0) / math.log(2)
    else:                          # sa part des changements de l'image, en %
        # une ligne par latent, qui bouge seul, d'un écart-type de chaque côté ;
        # diag : pour deux latents, [[spread[0], 0], [0, spread[1]]] ; mean s'ajoute
        # à chaque ligne : autant de codes que de latents
        moves = torch.diag(spread)              # (latents, latents)
        change = (model.decode(mean + moves) - model.decode(mean - moves))**2
        change = change.sum((1, 2, 3))          # sur toute l'image : un par latent
        importance = 100 * change / (change.sum() + 1e-9)
    return {"z_mean": mean.cpu(), "z_spread": spread.cpu(),
            "importance": importance.cpu()}


# %% Montrer
def describe(history, settings):
    """La dernière ligne de history, en une phrase."""
    if not history:
        return "Avant d'apprendre"
    loss, error, kl, test_loss = history[-1][:4]
    words = f"Époque {len(history)}/{settings['epochs']}  perte {loss:.2f}"
    if settings["beta"] > 0:
        words += f" = erreur {error:.2f} + {settings['beta']} x KL {kl:.2f}"
    return words + f"  test {test_loss:.2f}"


def draw_all(model, images, examples, settings, history):
    """Les courbes de perte et, dessous, des images de test, redessinées."""
    rows = reconstruct(model, images, examples, settings["task"])
    return draw_training(describe(history, settings), history, rows)


class Watcher:
    """À l'écran, les progrès : learn les dit, et demande s'il faut s'arrêter."""

    def __init__(self, images, examples, settings):
        self.images = images
        self.examples = examples          # les numéros des images à montrer
        self.settings = settings
        self.window = LearningWindow(settings["epochs"], settings["film"])

    def show(self, model, history):
        """Au début, puis à la fin de chaque époque."""
        picture = draw_all(model, self.images, self.examples, self.settings, history)
        self.window.update(picture, describe(history, self.settings))

    def must_stop(self, done):
        """Avant chaque pas ; done : les époques faites."""
        return self.window.must_stop(done / self.settings["epochs"])


# %% 1. Les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_settings(settings)
    make_folder(here)                     # peut-on y écrire le modèle ?
    close_windows()                       # ce qu'un lancement précédent a pu laisser
    try:
        images, names = load_images(here / dataset_folder, images_size)
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'est écrit.")
    if len(names) < 10:
        stop(f"Images : {len(names)}. Il en faut au moins 10 (200 conseillées) : "
             "enregistrez-en avec record_images.py.")
    train_index, test_index = split(names, test_data_proportion)
    movements = Movements()            # aucun
    if independent_axes:          # ceux des touches 1 à 9 de record_images.py
        movements = find_movements(names, latent_size)

    # %% 2. Le réseau
    images = images.to(choose_device())    # une carte graphique, s'il y en a une
    model = VAE(images_size, latent_size, decoder).to(images.device)
    try:
        # start_from (plus tard) donne au réseau un bon départ : l'image moyenne, et
        # quelques images à doser ; directions : rien, sans mouvements
        first = train_index[:1000]
        directions = movements.directions(images, first)
        start_from(model, images[first], directions, mixed=not independent_axes)
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'est écrit.")
    announce(model, len(names), len(train_index), len(test_index), settings)

    # %% 3. Apprendre (si vous changez la zone ***, relancez avec F5)
    # d'ici au modèle écrit (avec F5), Stop ne coupe plus : watcher le note
    watcher = Watcher(images, test_index[:8], settings)
    try:
        history = learn(model, images, train_index, test_index, settings, watcher,
                        movements)
    except BaseException:        # une erreur : rend le bouton Stop, et la laisse passer
        watcher.window.button.release()
        raise
    finally:
        close_windows()
    if not history:
        watcher.window.button.release()
        stop("Arrêt avant la fin de la première époque : rien n'est écrit,\n"
             "l'ancien modèle, s'il existe, ne change pas.")
    if len(history) < epochs:
        print("\nArrêt demandé : je garde ce qui a été appris.")

    # %% 4. Le modèle et le bilan
    results = {"settings": settings, "history": history,
               "train_names": [names[i] for i in train_index],
               "movements": movements.found}
    try:
        results.update(measure_latents(model, images, train_index, settings))
        screen = draw_all(model, images, test_index[:8], settings, history)
        keep(here / f"{model_name}.pth", model, results, screen, watcher.window.views)
    finally:
        watcher.window.button.release()   # le modèle est écrit : Stop coupe de nouveau
    tell_latents(results)
    train_error = pixel_error(model, images, train_index[:500], task)
    test_error = pixel_error(model, images, test_index[:500], task)
    target = images[test_index[:500]] / 255
    mean_image_error = (target - model.mean_image).square().mean().item()
    tell_errors(test_error, train_error, mean_image_error)
    mu, logvar = encode_images(model, images, task)
    tell_movements(movements.shares(mu, train_index, test_index), names)
    if "spyder_kernels" in sys.modules:
        from IPython.display import display
        print("À taper ici : history[-1], model, to_picture(model.sample(1)[0])\n"
              "Les courbes : onglet Plots, en haut à droite.")
        display(screen)
