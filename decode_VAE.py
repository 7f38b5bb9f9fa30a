"""Déplacer les curseurs : chacun règle un des nombres que le VAE a appris, et l'image suit.

Lit     : model_name.pth (le modèle), les images de dataset_folder (touche i) et la webcam (touche w).
Écrit   : decode_0001.png, decode_0002.png... à côté de ce script (touche s), sans jamais écraser une image.
Ensuite : changez la zone *** de train_VAE.py, relancez-le, et comparez.
"""
import math
import sys
import time
from pathlib import Path

from model_VAE_64 import load_images, load_model, spoil, to_picture
import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

import record_images as tools

# ****************************** zone *** : à vous de modifier ******************************
model_name = "VAE_64"         #*** nom du modèle, comme dans train_VAE.py
images_size = 64              #*** comme dans train_VAE.py (sinon, la valeur du modèle l'emporte)
latent_size = 4               #*** comme dans train_VAE.py (sinon, la valeur du modèle l'emporte)
dataset_folder = "images"     #*** dossier des images à montrer au réseau (touche i)
camera = 0                    #*** numéro de la webcam, ou le chemin d'une vidéo : "film.mp4" (touche w)
walk_seconds = 4              #*** durée de la promenade le long d'un curseur, en secondes : 1 à 20
# *******************************************************************************************

here = Path(__file__).resolve().parent    # le dossier de ce script : tous les chemins partent de lui
keys = ("h  image au hasard", "m  image moyenne", "i  image du dossier", "p  promenade", "w  webcam",
        "s  enregistrer l'image", "q  quitter")


# %% Ce que montrent les fenêtres
def draw_screen(picture, others, labels, values, message):
    """L'image décodée, les touches, ce que le réseau a reçu (others), et la vraie valeur de chaque latent."""
    screen = Image.new("RGB", (816, 480), tools.white)
    draw = ImageDraw.Draw(screen)
    screen.paste(to_picture(picture).resize((456, 456)))
    for line, text in enumerate(keys):
        draw.text((472, 8 + 21 * line), text, tools.black, tools.font)
    for place, (name, other) in enumerate(others.items()):
        draw.text((472, 164 + 148 * place), name, tools.grey, tools.small_font)
        screen.paste(to_picture(other).resize((128, 128)), (472, 180 + 148 * place))
    height, font = (24, tools.font) if len(values) <= 16 else (14, tools.small_font)
    for line, (label, value) in enumerate(zip(labels, values)):
        draw.text((690, 8 + height * line), f"{label.split()[0]}  {value:+.2f}", tools.black, font)
    draw.text((8, 459), message, tools.red, tools.font)
    return screen


def open_sliders(labels):
    """Un curseur par latent : sous l'image jusqu'à 8, sinon à côté, 16 par fenêtre. Rend la fenêtre de chacun."""
    tools.open_window("decodeur", f"VAE : {model_name}")
    windows = [f"curseurs {1 + line // 16}" if len(labels) > 8 else "decodeur" for line in range(len(labels))]
    for place, window in enumerate(sorted(set(windows) - {"decodeur"})):
        tools.open_window(window, f"Curseurs {place + 1}", x=820 + 272 * place)
        tools.show(window, Image.new("RGB", (540 if len(labels) <= 16 else 268, 8), tools.white))
    for label, window in zip(labels, windows):
        cv2.createTrackbar(label, window, 100, 200, lambda position: None)
    return windows


