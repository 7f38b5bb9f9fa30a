"""Mesurer la vitesse du kit, face au réseau classique :
python tests/benchmark.py [films ou dossiers]

Les images : les dessins doux de démonstration, des dessins à bords nets et des coupes
grises dessinés ici, et les films ou les dossiers donnés. Environ 5 minutes pour chaque
sorte d'images. Chaque nombre est la médiane de 3 mesures prises à tour de rôle avec leur
repère (une seule pour la minute) ; fermez les autres programmes. Écrit un tableau, où un
but manqué est signalé, et range des images à comparer dans un dossier temporaire.
"""
rounds = 3                                # mesures de chaque nombre
minute = 60                               # secondes du duel long
many = 20_000                             # images d'un grand dossier

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
sys.path.insert(0, str(root))
sys.path.insert(0, str(root / "explore"))
from laboratory import join, train
import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

import train_VAE
from model_VAE_64 import VAE, load_images, to_picture, vae_loss
from record_images import read_square

demo = root / "images" / "demo"


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
    square = read_square(capture)
    while square is not None:
        squares.append(square.resize((128, 128), Image.Resampling.BOX))
        square = read_square(capture)
    every = math.ceil(len(squares) / 1000)
    for number, square in enumerate(squares[::every], start=1):
        square.save(folder / f"im_{number:04d}.png")
    return folder


def prepare(folder):
    """Tous les dossiers d'images à mesurer, sous leur nom."""
    folders = {"dessins doux": demo,
               "dessins nets": draw_all(draw_house, folder / "nets", 0),
               "coupes grises": draw_all(draw_slice, folder / "grises", 5)}
    for name in sys.argv[1:]:
        source = Path(name).resolve()
        if not source.is_dir():
            source = save_film(source, folder / source.stem)
        folders[source.stem] = source
    return folders


def load(folder, images_size=64):
    """Les images d'un dossier, partagées comme dans train_VAE.py, sans rien afficher."""
    with contextlib.redirect_stdout(io.StringIO()):
        images, names = load_images(folder, images_size)
    test_index, train_index = train_VAE.split(names, train_VAE.test_data_proportion)
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

    Renvoie le réseau, et (secondes, erreur de test) après chaque époque ; l'erreur se
    mesure chronomètre arrêté."""
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
            loss, error, kl = vae_loss(output, target, mu, logvar)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds += time.perf_counter() - start
        error = train_VAE.mean_square(model, images, test_index, "copy")
        history.append((seconds, error))
    return model, history


# %% Chronométrer, écrire
def clock(run, *values):
    start = time.perf_counter()
    run(*values)
    return time.perf_counter() - start


def run_script(kit, **settings):
    """Les secondes de train_VAE.py, du départ au modèle écrit, avec ces réglages.

    Sans écran (sous Linux) : sans fenêtre, il va au bout de lui-même."""
    text = (root / "train_VAE.py").read_text("utf-8")
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


def epoch_seconds(images, index, **changes):
    """Le temps d'une époque : de trois, on retire la première et le départ (ACP)."""
    model, settings, one = train(images, index, epochs=1, **changes)
    model, settings, three = train(images, index, epochs=3, **changes)
    return (three - one) / 2


def show(measure, reference="", ours="", ratio="", goal=""):
    """Une ligne du tableau."""
    print(f"| {measure} | {reference} | {ours} | {ratio} | {goal} |", flush=True)


def judge(measure, reference, ours, ratio, words, goal):
    """Une ligne du tableau, où le but est signalé s'il est manqué."""
    verdict = ""
    if ratio < goal:
        verdict = " : MANQUÉ"
    show(measure, reference, ours, f"{ratio:.1f} {words}", f"{goal}{verdict}")


# %% Le duel
def reach(goal, images, train_index, test_index):
    """Le plus petit nombre d'époques qui mène le kit à cette erreur de test."""
    error = math.inf
    epochs = 0
    while error > goal:
        epochs += 1
        model, settings, seconds = train(images, train_index, epochs=epochs)
        error = train_VAE.mean_square(model, images, test_index, "copy")
    return model, seconds, epochs


def duel(name, source, kit, folder):
    """Combien de temps le kit met à égaler 20 époques classiques ; puis une minute."""
    images, train_index, test_index = load(source)
    times = []
    for turn in range(rounds):
        at_least = 0
        if turn == rounds - 1:
            at_least = minute             # la dernière fois, il continue
        reading = clock(load, source)
        classic, history = train_classic(images, train_index, test_index, at_least)
        reference, goal = history[19]
        model, seconds, epochs = reach(goal, images, train_index, test_index)
        script = run_script(kit, dataset_folder=str(source), epochs=epochs)
        script -= import_seconds(kit)
        times.append([reference, goal, seconds, epochs, script, reference / seconds,
                      (reading + reference) / script])
    reference, goal, seconds, epochs, script, ratio, script_ratio = np.median(times, 0)
    judge(f"{name} : erreur de 20 époques classiques ({goal:.5f})", f"{reference:.1f} s",
          f"{seconds:.1f} s ({epochs:.0f} ép.)", ratio, "fois plus tôt", 25)
    judge(f"{name} : la même, de F5 au modèle écrit, sans les import",
          f"{reference:.1f} s", f"{script:.1f} s", script_ratio, "fois plus tôt", 10)
    long = long_duel(name, history, images, train_index, test_index)
    rows = [images[test_index[:10]] / 255]
    for network in (classic, model, long):
        pictures = train_VAE.reconstruct(network, images, test_index[:10], "copy")
        rows.append(pictures["sortie"])
    sheet = to_picture(join(torch.stack(rows)))
    sheet = sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST)
    sheet.save(folder / f"{name.replace(' ', '_')}.png")


