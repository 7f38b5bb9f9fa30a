"""La campagne : des milliers d'accidents, comptés. Rien ne doit se perdre ni casser.

Lit     : les quatre scripts du kit.
Écrit   : un dossier temporaire, effacé à la fin ; rien ailleurs.
Se lance à la main, sous Linux : python tests/campaign.py
Chaque ligne du tableau est une fonction d'ici. Un cas se joue dans une copie de ce
processus (os.fork), où torch est déjà chargé : c'est rapide, et cela se mesure.
"""
# ******************** zone *** : à vous de modifier ********************
share = 1           #*** 0.001 à 10 : part des cas (1 : une demi-heure)
minutes = 120       #*** 1 à 600 : au-delà, on s'en tient aux cas joués
processes = 2       #*** 1 à 16 : combien de lignes se jouent à la fois
seed = 1            #*** un entier : d'autres accidents, au hasard
# ***********************************************************************
import contextlib
import ctypes
import io
import itertools
import multiprocessing
import os
import random
import re
import resource
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", DISPLAY="")
from conftest import Kit, Screen, drawing, wait_for
import cv2
import numpy as np
import torch
from PIL import Image

import model_VAE_64 as core
from outils import files, model_file, pictures
from outils.camera import open_camera

gigabyte = 2**30
mark = "\nmauvais : "                     # annonce chaque cas mauvais, dans le journal


# %% Jouer un cas dans un autre processus
def launch(work, *values):
    """Fait work(*values) dans une copie de ce processus : (son numéro, son journal)."""
    log = tempfile.TemporaryFile()
    luck = random.randrange(2**32)
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid, log
    die_with_parent = 1
    ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
    random.seed(luck)                         # un autre hasard dans chaque copie
    np.random.seed(luck)
    torch.manual_seed(luck)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", closefd=False)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (resident() + 4 * gigabyte, hard))
    code = 1
    try:
        work(*values)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def resident():
    """La mémoire que tient ce processus, en octets."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def heard(log):
    """Ce que le journal contient jusqu'ici."""
    return os.pread(log.fileno(), 10**6, 0).decode("utf-8", "replace")


def finish(pid, log, seconds=600):
    """Attend la fin : (code de sortie, journal)."""
    deadline = time.monotonic() + seconds
    ended = 0
    while not ended:
        time.sleep(0.002)
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if not ended and time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
    text = heard(log)
    if time.monotonic() > deadline:
        text += f"\nTraceback : pas fini après {seconds} s"
    if usage.ru_maxrss * 1024 > resident() + gigabyte:
        text += f"\nTraceback : {usage.ru_maxrss // 1024} Mo de mémoire"
    return os.waitstatus_to_exitcode(status), text


def trouble(code, text):
    """Ce qui ne va pas dans la fin d'un script ; une liste vide si tout va bien."""
    ugly = [word for word in ("Traceback", "Warning", "Error") if word in text]
    sentence = text.strip().endswith(".")
    if ugly or code not in (0, 1) or (code == 1 and not sentence):
        return [f"code {code} : {text.strip()[-700:]}"]
    return []


def attempt(work, *values, seconds=600):
    """Joue des cas qui n'affichent que ce qui ne va pas : la liste des mauvais."""
    code, text = finish(*launch(work, *values), seconds)
    bad = [part.strip()[-700:] for part in text.split(mark) if part.strip()]
    if code and not bad:
        bad.append(f"{work.__name__} : code de sortie {code}")
    return bad


def move_to(folder):
    """Les scripts viendront tous de ce dossier ; ils se croiront sans écran."""
    sys.executable = shutil.which("false")    # « pas d'écran » se sait alors aussitôt
    for name in list(sys.modules):            # ceux-ci sont déjà importés, d'ailleurs
        if name.partition(".")[0] in ("outils", "model_VAE_64", "train_VAE"):
            del sys.modules[name]
    sys.path.insert(0, str(folder))


def play(script):
    """Lance un script du kit comme le fait F5."""
    move_to(script.parent)
    runpy.run_path(str(script), run_name="__main__")


