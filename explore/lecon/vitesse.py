"""Mesurer la vitesse du kit, face à un réseau classique.

Lit     : les images de démonstration ; les films et les dossiers nommés après le script :
          python explore/lecon/vitesse.py film.mp4 mes_photos
Écrit   : un tableau dans la console, celui de mesures.md ; rien ailleurs.
Environ 5 minutes pour chaque sorte d'images ; fermez les autres programmes. Des dessins à
bords nets et des coupes grises, faits ici, s'ajoutent toujours. Chaque nombre est la médiane
de 3 mesures, prises à tour de rôle avec leur repère (une seule pour la minute).
"""
rounds = 3                                # mesures de chaque nombre
minute = 60                               # secondes du duel long

import contextlib
import io
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import laboratory as lab
import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

demo = lab.kit / "images" / "demo"


# %% Les images
y, x = np.mgrid[0:64, 0:64] + 0.5         # le centre de chaque pixel


def mix(first, second, amount):
    return np.array(first) * (1 - amount) + np.array(second) * amount


def draw_house(place, roof, wall, door, sky, sun):
    """Une maison à plat, aux bords nets, où six choses changent, chacune de 0 à 1."""
    picture = np.empty((64, 64, 3))
    picture[:] = mix((150, 210, 255), (250, 150, 90), sky)
    picture[(x - 50)**2 + (y - 8 - 16 * sun)**2 < 36] = (255, 240, 60)
    picture[y > 50] = (70, 160, 70)
    across = abs(x - 24 - 12 * place)
    picture[(across < 13) & (y > 32) & (y < 56)] = mix((230, 60, 50), (60, 80, 230), wall)
    slope = (y - 26 + 16 * roof) / (6 + 16 * roof)      # 0 au sommet du toit, 1 en bas
    picture[(y < 32) & (across < 16 * slope)] = (90, 50, 30)
    picture[(across < 2 + 5 * door) & (y > 42) & (y < 56)] = (250, 245, 230)
    return picture


def draw_slice(width, height, hole, tilt, light, fold):
    """Une coupe grise, comme d'IRM : un crâne, un cerveau plissé et deux creux."""
    width = 18 + 8 * width
    height = 22 + 7 * height
    hole = 0.08 + 0.22 * hole
    tilt = 0.3 * tilt - 0.15
    across = ((x - 32) * np.cos(tilt) + (y - 32) * np.sin(tilt)) / width
    down = ((y - 32) * np.cos(tilt) - (x - 32) * np.sin(tilt)) / height
    radius = np.sqrt(across**2 + down**2)
    picture = np.zeros((64, 64))
    picture[radius < 1] = 0.75
    picture[radius < 0.92] = 0.15
    edge = 0.85 + 0.06 * np.sin(11 * np.arctan2(down, across) + 6.28 * fold)
    picture[radius < edge] = 0.55
    picture[radius < edge - 0.15] = 0.72
    for side in (-0.6, 0.6):
        picture[((across - side * hole) / 0.5)**2 + (down / 1.6)**2 < hole**2] = 0.1
    picture = cv2.GaussianBlur(picture, None, 0.6) * (0.7 + 0.3 * light)
    return 255 * np.repeat(picture[..., None], 3, axis=2)


def draw_all(draw, folder, grain):
    """1000 images dans un dossier ; six facteurs réguliers de 0 à 1, un peu de grain."""
    random = np.random.RandomState(3)
    factors = [(random.permutation(1000) + 0.5) / 1000 for name in range(6)]
    folder.mkdir()
    for number, row in enumerate(zip(*factors), start=1):
        picture = draw(*row) + random.normal(0, grain, (64, 64, 1))
        picture = picture.clip(0, 255).round().astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number:04d}.png")
    return folder


def save_film(film, folder):
    """Les images d'un film, au plus 1000, prises sur toute sa durée."""
    folder.mkdir()
    capture = cv2.VideoCapture(str(film))
    squares = []
    square = lab.read_square(capture)
    while square is not None:
        squares.append(square.resize((128, 128), Image.Resampling.BOX))
        square = lab.read_square(capture)
    capture.release()
    if not squares:
        lab.stop(f"{film} : ni un dossier, ni une vidéo lisible.")
    every = math.ceil(len(squares) / 1000)
    for number, square in enumerate(squares[::every], start=1):
        square.save(folder / f"im_{number:04d}.png")
    return folder


