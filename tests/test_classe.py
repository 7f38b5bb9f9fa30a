"""Toute la classe sur un seul ordinateur : la porte, le certificat, les espaces, la fin."""
import asyncio
import base64
import contextlib
import http.client
import importlib
import io
import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from conftest import Kit, launch, root, wait_for
from PIL import Image

for module in ("streamlit", "trustme", "segno"):
    pytest.importorskip(module)
from page_kit import fill, one, run, said, turn, use
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(root / "explore"))
from room import certificate

pytest_plugins = ["page_kit"]

trusting = ssl.create_default_context()
trusting.check_hostname = False
trusting.verify_mode = ssl.CERT_NONE
unguessable = "A" * 43


# %% Sans serveur
def handshake(path, host):
    """Ce qu'un navigateur, qui a accepté ce certificat, en dit quand l'adresse est host."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(path)
    theirs = ssl.create_default_context(cafile=path)
    theirs.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    left, right = socket.socketpair()

    def answer():
        try:
            ours.wrap_socket(left, server_side=True).close()
        except OSError:
            pass

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        theirs.wrap_socket(right, server_hostname=host).close()
    finally:
        right.close()
        thread.join()


def test_a_certificate_is_for_one_address_and_few_days(tmp_path):
    path = certificate.find_certificate(tmp_path, "192.168.1.23")
    handshake(path, "192.168.1.23")
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        handshake(path, "192.168.1.24")
    first = path.read_bytes()
    assert certificate.find_certificate(tmp_path, "192.168.1.23").read_bytes() == first
    old = time.time() - 6.5 * 24 * 3600
    os.utime(path, (old, old))
    assert certificate.find_certificate(tmp_path, "192.168.1.23").read_bytes() != first
    handshake(path, "192.168.1.23")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="Windows ne compte pas les sockets")
def test_the_server_may_open_a_socket_for_each_tablet(tmp_path):
    """macOS n'en permet d'abord que 256 ; trente pages qui s'ouvrent en demandent plus."""
    lines = ["import resource, sys",
             "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]",
             "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))",
             f"sys.path.insert(0, {str(root / 'explore')!r})",
             "from room import serving",
             "serving.allow_sockets()",
             "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True,
                          text=True, cwd=tmp_path)
    assert done.stdout.strip() == "4096", done.stderr


def test_a_program_that_never_stops_waits_its_turn(own_door):
    """Vingt messages par seconde, de toutes ses pages ; les autres n'attendent pas."""
    door = own_door.Door(None, {})

    async def flood():
        start = time.monotonic()
        some = [asyncio.create_task(door.wait_turn("a")) for number in range(21)]
        await asyncio.sleep(0)
        await door.wait_turn("b")
        other = time.monotonic() - start
        await asyncio.gather(*some)
        return other, time.monotonic() - start

    other, whole = asyncio.run(flood())
    assert other < 0.5 and 0.9 < whole < 5


def test_only_what_a_browser_says_reaches_the_page(own_door):
    """Vider la mémoire de tous, ou demander un million d'adresses : cela figerait la classe."""
    message = BackMsg()
    for name in ("rerun_script", "file_urls_request", "backend_operation_request"):
        getattr(message, name).SetInParent()
        assert own_door.may_say(message.SerializeToString()), name
    for name in ("clear_cache", "load_git_info", "set_run_on_save", "debug_shutdown_runtime"):
        message = BackMsg(**{name: True})
        assert not own_door.may_say(message.SerializeToString()), name
    message = BackMsg()
    message.file_urls_request.file_names.extend(["a.png"] * 2000)
    assert own_door.may_say(message.SerializeToString())
    message.file_urls_request.file_names.append("a.png")
    assert not own_door.may_say(message.SerializeToString())
    assert not own_door.may_say(b"bonjour")


