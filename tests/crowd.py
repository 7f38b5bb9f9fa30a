"""Trente visiteurs à la fois : ce qu'ils font, et ce que la page en garde.

Chaque scène est une fonction dont les nombres sont des arguments : courte, c'est un test
(test_crowd.py) ; longue, une mesure (measure_crowd.py). Les visiteurs sont ceux de visitor.py.
"""
import asyncio
import base64
import hashlib
import io
import os
import random
import re
import signal
import socket
import ssl
import statistics
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from conftest import Kit, launch, wait_for
from page_kit import fill
from PIL import Image
from test_classe import Room
from visitor import Visitor

side = 128             # une image de la webcam


# %% Où l'on joue
class Page:
    """La page ordinaire, lancée comme dans le README ; tous y partagent images/webcam/."""

    def __init__(self, folder):
        self.kit = fill(Kit(folder / "Élève n°1"))
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.log = folder / "sortie.txt"

    def start(self):
        command = [sys.executable, "-m", "streamlit", "run", "explore/app_VAE.py",
                   "--server.headless", "true", "--server.port", str(self.port)]
        self.program = launch(command, self.kit.folder, None, self.log)
        self.program.wait_text("URL: http://localhost")
        return self

    def close(self):
        self.program.process.kill()
        self.program.process.wait()

    def server(self):
        """Le numéro du programme qui sert la page."""
        return self.program.process.pid

    def kill(self):
        """Le serveur meurt d'un coup, et repart."""
        self.close()
        self.start()

    def journal(self):
        return self.program.text

    def come_in(self):
        """Un visiteur de plus, et le dossier de ses images ; ici, il n'y a pas de porte."""
        return Visitor(self.address), self.kit.images / "webcam"

    def folders(self):
        """Les dossiers des images enregistrées."""
        return [self.kit.images / "webcam"]

    def models(self):
        return self.kit.models.glob("*.pth")


class Classroom(Room):
    """Toute la classe sur un seul ordinateur : https, un code, un espace par visiteur."""

    def __init__(self, folder):
        super().__init__(fill(Kit(folder / "Élève n°1")))

    def close(self):
        self.end()
        self.kit.close()

    def kill(self):
        """Le serveur meurt d'un coup ; classe.py le relance."""
        os.kill(self.server(), signal.SIGKILL)

    def journal(self):
        return (self.spaces / "journal.txt").read_text("utf-8")

    def come_in(self):
        """Donne le code ; le nom de l'espace vient du jeton."""
        cookie = self.enter()
        token = cookie.partition("=")[2]
        name = hashlib.sha256(token.encode()).hexdigest()[:16]
        trusting = ssl.create_default_context(
            cafile=self.spaces / "certificat_127.0.0.1.pem")
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return Visitor(f"https://{self.host}", cookie, trusting), self.spaces / name / "images"

    def folders(self):
        return self.spaces.glob("*/images")

    def models(self):
        return self.spaces.glob("*/modeles/*.pth")


def measure_memory(place):
    """Ce que le serveur occupe, en Mo."""
    with open(f"/proc/{place.server()}/status") as status:
        return int(status.read().partition("VmRSS:")[2].split()[0]) // 1024


def play(scene, seconds=600):
    """Joue une scène, et rend ce qu'elle a mesuré."""
    async def act():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(40))
        return await asyncio.wait_for(scene, seconds)

    return asyncio.run(act())


async def come(place, count, query="", pictures=0):
    """Autant de visiteurs, l'un après l'autre ; pictures : ce que chacun a déjà enregistré."""
    visitors = []
    for who in range(count):
        visitor, folder = await asyncio.to_thread(place.come_in)
        folder.mkdir(exist_ok=True)
        for number in range(pictures):
            Image.fromarray(draw_number(who, number)).save(folder / f"im_{number + 1:04d}.png")
        visitors.append(await visitor.open(query))
    return visitors


async def leave(visitors):
    """Tous s'en vont ; rend combien d'onglets se sont effacés, et rechargés."""
    await asyncio.gather(*(visitor.close() for visitor in visitors))
    return {"pages effacées": sum(visitor.breaks for visitor in visitors)}