# %% Un kit, et ce qui doit rester après un accident
def small_kit(folder, **settings):
    """Un kit de douze dessins, entraîné : une fraction de seconde."""
    kit = Kit(folder / "Élève n°1").add_drawings(12)
    settings = {"images_size": 32, "epochs": 1, "film": True} | settings
    kit.set("train_VAE.py", **settings)
    code, text = finish(*launch(play, kit.folder / "train_VAE.py"))
    assert code == 0, text
    kit.before = (kit.folder / "VAE_64.pth").read_bytes()
    return kit


def restore(kit):
    """Efface ce qu'un accident a laissé, et remet le modèle d'avant et sa copie."""
    for path in kit.folder.iterdir():
        if path.suffix not in (".py", ""):
            path.unlink()
    (kit.folder / "VAE_64.pth").write_bytes(kit.before)
    (kit.folder / "VAE_64_precedent.pth").write_bytes(kit.before)


def check_kit(kit):
    """Après un accident : chaque fichier est entier, le modèle d'avant est là."""
    bad = []
    models = list(kit.folder.glob("*.pth"))
    if kit.before not in [path.read_bytes() for path in models]:
        bad.append("le modèle d'avant n'est plus nulle part")
    if not (kit.folder / "VAE_64.pth").exists():
        bad.append("VAE_64.pth est perdu")
    for path in models:
        problem = try_model(path)
        if problem:
            bad.append(f"{path.name} : {problem}")
    for path in kit.folder.iterdir():
        if path.suffix in (".png", ".gif") and pictures.read_image(path, 64)[1]:
            bad.append(f"{path.name} est abîmé")
        if path.suffix not in (".pth", ".png", ".gif", ".py", ".incomplet", ""):
            bad.append(f"{path.name} traîne")
    return bad


def check_pictures(folder, before):
    """Chaque image est entière ; celles d'avant, {nom: octets}, n'ont pas bougé."""
    bad = []
    for name, content in before.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            bad.append(f"{name} a changé ou disparu")
    for path in folder.iterdir():
        if path.suffix != ".incomplet" and pictures.read_image(path, 64)[1]:
            bad.append(f"{path.name} est abîmée ({path.stat().st_size} octets)")
    return bad


def accidents(count, folder, accident):
    """Joue count fois un accident dans un kit, et regarde après chacun."""
    kit = small_kit(folder)
    for number in range(count):
        restore(kit)
        yield 1, attempt(have_accident, accident, kit)


def have_accident(accident, kit):
    for bad in accident(kit) + check_kit(kit):
        print(mark, bad)


def damage(content):
    """Quelques octets changés, coupés ou ajoutés, souvent au début ou à la fin."""
    content = bytearray(content)
    for step in range(random.choice([1, 1, 2, 8])):
        reach = min(random.choice([40, 400, 4000, 10**9]), len(content))
        place = random.randrange(-reach, reach) % len(content)
        former = bytes(content[:place][-500:])
        odd = random.choice([random.randbytes(1), bytes(4), b"\xff" * 4, b"", former])
        size = random.choice([len(odd), len(odd), 0, 1, 100, 10**9])
        content[place:place + size] = odd
        if not content:
            break
    return bytes(content)


# %% Les images
every_mode = ("RGB", "RGBA", "P", "L", "1", "CMYK", "I;16", "F")


def pictures_of(kinds, size, modes=every_mode):
    """Un dessin dans chaque format et chaque mode possibles : (nom, octets)."""
    exif = Image.Exif()
    exif[0x0112] = 6                          # une photo prise de côté
    for kind in kinds:
        for mode in modes:
            content = io.BytesIO()
            picture = drawing(3).resize((size, size)).convert("L").convert(mode)
            with contextlib.suppress(Exception):      # ce format n'a pas ce mode
                picture.save(content, kind, exif=exif, progressive=True)
                yield f"{kind} {mode} {size}", content.getvalue()


def trap_pictures():
    """Des fichiers piégés, qui seront tous nommés .png : (nom, octets)."""
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n"
    for name, content in pictures_of(sorted(Image.SAVE), 1024, ["RGB", "RGBA", "F"]):
        yield name, content
        yield f"{name} abîmé", damage(content)
    content = io.BytesIO()
    Image.effect_noise((2000, 2000), 9).save(content, "JPEG", progressive=True)
    head, scan = content.getvalue()[:-2].rsplit(b"\xff\xda", 1)
    yield "400 passages", head + (b"\xff\xda" + scan[:1300]) * 400 + b"\xff\xd9"
    yield from pictures_of(["PNG", "JPEG"], 8900, ["RGB", "L"])