def test_a_refused_upload_does_not_count(own_door, monkeypatch):
    monkeypatch.setattr(own_door, "most_upload", 100)
    monkeypatch.setattr(own_door, "biggest", 90)
    door = own_door.Door(None, {})

    class Put:
        def __init__(self, size):
            self.headers = {"content-length": str(size)}

    sizes = [60, 80, 95, 40, 1]                        # 60, puis 40 : 100 en tout
    assert [door.may_upload("a", Put(size)) for size in sizes] == [True, False, False, True, False]
    assert door.may_upload("b", Put(80))


def test_wrong_codes_slow_down_then_close(own_door, monkeypatch):
    now = [1000]
    monkeypatch.setattr(own_door.time, "monotonic", lambda: now[0])
    tries = own_door.Tries()
    waits = []
    for number in range(10):
        tries.add("192.168.1.50")
        waits.append(tries.seconds_left("192.168.1.50"))
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 300]
    assert tries.seconds_left("192.168.1.51") == 0             # lui seul
    now[0] += 301
    assert tries.seconds_left("192.168.1.50") == 0


@pytest.fixture
def own_door(kit, monkeypatch):
    """Le module de la porte, dans un kit à lui."""
    use(fill(kit), monkeypatch)
    monkeypatch.delitem(sys.modules, "room.door", raising=False)
    import room.door
    return room.door


@pytest.mark.parametrize("change, words", [
    ({"port": 80}, "port doit être un nombre entier de 1024 à 65000"),
    ({"address": "ordinateur"}, "n'est pas une adresse comme"),
    ({"address": "192.0.2.1"}, "Impossible d'ouvrir 192.0.2.1:8443")])
def test_a_wrong_setting_is_said(kit, change, words):
    assert words in fill(kit).refusal("explore/classe.py", **change)


def test_a_taken_port_is_said(kit):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = fill(kit).refusal("explore/classe.py", address="127.0.0.1",
                                 port=taken.getsockname()[1])
    assert "fermez l'autre classe.py" in text and not (kit.folder / "explore/espaces").exists()


@pytest.fixture
def classe(kit, monkeypatch):
    """Le module classe.py, dans un kit à lui."""
    use(fill(kit), monkeypatch)
    monkeypatch.delitem(sys.modules, "classe", raising=False)
    module = importlib.import_module("classe")
    module.spaces.mkdir()
    yield module
    del sys.modules["classe"]


@pytest.mark.parametrize("answer, words", [(EOFError, None), (KeyboardInterrupt, "rien n'a changé")])
def test_stop_at_the_question_puts_no_space_away(classe, monkeypatch, answer, words):
    """Sans personne pour répondre, une nouvelle heure ; Ctrl-C, lui, ne répond pas « non »."""
    (classe.spaces / ("a" * 16) / "images").mkdir(parents=True)
    classe.memory.write_text('{"code": "ABCDEF"}', "utf-8")

    def be_asked(question):
        raise answer

    monkeypatch.setattr("builtins.input", be_asked)
    if words:
        with pytest.raises(SystemExit, match=words):
            classe.open_hour("127.0.0.1")
    else:
        assert classe.open_hour("127.0.0.1")["code"] != "ABCDEF"
    assert (classe.spaces / ("a" * 16)).exists() == bool(words)
    assert classe.memory.exists()


def test_a_slow_server_is_waited_for(classe, monkeypatch):
    """Il apprend d'abord les créatures : sur un vieil ordinateur, plus de trois minutes."""
    class Server:
        def poll(self):
            return None

    class Button:
        pressed = False

    tries = []

    def connect(place, timeout):
        tries.append(place)
        if len(tries) < 4:
            raise ConnectionRefusedError
        return socket.socket()

    monkeypatch.setattr(classe.socket, "create_connection", connect)
    clock = iter(range(0, 10**6, 1000))
    monkeypatch.setattr(classe.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(classe.time, "sleep", lambda seconds: None)
    assert classe.answers(Server(), "127.0.0.1", Button())
    Server.poll = lambda self: 1
    assert not classe.answers(Server(), "127.0.0.1", Button())


def test_the_end_counts_the_hours_before_too(classe, capsys):
    for place in ("a" * 16, "anciens/2026-01-01_08-00-00/" + "b" * 16):
        for name in ("images/im_0001.png", "modeles/VAE.pth"):
            path = classe.spaces / place / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"x")
    (classe.spaces / "montres").mkdir()
    (classe.spaces / "montres" / "VAE_classe.pth").write_bytes(b"x")
    classe.tell_end()
    assert "Images : 2. Modèles : 2." in capsys.readouterr().out