# %% Des images que l'on reconnaît
def draw_number(visitor, number):
    """Une image de webcam, bruitée ; 24 cases claires ou sombres y écrivent les deux nombres."""
    bits = [visitor >> k & 1 for k in range(8)] + [number >> k & 1 for k in range(16)]
    cells = np.array(bits + [0] * 40).reshape(8, 8).repeat(16, 0).repeat(16, 1)
    noise = np.random.default_rng([visitor, number]).integers(-12, 13, (side, side, 3))
    return (60 + 130 * cells[..., None] + noise).astype(np.uint8)


def read_number(pixels):
    """Qui l'a enregistrée, et la combientième était-ce ?"""
    cells = pixels.mean(2).reshape(8, 16, 8, 16).mean((1, 3)).ravel() > 125
    return (sum(int(cells[k]) << k for k in range(8)),
            sum(int(cells[8 + k]) << k for k in range(16)))


def to_uri(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def check_recorded(place, kept):
    """Chaque image acceptée est une fois, et une seule, sur le disque, au pixel près.

    Et, dans la classe, dans l'espace de celui qui l'a prise. kept : {(visiteur, numéro)} des
    images que la page a dit avoir reçues."""
    found = []
    for folder in place.folders():
        here = []
        for path in folder.glob("*.png"):
            pixels = np.asarray(Image.open(path).convert("RGB"))
            name = read_number(pixels)
            assert np.array_equal(pixels, draw_number(*name)), f"{path} a changé"
            here.append(name)
        owners = {who for who, _ in here}
        assert len(owners) < 2 or isinstance(place, Page), f"{folder} est à {owners}"
        found += here
    lost, twice = kept - set(found), len(found) - len(set(found))
    assert not lost and not twice, f"{len(lost)} perdues, {twice} en double"
    return len(found)


# %% Enregistrer
async def hold(visitor, who, numbers, every=0.1):
    """Tient le bouton de l'enregistreur, comme components/recorder.js.

    Rend ce qui est rangé, {(visiteur, numéro)}, et le temps qu'a mis chaque lot."""
    waiting, kept, delays = [], set(), []

    async def shoot():
        start = time.monotonic()
        for place, number in enumerate(numbers, start=1):
            waiting.append((number, {"kind": "im", "uri": to_uri(draw_number(who, number))}))
            visitor.changed.set()
            await asyncio.sleep(max(0, start + place * every - time.monotonic()))

    shooting = asyncio.create_task(shoot())
    released = False
    while not released:
        await visitor.until(lambda: waiting or shooting.done(), "une image")
        some = waiting[:40]
        released = shooting.done() and len(some) == len(waiting)
        start = time.monotonic()
        await deliver(visitor, {"number": 1000 * time.time() + random.random(),
                                "pictures": [picture for _, picture in some],
                                "released": released})
        delays.append(time.monotonic() - start)
        kept |= {(who, number) for number, _ in some}
        del waiting[:len(some)]
    return kept, delays


async def deliver(visitor, batch, seconds=300):
    """Envoie un lot, et le renvoie tant que la page n'a pas dit qu'elle l'a."""
    def received():
        return visitor.heard("recorder").get("received") == batch["number"]

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if visitor.find("recorder"):
            await visitor.say("recorder", batch=batch)
        if await visitor.until(received, None, 3):
            return
    raise AssertionError(f"lot toujours pas rangé après {seconds} s : {visitor.text()}")


async def record(place, count, pictures, at_once=6, every=0.1):
    """Chacun à son tour, at_once à la fois : rien de perdu, rien de mêlé."""
    visitors = await come(place, count, "?source=Ma+webcam")
    turns = asyncio.Semaphore(at_once)

    async def turn(who, visitor):
        async with turns:
            await visitor.until(lambda: visitor.find("recorder"), "l'enregistreur")
            return await hold(visitor, who, range(pictures), every)

    start = time.monotonic()
    answers = await asyncio.gather(*(turn(who, one) for who, one in enumerate(visitors)))
    seconds = time.monotonic() - start
    kept = set().union(*(kept for kept, _ in answers))
    delays = [delay for _, some in answers for delay in some]
    assert len(kept) == count * pictures
    found = check_recorded(place, kept)
    return {"images": found, "secondes": seconds, "lots": len(delays), **spread(delays),
            **await leave(visitors)}


def spread(delays):
    """La médiane et le temps que dépasse un sur vingt, en millisecondes."""
    ordered = sorted(delays)
    return {"médiane (ms)": round(1000 * statistics.median(ordered)),
            "95 % (ms)": round(1000 * ordered[int(0.95 * (len(ordered) - 1))]),
            "le pire (ms)": round(1000 * ordered[-1])}


# %% Entraîner
async def train(visitor):
    """Appuie sur Entraîner, attend la fin ; rend l'attente annoncée, l'attente, et le tout."""
    await visitor.press("Entraîner")
    start, before = time.monotonic(), len(visitor.toasts)
    await visitor.until(lambda: "époque" in visitor.text() or "place" in visitor.text(), "la file")
    announced = read_wait(visitor.text())
    await visitor.until(lambda: "époque" in visitor.text() or len(visitor.toasts) > before,
                        "son tour", 3600)
    waited = time.monotonic() - start
    await visitor.until(lambda: len(visitor.toasts) > before, "la fin", 3600)
    return announced, waited, time.monotonic() - start


def read_wait(text):
    """Les secondes que la page annonce à qui attend ; 0 s'il n'attend pas."""
    found = re.search(r"place \d+ dans la file : votre tour dans (\d+) (s|min)", text)
    return int(found[1]) * (60 if found[2] == "min" else 1) if found else 0


async def line(place, count, pictures=200, epochs=10):
    """Tous appuient sur Entraîner, l'un après l'autre ; rend l'ordre et les temps."""
    visitors = await come(place, count, f"?source=Ma+webcam&epochs={epochs}", pictures)
    order = []

    async def one(who, visitor):
        await asyncio.sleep(0.3 * who)
        times = await train(visitor)
        order.append(who)
        return times

    times = await asyncio.gather(*(one(*numbered) for numbered in enumerate(visitors)))
    announced, waited, total = (list(map(round, some)) for some in zip(*times))
    return {"ordre": order, "annoncé (s)": announced, "attendu (s)": waited,
            "en tout (s)": total, **await leave(visitors)}


# %% Les curseurs
async def slide(visitor, seconds, every):
    """Bouge un curseur toutes les every secondes (0 : dès que l'image est là) ; les délais."""
    await visitor.until(lambda: visitor.heard("studio").get("base"), "le studio")
    base = visitor.heard("studio")["base"]
    delays, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        asked = time.time_ns() // 10**6
        await visitor.say("studio", ask={
            "model": base["model"], "has": base["turn"], "asked": asked,
            "z": [random.gauss(0, 1) for _ in base["names"]]})
        await visitor.until(lambda: visitor.heard("studio").get("asked") == asked, "l'image")
        delays.append(time.monotonic() - start)
        await asyncio.sleep(max(0.001, start + every - time.monotonic()))
    return delays


async def sliders(place, count, seconds, every, trainers=1, pictures=200):
    """count visiteurs bougent leurs curseurs pendant que d'autres entraînent."""
    first, = await come(place, 1)
    await first.until(lambda: first.find("model") and not first.timers, "le premier modèle")
    visitors = [first, *await come(place, count - 1)]
    others = await come(place, trainers, "?source=Ma+webcam&epochs=200", pictures)
    for visitor in others:
        await visitor.press("Entraîner")
    for visitor in others[:1]:
        await visitor.until(lambda: "époque" in visitor.text(), "le départ")
    some = await asyncio.gather(*(slide(one, seconds, every) for one in visitors))
    assert "époque" in others[0].text()        # il entraînait encore
    delays = [delay for mine in some for delay in mine]
    return {"demandes": len(delays), **spread(delays), **await leave([*visitors, *others])}


# %% La mémoire
async def memory(place, count):
    """Le serveur seul, puis avec count visiteurs devant leur studio ; en Mo."""
    first, = await come(place, 1)
    await first.until(lambda: first.find("studio") and not first.timers, "le premier modèle")
    alone = measure_memory(place)
    visitors = await come(place, count - 1)
    full = measure_memory(place)
    return {"un visiteur (Mo)": alone, f"{count} (Mo)": full,
            **await leave([first, *visitors])}


# %% Le serveur meurt
async def kills(place, count, times, pause, trainers=1):
    """Le serveur meurt times fois, n'importe quand ; tous enregistrent, sauf ceux qui entraînent.

    Rend en combien de temps chacun est revenu ; rien d'accepté n'est perdu."""
    visitors = await come(place, count, "?source=Ma+webcam")
    others = await come(place, trainers, "?epochs=2")
    over, kept, learned = asyncio.Event(), set(), []

    async def keep_recording(who, visitor):
        number = 0
        while not over.is_set():
            some, _ = await hold(visitor, who, range(number, number + 10))
            kept.update(some)
            number += 10

    async def keep_training(visitor):
        while not over.is_set():
            said, session = len(visitor.toasts), visitor.session
            button = visitor.find("Entraîner")
            if visitor.running or not button or button.widget.disabled:
                await visitor.until(lambda: False, None, 0.5)
                continue
            await visitor.press("Entraîner")
            await visitor.until(lambda: len(visitor.toasts) > said
                                or visitor.session != session or over.is_set(), "la fin", 600)
            if len(visitor.toasts) > said:
                await visitor.calm()
                learned.append(dict(part.split("=") for part in visitor.query.split("&"))["modele"])

    async def come_back(visitor, session, start):
        await visitor.until(lambda: visitor.session != session and visitor.find("source")
                            and not visitor.running, "le retour", 60)
        return time.monotonic() - start

    working = [asyncio.create_task(keep_recording(who, one)) for who, one in enumerate(visitors)]
    working += [asyncio.create_task(keep_training(one)) for one in others]
    delays = []
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.2, pause))
        sessions = [(visitor, visitor.session) for visitor in [*visitors, *others]]
        start = time.monotonic()
        await asyncio.to_thread(place.kill)
        delays += await asyncio.gather(*(come_back(*one, start) for one in sessions))
    over.set()
    await asyncio.gather(*working)
    found = check_recorded(place, kept)
    stems = [path.stem for path in place.models()]
    assert all(stems.count(stem) >= learned.count(stem) for stem in learned), (stems, learned)
    return {"images": found, "modèles": len(learned), "retours": len(delays), **spread(delays),
            **await leave([*visitors, *others])}


