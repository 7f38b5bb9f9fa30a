"""Mesurer la vitesse du kit, face au réseau classique : python tests/benchmark.py [film ou dossier d'images]

Les images sont celles de démonstration et, si on le donne, celles d'un film ou d'un dossier (10 minutes pour chacun).
Chaque nombre est la médiane de 3 mesures, prises à tour de rôle avec leur repère ; fermez les autres programmes.
Écrit un tableau, et range des images à comparer dans un dossier temporaire.
"""
import contextlib
import copy
import cProfile
import io
import math
import os
import platform
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root / "explore")]
import record_images as tools
import train_VAE
from laboratory import train
from model_VAE_64 import VAE, load_images, to_picture, vae_loss

rounds, minute, many = 3, 60, 20_000      # mesures de chaque nombre ; secondes d'un duel ; images d'un grand dossier
demo = root / "images" / "demo"


# %% Le kit
def load(source, images_size=64):
    """Les images d'un dossier ou d'un film, et leur partage apprentissage / test, d'après les noms comme dans train_VAE.py."""
    if source.is_dir():
        with contextlib.redirect_stdout(io.StringIO()):
            images, names = load_images(source, images_size)
    else:
        capture = cv2.VideoCapture(str(source))
        squares = [np.asarray(square.resize((images_size, images_size), Image.Resampling.BOX))
                   for square in iter(lambda: tools.read_square(capture), None)]
        squares = squares[::math.ceil(len(squares) / 1000)]                      # au plus 1 000, pris sur tout le film
        images, names = torch.tensor(np.stack(squares)).permute(0, 3, 1, 2), [f"im_{i:04d}.png" for i in range(len(squares))]
    test_index, train_index = train_VAE.split(names, train_VAE.test_data_proportion)
    return images, train_index, test_index


def test_error(model, images, test_index, task="copy"):
    """Le carré moyen de l'écart entre les images de test et leur reconstruction, sans hasard dans les codes."""
    output = train_VAE.reconstruct(model, images, test_index, task)["sortie"]
    return (output - images[test_index] / 255).square().mean().item()


# %% Le repère : le réseau classique
class Classic(nn.Module):
    """Quatre convolutions, quatre convolutions transposées, ReLU (le VAE de Ha et Schmidhuber, 2018, arXiv:1803.10122)."""

    def __init__(self, latent_size=4):
        super().__init__()
        self.encoder = nn.Sequential(                                            # (N, 3, 64, 64)
            nn.Conv2d(3, 32, 4, stride=2), nn.ReLU(),                            # (N, 32, 31, 31)
            nn.Conv2d(32, 64, 4, stride=2), nn.ReLU(),                           # (N, 64, 14, 14)
            nn.Conv2d(64, 128, 4, stride=2), nn.ReLU(),                          # (N, 128, 6, 6)
            nn.Conv2d(128, 256, 4, stride=2), nn.ReLU(),                         # (N, 256, 2, 2)
            nn.Flatten(), nn.Linear(1024, 2 * latent_size))                      # (N, 2 * latent_size)
        self.decoder = nn.Sequential(                                            # (N, latent_size)
            nn.Linear(latent_size, 1024), nn.Unflatten(1, (1024, 1, 1)),         # (N, 1024, 1, 1)
            nn.ConvTranspose2d(1024, 128, 5, stride=2), nn.ReLU(),               # (N, 128, 5, 5)
            nn.ConvTranspose2d(128, 64, 5, stride=2), nn.ReLU(),                 # (N, 64, 13, 13)
            nn.ConvTranspose2d(64, 32, 6, stride=2), nn.ReLU(),                  # (N, 32, 30, 30)
            nn.ConvTranspose2d(32, 3, 6, stride=2), nn.Sigmoid())                # (N, 3, 64, 64)

    def forward(self, x, noise=True):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return self.decoder(mu + torch.exp(logvar / 2) * torch.randn_like(mu) if noise else mu), mu, logvar


def train_classic(images, train_index, test_index):
    """Adam à 0.001, lots de 64, au moins 20 époques et une minute. Rend le réseau après 20 époques, et (secondes, erreur
    de test) après chaque époque ; l'erreur se mesure chronomètre arrêté."""
    model, history, seconds = Classic(), [], 0
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    while len(history) < 20 or seconds < minute:
        start = time.perf_counter()
        for batch in train_index[torch.randperm(len(train_index))].split(64):
            target = images[batch].float() / 255
            output, mu, logvar = model(target)
            loss, error, kl = vae_loss(output, target, mu, logvar)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds += time.perf_counter() - start
        history.append((seconds, test_error(model, images, test_index)))
        if len(history) == 20:
            classic = copy.deepcopy(model)
    return classic, history


# %% Les mesures : chacune rend des lignes du tableau (mesure, repère, kit, rapport, but)
def clock(run, *values):
    start = time.perf_counter()
    run(*values)
    return time.perf_counter() - start