# %% Les espaces, sans serveur
@pytest.fixture
def visitors(own, monkeypatch):
    """La page partagée ; visitors("a") l'ouvre, ou la redessine, pour ce visiteur."""
    space = importlib.import_module("page.space")
    here = []
    monkeypatch.setattr(space, "shared", True)
    monkeypatch.setattr(space, "name", lambda: here[-1])
    pages = {}

    def visit(name, query=None):
        here.append(name * 16)
        (space.spaces / here[-1] / "images").mkdir(parents=True, exist_ok=True)
        if name not in pages:
            pages[name] = AppTest.from_file(str(own.folder / "explore" / "app_VAE.py"),
                                            default_timeout=120)
            pages[name].query_params = query or {}
            pages[name].kit = own
        return run(pages[name])

    visit.folder = lambda name: space.spaces / (name * 16)
    visit.shown = space.shown
    visit.shown.mkdir(parents=True)
    return visit


def put_model(folder, stem="VAE_ab12cd_2"):
    """Un petit modèle, comme la page en écrit."""
    models = importlib.import_module("page.models")
    kit = importlib.import_module("page.kit")
    images = torch.randint(0, 255, (12, 3, 64, 64), dtype=torch.uint8)
    settings = kit.usual_settings | {"model_name": stem}
    model = kit.VAE(64, settings["latent_size"], settings["decoder"])
    saved = {"settings": settings, "history": [], "data": {"source": "Ma webcam"}, "movements": [],
             "train_names": [], **kit.measure_latents(model, images, torch.arange(12), settings)}
    folder.mkdir(parents=True, exist_ok=True)
    path = models.free_path(folder, stem)
    kit.save_model(path, model, saved)
    return path


def test_nobody_sees_the_models_of_another(visitors):
    visitors("a")
    path = put_model(visitors.folder("a") / "modeles")
    page = visitors("a")
    assert page.session_state["last_model"] == path.stem
    # ni dans la liste, ni par l'adresse, ni par un nom qui remonte de dossier en dossier
    for asked in (path.stem, f"../../{'a' * 16}/modeles/{path.stem}", str(path.with_suffix(""))):
        other = visitors("b" if asked == path.stem else "c", {"modele": asked})
        assert not other.session_state["last_model"]
        assert not [box for box in other.selectbox if box.key == "model"]


def test_a_model_is_shown_and_taken_back(visitors):
    visitors("a")
    path = put_model(visitors.folder("a") / "modeles")
    page = turn(visitors("a"), "Atelier")
    one(page.button, "Le montrer à la classe").click()
    run(page)
    assert not list(visitors.shown.iterdir())      # il faut encore dire oui
    assert one(page.button, "Oui, le montrer")     # (AppTest ne sait pas y appuyer)
    importlib.import_module("page.models").show(path.stem)
    copy, = visitors.shown.iterdir()
    assert copy.read_bytes() == path.read_bytes()
    other = visitors("b")
    box, = [box for box in other.selectbox if box.key == "model"]
    assert "montré" in box.options[0]
    other.session_state["opened"] = copy.stem      # comme on le choisit dans la liste
    other = turn(run(other), "Atelier")
    assert other.session_state["last_model"] == copy.stem
    labels = [button.label for button in other.button]
    assert not [label for label in labels if "Supprimer" in label or "montrer" in label]
    assert not other.get("download_button")
    page = run(visitors("a"))
    one(page.button, "Ne plus le montrer").click()
    run(page)
    assert not list(visitors.shown.iterdir()) and path.exists()
    assert not [box for box in visitors("c").selectbox if box.key == "model"]


