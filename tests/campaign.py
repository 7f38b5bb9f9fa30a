"""La campagne : des milliers d'accidents, comptés. Rien ne doit se perdre ni casser.

Lit     : les quatre scripts du kit.
Écrit   : un dossier temporaire, effacé à la fin si tout va bien ; rien ailleurs.
Se lance à la main, sous Linux : python tests/campaign.py
Chaque ligne du tableau est une fonction d'ici. Un cas se joue dans une copie de
ce processus (os.fork), où torch est déjà chargé : c'est rapide, on en mesure la
mémoire, et on peut le tuer. Ce qu'un cas affiche alors est ce qui ne va pas.
"""
# ******************** zone *** : à vous de modifier ********************
share = 1           #*** 0.001 à 10 : part des cas à jouer (1 : 15 minutes)
minutes = 25        #*** au-delà, les lignes qui restent s'arrêtent
processes = 2       #*** combien de lignes se jouent en même temps
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
import time
import traceback
import zipfile
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", DISPLAY="")
from conftest import Kit, Screen, drawing, wait_for
import cv2
import numpy as np
import torch
from PIL import Image, features

import model_VAE_64 as core
import record_images as tools

gigabyte = 2**30
mark = "\nmauvais : "                     # au début de chaque cas mauvais, dans le journal


# %% Jouer un cas dans un autre processus
def launch(work, *values):
    """Fait work(*values) dans une copie de ce processus : (numéro, journal)."""
    log = tempfile.TemporaryFile()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid, log
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", closefd=False)
    limit = resident() + 4 * gigabyte
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
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


def heard(log):
    """Ce que le journal contient jusqu'ici."""
    return os.pread(log.fileno(), 10**6, 0).decode("utf-8", "replace")


def finish(pid, log, seconds=60):
    """Attend la fin : (code de sortie, journal, mémoire prise en octets)."""
    deadline = time.monotonic() + seconds
    late = ""
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code, heard(log) + late, usage.ru_maxrss * 1024
        if time.monotonic() > deadline and not late:
            late = f"\nTraceback : pas fini après {seconds} s"
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def resident():
    """La mémoire que tient ce processus, en octets."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def attempt(work, *values, seconds=60):
    """Joue des cas qui n'affichent que ce qui ne va pas : la liste des mauvais."""
    before = resident()
    code, text, memory = finish(*launch(work, *values), seconds)
    bad = [part.strip() for part in text.split(mark) if part.strip()]
    if memory - before > gigabyte:
        bad.append(f"{(memory - before) / gigabyte:.1f} Go de mémoire")
    if code and not bad:
        bad.append(f"code de sortie {code}")
    return [f"{work.__name__}{values} : {part}" for part in bad]


def play(script):
    """Lance un script du kit comme le fait F5."""
    sys.executable = shutil.which("false")    # « pas d'écran » se sait aussitôt
    tools.here = script.parent                # ce module-là est déjà importé
    runpy.run_path(str(script), run_name="__main__")


def trouble(code, text):
    """Ce qui ne va pas dans la fin d'un script ; une liste vide si tout va bien."""
    ugly = [word for word in ("Traceback", "Warning", "Error") if word in text]
    sentence = text.strip().endswith((".", ".\n"))
    if ugly or code not in (0, 1) or code == 1 and not sentence:
        return [f"code {code} : {text.strip()[-700:]}"]
    return []


# %% De quoi jouer : des kits, des modèles, des images, des accidents
def small_kit(folder, **settings):
    """Un kit de douze dessins, qui s'entraîne en une fraction de seconde."""
    kit = Kit(folder / "Élève n°1").add_drawings(12)
    return kit.set("train_VAE.py", **{"images_size": 32, "epochs": 1} | settings)


def train(kit):
    """Un entraînement entier : le fichier du modèle, en octets."""
    code, text, memory = finish(*launch(play, kit.folder / "train_VAE.py"))
    assert code == 0, f"le kit ne s'entraîne pas :\n{text}"
    return (kit.folder / "VAE_64.pth").read_bytes()