def prepare(folder):
    """Tous les dossiers d'images à mesurer, sous leur nom."""
    folders = {"créatures": demo,
               "dessins nets": draw_all(draw_house, folder / "nets", 0),
               "coupes grises": draw_all(draw_slice, folder / "grises", 5)}
    for name in sys.argv[1:]:
        source = Path(name).resolve()
        if not source.is_dir():
            source = save_film(source, folder / source.stem)
        folders[source.stem] = source
    return folders


def load(folder):
    """Les images d'un dossier, partagées comme dans train_VAE.py, sans rien afficher."""
    with contextlib.redirect_stdout(io.StringIO()):
        images, names = lab.load_images(folder, 64)
    train_index, test_index = lab.split(names, lab.settings["test_data_proportion"])
    return images, train_index, test_index


# %% Le repère : le réseau classique
class Classic(nn.Module):
    """Quatre convolutions, quatre convolutions transposées, ReLU : le VAE de Ha et
    Schmidhuber (2018, arXiv:1803.10122)."""

    def __init__(self, latent_size=4):
        super().__init__()
        self.encoder = nn.Sequential(                         # (N, 3, 64, 64)
            nn.Conv2d(3, 32, 4, stride=2), nn.ReLU(),         # (N, 32, 31, 31)
            nn.Conv2d(32, 64, 4, stride=2), nn.ReLU(),        # (N, 64, 14, 14)
            nn.Conv2d(64, 128, 4, stride=2), nn.ReLU(),       # (N, 128, 6, 6)
            nn.Conv2d(128, 256, 4, stride=2), nn.ReLU(),      # (N, 256, 2, 2)
            nn.Flatten(), nn.Linear(1024, 2 * latent_size))
        self.decoder = nn.Sequential(                         # (N, latent_size)
            nn.Linear(latent_size, 1024),
            nn.Unflatten(1, (1024, 1, 1)),                    # (N, 1024, 1, 1)
            nn.ConvTranspose2d(1024, 128, 5, 2), nn.ReLU(),   # (N, 128, 5, 5)
            nn.ConvTranspose2d(128, 64, 5, 2), nn.ReLU(),     # (N, 64, 13, 13)
            nn.ConvTranspose2d(64, 32, 6, 2), nn.ReLU(),      # (N, 32, 30, 30)
            nn.ConvTranspose2d(32, 3, 6, 2), nn.Sigmoid())    # (N, 3, 64, 64)

    def forward(self, x, noise=True):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu
        if noise:
            z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


def train_classic(images, train_index, test_index, seconds_at_least=0):
    """Adam à 0.001, lots de 64, 20 époques ou plus.

    Renvoie (secondes, erreur de test) après chaque époque ; l'erreur se mesure
    chronomètre arrêté."""
    model = Classic()
    history = []
    seconds = 0
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    while len(history) < 20 or seconds < seconds_at_least:
        start = time.perf_counter()
        order = train_index[torch.randperm(len(train_index))]
        for batch in order.split(64):
            target = images[batch] / 255
            output, mu, logvar = model(target)
            loss, error, kl = lab.vae_loss(output, target, mu, logvar)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds += time.perf_counter() - start
        error = lab.pixel_error(model, images, test_index, "copy")
        history.append((seconds, error))
    return history


# %% Chronométrer
def clock(run, *values):
    start = time.perf_counter()
    run(*values)
    return time.perf_counter() - start


def run_script(kit, **settings):
    """Les secondes de train_VAE.py, du départ au modèle écrit, avec ces réglages.

    Sans écran (sous Linux) : sans fenêtre, il va au bout de lui-même."""
    text = (lab.kit / "train_VAE.py").read_text("utf-8")
    for name, value in settings.items():
        before, line, after = re.split(rf"(?m)^({name} = .*)$", text, maxsplit=1)
        text = f"{before}{name} = {value!r}{after}"
    script = kit / "train_VAE.py"
    script.write_text(text, "utf-8")
    environment = dict(os.environ, DISPLAY="", PYTHONUTF8="1")
    start = time.perf_counter()
    subprocess.check_output([sys.executable, script], env=environment)
    return time.perf_counter() - start