def test_two_webcams_are_never_mixed(visitors):
    """Deux dossiers remplis au même instant : chacun n'a que ses images."""
    colors = {"a": (200, 0, 0), "b": (0, 0, 200)}
    for name, color in colors.items():
        visitors(name)
        folder = visitors.folder(name) / "images"
        for number in range(1, 4):
            Image.new("RGB", (128, 128), color).save(folder / f"im_{number:04d}.png")
        os.utime(folder, (1000, 1000))
    sources = importlib.import_module("page.sources")
    for name, color in colors.items():
        page = visitors(name)
        page.selectbox("source").set_value("Ma webcam")
        run(page)
        assert "3 images" in said(page)
        data = sources.Data("Ma webcam", 0, (visitors.folder(name) / "images", 1), [])
        assert data.load(64)[0][0, :, 0, 0].tolist() == list(color)
    assert "Dossier images/" not in page.selectbox("source").options


# %% Un élève qui a le code, et son propre programme à la place du navigateur
def nest(depth):
    """Une liste minuscule dans un fichier, mais dont le texte n'a pas de fin."""
    inside = "loutre"
    for _ in range(depth):
        inside = [inside, inside]
    return inside


def test_a_page_closed_while_it_draws_stops_without_a_word(own, monkeypatch, capfd):
    """Elle n'a plus d'espace : ni celui d'un autre, ni une erreur dans le journal."""
    space = importlib.import_module("page.space")
    monkeypatch.setattr(space, "shared", True)
    page = AppTest.from_file(str(own.folder / "explore" / "app_VAE.py"), default_timeout=60).run()
    assert not page.error and not page.exception and not page.selectbox
    assert "Traceback" not in capfd.readouterr().err


def test_a_trapped_model_is_never_written_as_a_text(own, monkeypatch):
    """Son texte double à chaque étage : à 40, il figerait la page de toute la classe."""
    naming = importlib.import_module("page.naming")
    model_file = importlib.import_module("outils.model_file")
    path = put_model(own.folder / "explore" / "models")
    saved = torch.load(path, weights_only=True)
    saved |= {"data": {"source": nest(40)}, "told": [nest(40), "Mouvement 1 : bien."]}
    torch.save(saved, path)
    assert naming.describe(path.stem)["source"] == naming.elsewhere
    assert naming.find_told(saved) == ["Mouvement 1 : bien."]
    saved["settings"]["piege"] = nest(5)
    with pytest.raises(ValueError):
        model_file.check_results(saved)


def test_a_deleted_space_is_not_made_again_by_what_was_running(visitors):
    """Un entraînement, ou l'enregistreur, finit juste après : son jeton rouvrirait l'espace."""
    recorder = importlib.import_module("page.recorder")
    visitors("a")
    shutil.rmtree(visitors.folder("a"))
    with pytest.raises(FileNotFoundError):
        importlib.import_module("page.models").free_path(visitors.folder("a") / "modeles", "VAE")
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    with pytest.raises(SystemExit):
        recorder.save_frame(uri, visitors.folder("a") / "images", "im", "1 0")
    assert not visitors.folder("a").exists()


def test_a_space_closes_at_once_even_if_its_pupil_records(visitors, monkeypatch):
    """Son jeton n'ouvre déjà plus rien quand l'effacement commence, et rien ne le rouvre."""
    teaching = importlib.import_module("page.views.teaching")
    recorder = importlib.import_module("page.recorder")
    visitors("a")
    visitors("b")
    folder = visitors.folder("a") / "images"
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    recorder.save_frame(uri, folder, "im", "1 0")
    erased = []

    def record_meanwhile(path):
        assert not visitors.folder("a").exists()
        assert teaching.list_spaces() == ["b" * 16]
        with pytest.raises(SystemExit):
            recorder.save_frame(uri, folder, "im", "1 1")
        real(path)
        erased.append(path)

    real = shutil.rmtree
    monkeypatch.setattr(teaching.shutil, "rmtree", record_meanwhile)
    teaching.erase("a" * 16)
    assert len(erased) == 1 and not list(visitors.shown.parent.glob("**/im_0001.png"))
    assert not visitors.folder("a").exists() and visitors.folder("b").exists()


