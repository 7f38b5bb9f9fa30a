"""Déplacer les curseurs : chacun règle un des nombres que le VAE a appris, et l'image suit.

Lit    : model_name.pth (le modèle), les images de dataset_folder (touche i) et la webcam (touche w).
Écrit  : decode_0001.png, decode_0002.png... à côté de ce script (touche s), sans jamais écraser une image.
Ensuite : changez la zone *** de train_VAE.py, relancez-le, et comparez.
"""
import math
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

import record_images as tools
from model_VAE_64 import list_images, load_model, read_image, spoil, to_picture

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
images_size = 64              #*** comme dans train_VAE.py : 32, 64 ou 128
latent_size = 4               #*** comme dans train_VAE.py : 1 à 32
dataset_folder = "images"     #*** dossier des images à montrer au réseau (touche i)
camera = 0                    #*** numéro de la webcam, ou le chemin d'une vidéo : "film.mp4" (touche w)
walk_seconds = 4              #*** durée de la promenade le long d'un curseur, en secondes : 1 à 20
# *******************************************************************************************

here = Path(__file__).resolve().parent    # le dossier de ce script : tous les chemins partent de lui
keys = ("h  image au hasard", "m  image moyenne", "i  image suivante du dossier", "p  promenade", "w  webcam", "s  sauver l'image",
        "q  quitter (ou Échap)")


# %% L'image à l'écran
def draw_screen(picture, others, labels, values, message):
    """L'image décodée, les touches, ce que le réseau a reçu (others), et la vraie valeur de chaque latent."""
    screen = Image.new("RGB", (816, 480), tools.white)
    draw = ImageDraw.Draw(screen)
    screen.paste(to_picture(picture).resize((456, 456)))
    for line, text in enumerate(keys):
        draw.text((470, 10 + 21 * line), text, tools.black, tools.font)
    for place, (name, other) in enumerate(others.items()):
        draw.text((470, 166 + 148 * place), name, tools.grey, tools.small_font)
        screen.paste(to_picture(other).resize((128, 128)), (470, 182 + 148 * place))
    height = min(26, 456 / len(values))
    for line, (label, value) in enumerate(zip(labels, values)):
        draw.text((680, 10 + height * line), f"{label.split()[0]}  {value:+.2f}", tools.black, tools.font if height > 20 else tools.small_font)
    draw.text((10, 459), message, tools.red, tools.font)
    return screen