def try_model(path):
    """Un .pth donne un réseau qui dessine, ou la phrase. Rend ce qui ne va pas."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            model, saved = core.load_model(path)
    except SystemExit as end:
        sentence = said.getvalue() + str(end)
        return "" if "n'est pas un modèle" in sentence else f"dit : {sentence}"
    mean = saved["z_mean"]
    codes = torch.stack([mean, mean + 3 * saved["z_spread"], mean - 3 * saved["z_spread"]])
    size = saved["settings"]["images_size"]
    grey = torch.full((1, 3, size, size), 127, dtype=torch.uint8)
    mu, logvar = core.encode_images(model, grey, saved["settings"]["task"])
    with torch.no_grad():
        pictures = torch.cat([model.decode(codes), model.sample(2), model.decode(mu)])
    saved["importance"].argsort().tolist()
    finite = pictures.isfinite().all() and mu.isfinite().all()
    return "" if finite else "dessine des nombres qui n'en sont pas"


def try_models(paths):
    """try_model sur plusieurs fichiers ; affiche les mauvais."""
    for path in paths:
        try:
            bad = try_model(path)
        except Exception:
            bad = traceback.format_exc()[-500:]
        if bad:
            print(mark + path.name, bad)


def damage(content):
    """Quelques octets changés, coupés ou répétés, souvent au début ou à la fin."""
    content = bytearray(content)
    for step in range(random.choice([1, 1, 2, 8])):
        reach = min(random.choice([40, 400, 4000, len(content)]), len(content))
        place = random.randrange(-reach, reach) % max(len(content), 1)
        way = random.choice(["octet", "bit", "nombre", "coupe", "copie"])
        if way == "octet":
            content[place:place + 1] = random.randbytes(1)
        elif way == "bit":
            content[place:place + 1] = bytes([content[place] ^ 2**random.randrange(8)])
        elif way == "nombre":
            number = random.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
            content[place:place + 4] = number
        elif way == "coupe" and place > 0:
            del content[place:place + random.choice([1, 100, len(content)])]
        else:
            content[place:place] = content[place // 2:place][:500]
        if not content:
            break
    return bytes(content)


# %% Les images
def healthy_pictures():
    """Des images saines de huit formats et de plusieurs sortes : (suffixe, octets)."""
    color = drawing(3).resize((90, 70))
    exif = Image.Exif()
    exif[0x0112] = 6                          # une photo prise de côté
    kinds = [
        ("png", color, {}), ("png", color.convert("P"), {"transparency": 0}),
        ("png", color.convert("RGBA"), {}), ("png", color.convert("I;16"), {}),
        ("jpg", color, {"progressive": True}), ("jpg", color, {"exif": exif}),
        ("jpg", color.convert("CMYK"), {}), ("bmp", color, {}),
        ("gif", color, {"save_all": True, "append_images": [drawing(5)]}),
        ("webp", color, {}), ("webp", color, {"lossless": True, "exif": exif}),
        ("tif", color, {"compression": "tiff_lzw"}), ("tif", color, {}),
        ("tif", color, {"compression": "jpeg"}), ("ppm", color, {}),
        ("ppm", color.convert("1"), {})]
    if features.check("avif"):
        kinds.append(("avif", color, {}))
    pictures = []
    for suffix, picture, options in kinds:
        content = io.BytesIO()
        picture.save(content, Image.registered_extensions()["." + suffix], **options)
        pictures.append((suffix, content.getvalue()))
    return pictures


def read_pictures(folder):
    """Chaque image donne des pixels ou une raison ; load_images dit la même chose."""
    files = sorted(folder.iterdir())
    for path in files:
        start = time.monotonic()
        try:
            pixels, reason = core.read_image(path, 64)
            if reason is None:
                good = pixels.shape == (3, 64, 64) and pixels.dtype == np.uint8
            else:
                good = pixels is None and len(reason) > 9
            if not good or time.monotonic() > start + 5:
                print(mark, path.name, reason, time.monotonic() - start, "s")
        except Exception:
            print(mark, path.name, traceback.format_exc()[-500:])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        images, names = core.load_images(folder, 64)
    if len(names) + said.getvalue().count("écartée") != len(files):
        print(mark, folder.name, said.getvalue())


def damaged_pictures(count, folder):
    """Des images abîmées au hasard, par dossiers de 50."""
    healthy = healthy_pictures()
    for start in range(0, count, 50):
        place = folder / f"{start}"
        place.mkdir()
        drawing(1).save(place / "saine.png")
        for number in range(start, min(start + 50, count)):
            suffix, content = random.choice(healthy)
            (place / f"{number}.{suffix}").write_bytes(damage(content))
        yield min(50, count - start), attempt(read_pictures, place)
        shutil.rmtree(place)


def postscript(path):
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n", "utf-8")


def icons(path):
    """240 ko d'icônes ICNS qui prenaient 4 Go."""
    content = io.BytesIO()
    Image.new("RGBA", (1024, 1024)).save(content, "JPEG2000")
    block = content.getvalue()
    parts = [kind + (len(block) + 8).to_bytes(4, "big") + block
             for kind in (b"ic10", b"ic09", b"ic08", b"ic14", b"ic13")]
    size = sum(len(part) for part in parts) + 8
    path.write_bytes(b"icns" + size.to_bytes(4, "big") + b"".join(parts))