def test_a_draft_that_takes_its_name_breaks_no_count(own, monkeypatch):
    limits = importlib.import_module("page.limits")
    own.models.mkdir()
    for name, size in (("VAE.pth", 30), ("VAE_2.pth.incomplet", 500)):
        (own.models / name).write_bytes(b"x" * size)
    listed = list(os.scandir(own.models))
    (own.models / "VAE_2.pth.incomplet").unlink()
    monkeypatch.setattr(limits.os, "scandir", lambda folder: contextlib.nullcontext(listed))
    assert limits.count_bytes(own.models) == 30


def test_the_teacher_records_in_a_space_that_is_no_pupil_s(own, monkeypatch):
    """Dans « la page d'un élève », sa webcam marche ; et il n'est pas au tableau."""
    space = importlib.import_module("page.space")
    teaching = importlib.import_module("page.views.teaching")
    recorder = importlib.import_module("page.recorder")
    monkeypatch.setattr(space, "shared", True)
    monkeypatch.setattr(space, "name", lambda: space.teacher)
    space.shown.mkdir(parents=True)
    page = AppTest.from_file(str(own.folder / "explore" / "app_VAE.py"), default_timeout=120)
    page.kit = own
    run(page)
    one(page.toggle, "Voir la page d'un élève").set_value(True)
    run(page)
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    recorder.save_frame(uri, space.recorded(), "im", "1 0")
    assert [path.name for path in space.recorded().iterdir()] == ["im_0001.png"]
    assert teaching.list_spaces() == []


def test_who_deletes_his_model_does_not_delete_the_one_another_shows(visitors):
    visitors("a")
    mine = put_model(visitors.folder("a") / "modeles", f"VAE_ab12cd_2_{'b' * 6}")
    shown = put_model(visitors.shown, mine.stem)       # b le montre à l'instant
    importlib.import_module("page.models").delete(mine.stem)
    assert shown.exists() and not mine.exists()


def test_the_limits_of_the_class_are_asked_for(visitors, monkeypatch):
    """Un modèle de trop, MNIST qui n'est pas là : la phrase, et rien n'est écrit."""
    limits = importlib.import_module("page.limits")
    page = visitors("a")
    page.selectbox("source").set_value("MNIST")
    run(page)
    assert "le professeur le télécharge" in said(page)
    assert not [button for button in page.button if "Télécharger MNIST" in button.label]
    monkeypatch.setattr(limits, "most_models", 0)
    models = importlib.import_module("page.models")
    with pytest.raises(SystemExit, match="le maximum"):
        models.receive("autre.pth", b"x")


