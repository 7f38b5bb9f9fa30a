"""Mesurer la vitesse du kit, face au réseau classique : python tests/benchmark.py [films ou dossiers]

Les images : les dessins doux de démonstration, des dessins à bords nets et des coupes grises
dessinés ici, et les films ou les dossiers donnés. Environ 5 minutes pour chaque sorte d'images.
Chaque nombre est la médiane de 3 mesures prises à tour de rôle avec leur repère (une seule pour la
minute) ; fermez les autres programmes. Écrit un tableau, où un but manqué est signalé, et range
des images à comparer dans un dossier temporaire.
"""
import contextlib
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

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root / "explore")]
from laboratory import train
import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

import record_images as tools
import train_VAE
from model_VAE_64 import VAE, load_images, to_picture, vae_loss

rounds = 3                                # mesures de chaque nombre
minute = 60                               # secondes du duel long
many = 20_000                             # images d'un grand dossier
demo = root / "images" / "demo"


# %% Les images
y, x = np.mgrid[0:64, 0:64] + 0.5         # le centre de chaque pixel


def mix(first, second, amount):
    return np.array(first, float) * (1 - amount) + np.array(second, float) * amount


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
    width, height, hole = 18 + 8 * width, 22 + 7 * height, 0.08 + 0.22 * hole
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
    """1000 images dans un dossier ; six facteurs réguliers de 0 à 1, et un peu de grain."""
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
    while square := tools.read_square(capture):
        squares.append(square.resize((128, 128), Image.Resampling.BOX))
    for number, square in enumerate(squares[::math.ceil(len(squares) / 1000)], start=1):
        square.save(folder / f"im_{number:04d}.png")
    return folder


def prepare(folder):
    """Tous les dossiers d'images à mesurer, sous leur nom."""
    folders = {"dessins doux": demo, "dessins nets": draw_all(draw_house, folder / "nets", 0),
               "coupes grises": draw_all(draw_slice, folder / "grises", 5)}
    for source in map(Path, sys.argv[1:]):
        folders[source.stem] = source if source.is_dir() else save_film(source, folder / source.stem)
    return folders


# %% Le kit
def load(folder, images_size=64):
    """Les images d'un dossier, et leur partage apprentissage / test, comme dans train_VAE.py."""
    with contextlib.redirect_stdout(io.StringIO()):
        images, names = load_images(folder, images_size)
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


def train_classic(images, train_index, test_index, seconds_at_least=0):
    """Adam à 0.001, lots de 64, 20 époques ou plus. Rend le réseau, et (secondes, erreur de test)
    après chaque époque ; l'erreur se mesure chronomètre arrêté."""
    model = Classic()
    history = []
    seconds = 0
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    while len(history) < 20 or seconds < seconds_at_least:
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
    return model, history


# %% Les mesures : chacune rend des lignes du tableau (mesure, repère, kit, rapport, but)
def judge(ratio, goal, words):
    """Le rapport, et le but, signalé s'il est manqué."""
    return f"{ratio:.1f} {words}", f"{goal}" if ratio >= goal else f"{goal} : MANQUÉ"


def clock(run, *values):
    start = time.perf_counter()
    run(*values)
    return time.perf_counter() - start


def medians(*runs):
    """Lance chaque mesure à son tour, plusieurs fois. Rend la médiane de ce que chacune a rendu."""
    return np.median([[run() for run in runs] for turn in range(rounds)], axis=0)


def duel(name, source, kit, folder):
    """Combien de temps le kit met à égaler 20 époques du réseau classique ; puis une minute chacun."""
    images, train_index, test_index = load(source)
    times = []
    for turn in range(rounds):
        start = time.perf_counter()
        load(source)
        reading = time.perf_counter() - start
        longer = minute if turn == rounds - 1 else 0
        classic, history = train_classic(images, train_index, test_index, longer)
        reference, goal = history[19]
        error, epochs = 1, 0
        while error > goal:
            epochs += 1
            model, settings, seconds = train(images, train_index, epochs=epochs)
            error = test_error(model, images, test_index)
        script = run_script(kit, dataset_folder=str(source), epochs=epochs) - import_seconds(kit)
        times.append((reference, goal, seconds, epochs, script, reference / seconds,
                      (reading + reference) / script))
    reference, goal, seconds, epochs, script, ratio, script_ratio = np.median(times, axis=0)
    yield (f"{name} : erreur de 20 époques classiques ({goal:.5f})", f"{reference:.1f} s",
           f"{seconds:.1f} s ({epochs:.0f} ép.)", *judge(ratio, 25, "fois plus tôt"))
    yield (f"{name} : la même, de F5 au modèle écrit, sans les import", f"{reference:.1f} s",
           f"{script:.1f} s", *judge(script_ratio, 10, "fois plus tôt"))
    seconds_long, goal = next(row for row in history if row[0] >= minute)
    long_epochs = round(minute / epoch_seconds(images, train_index))
    long, settings, seconds = train(images, train_index, epochs=long_epochs)
    error = test_error(long, images, test_index)
    yield (f"{name} : erreur après une minute (une mesure)", f"{goal:.5f} en {seconds_long:.0f} s",
           f"{error:.5f} en {seconds:.0f} s", *judge(goal / error, 2, "fois moins"))
    if goal < 2 * error:
        yield (f"{name} : plancher, meilleur code cherché image par image", "",
               f"{floor(long, images, test_index):.5f}", "", "")
    shown = test_index[:10]
    rows = [images[shown] / 255]
    for network in (classic, model, long):
        rows.append(train_VAE.reconstruct(network, images, shown, "copy")["sortie"])
    sheet = to_picture(torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1))
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(
        folder / f"{name.replace(' ', '_')}.png")