def endless_jpeg(path):
    """Un JPEG progressif dont le dernier passage est répété 400 fois."""
    content = io.BytesIO()
    Image.effect_noise((2000, 2000), 9).save(content, "JPEG", progressive=True)
    head, scan = content.getvalue()[:-2].rsplit(b"\xff\xda", 1)
    path.write_bytes(head + (b"\xff\xda" + scan[:1300]) * 400 + b"\xff\xd9")


def giant(path):
    Image.new("L", (8900, 8900)).save(path)


def odd_mode(path):
    Image.new("F", (64, 64), 0.5).save(path, "TIFF")


def odd_names(path):
    """Des noms que seul Linux permet, autour d'une image saine."""
    drawing(1).save(path)
    for name in (b"\xff\xe9.png", b"a\nb.png", b"[clic](http:x).png", b"\x1b[31m.png"):
        shutil.copy(path, os.path.join(os.fsencode(path.parent), name))


def odd_files(path):
    """Un dossier, un tuyau, un lien mort et un lien sur soi-même, nommés .png."""
    drawing(1).save(path)
    path.with_name("dossier.png").mkdir()
    os.mkfifo(path.with_name("tuyau.png"))
    path.with_name("mort.png").symlink_to("nulle part")
    path.with_name("boucle.png").symlink_to("boucle.png")


def other_format(path):
    """Ce que Pillow sait écrire et que le README ne promet pas, nommé .png."""
    for number, kind in enumerate(sorted(Image.SAVE)):
        with contextlib.suppress(Exception):
            drawing(1).save(path.with_name(f"{number}.png"), kind)


def load_folder(folder):
    """load_images finit, bien ou par une phrase, et aucun programme n'est lancé."""
    os.environ["PATH"] = str(folder.parent)
    said = io.StringIO()
    start = time.monotonic()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        core.load_images(folder, 64)
    said.getvalue().encode("utf-8")           # ce qui ne s'écrit pas se voit ici
    if time.monotonic() > start + 10:
        print(mark, f"{time.monotonic() - start:.0f} s pour lire {folder.name}")
    if (folder.parent / "gs lancé").exists():
        print(mark, "une image a lancé le programme gs")
    if "images trouvées" not in said.getvalue() and "phrase" not in folder.name:
        print(mark, said.getvalue())


def strange_pictures(count, folder):
    """Des images faites exprès : formats piégés, géantes, noms et fichiers étranges."""
    program = folder / "gs"
    program.write_text(f"#!/bin/sh\n/bin/touch '{folder}/gs lancé'\n", "utf-8")
    program.chmod(0o755)
    makers = [postscript, icons, endless_jpeg, giant, odd_mode, odd_names, odd_files,
              other_format]
    for make in makers[:count]:
        place = folder / make.__name__
        place.mkdir()
        make(place / "image.png")
        yield 1, attempt(load_folder, place)
        shutil.rmtree(place)


def vanish(folder, whole):
    """Efface une image (ou tout le dossier) pendant que load_images lit."""
    pid = os.fork()
    if pid == 0:
        time.sleep(random.uniform(0, 0.03))
        if whole:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            (folder / "59.png").unlink()
        os._exit(0)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        core.load_images(folder, 64)
    os.waitpid(pid, 0)


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
def healthy_models(folder):
    """Deux petits modèles du kit, entraînés : leurs octets."""
    kit = small_kit(folder, latent_size=2, reconstruction="gaussian")
    models = [train(kit)]
    kit.set("train_VAE.py", decoder="broadcast", beta=0, task="denoise")
    return models + [train(kit)]