# %% Un vrai serveur
class Room:
    """classe.py en marche, et ce qu'un visiteur lui demande sans navigateur."""

    def __init__(self, kit):
        self.kit = kit
        self.spaces = kit.folder / "explore" / "espaces"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        kit.set("explore/classe.py", address="127.0.0.1", port=self.port)

    def start(self, answer="/dev/null"):
        """answer : le fichier où classe.py lit la réponse à sa question."""
        number = len(self.kit.started)
        command = f'"{sys.executable}" -u explore/classe.py < "{answer}"'
        self.program = launch(["bash", "-c", f"exec {command}"], self.kit.folder,
                              os.environ | {"BROWSER": "true"},
                              self.kit.folder.parent / f"classe_{number}.txt")
        self.kit.started.append(self.program)
        self.program.wait_text("La page est ouverte")
        self.code = re.search(r"code (\w{6})", self.program.text)[1]
        return self

    def ask(self, path, method="GET", body=None, visitor="127.0.0.1",
            kind="application/x-www-form-urlencoded", **headers):
        """L'état, les en-têtes et le texte de la réponse ; visitor : l'adresse qui demande."""
        line = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=30,
                                           source_address=(visitor, 0))
        if body:
            headers["Content-Type"] = kind
        line.request(method, path, body, headers)
        answer = line.getresponse()
        text = answer.read()
        line.close()
        return answer.status, answer.headers, text

    def enter(self, code=None, **visitor):
        """Donne le code ; rend le cookie, ou None."""
        status, headers, text = self.ask("/entrer", "POST", f"code={code or self.code}", **visitor)
        if status != 303:
            return None
        return headers["Set-Cookie"].partition(";")[0]

    def open_socket(self, **headers):
        """Demande une websocket : l'état de la réponse, et la ligne, à fermer."""
        line = trusting.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 30))
        told = {"Host": self.host, "Origin": f"https://{self.host}", "Connection": "Upgrade",
                "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "a2l0IFZBRSwga2l0IFZBRQ==",
                "Sec-WebSocket-Protocol": "streamlit", **headers}
        lines = [f"{name}: {value}" for name, value in told.items()]
        line.sendall("\r\n".join(["GET /_stcore/stream HTTP/1.1", *lines, "", ""]).encode())
        return int(line.recv(4096).split()[1]), line

    def may_open(self, **headers):
        status, line = self.open_socket(**headers)
        line.close()
        assert status in (101, 403)
        return status == 101

    def own_errors(self):
        """Les erreurs de nos fichiers ; celles de Streamlit, entre ses propres lignes, non."""
        journal = (self.spaces / "journal.txt").read_text("utf-8")
        last = [error.split('File "')[-1].partition('"')[0]
                for error in journal.split("Traceback (most")[1:]]
        return [journal] if any("/explore/" in path for path in last) else []

    def server(self):
        """Le numéro du serveur, que l'on peut alors tuer."""
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.kit.folder).encode() in words and b"serving.py" in words:
                return int(folder.name)
        return None

    def end(self):
        self.program.stop()
        return self.program.wait(60)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    kit = fill(Kit(tmp_path_factory.mktemp("classe") / "Élève n°1"))
    room = Room(kit).start()
    yield room
    room.end()
    kit.close()
    assert not room.own_errors()


@pytest.mark.slow
def test_nothing_but_the_door_without_the_code(room):
    """Cinq cents demandes et des sockets : la même page partout, et rien d'autre."""
    door = (root / "explore" / "room" / "door.html").read_bytes()
    known_once = "Votre espace d'avant n'est plus ouvert : entrez de nouveau."
    doors = {door.replace(b"<!-- phrase -->", words.encode()) for words in ("", known_once)}
    names = ["VAE_ab12cd_10.pth", "im_0001.png", "heure.json", "affiche.html", "..%2f..%2fREADME.md",
             "%2e%2e/%2e%2e/heure.json", "index.html", "../classe.py", "a%5C..%5Cb", "%C3%A9.png"]
    folders = ["", "media", "static", "static/js", "component", "_stcore", "_stcore/upload_file",
               "_stcore/upload_file/x", "_stcore/bidi-components", "app/static", "explore/espaces",
               "explore/espaces/montres", "images", "images/webcam", "espaces", "professeur",
               "entrer", "//", "oauth2callback", "auth/login", "_stcore/metrics", "~", "vendor"]
    known = ["/", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream",
             "/_stcore/metrics", "/_stcore/script-health-check", "/favicon.png", "/healthz",
             "/professeur", "/entrer", "/?code=" + room.code, "/?modele=VAE_ab12cd_10"]
    asked = [f"/{folder}/{name}" for folder in folders for name in names] + known
    forged = [{}, {"Cookie": f"vae={unguessable}"}]
    count = 0
    for path in asked:
        path = path.encode("utf-8").decode("latin-1") if "é" not in path else path.replace("é", "%C3%A9")
        for headers in forged:
            status, _, text = room.ask(path.replace(" ", "%20"), **headers)
            assert status == 403 and text in doors, path
            count += 1
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in known[1:8]:
            status, _, text = room.ask(path, method, "code=x")
            assert status == 403 and text in doors, (method, path)
            count += 1
    room.enter()
    space = next(room.spaces.glob("*/images")).parent.name
    for headers in [*forged, {"X-Space": space}, {"Cookie": f"vae={space}"},
                    {"Cookie": f"vae={unguessable}; vae={unguessable}"}, {"Cookie": "vae="}]:
        assert not room.may_open(**headers)
        count += 1
    assert count >= 500
    for host in ("exemple.fr", "localhost", "127.0.0.1", f"127.0.0.2:{room.port}"):
        assert room.ask("/", Host=host)[0] == 421