def open_sliders(labels):
    """Un curseur par latent, sous l'image s'ils y tiennent, sinon à côté, 16 par fenêtre. Rend la fenêtre de chaque curseur."""
    tools.close_windows()
    windows = ["decodeur" if len(labels) <= 8 else f"curseurs {1 + line // 16}" for line in range(len(labels))]
    for place, window in enumerate(dict.fromkeys(["decodeur", *windows])):
        cv2.namedWindow(window, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        cv2.moveWindow(window, 0 if not place else 820 + 272 * (place - 1), 0)
        if place:
            cv2.setWindowTitle(window, f"Curseurs {place}")
            cv2.imshow(window, np.full((24, 268 if len(labels) > 16 else 540, 3), 250, np.uint8))
    cv2.setWindowTitle("decodeur", f"Décodeur : {model_name}")
    for label, window in zip(labels, windows):
        cv2.createTrackbar(label, window, 100, 200, lambda position: None)
    return windows


def next_image(files, images_size):
    """L'image suivante du dossier, (3, H, W) de 0 à 1, en sautant celles qui sont illisibles."""
    for attempt in files:
        files.append(files.pop(0))
        pixels, reason = read_image(files[-1], images_size)
        if not reason:
            return torch.tensor(pixels) / 255
    sys.exit("Aucune image lisible : ajoutez-en avec record_images.py, ou corrigez dataset_folder.")


# %% 1. Le modèle
if __name__ == "__main__":
    tools.check("walk_seconds", walk_seconds, [1, 20])
    model, saved = load_model(here / f"{model_name}.pth")
    settings, mean, spread = saved["settings"], saved["z_mean"], saved["z_spread"]
    for name in ("images_size", "latent_size"):
        if globals()[name] != settings[name]:
            print(f"{name} vaut {settings[name]} dans {model_name}.pth : je prends cette valeur, pas {globals()[name]!r}.")
    images_size, latent_size, task, beta = (settings[name] for name in ("images_size", "latent_size", "task", "beta"))
    if not beta:
        print("Auto-encodeur simple (beta = 0) : rien n'a rapproché ses codes de N(0, 1), où il ne saurait rien dessiner ;\n"
              "l'image au hasard (touche h) est donc tirée autour des codes mesurés.")
    order = saved["importance"].argsort(descending=True).tolist()     # le curseur du haut règle le latent order[0]
    labels = [f"z{i + 1} {saved['importance'][i]:.1f} {'bits' if beta else '%'}" for i in order]
    if not tools.screen_works():
        sys.exit("Aucun écran : decode_VAE.py ouvre une fenêtre, lancez-le depuis le bureau de l'ordinateur.")

    # %% 2. Les curseurs
    z, others, message = mean.clone(), {}, ""      # le code dessiné, ce que le réseau a reçu, une nouvelle à dire
    positions = [100] * latent_size                # des curseurs, de 0 à 200 : de -3 à +3 écarts-types autour de la moyenne
    files, capture, walk_start, changed = [], None, None, True
    try:
        windows = open_sliders(labels)
        while True:
            if changed:
                with torch.no_grad():
                    picture = model.decode(z[None])[0]
                tools.show("decodeur", draw_screen(picture, others, labels, z[order].tolist(), message))
            key = cv2.waitKeyEx(5)                 # c'est ici que les fenêtres vivent
            if key in tools.quit_keys or not all(tools.is_open(window) for window in ["decodeur", *windows]):
                break
            letter = chr(key).lower() if 0 < key < 128 else ""
            new, image, changed = None, None, bool(letter)
            for line, i in enumerate(order):       # un curseur déplacé à la main
                position = cv2.getTrackbarPos(labels[line], windows[line])
                if position != positions[line]:
                    positions[line], walk_start, others, changed = position, None, {}, True
                    z[i] = mean[i] + spread[i] * 3 * (position - 100) / 100
            if letter in tuple("hmipw"):
                message, walk, walk_start = "", walk_start is None and letter == "p", None
                if capture:
                    capture.release()
                    capture, letter = None, letter.replace("w", "")
                try:
                    if letter == "h":
                        new, others = torch.randn(latent_size) if beta else mean + spread * torch.randn(latent_size), {}
                    elif letter == "m":
                        new, others = mean.clone(), {}
                    elif letter == "i":
                        files = files or list_images(here / dataset_folder)
                        image = next_image(files, images_size)
                    elif letter == "w":
                        capture = tools.open_camera(camera)
                    elif walk:
                        walk_start, origin, others = time.time(), z.clone(), {}
                except SystemExit as trouble:      # pas de webcam, pas d'image : on le dit et on continue
                    print(trouble)
                    message = str(trouble).split(" :")[0]
            elif letter == "s":
                message = f"Image sauvée : {tools.save_picture(to_picture(picture).resize((512, 512)), here, 'decode').name}"
            if capture:
                square = tools.read_square(capture)
                if square:
                    image = torch.tensor(np.asarray(square.resize((images_size, images_size), Image.Resampling.BOX))).permute(2, 0, 1) / 255
                else:
                    capture, message = capture.release(), "La caméra n'envoie plus d'images."
            if walk_start:                         # un aller-retour le long d'un curseur, puis du suivant
                turns = (time.time() - walk_start) / walk_seconds
                i = order[int(turns) % latent_size]
                new = origin.clone()
                new[i] = mean[i] + spread[i] * 3 * math.sin(2 * math.pi * turns)
            if image is not None:                  # le réseau regarde l'image : les curseurs prennent son code
                with torch.no_grad():
                    inputs = spoil(image[None], task)
                    new = model.encode(inputs)[0][0]
                others = {"entrée": inputs[0]} if task == "copy" else {"entrée": inputs[0], "cible": image}
            if new is not None:
                z, changed = new, True
                positions = (100 + 100 * (z - mean) / spread / 3).round().int().clamp(0, 200)[order].tolist()
                for label, window, position in zip(labels, windows, positions):
                    cv2.setTrackbarPos(label, window, position)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        if capture:
            capture.release()
        tools.close_windows()