def odd_files(folder):
    """Un dossier, un tuyau, des liens et des noms étranges."""
    (folder / "dossier.png").mkdir()
    os.mkfifo(folder / "tuyau.png")
    (folder / "mort.png").symlink_to("nulle part")
    (folder / "boucle.png").symlink_to("boucle.png")
    for name in (b"\xff\xe9.png", b"a\nb.png", b"[clic](http:x).png", b"\x1b[31m.png"):
        drawing(1).save(os.path.join(os.fsencode(folder), name), "PNG")


def read_folder(folder):
    """Chaque image donne vite des pixels ou une raison, load_images dit de même."""
    os.environ["PATH"] = str(folder.parent)   # là est le piège nommé gs
    files = [path for path in folder.iterdir() if path.is_file()]
    for path in files:
        start = time.process_time()           # le temps du processeur, même occupé
        pixels, reason = pictures.read_image(path, 64)
        if reason is None:
            assert pixels.shape == (3, 64, 64) and pixels.dtype == np.uint8
        seconds = time.process_time() - start
        if seconds > 10 or (folder.parent / "lancé").exists():
            print(mark, f"{path} : {seconds:.0f} s, ou le programme gs est lancé")
    said = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(said):
        images, names = pictures.load_images(folder, 64)
    said.seek(0)
    text = said.read()
    if len(names) + text.count("écartée") != len(files):
        print(mark, text)


def damaged_pictures(count, folder):
    """Des images abîmées au hasard, par dossiers de 50."""
    kinds = ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF"]
    healthy = list(pictures_of(kinds, 90))
    for start in range(0, count, 50):
        place = folder / f"{start}"
        place.mkdir()
        drawing(1).save(place / "saine.png")
        for number in range(50):
            name, content = random.choice(healthy)
            (place / f"{number} {name[:4]}.png").write_bytes(damage(content))
        yield 50, attempt(read_folder, place)
        shutil.rmtree(place)


def strange_pictures(count, folder):
    """Formats piégés, images géantes, noms et fichiers étranges."""
    program = folder / "gs"                   # ce que Pillow lance pour du PostScript
    program.write_text(f"#!/bin/sh\n/bin/touch '{folder}/lancé'\n", "utf-8")
    program.chmod(0o755)
    for name, content in itertools.islice(trap_pictures(), count):
        place = folder / name
        place.mkdir()
        odd_files(place)
        (place / "image.png").write_bytes(content)
        yield 1, [f"{name} : {bad}" for bad in attempt(read_folder, place)]
        shutil.rmtree(place)


def vanish(folder, whole):
    """Lit un dossier, dont une image (ou tout) s'efface en même temps."""
    if os.fork() == 0:
        time.sleep(random.uniform(0, 0.03))
        if whole:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            (folder / "59.png").unlink()
        os._exit(0)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        pictures.load_images(folder, 64)
    os.wait()


def vanishing_pictures(count, folder):
    """Des images qu'on efface pendant leur lecture, une ou toutes."""
    for number in range(count):
        place = folder / f"{number}"
        place.mkdir()
        for i in range(60):
            drawing(i).save(place / f"{i:02}.png")
        yield 1, attempt(vanish, place, number % 2 == 0)
        shutil.rmtree(place, ignore_errors=True)