@pytest.mark.slow
def test_the_code_opens_a_space_of_ones_own(room):
    before = set(room.spaces.iterdir())
    first, second = room.enter(), room.enter(room.code.lower()[:3] + "%20" + room.code[3:])
    made = set(room.spaces.iterdir()) - before
    assert len(made) == 2 and all(re.fullmatch("[0-9a-f]{16}", path.name) for path in made)
    for path in made:
        assert path.name not in first + second         # le dossier ne trahit pas le jeton
    status, headers, text = room.ask("/", Cookie=first)
    assert status == 200 and b"streamlit" in text.lower()
    assert room.may_open(Cookie=first)
    # un espace effacé n'ouvre plus rien
    for path in made:
        (path / "images").rmdir()
        path.rmdir()
    assert room.ask("/", Cookie=first)[0] == 403


@pytest.mark.slow
def test_the_cookie_is_hidden_from_scripts_and_from_the_page(room):
    status, headers, text = room.ask("/entrer", "POST", f"code={room.code}")
    words = headers["Set-Cookie"].lower()
    assert "httponly" in words and "secure" in words and "samesite=lax" in words


@pytest.mark.slow
def test_the_code_is_in_no_log_and_no_command(room):
    room.enter()
    room.enter("ZZZZZZ")
    room.ask("/?code=" + room.code)
    secret = json.loads((room.spaces / "heure.json").read_text("utf-8"))
    journal = (room.spaces / "journal.txt").read_text("utf-8")
    process = Path("/proc") / str(room.server())
    words = [secret["code"], secret["key"], secret["teacher"], "ZZZZZZ"]
    told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    for word in words:
        assert word not in journal and word.encode() not in told
    assert stat.S_IMODE(room.spaces.stat().st_mode) == 0o700
    for name in ("heure.json", "affiche.html"):
        assert stat.S_IMODE((room.spaces / name).stat().st_mode) == 0o600


@pytest.mark.slow
def test_only_the_key_makes_a_teacher(room):
    secret = json.loads((room.spaces / "heure.json").read_text("utf-8"))
    for body in ("key=" + unguessable, "key=", "code=" + room.code):
        assert room.ask("/professeur", "POST", body)[0] == 403
    assert room.ask("/professeur?key=" + secret["key"])[0] == 403      # jamais dans une adresse
    status, headers, text = room.ask("/professeur", "POST", "key=" + secret["key"])
    assert status == 303
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert room.ask("/", Cookie=cookie)[0] == 200


@pytest.mark.slow
def test_guessing_ends_at_a_closed_door(room):
    """Après dix codes faux, même le bon n'ouvre plus à celui-là ; aux autres, si."""
    guesser = {"visitor": "127.0.0.9"}
    said = []
    for number in range(200):
        status, headers, text = room.ask("/entrer", "POST", "code=WRONG2", **guesser)
        said.append(status)
    assert said[:4] == [403] * 4 and said.count(403) < 12
    assert said[-1] == 429 and room.enter(**guesser) is None
    assert b"Trop de codes faux" in room.ask("/entrer", "POST", "code=A", **guesser)[2]
    assert room.enter() is not None


@pytest.mark.slow
def test_too_long_a_form_is_not_read(room):
    assert room.ask("/entrer", "POST", f"code={room.code}&x=" + "A" * 2000)[0] == 403


