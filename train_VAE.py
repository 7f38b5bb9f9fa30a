"""Entraîner le VAE : il apprend seul à résumer chaque image en
latent_size nombres, puis à la redessiner. Stop (ou "q" dans la
fenêtre) arrête avant la fin et garde ce qui a été appris.

Lit     : les images de dataset_folder, ou celles de démonstration.
Écrit   : model_name.pth (le modèle), model_name.png (les courbes).
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
import time

# en premier : il prépare torch
from model_VAE_64 import (VAE, encode_images, kl_divergence, spoil, start_from,
                          turn_axes, vae_loss)
import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

from outils.checks import check_settings
from outils.drawing import black, draw_curves, font, white
from outils.files import make_folder
from outils.model_file import keep, live_latents, unit
from outils.movements import (find_movements, list_movements, movement_directions,
                              movement_shares, take_means)
from outils.names import split
from outils.pictures import load_images, to_picture
from outils.stop import StopButton, here, stop
from outils.windows import (close_windows, is_open, open_window, quit_keys, show,
                            window_trouble)

settings = dict(
    images_size=images_size, latent_size=latent_size, dataset_folder=dataset_folder,
    model_name=model_name, test_data_proportion=test_data_proportion,
    batch_size=batch_size, epochs=epochs, learning_rate=learning_rate, beta=beta,
    reconstruction=reconstruction, decoder=decoder, task=task,
    independent_axes=independent_axes, augmentation=augmentation, film=film)


# %% Apprendre
def learn(model, images, train_index, test_index, settings, watcher, movements=None):
    """Toutes les époques, pas à pas. Renvoie history, une ligne par époque.

    Une ligne : perte, erreur et KL, puis les mêmes sur les images de test.
    movements : le mouvement de chaque image (1 à 9), ou 0 (voir calm).
    watcher est ce qui regarde : learn lui demande avant chaque pas s'il faut
    s'arrêter (must_stop), et lui montre le réseau après chaque époque (show)."""
    history = []
    watcher.show(model, history)
    if movements is None:
        movements = torch.zeros(len(images), dtype=int)
    reserved = [k - 1 for k in list_movements(movements)]
    mu, logvar = encode_images(model, images[train_index[:2000]], settings["task"])
    means = take_means(mu, movements[train_index[:2000]])
    # order.split : des lots (batches) de batch_size images, le dernier plus petit
    steps = settings["epochs"] * math.ceil(len(train_index) / settings["batch_size"])
    optimizer, schedule = make_optimizer(model, steps, settings["learning_rate"])
    for epoch in range(settings["epochs"]):
        order = train_index[torch.randperm(len(train_index))]    # mélangées
        batches = order.split(settings["batch_size"])
        measures = []
        for number, batch in enumerate(batches):
            done = epoch + number / len(batches)       # 2.5 : au milieu de la troisième
            if watcher.must_stop(done):
                return history
            measures.append(learn_batch(model, images[batch], movements[batch], means,
                                        optimizer, settings))
            schedule.step()
        # jamais après la dernière époque : sigma, qui ne tourne pas, est à réapprendre
        if settings["independent_axes"] and epoch + 1 < settings["epochs"]:
            seen = order[:2000]
            mu, logvar = encode_images(model, images[seen], settings["task"])
            mu = turn_axes(model, mu, logvar, reserved)
            means = take_means(mu, movements[seen])
        train = np.mean(measures, axis=0).tolist()
        test = average_loss(model, images, test_index, settings)
        check_finite(test)
        history.append(train + test)
        watcher.show(model, history)
    return history


def make_optimizer(model, steps, learning_rate):
    """Ce qui règle les poids, pas après pas, et la taille de ces pas."""
    networks = []
    linears = []
    for name, weight in model.named_parameters():
        if ".linear." in name:
            linears.append(weight)
        else:
            networks.append(weight)
    # les chemins linéaires savent déjà presque tout : des pas dix fois plus petits
    groups = [{"params": networks}, {"params": linears}]
    rates = [learning_rate, learning_rate / 10]
    # Adam (Kingma et Ba, 2015) ; betas : combien il se souvient des pas d'avant
    # (rien à voir avec beta) ; fused : plus rapide, dès torch 2.5
    fused = torch.__version__ >= (2, 5)
    optimizer = torch.optim.Adam(groups, rates[0], betas=(0.9, 0.99), fused=fused)
    # départ en douceur, pendant un dixième des pas ; arrivée aussi, jusqu'à zéro
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False)
    return optimizer, schedule


def learn_batch(model, batch, movements, means, optimizer, settings):
    """Un pas d'apprentissage sur un lot d'images."""
    target = batch / 255                          # (N, 3, 64, 64), de 0 à 1
    if settings["augmentation"]:
        target = augment(target)
    inputs = spoil(target, settings["task"])
    if movements.any():
        inputs = shift(inputs)
    # sans KL (beta = 0), pas de hasard non plus : c'est un simple auto-encodeur
    output, mu, logvar = model(inputs, noise=settings["beta"] > 0)
    loss, error, kl = vae_loss(output, target, mu, logvar, settings["beta"],
                               settings["reconstruction"])
    numbers = [loss.item(), error.item(), kl.sum().item()]
    check_finite(numbers)
    loss = loss + calm(mu, logvar, movements, means)
    # la pente (gradient) de la perte pour un poids : de combien elle change avec lui
    optimizer.zero_grad()      # efface les pentes du pas d'avant
    loss.backward()            # calcule celles de tous les poids
    optimizer.step()           # un petit pas, dans le sens où la perte baisse
    return numbers