# %% Les modèles
def try_model(path):
    """Un .pth donne un réseau qui dessine, ou la phrase. Renvoie ce qui ne va pas."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            model, saved = model_file.load_model(path, core.VAE)
    except SystemExit:
        text = said.getvalue()
        refused = "n'est pas un modèle de ce kit" in text or "n'a pas les couches" in text
        return "" if refused else text
    mean, spread = saved["z_mean"], saved["z_spread"]
    size = saved["settings"]["images_size"]
    grey = torch.full((1, 3, size, size), 127, dtype=torch.uint8)
    with torch.no_grad():
        mu = core.encode_images(model, grey, saved["settings"]["task"])[0]
        codes = torch.stack([mean, mean + 3 * spread, mean - 3 * spread, mu[0]])
        drawn = torch.cat([model.decode(codes), model.sample(2)])
    return "" if drawn.isfinite().all() else "dessine des nombres qui n'en sont pas"


def try_models(paths):
    """try_model sur chaque fichier : affiche ce qui ne va pas."""
    for path in paths:
        try:
            bad = try_model(path)
        except Exception:
            bad = traceback.format_exc()
        if bad:
            print(mark, path.name, bad)


def try_by_hand(path, kit):
    """try_models, puis decode_VAE.py lui-même avec ce modèle."""
    os.chdir(kit.folder)
    try_models([path])
    os.replace(path, kit.folder / "VAE_64.pth")
    for bad in trouble(*finish(*launch(play, kit.folder / "decode_VAE.py"))):
        print(mark, path.name, bad)
    if (kit.folder / "pirate").exists():
        print(mark, path.name, "a lancé une commande")


def unpack(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def pack(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def damage_inside(content):
    """Abîme un fichier de l'archive, puis la refait : ses sommes restent justes."""
    members = unpack(content)
    names = [name for name in members if "data" in name]
    chosen = random.choice([random.choice(names), "archive/data.pkl"])
    members[chosen] = damage(members[chosen])
    return pack(members)


def damaged_models(count, folder):
    """Des .pth abîmés au hasard : dehors, ou dedans avec des sommes justes."""
    kit = small_kit(folder)
    other = small_kit(folder / "autre", decoder="broadcast", beta=0, task="denoise")
    models = [kit.before] + [other.before] * 4        # 5 Mo, et 1 Mo
    for start in range(0, count, 20):
        paths = [folder / f"{number}.pth" for number in range(start, start + 20)]
        for path in paths:
            way = random.choice([damage, damage_inside])
            path.write_bytes(way(random.choice(models)))
        yield 20, attempt(try_models, paths)
        for path in paths:
            path.unlink()


def odd_archives(content):
    """Des fichiers qui ne sont pas, ou pas tout à fait, un modèle : (nom, octets)."""
    members = unpack(content)
    pirate = b"cos\nsystem\n(S'touch pirate'\ntR."
    bomb = members | {"archive/data/0": bytes(gigabyte)}
    yield "vide", b""
    yield "zip vide", pack({})
    yield "comprimé", pack(members, zipfile.ZIP_DEFLATED)
    yield "bombe", pack(bomb, zipfile.ZIP_DEFLATED)
    yield "pickle", pirate
    yield "pirate", pack(members | {"archive/data.pkl": pirate})
    yield from pictures_of(["PNG", "GIF"], 64)


def odd_models(content):
    """Un modèle, une chose changée à la fois : (nom, octets)."""
    values = [None, "x", "", [], {}, True, -1, 0, 1.5, float("nan"), float("inf"),
              10**6, 10**400, 2**14, [1.0], ["x"], {"x": 1}, torch.tensor(1),
              torch.ones(9), torch.tensor([float("nan")] * 2), torch.ones(2).long(),
              torch.ones(2, dtype=torch.complex64), torch.ones(2).to_sparse(),
              torch.ones(1).expand(10**9), torch.ones(2, device="meta")]
    saved = torch.load(io.BytesIO(content), weights_only=True)
    for group in (saved, saved["settings"], saved["weights"]):
        for name in list(group):
            former = group.pop(name)
            changes = list(values)
            if torch.is_tensor(former):
                changes += [former * float("nan"), former * 1e38, former.half(),
                            former[None], former.expand(2, *former.shape)]
            yield f"sans {name}", write_model(saved)
            for number, value in enumerate(changes):
                group[name] = value
                yield f"{name} {number}", write_model(saved)
            group[name] = former
    yield "une liste", write_model([saved])


def write_model(saved):
    content = io.BytesIO()
    torch.save(saved, content)
    return content.getvalue()


def handmade_models(count, folder):
    """Des .pth faits à la main : chaque clé absente, ou d'une autre valeur."""
    kit = small_kit(folder, latent_size=2, decoder="broadcast")
    every = itertools.chain(odd_models(kit.before), odd_archives(kit.before))
    for name, content in itertools.islice(every, count):
        path = folder / f"{name}.pth"
        path.write_bytes(content)
        yield 1, attempt(try_by_hand, path, kit)