def long_duel(name, history, images, train_index, test_index):
    """Une minute chacun ; le réseau classique a déjà eu la sienne."""
    after = [row for row in history if row[0] >= minute]
    classic_seconds, goal = after[0]
    epochs = round(minute / epoch_seconds(images, train_index))
    model, settings, seconds = train(images, train_index, epochs=epochs)
    error = train_VAE.mean_square(model, images, test_index, "copy")
    judge(f"{name} : erreur après une minute (une mesure)",
          f"{goal:.5f} en {classic_seconds:.0f} s", f"{error:.5f} en {seconds:.0f} s",
          goal / error, "fois moins", 2)
    if goal < 2 * error:
        show(f"{name} : plancher, meilleur code cherché image par image", "",
             f"{floor(model, images, test_index):.5f}")
    return model


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


# %% Les autres mesures
def whole_script(kit):
    """De F5 au modèle écrit, avec les réglages livrés ; le repère : 20 époques."""
    images, train_index, test_index = load(demo)
    times = []
    for turn in range(rounds):
        model, history = train_classic(images, train_index, test_index)
        times.append([history[19][0], run_script(kit)])
    reference, ours = np.median(times, 0)
    judge("train_VAE.py, de F5 au modèle écrit (repère : 20 époques classiques)",
          f"{reference:.1f} s", f"{ours:.1f} s", reference / ours, "fois plus tôt", 3)


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
    goal = "2.5 au plus"
    if slow > 2.5 * quiet:
        goal = "2.5 au plus : MANQUÉ"
    show("une époque, avec un programme occupé par cœur (repère : machine tranquille)",
         f"{quiet:.2f} s", f"{slow:.2f} s", f"{slow / quiet:.1f} fois plus long", goal)