def check_finite(numbers):
    if not np.isfinite(numbers).all():
        stop("La perte n'est plus un nombre : les pas sont trop grands. Divisez "
             "learning_rate par 4, puis relancez. Rien n'est écrit.")


def calm(mu, logvar, movements, means):
    """Ce que coûtent les latents qui bougent pendant le mouvement d'un autre.

    Pendant le mouvement 2, seul z2 devrait changer : chaque autre paie le carré de
    son écart à sa moyenne dans ce mouvement, compté en sigma. C'est un indice, pas
    une étiquette : personne ne dit ce qui bouge, seulement que c'est une seule chose.
    """
    away = ((mu - means[movements]) / torch.exp(logvar / 2).detach())**2
    others = torch.ones_like(mu)                  # (N, latents) : 1 paie, 0 non
    others[movements == 0] = 0
    moving = movements > 0
    others[moving, movements[moving] - 1] = 0
    return 0.25 * (others * away).sum() / len(mu)


def shift(x):
    """Décale un peu ces images : un petit mouvement se reconnaît ainsi partout."""
    size = x.shape[-1]
    reach = size // 32                            # 2 pixels, pour 64x64
    i, j = torch.randint(0, 2 * reach + 1, (2,)).tolist()
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    return padded[:, :, i:i + size, j:j + size]


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
        output, mu, logvar = model(inputs, noise=settings["beta"] > 0)
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
    """L'erreur par pixel sur images[index] : moyenne des carrés des écarts."""
    output = reconstruct(model, images, index, task)["sortie"]
    return (output - images[index] / 255).square().mean().item()


@torch.no_grad()
def measure_latents(model, images, index, settings):
    """Pour les curseurs : moyenne, écart-type et importance de chaque latent."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mean = mu.mean(0)
    spread = mu.std(0, correction=0) + 1e-6    # jamais 0 : decode_VAE.py divise par lui
    if settings["beta"] > 0:       # sa KL, en bits
        importance = kl_divergence(mu, logvar).mean(0) / math.log(2)
    else:                          # sa part des changements de l'image, en %
        # une ligne par latent, qui bouge seul, d'un écart-type de chaque côté
        steps = torch.diag(spread)
        change = (model.decode(mean + steps) - model.decode(mean - steps))**2
        importance = 100 * change.sum((1, 2, 3)) / (change.sum() + 1e-9)
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
    screen = Image.new("RGB", (900, 300 + 100 * len(rows)), white)
    draw = ImageDraw.Draw(screen)
    draw.text((12, 8), describe(history, settings), black, font)
    draw_curves(draw, [(row[0], row[3]) for row in history])
    for line, (name, pictures) in enumerate(rows.items()):
        draw.text((12, 342 + 100 * line), name, black, font, anchor="lm")
        for column, picture in enumerate(pictures):
            place = (112 + 96 * column, 294 + 100 * line)
            screen.paste(to_picture(picture).resize((96, 96)), place)
    return screen


class Watcher:
    """Ce qui regarde l'apprentissage : la fenêtre, le bouton Stop, la console."""

    def __init__(self, images, examples, settings, button):
        self.images = images
        self.examples = examples          # les numéros des images à montrer
        self.settings = settings
        self.button = button
        self.asked = False                # a-t-on appuyé sur "q" ?
        self.views = []                   # celles du film
        self.start = time.monotonic()
        self.next_look = 0
        trouble = window_trouble()
        self.window = trouble is None     # y a-t-il une fenêtre ?
        if trouble:
            print(trouble, "Les courbes seront dans le .png.")

    def show(self, model, history):
        """learn l'appelle au début, puis à la fin de chaque époque."""
        screen = draw_all(model, self.images, self.examples, self.settings, history)
        if self.window and not history:
            open_window("apprentissage", "Apprentissage", screen)
        elif self.window:
            show("apprentissage", screen)
        every = math.ceil(self.settings["epochs"] / 100)    # 100 vues au plus, environ
        if self.settings["film"] and len(history) % every == 0:
            self.views.append(screen.quantize())    # 256 couleurs, pour le .gif
        seconds = time.monotonic() - self.start
        print(f"\r{describe(history, self.settings)}  {seconds:.0f} s")

    def must_stop(self, done):
        """learn l'appelle avant chaque pas : vrai pour arrêter."""
        if time.monotonic() > self.next_look:
            self.next_look = time.monotonic() + 0.2
            print(f"\r{100 * done / self.settings['epochs']:.0f} %", end="")
            if self.window:
                self.listen()
        return self.asked or self.button.pressed

    def listen(self):
        """Écoute les touches de la fenêtre, et voit si on l'a fermée."""
        if cv2.waitKeyEx(1) in quit_keys:
            self.asked = True
        if not is_open("apprentissage"):
            self.window = False
            print("\nFenêtre fermée : l'apprentissage continue ; Stop l'arrête.")