# %% Tuer, arrêter, lancer deux fois
def kill_in_save(work, *values, files=1):
    """Fait work(*values), et le tue (kill -9) peu après son n-ième fichier ouvert."""
    reader, writer = os.pipe()
    pid, log = launch(tell_saves, writer, work, *values)
    os.close(writer)
    for number in range(random.randint(1, files)):
        os.read(reader, 1)
    time.sleep(random.choice([0, 0.001, 0.01]) * random.random())
    os.kill(pid, signal.SIGKILL)
    os.close(reader)
    return trouble(0, finish(pid, log)[1])


def tell_saves(writer, work, *values):
    """work(*values) ; un octet dans writer par fichier ouvert en écriture."""
    def hear(event, details):
        if event == "open" and details[2] & (os.O_WRONLY | os.O_RDWR):
            os.write(writer, b".")

    sys.addaudithook(hear)
    work(*values)


def kill_training(kit):
    """kill -9 pendant l'écriture du modèle, de sa copie, des courbes, du film."""
    return kill_in_save(play, kit.folder / "train_VAE.py", files=4)


def stop_training(kit):
    """Un ou deux Stop, n'importe quand ; une fois sur deux, vers la fin."""
    epochs = random.choice([1, 3, 30])
    kit.set("train_VAE.py", epochs=epochs, film=random.choice([True, False]))
    pid, log = launch(play, kit.folder / "train_VAE.py")
    words = random.choice(["Images trouvées", f"poque {epochs}/{epochs}"])
    wait_for(lambda: words in heard(log), 300, None)
    time.sleep(random.choice([0.05, 0.5]) * random.random())
    for number in range(random.choice([1, 2])):
        os.kill(pid, signal.SIGINT)
        time.sleep(random.choice([0, 0.02, 0.2]) * random.random())
    code, text = finish(pid, log)
    learned = "poque 1/" in text
    kept = (kit.folder / "VAE_64.pth").read_bytes() != kit.before
    if learned != kept:
        return [f"appris : {learned}, gardé : {kept} ; {text[-500:]}"]
    return trouble(code, text)


def train_twice(kit):
    """Deux train_VAE.py à la fois, pour un même modèle."""
    twins = [launch(play, kit.folder / "train_VAE.py") for twin in range(2)]
    bad = []
    for pid, log in twins:
        bad += trouble(*finish(pid, log))
    # le second a pu copier le modèle du premier : celui d'avant peut être parti
    kit.before = (kit.folder / "VAE_64.pth").read_bytes()
    return bad


def save_pictures(folder, count):
    for number in range(count):
        noise = np.random.randint(0, 256, (128, 128, 3), np.uint8)
        files.save_picture(Image.fromarray(noise), folder, "im")


def killed_pictures(count, folder):
    """kill -9 pendant qu'une image s'enregistre, dix fois de suite dans un dossier."""
    for number in range(count):
        place = folder / f"{number // 10}"
        place.mkdir(exist_ok=True)
        before = {path.name: path.read_bytes() for path in place.glob("*.png")}
        bad = kill_in_save(save_pictures, place, 10**9, files=9)
        yield 1, bad + check_pictures(place, before)


def twin_pictures(count, folder):
    """Deux scripts qui enregistrent à la fois vingt images dans un dossier."""
    for number in range(count):
        place = folder / f"{number}"
        place.mkdir()
        twins = [launch(save_pictures, place, 20) for twin in range(2)]
        ends = [finish(pid, log) for pid, log in twins]
        bad = check_pictures(place, {})
        found = len(list(place.glob("*.png")))
        if ends != [(0, ""), (0, "")] or found != 40:
            bad.append(f"{found} images sur 40 ; {ends}")
        yield 1, bad


# %% Les réglages
odd_values = """None; True; False; []; [1, 2]; {}; 1, 5; (); -1; 0; 1.5; 1e-320
float("nan"); float("inf"); -float("inf"); 10**400; 10**5000; -10**400; 1j; b"x"; print
object(); range(3); __import__("math"); __import__("pathlib").Path("x")
__import__("numpy").zeros(3); __import__("numpy").array([]); __import__("torch").ones(2)
__import__("numpy").int64(32); __import__("numpy").float64(0.1)
__import__("numpy").array("copy"); __import__("torch").tensor(1); ""; " "; "."; ".."
"../.."; "../x"; "~"; "/x"; "CON"; "NUL"; "a\\0b"; "nom."; "nom "; "a/b"; "a\\\\b"
"a" * 300; "é" * 200; "1,5"; "a\\nb"; "\\ud800"; "C:/x"; "<b>"; "64"; "x" * 10**4
"mse "; "MSE"; type""".replace("\n", "; ").split("; ")