def damage_inside(content):
    """Abîme un fichier de l'archive, puis la refait : ses sommes restent justes."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    members = {name: archive.read(name) for name in archive.namelist()}
    chosen = random.choice([name for name in members if "data" in name])
    if random.random() < 0.5:
        chosen = next(name for name in members if name.endswith("data.pkl"))
    members[chosen] = damage(members[chosen])
    return pack(members)


def pack(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def damaged_models(count, folder):
    """Des .pth abîmés au hasard : dehors, ou dedans avec des sommes justes."""
    healthy = healthy_models(folder)
    for start in range(0, count, 25):
        place = folder / f"{start}"
        place.mkdir()
        for number in range(start, min(start + 25, count)):
            way = random.choice([damage, damage_inside])
            (place / f"{number}.pth").write_bytes(way(random.choice(healthy)))
        paths = sorted(place.iterdir())
        yield len(paths), attempt(try_models, paths)
        shutil.rmtree(place)


def odd_contents(saved):
    """Le contenu d'un modèle, une chose changée à la fois : (nom, contenu)."""
    values = [None, "x", "", [], {}, True, -1, 0, 1.5, float("nan"), float("inf"), 10**6,
              10**400, 2**14, [1.0], ["x"], {"x": 1}, torch.tensor(1), torch.ones(9),
              torch.tensor([float("nan")] * 2), torch.ones(2, dtype=torch.int64),
              torch.ones(2, dtype=torch.complex64), torch.ones(2).to_sparse(),
              torch.ones(1).expand(10**9), torch.ones(2, device="meta")]
    for group in (saved, saved["settings"], saved["weights"]):
        for name in list(group):
            former = group.pop(name)
            yield f"sans {name}", saved
            for value in values:
                group[name] = value
                yield f"{name} = {str(value)[:40]}", saved
            if torch.is_tensor(former):
                for value in (former * float("nan"), former.double(), former[None],
                              former.half(), former + float("inf"), former * 1e38):
                    group[name] = value
                    yield f"{name} changé", saved
            group[name] = former
    yield "une liste", [saved]
    yield "rien", None


def odd_archives(content):
    """Des fichiers qui ne sont pas, ou pas tout à fait, une archive de torch."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    members = {name: archive.read(name) for name in archive.namelist()}
    data = next(name for name in members if "/data/" in name)
    yield "vide", b""
    yield "texte", b"un texte"
    yield "zip vide", pack({})
    yield "comprimée", pack(members, zipfile.ZIP_DEFLATED)
    yield "bombe", pack(members | {data: bytes(gigabyte)}, zipfile.ZIP_DEFLATED)
    yield "image", healthy_pictures()[0][1]
    yield "pickle", b"cos\nsystem\n(S'touch pirate'\ntR."
    yield "ancien", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + content[:999]
    pirate = next(name for name in members if name.endswith("data.pkl"))
    yield "pirate", pack(members | {pirate: b"cos\nsystem\n(S'touch pirate'\ntR."})


def try_by_hand(paths, kit):
    """try_models, puis decode_VAE.py lui-même sur ce qui se laisse charger."""
    os.chdir(kit.folder)
    try_models(paths)
    for path in paths:
        os.replace(path, kit.folder / "VAE_64.pth")
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            play(kit.folder / "decode_VAE.py")
        for bad in trouble(1, said.getvalue()):
            print(mark, path.name, "decode_VAE.py", bad)
    if (kit.folder / "pirate").exists():
        print(mark, "un .pth a lancé une commande")


def handmade_models(count, folder):
    """Des .pth faits à la main : chaque clé absente, ou d'une autre valeur."""
    content = healthy_models(folder)[0]
    kit = small_kit(folder / "essais")
    saved = torch.load(io.BytesIO(content), weights_only=True)
    paths = []
    for name, odd in itertools.chain(odd_archives(content), odd_contents(saved)):
        path = folder / f"{re.sub('[^a-z_.0-9A-Z=]', ' ', name)}.pth"
        if isinstance(odd, bytes):
            path.write_bytes(odd)
        else:
            torch.save(odd, path)
        paths.append(path)
        if len(paths) == 20 or len(paths) == count:
            yield len(paths), attempt(try_by_hand, paths, kit)
            count -= len(paths)
            paths = []
        if count <= 0:
            return
    yield len(paths), attempt(try_by_hand, paths, kit)


# %% Tuer et arrêter
def kill_in_save(work, *values, files=1):
    """Fait work(*values) et le tue (kill -9) peu après son n-ième fichier ouvert."""
    reader, writer = os.pipe()
    pid, log = launch(tell_saves, writer, work, *values)
    os.close(writer)
    for number in range(random.randint(1, files)):
        os.read(reader, 1)
    time.sleep(random.choice([0, 0.001, 0.01]) * random.random())
    os.kill(pid, signal.SIGKILL)
    code, text, memory = finish(pid, log)
    os.close(reader)
    return trouble(0, text)


def tell_saves(writer, work, *values):
    """Fait work(*values) ; un octet dans writer pour chaque fichier ouvert en écriture."""
    def hear(event, details):
        if event == "open" and details[2] & (os.O_WRONLY | os.O_RDWR):
            os.write(writer, b".")

    sys.addaudithook(hear)
    work(*values)