def floor(model, images, test_index):
    """Ce que le décodeur, tel qu'il est, peut faire de mieux avec ses nombres : on cherche par
    pas de gradient le meilleur code de chaque image de test, sans l'encodeur."""
    target = images[test_index] / 255
    z = model.encode(target)[0].detach().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.02)
    for step in range(300):
        error = (model.decode(z) - target).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return error.item()


def run_script(kit, **settings):
    """Les secondes de train_VAE.py, du départ au modèle écrit, sans fenêtre, avec ces réglages."""
    text = (root / "train_VAE.py").read_text("utf-8")
    for name, value in {"show_window": False, **settings}.items():
        text = re.sub(rf"(?m)^{name} = .*?(?=\s*#\*\*\*)", lambda found: f"{name} = {value!r}", text)
    script = kit / "train_VAE.py"
    script.write_text(text, "utf-8")
    return clock(subprocess.check_output, [sys.executable, "-X", "utf8", script])


def import_seconds(kit):
    """Ce que coûtent les import seuls."""
    return clock(lambda: subprocess.check_output([sys.executable, "-c", "import train_VAE"], cwd=kit))


def whole_script(kit):
    """De F5 au modèle écrit, avec les réglages livrés ; le repère apprend 20 époques."""
    images, train_index, test_index = load(demo)
    reference, ours = medians(lambda: train_classic(images, train_index, test_index)[1][19][0],
                              lambda: run_script(kit))
    yield ("train_VAE.py, de F5 au modèle écrit (repère : 20 époques classiques)",
           f"{reference:.1f} s", f"{ours:.1f} s", *judge(reference / ours, 3, "fois plus tôt"))


def busy():
    """Une époque sur une machine tranquille, puis avec un programme occupé par cœur à côté."""
    images, train_index, test_index = load(demo)
    quiet = medians(lambda: epoch_seconds(images, train_index))[0]
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
             for core in range(os.cpu_count())]
    try:
        slow = medians(lambda: epoch_seconds(images, train_index))[0]
    finally:
        for loop in loops:
            loop.kill()
    ratio = slow / quiet
    yield ("une époque, avec un programme occupé par cœur (repère : machine tranquille)",
           f"{quiet:.2f} s", f"{slow:.2f} s", f"{ratio:.1f} fois plus long",
           "2.5 au plus" if ratio <= 2.5 else "2.5 au plus : MANQUÉ")


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


def epoch_seconds(images, index, **changes):
    """Le temps d'une époque : la différence entre trois et une, car le départ (ACP) compte à part."""
    few = train(images, index, epochs=1, **changes)[2]
    return (train(images, index, epochs=3, **changes)[2] - few) / 2


def growth():
    """Une époque, selon le nombre d'images et leur taille ; puis sur la carte graphique, s'il y en a une."""
    images = {size: load(demo, size)[0] for size in (32, 64, 128)}
    cases = [(200, 64), (2000, 64), (many, 64), (2000, 32), (2000, 128)]
    drawn = [torch.randint(1000, (count,)) for count, size in cases]     # tirées avec remise
    times = medians(lambda: [epoch_seconds(images[size], index)
                             for index, (count, size) in zip(drawn, cases)])[0]
    for (count, size), seconds in zip(cases, times):
        yield (f"une époque de {count} images de {size} pixels", "", f"{seconds:.2f} s",
               f"{1000 * seconds / count:.2f} ms par image", "")
    if not torch.cuda.is_available():
        yield "carte graphique", "", "pas de GPU ici", "", ""
        return
    for batch in (24, 256):
        epoch_seconds(images[64].cuda(), drawn[1], batch_size=batch)  # d'abord, la carte se prépare
        reference, ours = medians(lambda: epoch_seconds(images[64], drawn[1], batch_size=batch),
                                  lambda: epoch_seconds(images[64].cuda(), drawn[1], batch_size=batch))
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
    duels = [duel(name, source, kit, folder) for name, source in prepare(folder).items()]
    measures = [*duels, whole_script(kit), busy(), window(kit), decoding(), outside(), reading(),
                growth()]
    for measure in measures:
        for line in measure:
            print("|", " | ".join(line), "|", flush=True)
    print(f"\nDans {folder}, de haut en bas : image de test, réseau classique, kit au même niveau, kit après une minute.")