def wrong_values(count, folder):
    """Une valeur étrange pour un réglage d'un script : il marche, ou une phrase."""
    kit = small_kit(folder / "élève")
    cases = []
    for script in ("record_images.py", "train_VAE.py", "decode_VAE.py"):
        text = (kit.folder / script).read_text("utf-8")
        for line in re.findall(r"(?m)^\w+ = .*#\*\*\*.*$", text):
            cases += [(kit.folder / script, line, value) for value in odd_values]
    random.shuffle(cases)
    for script, line, value in cases[:count]:
        restore(kit)
        around = list_around(folder, kit)
        text = script.read_text("utf-8")
        name = line.split()[0]
        script.write_text(text.replace(line, f"{name} = {value}"), "utf-8")
        bad = trouble(*finish(*launch(play, script)))
        if name == "camera":                  # sans écran, le script n'y arrive pas
            bad += trouble(*finish(*launch(open_camera, eval(value))))
        if name != "dataset_folder" and list_around(folder, kit) != around:
            bad.append("écrit hors du kit")
        yield 1, [f"{script.name}, {name} = {value} : {problem}" for problem in bad]
        script.write_text(text, "utf-8")


def list_around(folder, kit):
    """Ce qu'il y a autour du kit, et à la racine du disque."""
    around = [path for path in folder.rglob("*") if kit.folder not in path.parents]
    return set(around) | set(Path("/").iterdir())


# %% Le disque
def own_mounts():
    """Vrai si ce processus peut monter des disques que lui seul voit (root)."""
    new_namespace = 0x20000
    if os.getuid() or ctypes.CDLL(None).unshare(new_namespace):
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"]).returncode == 0


def write_all(kit):
    """Entraîne, puis enregistre des images tant qu'on peut : ce qui ne va pas."""
    before = {path.name: path.read_bytes() for path in kit.images.iterdir()}
    bad = trouble(*finish(*launch(play, kit.folder / "train_VAE.py")))
    bad += trouble(*finish(*launch(play, kit.folder / "record_images.py")))
    code, text = finish(*launch(save_pictures, kit.images, 1000))
    if code != 1:
        bad.append(f"rien n'empêchait d'écrire : {text}")
    return bad + trouble(code, text) + check_pictures(kit.images, before)


def full_disk(kit):
    """Il reste de 0 à 4 Mo (à défaut d'être root : des fichiers de 20 ko au plus)."""
    room = random.randrange(4_000_000)
    if own_mounts():
        disk = kit.folder.parent / "disque"
        disk.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk])
        kit.folder = shutil.copytree(kit.folder, disk / "kit")
        kit.images = kit.folder / "images"
        free = shutil.disk_usage(disk).free
        (disk / "plein").write_bytes(bytes(free - room))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room // 200, room // 200))
    return write_all(kit)


def closed_folder(kit):
    """Un dossier où rien ne peut s'écrire."""
    if own_mounts():
        subprocess.run(["mount", "--bind", kit.folder, kit.folder])
        subprocess.run(["mount", "-o", "remount,bind,ro", kit.folder])
        return write_all(kit)
    kit.folder.chmod(0o555)
    kit.images.chmod(0o555)
    bad = write_all(kit)
    kit.folder.chmod(0o755)
    kit.images.chmod(0o755)
    return bad


# %% La caméra et les fenêtres
def write_film(path, sizes):
    """Un film gris, en MJPEG : une image de chaque taille (largeur, hauteur)."""
    with open(path, "wb") as file:
        for width, height in sizes:
            grey = np.full((height, width, 3), 120, np.uint8)
            file.write(cv2.imencode(".jpg", grey)[1].tobytes())


def finish_program(program):
    """Attend la fin d'un vrai script, avec un écran : ce qui ne va pas."""
    try:
        program.process.wait(300)
    except subprocess.TimeoutExpired:
        program.process.kill()
        return [f"bloque : {program.text}"]
    return trouble(program.process.returncode, program.text)


