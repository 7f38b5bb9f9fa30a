"""Que fait chaque nombre ? Une ligne par latent : lui seul change,
les autres gardent leur valeur moyenne.

Lit     : model_name.pth (le modèle).
Écrit   : explore/results/traversals_VAE_64.png (un tableau d'images)
          et traversals_VAE_64.gif (le même, animé).
Ensuite : map_2D.py, qui fait varier deux latents à la fois.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
reach = 2                   #*** 1 à 5 : étendue, en écarts-types
columns = 9                 #*** 3 à 15 : images par ligne
seconds = 4                 #*** 1 à 10 : aller-retour animé
# *****************************************************************
# pourquoi 2 : au-delà, il n'y a presque plus d'images, et le réseau invente
import math

import figures
import laboratory as lab
import matplotlib.pyplot as plt
import torch
from PIL import Image, ImageDraw


def name_latents(saved, order, live):
    """Le nom de chaque latent de order, et ce qu'il porte, sur deux lignes."""
    labels = []
    for i in order:
        words = lab.name_latent(saved, i)
        if i not in live:
            words = lab.name_axis(saved, i) + " mort"
        labels.append(words.replace(" ", "\n", 1))
    return labels


# %% Dessiner
def draw(pictures, labels, steps, title):
    """Le tableau : un latent par ligne, 8 lignes au plus par panneau."""
    panels = math.ceil(len(pictures) / 8)
    height = math.ceil(len(pictures) / panels)
    tile = max(0.5, 1.25 / panels)                       # côté d'une image, en pouces
    width = panels * (1.2 + tile * len(steps))
    size = (width, 1.6 + tile * height)
    figure, frames = plt.subplots(1, panels, squeeze=False, figsize=size)
    names = [f"{step:.3g}" for step in steps]
    for panel, axes in enumerate(frames[0]):
        part = slice(height * panel, height * (panel + 1))
        figures.draw_table(axes, pictures[part], labels[part], names)
        axes.set_xlabel("écarts-types autour de la moyenne de ce latent")
        axes.set_anchor("N")
    figure.suptitle(title)
    return figure


def draw_frame(pictures, labels, wave):
    """Une vue animée : chaque image, son nom, et le curseur à sa place (de -1 à 1)."""
    across = min(8, len(pictures))
    down = math.ceil(len(pictures) / across)
    screen = Image.new("RGB", (144 * across, 176 * down), lab.white)
    draw = ImageDraw.Draw(screen)
    for place, label in enumerate(labels):
        left = 144 * (place % across) + 8
        top = 176 * (place // across) + 8
        middle = left + 64
        bottom = top + 156
        words = label.replace("\n", "  ")
        draw.text((middle, top + 6), words, lab.black, lab.font, anchor="mm")
        picture = lab.to_picture(pictures[place])
        screen.paste(picture.resize((128, 128)), (left, top + 18))
        draw.line((middle - 60, bottom, middle + 60, bottom), lab.grey)
        x = middle + 58 * wave
        draw.ellipse((x - 5, bottom - 5, x + 5, bottom + 5), lab.red)
    return screen.quantize()


# %% 1. Le modèle : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    lab.check_number("reach", reach, 1.0, 5.0)
    lab.check_number("columns", columns, 3, 15)
    lab.check_number("seconds", seconds, 1.0, 10.0)
    model, saved = lab.open_model(model_name)
    order = lab.order_sliders(saved)
    live = lab.need_live(saved)
    labels = name_latents(saved, order, live)
    print(f"Latents vivants : {len(live)} sur {len(order)}. Regardez une ligne de "
          "gauche à droite : ce qui change, et cela seul, est ce que ce nombre a appris.")

    # %% 2. Le tableau
    steps = torch.linspace(-reach, reach, columns)
    pictures = lab.traverse(model, saved, order, steps)
    figure = draw(pictures, labels, steps, f"Que fait chaque nombre ?   {model_name}")
    figures.keep(figure, f"traversals_{model_name}")

    # %% 3. Le tableau animé
    count = round(seconds / 0.08)                        # une vue toutes les 0.08 s
    views = []
    for number in range(count):
        if number % 5 == 0:                              # \r : récrit la même ligne
            print(f"\rAnimation : vue {number} sur {count}", end="")
        wave = math.sin(2 * math.pi * number / count)    # tous vont et viennent
        step = torch.tensor([reach * wave])
        moved = lab.traverse(model, saved, order, step)[:, 0]
        views.append(draw_frame(moved, labels, wave))
    path = lab.results / f"traversals_{model_name}.gif"
    views[0].save(path, save_all=True, append_images=views[1:], duration=80, loop=0)
    print(f"\rAnimation enregistrée : explore/results/{path.name} "
          "(ouvrez-la dans un navigateur).")