def medians(*runs):
    """Lance chaque mesure à son tour, plusieurs fois. Rend la médiane de ce que chacune a rendu."""
    return np.median([[run() for run in runs] for turn in range(rounds)], axis=0)


def duel(source, folder):
    """Le kit apprend avec 1, 2, 3... époques, jusqu'à égaler 20 époques du réseau classique ; puis une minute chacun."""
    images, train_index, test_index = load(source)
    times = []
    for turn in range(rounds):
        classic, history = train_classic(images, train_index, test_index)
        (reference, goal), error, epochs = history[19], 1, 0
        while error > goal:
            epochs += 1
            model, settings, seconds = train(images, train_index, epochs=epochs)
            error = test_error(model, images, test_index)
        times.append((reference, goal, seconds, epochs, reference / seconds))
    reference, goal, seconds, epochs, ratio = np.median(times, axis=0)
    yield (f"{source.stem} : erreur de test de 20 époques classiques ({goal:.5f})", f"{reference:.1f} s",
           f"{seconds:.1f} s ({epochs:.0f} époques)", f"{ratio:.0f} fois plus tôt", "15")
    after, goal = next((seconds, error) for seconds, error in history if seconds >= minute)
    long, settings, seconds = train(images, train_index, epochs=round(minute / seconds * epochs))
    error = test_error(long, images, test_index)
    yield (f"{source.stem} : erreur de test après une minute (une mesure)", f"{goal:.5f} en {after:.0f} s",
           f"{error:.5f} en {seconds:.0f} s", f"{goal / error:.1f} fois moins", "2")
    shown = test_index[:10]
    rows = [images[shown] / 255, *(train_VAE.reconstruct(net, images, shown, "copy")["sortie"] for net in (classic, model, long))]
    sheet = to_picture(torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1))
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(folder / f"{source.stem}.png")


def whole_script(kit):
    """Du départ de train_VAE.py au modèle enregistré, sans fenêtre."""
    script = kit / "train_VAE.py"
    script.write_text(script.read_text("utf-8").replace("show_window = True", "show_window = False"), "utf-8")

    def run():
        start = time.perf_counter()
        told = subprocess.check_output([sys.executable, "-X", "utf8", script], encoding="utf-8")
        return time.perf_counter() - start, int(re.search(r"(\d+) s, encore 0 s", told)[1])

    whole, training = medians(run)[0]
    yield "train_VAE.py, du départ au modèle enregistré", "", f"{whole:.0f} s", f"dont apprendre : {training:.0f} s", "40 s, 30 s"


def window(kit):
    """Le temps que met la fenêtre de decode_VAE.py à paraître, sur un écran virtuel."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        yield "fenêtre de decode_VAE.py", "", "non mesuré (il faut Xvfb et xdotool)", "", ""
        return
    screen = subprocess.Popen(["Xvfb", "-displayfd", "1", "-noreset"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    environment = os.environ | {"DISPLAY": f":{screen.stdout.readline().strip()}", "QT_QPA_PLATFORM": "xcb"}
    search = ["xdotool", "search", "--onlyvisible", "--name", "VAE :"]

    def run():
        start = time.perf_counter()
        with subprocess.Popen([sys.executable, kit / "decode_VAE.py"], env=environment, stdout=subprocess.DEVNULL) as program:
            while subprocess.run(search, env=environment, capture_output=True).returncode and program.poll() is None:
                time.sleep(0.01)
            program.kill()
        return time.perf_counter() - start if program.returncode < 0 else math.nan       # fini de lui-même : pas de fenêtre

    reference, ours = medians(lambda: clock(subprocess.run, [sys.executable, "-c", "import torch"]), run)
    screen.terminate()
    yield ("fenêtre de decode_VAE.py (repère : import torch seul)", f"{reference:.1f} s", f"{ours:.1f} s",
           f"{ours - reference:.1f} s de plus", "1,5 s")


@torch.no_grad()
def decoding():
    """Un code, une image : comme decode_VAE.py, sur un seul fil."""
    model, threads = VAE().eval(), torch.get_num_threads()
    torch.set_num_threads(1)
    times = [clock(model.decode, torch.randn(1, 4)) for turn in range(300)]
    torch.set_num_threads(threads)
    yield "décoder un code", "", f"{1000 * np.median(times):.2f} ms", "", "2 ms"


def outside():
    """La part d'une époque passée hors du réseau, de la perte, de backward et de step."""
    images, train_index, test_index = load(demo)
    inside = {("model_VAE_64.py", "forward"), ("model_VAE_64.py", "vae_loss"), ("_tensor.py", "backward"), ("adam.py", "step")}

    def share():
        profile = cProfile.Profile()
        seconds = profile.runcall(train, images, train_index, epochs=2)[2]
        calls = pstats.Stats(profile).stats.items()              # (fichier, ligne, fonction) : (..., secondes, appelants)
        return 1 - sum(call[3] for (file, line, name), call in calls if (Path(file).name, name) in inside) / seconds

    yield "part d'une époque hors du réseau et de l'optimiseur", "", f"{100 * medians(share)[0]:.1f} %", "", "5 %"