def cameras(count, folder):
    """Une caméra qui finit, change de taille, bloque, ou n'en est pas une."""
    write_film(folder / "finit.mjpg", [(320, 240)] * 40)
    write_film(folder / "change.mjpg", [(320, 240)] * 40 + [(640, 360), (90, 200)] * 40)
    write_film(folder / "minuscule.mjpg", [(1, 1)] * 40)
    write_film(folder / "vide.avi", [])
    (folder / "texte.mp4").write_text("pas un film", "utf-8")
    (folder / "dossier.mp4").mkdir()
    os.mkfifo(folder / "tuyau.mp4")
    drawing(1).save(folder / "image.png")
    values = [str(path) for path in folder.iterdir()] + ["absent.mp4", 99]
    screen = Screen()
    for number, camera in enumerate(values[:count]):
        kit = Kit(folder / f"kit {number}").set("record_images.py", camera=camera)
        bad = finish_program(kit.start("record_images.py", screen.display, real=True))
        yield 1, [f"{camera} : {problem}" for problem in bad]
    screen.server.terminate()


def twin_windows(count, folder):
    """Deux record_images.py, puis deux decode_VAE.py à la fois, "s" appuyé."""
    write_film(folder / "film.mjpg", [(320, 240)] * 2000)
    screen = Screen()
    for number in range(count):
        kit = small_kit(folder / f"{number}")
        kit.set("record_images.py", camera=str(folder / "film.mjpg"))
        for script, title in (("record_images.py", "Webcam"), ("decode_VAE.py", "VAE")):
            twins = [kit.start(script, screen.display, real=True) for twin in range(2)]
            wait_for(lambda: screen.ask("wmctrl", "-l").stdout.count(title) == 2, 300)
            screen.do("sleep", 1, "keydown", "s", "sleep", 3, "keyup", "s")
            bad = []
            for program in twins:
                program.stop()
                bad += finish_program(program)
            if not [*kit.images.glob("im_*"), *kit.folder.glob("decode_*")]:
                bad.append(f"rien d'enregistré : {twins[0].text}")
            yield 1, bad + check_pictures(kit.images, {}) + check_kit(kit)
    screen.server.terminate()


# %% Les mouvements
def train_film(kit):
    """Un film au hasard : des mouvements trop courts, trop nombreux, sans images..."""
    shutil.rmtree(kit.images)
    kit.images.mkdir()
    drawing(0).save(kit.images / "vieux.png")
    for kind in random.sample(["im", *[f"m{k}" for k in range(10)]], random.randint(1, 5)):
        place = kit.images / random.choice(["", "", "", "sous-dossier", "demo"])
        place.mkdir(exist_ok=True)
        still = random.random() < 0.2             # une image, toujours la même
        for number in range(1, random.choice([1, 10, 20, 31, 64]) + 1):
            picture = drawing(1 if still else random.randrange(100))
            picture.save(place / f"{kind}_{number * random.choice([1, 1, 7]):04d}.png")
    kit.set("train_VAE.py", latent_size=random.choice([1, 2, 4, 8]), epochs=2,
            decoder=random.choice(["convolution", "broadcast"]),
            beta=random.choice([0, 1, 20]))
    code, text = finish(*launch(play, kit.folder / "train_VAE.py"))
    bad = trouble(code, text)
    if code == 0:                                 # puis les curseurs : pas d'écran ici
        bad += trouble(*finish(*launch(play, kit.folder / "decode_VAE.py")))
    return bad


def strange_films(count, folder):
    """Des films au hasard : une phrase ou un modèle qui se relit, jamais une erreur."""
    kit = small_kit(folder)
    for number in range(count):
        restore(kit)
        yield 1, attempt(have_accident, train_film, kit)