def check_models(kit, before):
    """Après un accident : tout ce qui est là est entier, le modèle d'avant aussi."""
    bad = []
    for name in ("VAE_64.pth", "VAE_64_precedent.pth"):
        problem = "perdu"
        if (kit.folder / name).exists():
            problem = try_model(kit.folder / name)
        if problem:
            bad.append(f"{name} : {problem}")
    contents = [path.read_bytes() for path in kit.folder.glob("VAE_64*.pth")]
    if before not in contents:
        bad.append("le modèle d'avant n'est plus nulle part")
    for path in kit.folder.iterdir():
        if path.suffix in (".png", ".gif") and core.read_image(path, 64)[1]:
            bad.append(f"{path.name} est abîmé")
        if path.suffix not in (".pth", ".png", ".gif", ".py", ".incomplet", ""):
            bad.append(f"{path.name} traîne")
    return bad


def restore(kit, before):
    """Remet les fichiers d'avant l'accident."""
    for path in kit.folder.glob("*.incomplet"):
        path.unlink()
    (kit.folder / "VAE_64.pth").write_bytes(before)
    (kit.folder / "VAE_64_precedent.pth").write_bytes(before)
    drawing(1).save(kit.folder / "VAE_64.png")


def killed_trainings(count, folder):
    """kill -9 pendant l'écriture d'un modèle, de sa copie, de ses courbes, du film."""
    kit = small_kit(folder, film=True)
    before = train(kit)
    for number in range(count):
        restore(kit, before)
        bad = kill_in_save(play, kit.folder / "train_VAE.py", files=5)
        yield 1, bad + check_models(kit, before)


def save_for_ever(folder):
    """Enregistre des images au hasard jusqu'à ce qu'on le tue."""
    while True:
        noise = Image.fromarray(np.random.randint(0, 256, (128, 128, 3), np.uint8))
        tools.save_picture(noise, folder, "im")


def killed_pictures(count, folder):
    """kill -9 pendant qu'une image s'enregistre : celles d'avant n'ont pas bougé."""
    place = folder / "images"
    place.mkdir()
    before = {}
    for number in range(count):
        bad = kill_in_save(save_for_ever, place, files=9)
        after = {path.name: path.read_bytes() for path in place.iterdir()}
        for name, content in after.items():
            if name.endswith(".png") and core.read_image(place / name, 64)[1]:
                bad.append(f"{name} est abîmée ({len(content)} octets)")
            elif not name.endswith((".png", ".incomplet")):
                bad.append(f"{name} traîne")
            if before.get(name, content) != content:
                bad.append(f"{name} a changé")
        bad += [f"{name} a disparu" for name in before if name not in after]
        yield 1, bad
        for path in place.iterdir():
            if number % 20 == 19 or path.suffix == ".incomplet" or bad:
                path.unlink()
        before = {path.name: path.read_bytes() for path in place.iterdir()}


def stop_training(kit, moment, last_epoch):
    """Lance un entraînement, attend, puis un ou deux Stop : (code, journal)."""
    pid, log = launch(play, kit.folder / "train_VAE.py")
    deadline = time.monotonic() + 30
    while last_epoch not in heard(log) and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(moment)
    for number in range(random.choice([1, 2])):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        time.sleep(random.choice([0, 0.02, 0.2]) * random.random())
    return finish(pid, log)[:2]


def stopped_trainings(count, folder):
    """Un ou deux Stop, n'importe quand ; une fois sur deux, vers la fin."""
    kit = small_kit(folder, film=True)
    before = train(kit)
    for number in range(count):
        restore(kit, before)
        epochs = random.choice([1, 3, 30])
        kit.set("train_VAE.py", epochs=epochs, film=random.choice([True, False]))
        words = random.choice(["images trouvées", f"poque {epochs}/{epochs}"])
        code, text = stop_training(kit, random.choice([0.05, 0.5]) * random.random(), words)
        bad = trouble(code, text) + check_models(kit, before)
        learned = "poque 1/" in text
        kept = (kit.folder / "VAE_64.pth").read_bytes() != before
        if learned != kept:
            bad.append(f"appris : {learned}, gardé : {kept} ; {text[-500:]}")
        yield 1, bad