@pytest.mark.slow
def test_a_form_of_another_kind_is_only_a_wrong_code(room):
    """Un fichier à la place du code : ni erreur 500, ni page d'erreur dans le journal."""
    body = '--x\r\nContent-Disposition: form-data; name="code"; filename="a"\r\n\r\nA\r\n--x--\r\n'
    for path in ("/entrer", "/professeur"):
        status, headers, text = room.ask(path, "POST", body, visitor="127.0.0.8",
                                         kind="multipart/form-data; boundary=x")
        assert status == 403


@pytest.mark.slow
def test_one_visitor_does_not_take_all_the_places(room):
    """Qui a le code et un petit programme n'empêche pas les autres d'entrer."""
    greedy = [room.enter(visitor="127.0.0.7") for number in range(90)]
    assert len([cookie for cookie in greedy if cookie]) == 40
    cookie = room.enter(visitor="127.0.0.6")
    assert cookie
    # ni d'ouvrir leur page : dix à la fois pour un visiteur
    pages = [room.open_socket(Cookie=greedy[0]) for number in range(10)]
    assert [status for status, line in pages] == [101] * 10
    assert not room.may_open(Cookie=greedy[0]) and room.may_open(Cookie=cookie)
    for status, line in pages:
        line.close()
    wait_for(lambda: room.may_open(Cookie=greedy[0]), 10, "une place")


# %% Les accidents, et la fin
@pytest.fixture
def own_room(tmp_path):
    kit = fill(Kit(tmp_path / "Élève n°1"))
    room = Room(kit).start()
    yield room
    if room.program.process.poll() is None:
        room.end()
    kit.close()


@pytest.mark.slow
def test_a_killed_server_comes_back_and_knows_everybody(own_room):
    room = own_room
    cookie = room.enter()
    for times in (1, 2):
        killed = room.server()
        os.kill(killed, 9)
        start = time.monotonic()

        def back():
            try:
                return room.ask("/", Cookie=cookie)[0] == 200
            except OSError:
                return False

        wait_for(back, 30, "le serveur revenu")
        assert room.server() != killed
        assert time.monotonic() - start < 20
    assert room.program.text.count("chacun retrouve son espace") == 2
    # sa fin à lui : le code ne sert plus, le cookie non plus, et tout est dit
    (next(room.spaces.glob("*/images")) / "im_0001.png").write_bytes(b"x")
    text = room.end()
    assert "L'heure est finie" in text and "Images : 1. Modèles : 0." in text and "effacer.py" in text
    assert room.program.process.returncode == 0 and room.server() is None
    assert not (room.spaces / "affiche.html").exists() and not (room.spaces / "heure.json").exists()
    with pytest.raises(OSError):
        room.ask("/")
    # une nouvelle heure : un autre code, et l'ancien visiteur n'y entre pas
    old = room.code
    room.start()
    assert room.code != old and room.ask("/", Cookie=cookie)[0] == 403
    picture, = room.spaces.glob("anciens/*/*/images/im_0001.png")
    assert picture.read_bytes() == b"x"


@pytest.mark.slow
def test_without_its_launcher_the_server_stops(own_room):
    """Le noyau de Spyder redémarré, ou le terminal fermé : pas de serveur oublié."""
    room = own_room
    cookie, code = room.enter(), room.code
    assert room.server()
    room.program.process.kill()
    wait_for(lambda: room.server() is None, 30, "la fin du serveur")
    # l'heure n'a pas été terminée : elle peut continuer, si on le dit
    answer = room.kit.folder.parent / "oui.txt"
    answer.write_text("Oui\n", "utf-8")
    room.start(answer)
    assert "Est-ce elle qui continue ?" in room.program.text
    assert room.code == code and room.ask("/", Cookie=cookie)[0] == 200
    room.program.process.kill()
    wait_for(lambda: room.server() is None, 30, "la fin du serveur")
    room.start()                           # pas de réponse : une nouvelle heure
    assert room.code != code and room.ask("/", Cookie=cookie)[0] == 403