def import_seconds(kit):
    """Ce que coûtent les import seuls, avec ceux que torch fait à son premier Adam."""
    code = ("import train_VAE, torch\n"
            "torch.optim.Adam([torch.zeros(1, requires_grad=True)])")
    start = time.perf_counter()
    subprocess.check_output([sys.executable, "-c", code], cwd=kit)
    return time.perf_counter() - start


def epoch_seconds(images, index):
    """Le temps d'une époque : de trois, on retire la première et le départ (ACP)."""
    model, settings, one = lab.train(images, index, epochs=1)
    model, settings, three = lab.train(images, index, epochs=3)
    return (three - one) / 2


# %% Le duel
def reach(goal, images, train_index, test_index):
    """Le plus petit nombre d'époques qui mène le kit à cette erreur de test."""
    error = math.inf
    epochs = 0
    while error > goal:
        epochs += 1
        model, settings, seconds = lab.train(images, train_index, epochs=epochs)
        error = lab.pixel_error(model, images, test_index, "copy")
    return seconds, epochs


def duel(name, source, kit):
    """Combien de temps le kit met à égaler 20 époques classiques ; puis une minute."""
    images, train_index, test_index = load(source)
    times = []
    for turn in range(rounds):
        at_least = 0
        if turn == rounds - 1:
            at_least = minute             # la dernière fois, il continue
        reading = clock(load, source)
        history = train_classic(images, train_index, test_index, at_least)
        reference, goal = history[19]
        seconds, epochs = reach(goal, images, train_index, test_index)
        script = run_script(kit, dataset_folder=str(source), epochs=epochs)
        script -= import_seconds(kit)
        times.append([goal, reference, seconds, epochs, reference / seconds,
                      (reading + reference) / script])
    goal, reference, seconds, epochs, ratio, script_ratio = np.median(times, 0)
    after = [error for seconds, error in history if seconds >= minute]
    print(f"| {name} | {goal:.5f} | {reference:.1f} s | {seconds:.1f} s ({epochs:.0f} ép.) "
          f"| {ratio:.1f} | {script_ratio:.1f} | {after[0]:.5f} ; "
          f"{long_duel(images, train_index, test_index)} |", flush=True)


def long_duel(images, train_index, test_index):
    """L'erreur du kit après une minute, et son plancher."""
    epochs = round(minute / epoch_seconds(images, train_index))
    model, settings, seconds = lab.train(images, train_index, epochs=epochs)
    error = lab.pixel_error(model, images, test_index, "copy")
    return f"{error:.5f} (plancher : {floor(model, images, test_index):.5f})"


def floor(model, images, test_index):
    """Ce que le décodeur, tel qu'il est, peut faire de mieux avec ses nombres.

    On cherche par pas de gradient le meilleur code de chaque image, sans l'encodeur."""
    target = images[test_index] / 255
    mu, logvar = model.encode(target)
    z = mu.detach().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.02)
    for step in range(300):
        error = (model.decode(z) - target).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return error.item()


def busy():
    """Une époque sur une machine tranquille, puis avec un programme par cœur à côté."""
    images, train_index, test_index = load(demo)
    quiet = np.median([epoch_seconds(images, train_index) for turn in range(rounds)])
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for core in range(os.cpu_count())]
    try:
        slow = np.median([epoch_seconds(images, train_index) for turn in range(rounds)])
    finally:
        for program in loops:
            program.kill()
    print(f"\nUne époque : {quiet:.2f} s ; avec un programme occupé par cœur : {slow:.2f} s.")


# %% Tout mesurer
if __name__ == "__main__":
    temporary = tempfile.TemporaryDirectory(prefix="vitesse_")    # s'efface à la fin
    folder = Path(temporary.name)
    kit = folder / "kit"
    shutil.copytree(demo, kit / "images" / "demo")
    for script in lab.kit.glob("*.py"):
        shutil.copy(script, kit)
    shutil.copytree(lab.kit / "outils", kit / "outils")
    print("| images | erreur à atteindre | repère | le kit | fois plus tôt "
          "| de F5 au modèle, fois plus tôt | erreur après une minute : repère ; kit |\n"
          "|---|---|---|---|---|---|---|")
    for name, source in prepare(folder).items():
        duel(name, source, kit)
    busy()