# lancé dans un Python neuf : les secondes pour lire un dossier, et la mémoire prise (sous Linux) / la taille des images
loading = """import re, sys, time
from pathlib import Path
from model_VAE_64 import load_images
status = Path("/proc/self/status")
memory = lambda name: 1024 * int(re.search(name + r":\\s+(\\d+)", status.read_text())[1]) if status.exists() else float("nan")
before, start = memory("VmRSS"), time.perf_counter()
images, names = load_images(Path(sys.argv[1]), 64)
print(time.perf_counter() - start, (memory("VmHWM") - before) / images.nbytes)"""


def reading():
    """1 000 JPEG de 640x480 ; puis un grand dossier, où ils reviennent tous sous d'autres noms."""
    with tempfile.TemporaryDirectory() as folder:
        few, several = Path(folder, "few"), Path(folder, "many")
        few.mkdir()
        several.mkdir()
        grain = np.random.default_rng(0).integers(0, 8, (480, 640, 3), np.uint8)
        for path in sorted(demo.glob("*.png"))[:1000]:
            file = few / f"{path.stem}.jpg"
            cv2.imwrite(str(file), cv2.add(cv2.resize(cv2.imread(str(path)), (640, 480)), grain))
            for number in range(many // 1000):
                os.link(file, several / f"{number:02d}_{file.name}")

        def read_simply():
            return clock(lambda: [cv2.resize(cv2.imread(str(file)), (64, 64)) for file in few.glob("*.jpg")])

        def read_kit():
            (few / "cache_64.npz").unlink(missing_ok=True)
            return clock(load, few)

        reference, ours = medians(read_simply, read_kit)
        yield ("lire 1 000 JPEG de 640x480 (repère : cv2.imread et resize)", f"{reference:.2f} s", f"{ours:.2f} s",
               f"{reference / ours:.1f} fois plus vite", "2")
        for name, goal in (("première lecture", "1,5"), ("lecture suivante (cache)", "1,5, en quelques s")):
            told = subprocess.check_output([sys.executable, "-X", "utf8", "-c", loading, several], encoding="utf-8", cwd=root)
            seconds, memory = map(float, told.split()[-2:])
            yield f"{many} images, {name}", "", f"{seconds:.1f} s", f"mémoire : {memory:.2f} fois leur taille", goal


def epoch_seconds(images, count, **changes):
    """Le temps d'une époque sur count images, tirées au hasard parmi images."""
    return train(images[torch.randint(len(images), (count,))], torch.arange(count), epochs=1, **changes)[2]


def growth():
    """Une époque, selon le nombre d'images et leur taille ; puis sur la carte graphique, s'il y en a une."""
    images = {size: load(demo, size)[0] for size in (32, 64, 128)}
    cases = [(200, 64), (2000, 64), (many, 64), (2000, 32), (2000, 128)]
    times = medians(lambda: [epoch_seconds(images[size], count) for count, size in cases])[0]
    for (count, size), seconds in zip(cases, times):
        yield (f"une époque de {count} images de {size} pixels", "", f"{seconds:.2f} s",
               f"{1000 * seconds / count:.2f} ms par image", "")
    if not torch.cuda.is_available():
        yield "carte graphique", "", "pas de GPU ici", "", ""
        return
    for batch in (16, 256):
        epoch_seconds(images[64].cuda(), 2000, batch_size=batch)      # la première fois, la carte se prépare
        reference, ours = medians(lambda: epoch_seconds(images[64], 2000, batch_size=batch),
                                  lambda: epoch_seconds(images[64].cuda(), 2000, batch_size=batch))
        yield (f"une époque de 2000 images sur GPU, lots de {batch} (repère : processeur)", f"{reference:.2f} s", f"{ours:.2f} s",
               f"{reference / ours:.1f} fois plus vite", "1")


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp(prefix="mesures_"))
    kit = folder / "kit"
    shutil.copytree(demo, kit / "images" / "demo")
    for script in root.glob("*.py"):
        shutil.copy(script, kit)
    cpu = Path("/proc/cpuinfo")
    cpu = re.search(r"model name\s*: (.*)", cpu.read_text())[1] if cpu.exists() else platform.processor()
    print(f"{cpu}, {os.cpu_count()} cœurs, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}\n\n"
          "| mesure | repère | le kit | rapport | but |\n|---|---|---|---|---|")
    measures = [*(duel(source, folder) for source in [demo, *map(Path, sys.argv[1:])]), whole_script(kit), window(kit),
                decoding(), outside(), reading(), growth()]
    for measure in measures:
        for line in measure:
            print("|", " | ".join(line), "|", flush=True)
    print(f"\nDans {folder}, de haut en bas : image de test, réseau classique, kit au même niveau, kit après une minute.")
