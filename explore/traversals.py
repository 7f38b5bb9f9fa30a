"""Que fait chaque nombre ? Une ligne par latent : lui seul change, les autres gardent leur valeur moyenne.

Lit     : model_name.pth (le modèle).
Écrit   : explore/results/traversals_VAE_64.png (un tableau d'images) et traversals_VAE_64.gif (le même, animé).
Ensuite : map_2D.py, qui fait varier deux latents à la fois.
"""
import math

import laboratory as lab
import matplotlib.pyplot as plt
import torch
from PIL import Image, ImageDraw

import record_images as tools
from model_VAE_64 import to_picture

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
reach = 3                     #*** jusqu'où aller de chaque côté, en écarts-types : 1 à 5
columns = 7                   #*** images par ligne : 3 à 15
seconds = 4                   #*** durée d'un aller-retour dans l'animation : 1 à 10
# *******************************************************************************************


@torch.no_grad()
def traverse(model, saved, order, steps):
    """Pour chaque latent de order, l'image à chaque pas (en écarts-types autour de la moyenne) : (latents, pas, 3, H, W)."""
    moves = torch.diag(saved["z_spread"])[order]                                    # (latents, latent_size)
    z = saved["z_mean"] + steps[:, None] * moves[:, None]                           # (latents, pas, latent_size)
    return model.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])


def draw_frame(pictures, labels, position):
    """Une vue de l'animation : l'image de chaque latent, son nom, et le curseur à sa place (de -1 à 1)."""
    across = min(8, len(pictures))
    screen = Image.new("RGB", (144 * across, 176 * math.ceil(len(pictures) / across)), tools.white)
    draw = ImageDraw.Draw(screen)
    for place, (picture, label) in enumerate(zip(pictures, labels)):
        left, top = 144 * (place % across) + 8, 176 * (place // across) + 8
        draw.text((left + 64, top + 6), label.replace("\n", "  "), tools.black, tools.font, anchor="mm")
        screen.paste(to_picture(picture).resize((128, 128)), (left, top + 18))
        draw.line((left + 4, top + 156, left + 124, top + 156), tools.grey)
        x = left + 64 + 58 * position
        draw.ellipse((x - 5, top + 151, x + 5, top + 161), tools.red)
    return screen.quantize()


def draw(pictures, labels, steps, title):
    """Le tableau : les latents en lignes, rangés du plus important au moins important, par panneaux de 8 au plus."""
    panels = math.ceil(len(pictures) / 8)
    height = math.ceil(len(pictures) / panels)
    tile = max(0.5, 1.25 / panels)                        # côté d'une image, en pouces
    figure, frames = plt.subplots(1, panels, squeeze=False, figsize=(panels * (1.2 + tile * len(steps)), 1.6 + tile * height))
    for panel, axes in enumerate(frames[0]):
        part = slice(height * panel, height * (panel + 1))
        lab.draw_table(axes, pictures[part], labels[part], [f"{step:+.3g}" if step else "0" for step in steps])
        axes.set_xlabel("écarts-types autour de la moyenne de ce latent")
        axes.set_anchor("N")
    figure.suptitle(title)
    return figure


# %% 1. Le modèle
if __name__ == "__main__":
    for name, values in (("model_name", str), ("reach", [1.0, 5.0]), ("columns", [3, 15]), ("seconds", [1.0, 10.0])):
        tools.check(name, globals()[name], values)
    model, saved = lab.open_model(model_name)
    live = lab.live_latents(saved)
    order = saved["importance"].argsort(descending=True).tolist()
    unit = "bits" if saved["settings"]["beta"] else "%"
    labels = [f"z{i + 1}\n{saved['importance'][i]:.1f} {unit}" if i in live else f"z{i + 1}\nmort" for i in order]
    print(f"Latents vivants : {len(live)} sur {len(order)}. Regardez une ligne de gauche à droite : "
          "ce qui change, et cela seul, est ce que ce nombre a appris.")

    # %% 2. Le tableau
    steps = torch.linspace(-reach, reach, columns)
    pictures = traverse(model, saved, order, steps)
    lab.keep(draw(pictures, labels, steps, f"Que fait chaque nombre ?   {model_name}"), f"traversals_{model_name}")

    # %% 3. L'animation
    count = round(12.5 * seconds)                         # une vue toutes les 80 millièmes de seconde
    frames = []
    for wave in torch.sin(2 * math.pi * torch.arange(count) / count):      # tous les latents vont et viennent ensemble
        frames.append(draw_frame(traverse(model, saved, order, reach * wave[None])[:, 0], labels, wave.item()))
    frames[0].save(lab.results / f"traversals_{model_name}.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    print(f"Animation enregistrée : explore/results/traversals_{model_name}.gif (ouvrez-la dans un navigateur).")