# %% Dire
def announce(model, known, unseen, settings):
    """Ce qui va se passer, et ce qui pourrait étonner."""
    weights = sum([weight.numel() for weight in model.parameters()])
    print(f"Images à apprendre : {known}, de test : {unseen}. Poids : {weights}.")
    if settings["reconstruction"] in ("gaussian", "laplace"):
        print("sigma-VAE : la perte peut devenir négative, c'est normal "
              "(c'est -ln p, et la densité p peut dépasser 1).")
    steps = math.ceil(known / settings["batch_size"])
    if steps * settings["epochs"] < 200:
        print(f"{steps * settings['epochs']} pas d'apprentissage, c'est peu : avec si "
              f"peu d'images, essayez epochs = {min(200, 400 // steps)}.")


def report(model, images, train_index, test_index, results):
    """Le bilan : ce que dit chaque latent, puis si le réseau a appris."""
    settings = results["settings"]
    importance = results["importance"]
    live = live_latents(results)
    for i in importance.argsort(descending=True).tolist():
        bar = "#" * int(40 * importance[i] / (importance.max() + 1e-9))
        if i not in live:
            bar = "mort : il ne change presque rien"
        print(f"  z{i + 1} : {importance[i]:5.2f} {unit(settings)} {bar}")
    learned = pixel_error(model, images, train_index[:500], settings["task"])
    error = pixel_error(model, images, test_index[:500], settings["task"])
    target = images[test_index[:500]] / 255
    mean_error = (target - model.mean_image).square().mean().item()
    print(f"Erreur par pixel sur les images de test : {error:.5f}\n"
          f"(avec l'image moyenne : {mean_error:.5f}).")
    if error > 0.9 * mean_error:
        print("Le réseau n'a rien appris de plus que l'image moyenne : augmentez epochs\n"
              "ou learning_rate, ou baissez beta. Si un bon modèle est maintenant\n"
              "dans _precedent.pth, changez model_name pour ne pas le perdre.")
        return
    print(f"Il a appris : {mean_error / max(error, 1e-12):.1f} fois mieux que l'image "
          "moyenne,\nsur des images jamais vues à l'entraînement.")
    if error > 1.5 * learned:
        print(f"Surapprentissage : il fait mieux sur celles qu'il a apprises "
              f"({learned:.5f}).\nDavantage d'images réduiraient cet écart.")


def report_movements(model, images, movements, train_index, test_index, results):
    """Le bilan des mouvements, sur des images de test : chacun a-t-il son curseur ?"""
    mu, logvar = encode_images(model, images, results["settings"]["task"])
    means = take_means(mu[train_index], movements[train_index])
    shares = movement_shares(mu[test_index], movements[test_index], means)
    for k, share in shares.items():
        percent = f"{100 * share:.0f} %"
        if share > 0.5:
            print(f"Mouvement {k} : z{k} le suit, il prend {percent} de ce qui change.")
        else:
            print(f"z{k} ne suit pas bien le mouvement {k} ({percent}) : refaites-le plus "
                  "grand,\nsans bouger le reste.")


def choose_device():
    """La carte graphique s'il y en a une, sinon le processeur."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


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
    movements = torch.zeros(len(names), dtype=int)    # 0 : aucun mouvement
    if independent_axes:
        movements = find_movements(names, latent_size)

    # %% 2. Le réseau
    images = images.to(choose_device())
    model = VAE(images_size, latent_size, decoder).to(images.device)
    try:
        first = train_index[:1000]
        directions = movement_directions(images[first], movements[first])
        start_from(model, images[first], directions)
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'est écrit.")
    announce(model, len(train_index), len(test_index), settings)

    # %% 3. Apprendre, avec la zone *** du dernier F5
    try:
        with StopButton() as button:      # Stop ne coupe rien : button le note
            watcher = Watcher(images, test_index[:8], settings, button)
            history = learn(model, images, train_index, test_index, settings, watcher,
                            movements)
    finally:
        close_windows()
    if not history:
        stop("Arrêt avant la fin de la première époque : rien n'est écrit,\n"
             "l'ancien modèle reste le même.")
    if len(history) < epochs:
        print("\nArrêt demandé : je garde ce qui a été appris.")

    # %% 4. Le modèle et le bilan
    with StopButton():                    # Stop n'y fait rien
        results = {"settings": settings, "history": history,
                   "train_names": [names[i] for i in train_index],
                   "movements": list_movements(movements)}
        results.update(measure_latents(model, images, train_index, settings))
        screen = draw_all(model, images, test_index[:8], settings, history)
        keep(here / f"{model_name}.pth", model, results, screen, watcher.views)
        report(model, images, train_index, test_index, results)
        report_movements(model, images, movements, train_index, test_index, results)
        if "spyder_kernels" in sys.modules:
            from IPython.display import display
            print("À taper ici : history[-1], model, to_picture(model.sample(1)[0])\n"
                  "Les courbes : onglet Plots, en haut à droite.")
            display(screen)