# %% Des fichiers qui ne vont pas
def bad_files(big):
    """{nom: (octets, ce que la page en dit)} ; big : la taille d'un fichier trop gros."""
    good = io.BytesIO()
    Image.fromarray(draw_number(1, 1)).save(good, "PNG")
    half = good.getvalue()[:2000]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.png", "w", force_zip64=True) as member:
            for _ in range(60):
                member.write(bytes(10**7))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../a.png", good.getvalue())
    giant = io.BytesIO()
    Image.new("1", (6500, 6400)).save(giant, "PNG")
    return {"texte.png": (b"bonjour", "format inconnu"),
            "coupee.png": (half, "abîmée"),
            "geante.png": (giant.getvalue(), "mégapixels"),
            "bombe.zip": (bomb.getvalue(), "dépasserait"),
            "dehors.zip": (out.getvalue(), "hors de son dossier"),
            "casse.zip": (b"PK\3\4 pas un zip", "illisible"),
            "bonne.png": (good.getvalue(), "1 image"),
            "enorme.png": (bytes(big), "refusé par le serveur")}


async def uploads(place, count, big=101 * 10**6):
    """Chacun dépose les mêmes fichiers, dont un seul est bon, tous à la fois."""
    visitors = await come(place, count, "?source=Mes+fichiers")
    files = bad_files(big)

    async def drop(visitor):
        start = time.monotonic()
        refusals = await visitor.upload("files", {name: file for name, (file, _) in files.items()})
        await visitor.until(lambda: "1 image" in visitor.text(), "la bonne image")
        await visitor.calm()
        said = visitor.text() + str(refusals)
        for name, (_, words) in files.items():
            assert words in said and (name == "bonne.png" or name in said), (name, words, said)
        return time.monotonic() - start

    delays = await asyncio.gather(*(drop(visitor) for visitor in visitors))
    return {"visiteurs": count, **spread(delays), **await leave(visitors)}