# %% Les réglages
odd_values = [
    "None", "True", "False", "[]", "[1, 2]", "{}", "1, 5", "()", "-1", "0", "1.5", "1e-320",
    'float("nan")', 'float("inf")', '-float("inf")', "10**400", "10**5000", "-10**400",
    "1j", 'b"x"', "print", "object()", "range(3)", "type", '__import__("math")',
    '__import__("numpy").zeros(3)', '__import__("numpy").array([])',
    '__import__("numpy").int64(32)', '__import__("numpy").float64(0.1)',
    '__import__("numpy").array("copy")', '__import__("torch").ones(2)',
    '__import__("torch").tensor(1)', '__import__("pathlib").Path("images")',
    '__import__("fractions").Fraction(1, 5)', '""', '" "', '"."', '".."', '"../.."',
    '"../x"', '"~"', '"CON"', '"NUL"', '"a\\0b"', '"nom."', '"nom "', '"a/b"', '"a\\\\b"',
    '"a" * 300', '"é" * 200', '"1,5"', '"a\\nb"', '"\\ud800"', '"C:/x"', '"<b>"', '"64"',
    '"images.png"', '"[clic](http:x)"', '"\\x1b[31m"', '"x" * 10**6', '"mse "', '"MSE"']


def wrong_values(count, folder):
    """Une valeur étrange pour un réglage des scripts : elle marche, ou une phrase."""
    kit = small_kit(folder / "élève")
    before = train(kit)
    zones = {script: kit.folder / script for script in
             ("record_images.py", "train_VAE.py", "decode_VAE.py")}
    texts = {path: path.read_text("utf-8") for path in zones.values()}
    cases = []
    for path, text in texts.items():
        for name in re.findall(r"(?m)^(\w+) = .*#\*\*\*", text):
            cases += [(path, name, value) for value in odd_values]
    random.shuffle(cases)
    outside = list_outside(folder, kit)
    for path, name, value in cases[:count]:
        setting = rf"(?m)^{name} = .*?(?=\s*#\*\*\*)"
        text = re.sub(setting, lambda found: f"{name} = {value}", texts[path])
        path.write_text(text, "utf-8")
        if name == "camera":
            code, text, memory = finish(*launch(open_odd_camera, value))
        else:
            code, text, memory = finish(*launch(play, path))
        bad = trouble(code, text)
        if name != "dataset_folder" and list_outside(folder, kit) != outside:
            bad.append("quelque chose est écrit hors du kit")
        if (kit.folder / "VAE_64.pth").read_bytes() != before and code:
            bad.append("le modèle d'avant a changé")
        yield 1, [f"{path.name}, {name} = {value[:60]} : {part}" for part in bad]
        path.write_text(texts[path], "utf-8")
        restore(kit, before)


def open_odd_camera(value):
    tools.open_camera(eval(value)).release()


def list_outside(folder, kit):
    """Ce qu'il y a autour du kit, et à la racine du disque."""
    around = [path for path in folder.rglob("*") if kit.folder not in path.parents]
    return set(around) | set(Path("/").iterdir())


# %% Le disque, et deux scripts à la fois
def own_mounts():
    """Vrai si ce processus peut monter des disques que lui seul voit (root)."""
    new_namespace = 0x20000
    if os.getuid() or ctypes.CDLL(None).unshare(new_namespace):
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"]).returncode == 0


def write_all(kit, before):
    """Entraîne puis enregistre des images, tant qu'on peut ; rien ne se perd."""
    code, text, memory = finish(*launch(play, kit.folder / "train_VAE.py"))
    bad = trouble(code, text) + check_models(kit, before)
    code, text, memory = finish(*launch(save_for_ever, kit.images))
    bad += trouble(code, text)
    for path in kit.images.iterdir():
        if core.read_image(path, 64)[1]:
            bad.append(f"{path.name} est abîmée")
    for problem in bad:
        print(mark, problem)


def use_full_disk(kit, before, room):
    """write_all où il ne reste que room octets (à défaut : par fichier)."""
    if own_mounts():
        disk = kit.folder.parent / "disque"
        disk.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", disk])
        kit.folder = shutil.copytree(kit.folder, disk / "kit")
        kit.images = kit.folder / "images"
        free = shutil.disk_usage(disk).free
        (disk / "plein").write_bytes(bytes(max(0, free - room)))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room // 100, room // 100))
    write_all(kit, before)


def full_disks(count, folder):
    """Un disque où il reste de 0 à 4 Mo : une phrase, et rien de perdu."""
    kit = small_kit(folder, film=True)
    before = train(kit)
    for number in range(count):
        restore(kit, before)
        yield 1, attempt(use_full_disk, kit, before, random.randrange(4_000_000))


def use_closed_folder(kit, before):
    """write_all et record_images.py dans un dossier où rien ne peut s'écrire."""
    if own_mounts():
        subprocess.run(["mount", "--bind", kit.folder, kit.folder])
        subprocess.run(["mount", "-o", "remount,bind,ro", kit.folder])
    else:
        kit.folder.chmod(0o555)
        kit.images.chmod(0o555)
    code, text, memory = finish(*launch(play, kit.folder / "record_images.py"))
    if code != 1 or trouble(code, text):
        print(mark, text)
    write_all(kit, before)