# %% 1. Le modèle
if __name__ == "__main__":
    for name, values in (("walk_seconds", [1, 20]), ("model_name", str), ("dataset_folder", str)):
        tools.check(name, globals()[name], values)
    model, saved = load_model(here / f"{model_name}.pth")
    settings, mean, spread = saved["settings"], saved["z_mean"], saved["z_spread"]
    if (images_size, latent_size) != (settings["images_size"], settings["latent_size"]):
        images_size, latent_size = settings["images_size"], settings["latent_size"]
        print(f"Je prends les valeurs de {model_name}.pth : images_size = {images_size}, latent_size = {latent_size}.")
    task, beta = settings["task"], settings["beta"]
    if not beta:
        print("Auto-encodeur simple (beta = 0) : rien n'a rapproché ses codes de N(0, 1), où il ne saurait rien dessiner.\n"
              "L'image au hasard (touche h) est donc tirée autour des codes mesurés.")
    order = saved["importance"].argsort(descending=True).tolist()     # le curseur du haut règle le latent order[0]
    labels = [f"z{i + 1} {saved['importance'][i]:.1f} {'bits' if beta else '%'}" for i in order]
    if not tools.screen_works():
        sys.exit("Aucun écran : decode_VAE.py ouvre une fenêtre, lancez-le depuis le bureau de l'ordinateur.")

    # %% 2. Les curseurs
    z, others, message = mean.clone(), {}, ""      # le code dessiné, ce que le réseau a reçu, une nouvelle à dire
    positions = [100] * latent_size                # des curseurs, de 0 à 200 : de -3 à +3 écarts-types autour de la moyenne
    images, turn, capture, walk_start, changed = None, 0, None, None, True
    threads = torch.get_num_threads()
    torch.set_num_threads(1)                       # pour une seule image, se partager le travail prendrait plus de temps
    tools.close_windows()                          # une fenêtre restée d'un lancement précédent
    try:
        windows = open_sliders(labels)
        while True:
            if changed:
                with torch.no_grad():
                    picture = model.decode(z[None])[0]
                tools.show("decodeur", draw_screen(picture, others, labels, z[order].tolist(), message))
            key = cv2.waitKeyEx(5)                 # c'est ici que les fenêtres vivent
            if key in tools.quit_keys or not all(tools.is_open(window) for window in {"decodeur", *windows}):
                break
            letter = chr(key).lower() if 0 < key < 128 else ""
            code, image, changed = None, None, bool(letter)     # code : le nouveau code, s'il change sans les curseurs
            for line, i in enumerate(order):       # un curseur déplacé à la main
                position = cv2.getTrackbarPos(labels[line], windows[line])
                if position != positions[line]:
                    positions[line], z[i] = position, mean[i] + spread[i] * 3 * (position - 100) / 100
                    others, walk_start, changed = {}, None, True
            if letter and letter in "hmipw":
                others, message, walking, walk_start, filming = {}, "", walk_start, None, capture
                if capture:                        # ces touches arrêtent la webcam et la promenade
                    capture = capture.release()
                try:
                    if letter == "h":
                        code = torch.randn(latent_size) if beta else mean + spread * torch.randn(latent_size)
                    elif letter == "m":
                        code = mean.clone()
                    elif letter == "i":
                        if images is None:
                            images, names = load_images(here / dataset_folder, images_size)
                        image, turn = images[turn % len(images)] / 255, turn + 1
                    elif letter == "w" and not filming:
                        capture = tools.open_camera(camera)
                    elif letter == "p" and not walking:
                        walk_start, origin = time.time(), z.clone()
                except SystemExit as trouble:      # pas de webcam, pas d'image : on le dit, et on continue
                    print(trouble)
                    message = str(trouble).split(" :")[0] + " (que faire : voir la console)"
            elif letter == "s":
                message = "Image enregistrée : " + tools.save_picture(to_picture(picture).resize((512, 512)), here, "decode").name
            if capture:
                square = tools.read_square(capture)
                if square:
                    square = square.resize((images_size, images_size), Image.Resampling.BOX)
                    image = torch.tensor(np.asarray(square)).permute(2, 0, 1) / 255
                else:
                    capture, message, changed = capture.release(), "Caméra arrêtée : rebranchez-la, puis touche w.", True
            if walk_start:                         # un aller-retour le long d'un curseur, puis du suivant
                turns = (time.time() - walk_start) / walk_seconds
                i, code = order[int(turns) % latent_size], origin.clone()
                code[i] = mean[i] + spread[i] * 3 * math.sin(2 * math.pi * turns)
            if image is not None:                  # le réseau regarde l'image : les curseurs prendront son code
                with torch.no_grad():
                    inputs = spoil(image[None], task)
                    code = model.encode(inputs)[0][0]
                others = {"entrée": inputs[0]} if task == "copy" else {"entrée": inputs[0], "cible": image}
            if code is not None:
                z, changed = code, True
                positions = (100 + 100 * (z - mean) / spread / 3).round().int().clamp(0, 200)[order].tolist()
                for label, window, position in zip(labels, windows, positions):
                    cv2.setTrackbarPos(label, window, position)
    except KeyboardInterrupt:
        print("Arrêt demandé.")
    finally:
        if capture:
            capture.release()
        torch.set_num_threads(threads)
        tools.close_windows()
