"""Comment montrer ce qu'il a appris ? Trois films : un curseur qui se promène,
le chemin d'une image à une autre, la carte qui s'arrange en apprenant.

Lit     : model_name.pth et les images de dataset_folder.
Écrit   : explore/results/film_curseur_VAE_64.gif, film_chemin_VAE_64.gif
          et film_carte_VAE_64.gif, de vingt époques au plus.
Ensuite : ouvrez-les dans un navigateur.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
dataset_folder = "images"   #*** un dossier : où sont les images
slider = 1                  #*** 1 à 32 : le curseur, de haut en bas
reach = 2                   #*** 1 à 5 : étendue, en écarts-types
draw_number = 0             #*** 0 à 1000 : change les deux images
# *****************************************************************
import math

import laboratory as lab
import torch
from PIL import Image, ImageDraw

consent = ("Ces films peuvent montrer un visage que le réseau a appris : ne les donnez "
           "qu'avec l'accord de chacun.")
length = 40                     # images d'un aller et retour : quatre secondes
filmed = 20                     # époques du film de la carte, au plus : six images chacune


# %% Un curseur, un chemin
@torch.no_grad()
def film_codes(model, codes):
    """Les images de ces codes, agrandies."""
    return [lab.to_picture(image).resize((256, 256)) for image in model.decode(codes)]


def film_slider(model, saved, z, i, reach):
    """Le latent i va et vient autour de sa moyenne ; les autres restent ceux de z."""
    turns = torch.arange(length) / length
    codes = z.repeat(length, 1)                          # (images, latents)
    swing = reach * torch.sin(2 * math.pi * turns)
    codes[:, i] = saved["z_mean"][i] + saved["z_spread"][i] * swing
    return film_codes(model, codes)


def film_path(model, a, b):
    """Du code a au code b, et retour, doucement aux deux bouts."""
    turns = torch.arange(length) / length
    t = (1 - torch.cos(2 * math.pi * turns)) / 2         # de 0 à 1, puis à 0
    return film_codes(model, a + t[:, None] * (b - a))


# %% La carte qui s'arrange
class MapWatcher:
    """Regarde l'apprentissage : les codes des images, avant et après chaque époque.

    Il s'arrête avec le film."""

    def __init__(self, images, task):
        self.images = images
        self.task = task
        self.codes = []                                  # un (N, latents) par époque

    def must_stop(self, done):
        return done >= filmed

    def show(self, model, history):
        self.codes.append(lab.encode_images(model, self.images, self.task)[0])
        print(f"\rLa carte s'arrange : époque {len(history)}", end="")


def film_map(images, codes, pair):
    """Chaque image à la place de son code, selon les deux latents de pair.

    images : des octets, (N, 3, H, W) ; codes : un (N, latents) par époque."""
    small = [lab.to_picture(image / 255).resize((36, 36)) for image in images]
    places = torch.stack(codes)[:, :, pair]              # (époques, N, 2)
    places = places / places.abs().quantile(0.995)
    views = []
    for epoch in range(len(places) - 1):
        for t in torch.arange(6) / 6:                  # six pas d'une époque à l'autre
            points = (1 - t) * places[epoch] + t * places[epoch + 1]
            views.append(draw_map(small, points, f"époque {epoch}"))
    last = draw_map(small, places[-1], f"époque {len(places) - 1}")
    return views + 20 * [last]


def draw_map(small, points, words):
    """Les petites images à leur place : de -1 à 1, dans un carré de 480 points."""
    screen = Image.new("RGB", (480, 480), lab.white)
    draw = ImageDraw.Draw(screen)
    draw.line((240, 0, 240, 480), lab.grey)
    draw.line((0, 240, 480, 240), lab.grey)
    for picture, (x, y) in zip(small, points.clamp(-1.05, 1.05).tolist()):
        # à l'écran, y descend
        screen.paste(picture, (round(222 + 210 * x), round(222 - 210 * y)))
    draw.text((8, 458), words, lab.black, lab.font)
    return screen


def keep(views, kind):
    lab.make_folder(lab.results)
    path = lab.results / f"film_{kind}_{model_name}.gif"
    try:
        lab.write_whole(path, lab.to_gif(views))
    except OSError as error:
        lab.stop(f"Impossible d'écrire {path.name} ({lab.why_not_written(error)}).")
    print(f"Film enregistré : explore/results/{path.name}")


# %% 1. Le modèle et les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("slider", slider, 1, 32)
    lab.check_number("reach", reach, 1.0, 5.0)
    lab.check_number("draw_number", draw_number, 0, 1000)
    model, saved, images, names, codes = lab.open_all(model_name, dataset_folder)
    order = lab.order_sliders(saved)
    if slider > len(order):
        lab.stop(f"Ce modèle a {len(order)} curseurs : baissez slider dans la zone ***.")
    print(consent)

    # %% 2. Un curseur se promène
    i = order[slider - 1]
    keep(film_slider(model, saved, saved["z_mean"], i, reach), "curseur")

    # %% 3. D'une image à une autre
    random = torch.Generator().manual_seed(draw_number)
    a, b = torch.randperm(len(images), generator=random)[:2]
    keep(film_path(model, codes[a], codes[b]), "chemin")

    # %% 4. La carte qui s'arrange : un réseau apprend de nouveau, aux mêmes réglages
    if len(order) < 2:
        lab.stop("Une carte veut deux curseurs : ce modèle n'en a qu'un.")
    chosen = saved["settings"]
    train_index, test_index = lab.split(names, chosen["test_data_proportion"])
    movements = None
    if chosen["independent_axes"]:
        movements = lab.find_movements(names, len(order))
    watcher = MapWatcher(images[train_index[:150]], chosen["task"])
    model, chosen, seconds = lab.train(images, train_index, watcher, movements, **chosen)
    print()                                # après la dernière époque, une autre ligne
    measures = lab.measure_latents(model, images, train_index, chosen)
    pair = measures["importance"].argsort(descending=True)[:2]
    keep(film_map(watcher.images, watcher.codes, pair), "carte")