def closed_folders(count, folder):
    """Un dossier protégé : une phrase, et rien de perdu."""
    kit = small_kit(folder)
    before = train(kit)
    for number in range(count):
        restore(kit, before)
        yield 1, attempt(use_closed_folder, kit, before)


def twin_trainings(count, folder):
    """Deux train_VAE.py à la fois, pour un même modèle."""
    kit = small_kit(folder, film=True)
    before = train(kit)
    for number in range(count):
        restore(kit, before)
        twins = [launch(play, kit.folder / "train_VAE.py") for twin in range(2)]
        bad = []
        for pid, log in twins:
            bad += trouble(*finish(pid, log)[:2])
        # chacun a pu copier le modèle de l'autre : celui d'avant peut être parti
        newest = (kit.folder / "VAE_64.pth").read_bytes()
        yield 1, bad + check_models(kit, newest)


def save_twenty(folder):
    for number in range(20):
        tools.save_picture(drawing(number), folder, "im")


def twin_pictures(count, folder):
    """Deux scripts qui enregistrent à la fois vingt images dans un dossier."""
    for number in range(count):
        place = folder / f"{number}"
        place.mkdir()
        twins = [launch(save_twenty, place) for twin in range(2)]
        bad = []
        for pid, log in twins:
            code, text, memory = finish(pid, log)
            if code or text:
                bad.append(f"code {code} : {text}")
        found = len(list(place.glob("*.png")))
        if found != 40:
            bad.append(f"{found} images sur 40")
        yield 1, bad


# %% La caméra et les fenêtres
def write_film(path, sizes):
    """Un film de gris, en MJPEG : une image de chaque taille."""
    frames = []
    for width, height in sizes:
        frame = np.full((height, width, 3), 120, np.uint8)
        frames.append(cv2.imencode(".jpg", frame)[1].tobytes())
    path.write_bytes(b"".join(frames))


def strange_cameras(folder):
    """Des caméras faites exprès, une par nom."""
    write_film(folder / "finit.mjpg", [(320, 240)] * 40)
    write_film(folder / "change.mjpg", [(320, 240)] * 40 + [(640, 360), (90, 200)] * 40)
    write_film(folder / "minuscule.mjpg", [(1, 1)] * 40)
    write_film(folder / "vide.avi", [])
    (folder / "texte.mp4").write_text("pas un film", "utf-8")
    (folder / "dossier.mp4").mkdir()
    os.mkfifo(folder / "tuyau.mp4")
    drawing(1).save(folder / "image.png")
    names = ["finit.mjpg", "change.mjpg", "minuscule.mjpg", "vide.avi", "texte.mp4",
             "dossier.mp4", "tuyau.mp4", "image.png", "absent.mp4"]
    return [str(folder / name) for name in names] + ["", 99, -1, None, True]


def cameras(count, folder):
    """Une caméra qui finit, change de taille, bloque, ou n'en est pas une."""
    screen = Screen()
    for number, camera in enumerate(strange_cameras(folder)[:count]):
        kit = Kit(folder / f"{number}")
        kit.set("record_images.py", camera=camera)
        program = kit.start("record_images.py", screen.display)
        try:
            program.process.wait(25)
            late = []
        except subprocess.TimeoutExpired:
            late = [f"camera = {camera!r} : bloque"]
            kit.close()
        yield 1, late or trouble(program.process.returncode, program.text)
    screen.manager.terminate()
    screen.server.terminate()


def twin_windows(count, folder):
    """Deux record_images.py, puis deux decode_VAE.py à la fois, touche s dans chacun."""
    write_film(folder / "long.mjpg", [(320, 240)] * 20000)
    screen = Screen()
    for number in range(count):
        kit = small_kit(folder / f"{number}")
        train(kit)
        kit.set("record_images.py", camera=str(folder / "long.mjpg"))
        for script, title in (("record_images.py", "Webcam"), ("decode_VAE.py", "VAE")):
            yield 1, use_twins(screen, kit, script, title)
    screen.manager.terminate()
    screen.server.terminate()