def window(kit):
    """Le temps que met la fenêtre de decode_VAE.py à paraître, sur un écran virtuel."""
    if not shutil.which("Xvfb") or not shutil.which("xdotool"):
        show("fenêtre de decode_VAE.py", "", "non mesuré (il faut Xvfb et xdotool)")
        return
    screen = subprocess.Popen(["Xvfb", "-displayfd", "1", "-noreset"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    display = f":{screen.stdout.readline().strip()}"
    environment = dict(os.environ, DISPLAY=display, QT_QPA_PLATFORM="xcb")
    times = []
    for turn in range(rounds):
        torch_alone = clock(subprocess.run, [sys.executable, "-c", "import torch"])
        times.append([torch_alone, window_seconds(kit, environment)])
    screen.terminate()
    reference, ours = np.median(times, 0)
    show("fenêtre de decode_VAE.py (repère : import torch seul)", f"{reference:.1f} s",
         f"{ours:.1f} s", f"{ours - reference:.1f} s de plus", "1,5 s")


def window_seconds(kit, environment):
    """Lance decode_VAE.py et attend sa fenêtre ; nan s'il finit sans l'avoir ouverte."""
    search = ["xdotool", "search", "--onlyvisible", "--name", "VAE :"]
    start = time.perf_counter()
    program = subprocess.Popen([sys.executable, kit / "decode_VAE.py"], env=environment,
                               stdout=subprocess.DEVNULL)
    while program.poll() is None:
        found = subprocess.run(search, env=environment, capture_output=True)
        if found.returncode == 0:
            seconds = time.perf_counter() - start
            program.kill()
            program.wait()
            return seconds
        time.sleep(0.01)
    return math.nan


@torch.no_grad()
def decoding():
    """Un code, une image : comme decode_VAE.py, sur un seul fil."""
    model = VAE().eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = [clock(model.decode, torch.randn(1, 4)) for turn in range(300)]
    torch.set_num_threads(threads)
    show("décoder un code", "", f"{1000 * np.median(times):.2f} ms", "", "2 ms")


def outside():
    """La part d'une époque passée hors du réseau, de la perte, de backward et de step."""
    images, train_index, test_index = load(demo)
    inside = {("model_VAE_64.py", "forward"), ("model_VAE_64.py", "vae_loss"),
              ("_tensor.py", "backward"), ("adam.py", "step")}
    shares = []
    for turn in range(rounds):
        profile = cProfile.Profile()
        model, settings, total = profile.runcall(train, images, train_index, epochs=2)
        share = 1
        for (file, line, name), call in pstats.Stats(profile).stats.items():
            if (Path(file).name, name) in inside:
                share -= call[3] / total          # call[3] : les secondes passées là
        shares.append(share)
    show("part d'une époque hors du réseau et de l'optimiseur", "",
         f"{100 * np.median(shares):.1f} %", "", "5 %")


# lancé dans un Python neuf : les secondes pour lire un dossier, et la mémoire prise
# (sous Linux) divisée par la taille des images
loading = """import re, sys, time
from pathlib import Path
from model_VAE_64 import load_images
status = Path("/proc/self/status")

def memory(name):
    if not status.exists():
        return float("nan")
    return 1024 * int(re.search(name + r":\\s+(\\d+)", status.read_text())[1])

before = memory("VmRSS")
start = time.perf_counter()
images, names = load_images(Path(sys.argv[1]), 64)
seconds = time.perf_counter() - start
print(seconds, (memory("VmHWM") - before) / images.nbytes)"""


def read_simply(folder):
    for path in folder.glob("*.jpg"):
        cv2.resize(cv2.imread(str(path)), (64, 64))


def reading(folder):
    """1 000 JPEG de 640x480 ; puis un grand dossier, où chacun a plusieurs noms."""
    few = folder / "few"
    several = folder / "many"
    few.mkdir()
    several.mkdir()
    grain = np.random.default_rng(0).integers(0, 8, (480, 640, 3), np.uint8)
    for path in sorted(demo.glob("*.png")):
        file = few / f"{path.stem}.jpg"
        picture = cv2.resize(cv2.imread(str(path)), (640, 480))
        cv2.imwrite(str(file), cv2.add(picture, grain))
        for number in range(many // 1000):
            os.link(file, several / f"{number:02d}_{file.name}")
    times = []
    for turn in range(rounds):
        times.append([clock(read_simply, few), clock(load, few)])
    reference, ours = np.median(times, 0)
    judge("lire 1 000 JPEG de 640x480 (repère : cv2.imread et resize)",
          f"{reference:.2f} s", f"{ours:.2f} s", reference / ours, "fois plus vite", 2)
    command = [sys.executable, "-X", "utf8", "-c", loading, several]
    text = subprocess.check_output(command, encoding="utf-8", cwd=root)
    seconds, memory = text.split()[-2:]
    show(f"lire {many} JPEG", "", f"{float(seconds):.1f} s",
         f"mémoire : {float(memory):.2f} fois leur taille", "1,5")
    shutil.rmtree(few)
    shutil.rmtree(several)


def growth():
    """Une époque, selon le nombre d'images et leur taille ; puis sur la carte graphique."""
    cases = [(200, 64), (2000, 64), (many, 64), (2000, 32), (2000, 128)]
    for count, size in cases:
        images, train_index, test_index = load(demo, size)
        drawn = torch.randint(len(images), (count,))      # tirées avec remise
        times = [epoch_seconds(images, drawn) for turn in range(rounds)]
        seconds = np.median(times)
        show(f"une époque de {count} images de {size} pixels", "", f"{seconds:.2f} s",
             f"{1000 * seconds / count:.2f} ms par image")
    if not torch.cuda.is_available():
        show("carte graphique", "", "pas de GPU ici")
        return
    images, train_index, test_index = load(demo)
    drawn = torch.randint(len(images), (2000,))
    on_card = images.cuda()
    for size in (24, 256):
        epoch_seconds(on_card, drawn, batch_size=size)    # d'abord, la carte se prépare
        times = []
        for turn in range(rounds):
            times.append([epoch_seconds(images, drawn, batch_size=size),
                          epoch_seconds(on_card, drawn, batch_size=size)])
        reference, ours = np.median(times, 0)
        judge(f"une époque de 2000 images sur GPU, lots de {size} (repère : processeur)",
              f"{reference:.2f} s", f"{ours:.2f} s", reference / ours, "fois plus vite", 1)


def processor():
    """Le nom du processeur."""
    cpu = Path("/proc/cpuinfo")
    if not cpu.exists():
        return platform.processor()
    return re.search(r"model name\s*: (.*)", cpu.read_text())[1]


# %% Tout mesurer
if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp(prefix="mesures_"))
    kit = folder / "kit"
    shutil.copytree(demo, kit / "images" / "demo")
    for script in root.glob("*.py"):
        shutil.copy(script, kit)
    print(f"{processor()}, {os.cpu_count()} cœurs, {platform.system()}, "
          f"Python {platform.python_version()}, torch {torch.__version__}\n\n"
          "| mesure | repère | le kit | rapport | but |\n|---|---|---|---|---|")
    for name, source in prepare(folder).items():
        duel(name, source, kit, folder)
    whole_script(kit)
    busy()
    window(kit)
    decoding()
    outside()
    reading(folder)
    growth()
    print(f"\nDans {folder}, de haut en bas : image de test, réseau classique, kit au "
          "même niveau, kit après une minute.")