def write_and_read(folder):
    """Quatre fils écrivent et relisent un même fichier : toujours entier."""
    path = folder / "modèle.pth"
    contents = [bytes([number]) * 10**6 for number in range(4)]
    bad = []

    def work(content):
        for attempt in range(10):
            try:
                files.write_whole(path, content)
                if path.read_bytes() not in contents:
                    bad.append("un fichier à moitié écrit")
            except OSError as error:
                bad.append(f"{error}")

    threads = [threading.Thread(target=work, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for problem in bad:
        print(mark, problem)


def twin_threads(count, folder):
    for number in range(count):
        yield 1, attempt(write_and_read, folder)


# %% La console
def run_console(count, kit):
    """count fois de suite dans un seul Python : entraîner, relire, décoder.

    Toujours avec les mêmes noms, comme dans la console de Spyder."""
    move_to(kit.folder)
    codes = []
    for name in ("train_VAE.py", "decode_VAE.py"):
        path = kit.folder / name
        codes.append(compile(path.read_text("utf-8"), path, "exec"))
    names = {"__name__": "__main__"}
    sizes = []
    for number in range(count):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            for code in codes:
                with contextlib.suppress(SystemExit):
                    exec(code, names)
        for bad in trouble(1, said.getvalue()):
            print(mark, bad)
        files = len(os.listdir("/proc/self/fd"))
        threads = len(os.listdir("/proc/self/task"))
        sizes.append((resident() // 2**20, files, threads))
    first, last = sizes[count // 10], sizes[-1]
    if last[0] > first[0] + 100 or last[1:] != first[1:]:
        print(mark, f"(Mo, fichiers ouverts, fils) : {first}, puis {last}")


def consoles(count, folder):
    kit = small_kit(folder)
    yield count, attempt(run_console, count, kit, seconds=60 + 5 * count)


# %% Le tableau
rows = [                          # (ce qui arrive, combien de fois, fonction...)
    ("lancements dans une même console", 1000, consoles),
    (".pth abîmés au hasard", 10000, damaged_models),
    ("Stop, une ou deux fois, pendant un entraînement", 200, accidents, stop_training),
    ("kill -9 pendant l'écriture d'un modèle", 500, accidents, kill_training),
    ("images abîmées au hasard, de huit formats", 10000, damaged_pictures),
    ("valeurs étranges dans les zones ***", 500, wrong_values),
    (".pth faits à la main", 10000, handmade_models),
    ("kill -9 pendant l'écriture d'une image", 500, killed_pictures),
    ("caméras étranges", 100, cameras),
    ("deux fenêtres à la fois", 5, twin_windows),
    ("deux entraînements à la fois, même modèle", 50, accidents, train_twice),
    ("deux enregistrements à la fois, même dossier", 50, twin_pictures),
    ("disque plein", 50, accidents, full_disk),
    ("dossier protégé", 3, accidents, closed_folder),
    ("images effacées pendant leur lecture", 200, vanishing_pictures),
    ("images piégées, formats et noms étranges", 1000, strange_pictures),
    ("films de mouvements étranges", 100, strange_films),
    ("quatre fils écrivent et relisent un même modèle", 100, twin_threads)]


def play_row(task):
    """Joue une ligne du tableau : (son nom, combien de cas, les mauvais)."""
    number, part, folder, deadline = task
    name, count, row, *accident = rows[number]
    random.seed(f"{seed} {name}")
    torch.set_num_threads(1)
    place = folder / f"{number}"
    place.mkdir()
    tried = 0
    bad = []
    try:
        for cases, problems in row(max(1, round(count * part)), place, *accident):
            tried += cases
            bad += problems
            if time.monotonic() > deadline:
                break
    except Exception:
        bad.append("la campagne elle-même : " + traceback.format_exc())
    return name, tried, bad


def main(part=share, chosen=range(len(rows))):
    """Joue les lignes choisies et montre le tableau. Vrai si tout va bien."""
    folder = Path(tempfile.mkdtemp(prefix="campagne_"))
    deadline = time.monotonic() + 60 * minutes
    # le premier Adam met trois secondes à se charger : ici, une fois pour toutes
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    tasks = [(number, part, folder, deadline) for number in chosen]
    everything = []
    print(f"{'':50} {'essayés':>8} {'bons':>8} {'mauvais':>8}", flush=True)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for name, tried, bad in pool.imap_unordered(play_row, tasks):
            good = max(0, tried - len(bad))
            print(f"{name:50} {tried:8} {good:8} {len(bad):8}", flush=True)
            everything += [f"\n- {name} : {problem}" for problem in bad[:5]]
    shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(everything))
    return not everything


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