def use_twins(screen, kit, script, title):
    """Ouvre deux fois un script, enregistre et quitte : ce qui va mal."""
    before = set(kit.folder.rglob("*.png"))
    twins = [kit.start(script, screen.display) for twin in range(2)]
    look = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}"]
    wait_for(lambda: len(screen.ask(*look).stdout.split()) == 2, 30, None)
    time.sleep(1)
    for letter in "sssq":
        for window in screen.ask(*look).stdout.split():
            screen.do("windowactivate", "--sync", window)
            screen.tap(letter)
            time.sleep(0.3)
    for program in twins:
        if wait_for(lambda: program.process.poll() is not None, 5, None) is False:
            program.stop()
    bad = []
    for program in twins:
        bad += trouble(program.process.wait(20), program.text)
    added = set(kit.folder.rglob("*.png")) - before
    bad += [f"{path.name} est abîmée" for path in added if core.read_image(path, 64)[1]]
    if len(added) < 2:
        bad.append(f"{script} : {len(added)} images, 6 attendues ; {twins[0].text}")
    return bad


# %% La console
def run_console(count, kit):
    """count fois de suite dans un seul Python : entraîner, relire, décoder."""
    sizes = []
    for number in range(count):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            play(kit.folder / "train_VAE.py")
            with contextlib.suppress(SystemExit):
                play(kit.folder / "decode_VAE.py")
            model, saved = core.load_model(kit.folder / "VAE_64.pth")
            core.to_picture(model.sample(1)[0])
        if "Traceback" in said.getvalue():
            print(mark, said.getvalue())
        open_files = len(os.listdir("/proc/self/fd"))
        sizes.append((resident() / 2**20, open_files, len(os.listdir("/proc/self/task"))))
    first, last = sizes[len(sizes) // 10], sizes[-1]
    if last[0] > first[0] + 50 or last[1:] != first[1:]:
        print(mark, f"(Mo, fichiers ouverts, fils) : {first}, puis {last}")


def consoles(count, folder):
    """Des lancements dans une même console : mémoire et fichiers ouverts constants."""
    kit = small_kit(folder, film=True)
    yield count, attempt(run_console, count, kit, seconds=60 + 2 * count)


# %% Le tableau
rows = [                                  # (ce qui arrive, fonction, combien de fois)
    ("1000 lancements dans une console", consoles, 1000),
    (".pth abîmés au hasard", damaged_models, 10000),
    ("Stop, une ou deux fois, pendant un entraînement", stopped_trainings, 200),
    ("kill -9 pendant l'écriture d'un modèle", killed_trainings, 500),
    ("images abîmées au hasard, de huit formats", damaged_pictures, 10000),
    ("valeurs étranges dans les zones ***", wrong_values, 500),
    (".pth faits à la main", handmade_models, 10000),
    ("kill -9 pendant l'écriture d'une image", killed_pictures, 500),
    ("caméras étranges", cameras, 100),
    ("deux fenêtres à la fois", twin_windows, 5),
    ("deux entraînements à la fois, même modèle", twin_trainings, 50),
    ("deux enregistrements à la fois, même dossier", twin_pictures, 50),
    ("disque plein", full_disks, 50),
    ("dossier protégé", closed_folders, 3),
    ("images effacées pendant leur lecture", vanishing_pictures, 200),
    ("images piégées, formats et noms étranges", strange_pictures, 100)]


def play_row(task):
    """Joue une ligne du tableau : (son nom, combien de cas, les mauvais)."""
    number, part, folder, deadline = task
    name, row, count = rows[number]
    random.seed(f"{seed} {name}")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    place = folder / row.__name__
    place.mkdir()
    tried = 0
    bad = []
    try:
        for cases, problems in row(max(1, round(count * part)), place):
            tried += cases
            bad += problems[:cases]
            if time.monotonic() > deadline:
                break
    except Exception:
        bad.append("la campagne elle-même : " + traceback.format_exc())
    return name, tried, bad


def main(part=share, chosen=range(len(rows))):
    """Joue les lignes choisies et montre le tableau. Vrai si tout va bien."""
    folder = Path(tempfile.mkdtemp(prefix="campagne_"))
    deadline = time.monotonic() + 60 * minutes
    tasks = [(number, part, folder, deadline) for number in chosen]
    everything = []
    print(f"{'':52} {'essayés':>8} {'bons':>8} {'mauvais':>8}")
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for name, tried, bad in pool.imap_unordered(play_row, tasks):
            print(f"{name:52} {tried:8} {tried - len(bad):8} {len(bad):8}", flush=True)
            everything += [f"{name} : {problem}" for problem in bad[:5]]
    for problem in everything:
        print(f"\n- {problem[-1500:]}")
    if everything:
        print(f"\nLes fichiers des cas mauvais sont peut-être encore dans {folder}.")
    else:
        shutil.rmtree(folder)
    return not everything


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
