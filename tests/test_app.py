"""La page (explore/app_VAE.py) : chaque réglage et chaque source d'images, puis le parcours d'une classe dans un vrai navigateur."""
import io
import json
import pickle
import re
import shutil
import socket
import statistics
import struct
import sys
import zipfile
from hashlib import md5
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from conftest import Kit, Program, drawing, root, wait_for

for module in ("matplotlib", "sklearn", "streamlit", "selenium"):
    pytest.importorskip(module)
sys.path.insert(0, str(root / "explore"))
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from streamlit.testing.v1 import AppTest
from torchvision import datasets

import app_data
import app_training
import train_VAE
from model_VAE_64 import load_model


def fill(kit):
    """Un kit avec la page et 40 créatures : quelques secondes d'entraînement."""
    kit.add_explore()
    shutil.copytree(root / "explore" / ".streamlit", kit.folder / "explore" / ".streamlit")
    (kit.images / "demo").mkdir()
    for number in range(1, 41):
        shutil.copy(root / "images" / "demo" / f"{number:04d}.png", kit.images / "demo")
    kit.models = kit.folder / "explore" / "models"
    return kit


@pytest.fixture
def page(kit):
    """La page, sans navigateur."""
    page = AppTest.from_file(str(fill(kit).folder / "explore" / "app_VAE.py"), default_timeout=120).run()
    page.kit = kit
    return page


def one(elements, label):
    found, = (element for element in elements if label in element.label)
    return found


def run(page):
    page.run()
    assert not page.exception
    return page


def train(page):
    """Appuie sur Entraîner et attend la fin ; rend le fichier du modèle ouvert."""
    one(page.button, "Entraîner").click()
    run(page)
    wait_for(lambda: not ("training" in page.session_state and page.session_state["training"] and run(page)), 120, "la fin de l'entraînement")
    return page.kit.models / f"{page.session_state['model']}.pth"


def said(page):
    return " ".join(element.value for kind in (page.error, page.info, page.warning, page.caption, page.success) for element in kind)


def png(number=0, size=64):
    content = io.BytesIO()
    drawing(number).resize((size, size)).save(content, "PNG")
    return content.getvalue()


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


# Les réglages
shown = ["beta", "reconstruction", "latent_size", "epochs", "independent_axes", "decoder", "task",
         "batch_size", "learning_rate", "images_size", "test_data_proportion", "augmentation",
         "kl_warmup"]
zone = {line.split(" = ")[0]: line for line in (root / "train_VAE.py").read_text("utf-8").splitlines() if "#***" in line}


def widget(page, name):
    return next(element for kind in (page.number_input, page.selectbox, page.toggle) for element in kind if element.key.split()[0] == name)


def test_each_setting_comes_from_the_zone_and_goes_back_to_it(page):
    """Sa valeur de départ, son aide, ce qu'il accepte ; puis une autre valeur, lue dans le bloc à coller."""
    assert page.code[0].value.splitlines() == [zone[name] for name in zone if name in shown]
    others = {"beta": 2.5, "reconstruction": "laplace", "latent_size": 7, "epochs": 3,
              "independent_axes": False, "decoder": "broadcast", "task": "denoise", "batch_size": 8,
              "learning_rate": 0.001, "images_size": 32, "test_data_proportion": 0.25, "augmentation": True, "kl_warmup": 0.5}
    for name in shown:
        element, allowed = widget(page, name), train_VAE.allowed[name]
        assert element.label == f"**{name}** : {zone[name].split('#*** ')[1]}"
        if isinstance(allowed, list):
            assert [element.min, element.max] == allowed
        elif allowed != (True, False):
            assert element.options == [str(value) for value in allowed]
        element.set_value(others[name])
        run(page)
        assert f"{name} = {others[name]!r}".replace("'", '"').ljust(30) + zone[name][30:] in page.code[0].value
    model, saved = load_model(train(page))
    assert {name: saved["settings"][name] for name in shown} == others and model.sample(1).shape == (1, 3, 32, 32)


def test_the_kind_sets_beta_and_the_error(page):
    for kind, values in app_training.kinds.items():
        one(page.radio, "Sorte").set_value(kind)
        run(page)
        assert {name: widget(page, name).value for name in values} == values
        assert app_training.name_kind(values) == kind
    widget(page, "beta").set_value(0.0)
    widget(page, "reconstruction").set_value("l1")
    assert "c'est un auto-encodeur" in said(run(page))


# L'entraînement et les modèles
def test_the_same_training_is_not_done_twice(page):
    widget(page, "epochs").set_value(2)
    path = train(page)
    model, saved = load_model(path)
    assert set(saved) >= {"settings", "losses", "test_losses", "train_names", "z_mean", "z_spread", "importance"} and len(saved["losses"]) == 2
    assert saved["settings"]["model_name"] == path.stem and all(name.startswith("demo/") for name in saved["train_names"])
    before = path.stat().st_mtime_ns
    assert train(page) == path and path.stat().st_mtime_ns == before and "existe déjà" in said(page)
    widget(page, "beta").set_value(0.0)
    assert train(page) != path and len(list(page.kit.models.iterdir())) == 2
    table = page.table[0].value
    assert len(table) == 2 and set(table["KL (bits)"]) > {"sans objet"}
    one(page.button, "Oui, supprimer").click()
    assert len(run(page).selectbox("model").options) == 1 and path.exists()


def test_stop_keeps_what_is_learnt(page):
    widget(page, "epochs").set_value(5000)
    one(page.button, "Entraîner").click()
    wait_for(lambda: len(run(page).session_state["training"].history) > 1, 120, "deux époques")
    assert "VAE : époque" in page.main.children[0].root.get("progress")[0].text
    one(page.button, "Arrêter").click()
    wait_for(lambda: not run(page).session_state["training"], 60, "l'arrêt")
    assert 1 < len(load_model(page.kit.models / f"{page.session_state['model']}.pth")[1]["losses"]) < 5000


def trainer(tmp_path, count=24, watched=lambda: True, **changes):
    images = torch.tensor(np.stack([np.asarray(drawing(number)) for number in range(count)])).permute(0, 3, 1, 2)
    settings = {name: getattr(train_VAE, name) for name in train_VAE.allowed} | {"epochs": 2} | changes
    return app_training.Training(settings, images, [f"{number}.png" for number in range(count)], {"source": "essai", "fingerprint": "a"}, tmp_path / "models", watched)


def test_an_abandoned_training_ends_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(app_training, "patience", 0.5)
    open_tabs = [1]
    training = trainer(tmp_path, epochs=5000, watched=lambda: bool(open_tabs))
    training.start()
    wait_for(lambda: len(training.history) > 1, 60, "deux époques")
    open_tabs.clear()
    training.join(60)
    assert not training.is_alive() and load_model(training.path)[1]["losses"]


def test_two_trainings_at_once_do_not_mix(tmp_path):
    """Chacun finit avec ses réglages et ses nombres ; deux fois les mêmes réglages font deux fichiers."""
    trainings = [trainer(tmp_path, latent_size=size, epochs=3) for size in (2, 5, 5)]
    for training in trainings:
        training.start()
    for training in trainings:
        training.join(120)
    assert [load_model(training.path)[1]["z_mean"].shape[0] for training in trainings] == [2, 5, 5]
    assert len({training.path for training in trainings}) == 3 and not any(training.sentence for training in trainings)


def test_a_training_that_fails_says_so(tmp_path):
    with pytest.raises(SystemExit, match="au moins 10"):
        trainer(tmp_path, count=9)
    lost = trainer(tmp_path, learning_rate=1e30)
    lost.run()
    assert "learning_rate" in lost.sentence and lost.path is None
    (tmp_path / "models").write_text("un fichier à la place du dossier")
    blocked = trainer(tmp_path)
    blocked.run()
    assert "Impossible d'écrire" in blocked.sentence


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemError('le fichier a exécuté du code')",)


@pytest.mark.parametrize("content", [b"", b"pas un modele", zipped({"a.txt": b"a"}), zipped({"poids": b"0" * 250_000_000}), pickle.dumps(Bomb()), "torch"],
                         ids=["vide", "texte", "zip", "bombe", "pickle", "torch"])
def test_a_foreign_model_is_refused_and_runs_nothing(tmp_path, content):
    if content == "torch":
        torch.save({"weights": Bomb()}, tmp_path / "a.pth")
        content = (tmp_path / "a.pth").read_bytes()
    with pytest.raises(SystemExit, match="modèle de ce kit"):
        app_training.receive("../../étranger.pth", content, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_model_from_elsewhere_is_opened(page, tmp_path):
    """Même si ses textes voudraient faire charger une image d'ailleurs."""
    training = trainer(tmp_path)
    training.data["source"] = "![a](http://ailleurs/a.png)"
    training.run()
    one(page.file_uploader, ".pth").set_value(("À moi ?.pth", training.path.read_bytes(), ""))
    run(page)
    assert run(page).session_state["model"] == "À_moi__" and (page.kit.models / "À_moi__.pth").exists() and not page.error
    assert "![" not in " ".join(element.value for element in page.markdown) + page.selectbox("model").options[0]
    (page.kit.models / "abîmé.pth").write_text("rien")
    assert run(page).selectbox("model").set_value("abîmé") and "n'est pas un modèle de ce kit" in said(run(page)) and one(page.button, "Oui, supprimer")


# Les images
def choose(page, source):
    page.selectbox("source").set_value(source)
    return run(page)


def test_the_folder_and_an_unreadable_picture(page):
    assert "40 images" in said(page)
    assert "Pas encore d'images à vous" in said(choose(page, "Dossier images/"))
    page.kit.add_drawings(12)
    (page.kit.images / "abîmée.png").write_text("pas une image")
    assert "12 images" in said(run(page)) and "abîmée.png" in page.text[0].value
    shutil.rmtree(page.kit.images)
    page.kit.images.mkdir()
    assert "Aucune image" in said(run(page))


def test_uploaded_pictures_and_a_zip(page):
    assert "Choisissez des images" in said(choose(page, "Mes fichiers"))
    files = [(f"{number}.png", png(number), "image/png") for number in range(8)] + [("note.png", b"bonjour", "image/png")]
    files.append(("chats.zip", zipped({"chats/a.png": png(1), "chiens/b.png": png(2), ".cache/c.png": png(), "lisez.txt": b"texte"}), ""))
    page.file_uploader("files").set_value(files)
    assert "10 images" in said(run(page)) and "note.png : format inconnu" in page.text[0].value and not page.error
    widget(page, "epochs").set_value(1)
    assert {"chats/chats/a.png", "0.png"} & set(load_model(train(page))[1]["train_names"])


def forged(files):
    """Un zip qui ment sur la taille de son fichier : 10 octets annoncés."""
    content = zipped(files)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        true = struct.pack("<I", archive.infolist()[0].file_size)
    return content.replace(true, struct.pack("<I", 10))


def encrypted():
    content = bytearray(zipped({"a.png": png()}))
    content[content.find(b"PK\1\2") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize("name, content, words", [
    ("a.zip", lambda: zipped({"../../a.png": png()}), "hors de son dossier"), ("a.zip", lambda: zipped({"/etc/a.png": png()}), "hors de son dossier"),
    ("a.zip", lambda: zipped({"C:\\a.png": png()}), "hors de son dossier"), ("a.zip", lambda: zipped({"b\\..\\a.png": png()}), "hors de son dossier"),
    ("a.zip", lambda: zipped({f"{number}.png": b"0" * 30_000_000 for number in range(17)}), "décompressé"),
    ("a.zip", lambda: forged({"a.png": b"0" * 400_000_000}), "abîmé"), ("a.zip", lambda: zipped({"a.png": b"0" * 40_000_000}), "plus de 30 Mo"),
    ("a.zip", lambda: zipped({f"{number}.txt": b"" for number in range(10_001)}), "10000 fichiers"), ("a.zip", encrypted, "mot de passe"),
    ("a.zip", lambda: b"PK pas un zip", "abîmé"), ("a.zip", lambda: zipped({"a.zip": zipped({"a.png": png()})}), "Aucune image"),
    ("a.png", lambda: b"<script>", "Aucune image lisible"), ("a.png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "Aucune image lisible"),
    ("a.png", lambda: png(size=9001), "mégapixels"), ("a.zip", lambda: zipped({"a.png": png()})[:-30], "abîmé")],
    ids=["grimpe", "absolu", "disque", "barre inverse", "bombe", "bombe cachée", "trop gros", "trop de fichiers", "chiffré", "faux", "zip dans un zip",
         "faux png", "eps", "trop de pixels", "coupé"])
def test_a_bad_upload_is_refused_with_a_sentence(name, content, words):
    class Upload:
        def __init__(self):
            self.name, self.getvalue = name, content

    with pytest.raises(SystemExit, match=words) as refusal:
        app_data.read_uploads([Upload()], 64)
    assert str(refusal.value).endswith(".")


def test_a_refusal_is_shown_in_the_page(page):
    choose(page, "Mes fichiers").file_uploader("files").set_value([("a.zip", zipped({"../a.png": png()}), "")])
    assert "hors de son dossier" in said(run(page)) and page.error and not page.exception


def test_mnist_in_its_own_format(page):
    folder = page.kit.folder / "explore" / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 0x803, 120, 28, 28) + random.integers(0, 255, 120 * 784, np.uint8).tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, 120) + bytes(number % 10 for number in range(120)))
    choose(page, "MNIST").number_input("count").set_value(100)
    assert "100 images" in said(run(page)) and not page.error
    widget(page, "epochs").set_value(1)
    learned = load_model(train(page))[1]["train_names"]
    assert len(learned) == 90 and all(name[0] == name[-1] for name in learned)


def test_cifar_in_its_own_format(page, monkeypatch):
    folder = page.kit.folder / "explore" / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (30, 3072), np.uint8)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, md5((folder / name).read_bytes()).hexdigest()]

    batch = {"data": pixels, "labels": [number % 10 for number in range(30)]}
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [write(f"data_batch_{number}", batch) for number in range(1, 6)])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [write("test_batch", batch)])
    meta = datasets.CIFAR10.meta | {"md5": write("batches.meta", {"label_names": ["a"] * 10})[1]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    assert "150 images" in said(choose(page, "CIFAR-10")) and not page.error
    images, names, reasons = app_data.read_set("CIFAR-10", folder.parent, 4, 32)
    assert names == ["avion/00000", "voiture/00001", "oiseau/00002", "chat/00003"]
    assert np.array_equal(images[3].numpy(), pixels[3].reshape(3, 32, 32))


def test_no_network_is_a_sentence(page, monkeypatch):
    def nowhere(*args, **options):
        raise socket.gaierror("pas de réseau")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert "12 Mo à télécharger" in said(choose(page, "MNIST"))
    one(page.button, "Télécharger MNIST").click()
    assert "MNIST n'a pas pu être téléchargé" in said(run(page)) and page.error


def test_every_question_has_its_answer(page):
    from app_lesson import quiz
    for number, (question, answers, right, why) in enumerate(quiz, start=1):
        page.radio(f"question {number}").set_value(answers[right])
        assert f"Oui. {why}" in said(run(page))
        page.radio(f"question {number}").set_value(answers[right - 1])
        assert f"Non. {why}" in said(run(page))


# Un vrai navigateur
def find(selector):
    """Le JavaScript qui trouve un élément, même dans un composant (shadow root)."""
    return ("const find = root => root.querySelector(" + json.dumps(selector) + ") || [...root.querySelectorAll('*')].map(e => e.shadowRoot && find(e.shadowRoot))"
            ".find(Boolean); const found = find(document);")


class Browser:
    """Chromium sans écran, à la place d'une classe ; note ce qu'il demande au réseau et ce que dit sa console."""

    def __init__(self, address, downloads, width=1366, height=768):
        options, self.address = webdriver.ChromeOptions(), address
        options.binary_location = shutil.which("chromium")
        for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-sync",
                         "disable-component-update", "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream", f"window-size={width},{height}"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        self.driver.get(address)

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def when(self, condition, what, seconds=90):
        """Attend, en passant sur ce qui se redessine pendant qu'on regarde."""
        def calm():
            try:
                return condition()
            except (WebDriverException, IndexError, TypeError):
                return None

        return wait_for(calm, seconds, what)

    def visible(self, path):
        return [element for element in self.driver.find_elements(By.XPATH, path) if element.is_displayed()]

    def click(self, words, seconds=90):
        """Clique sur le bouton, l'onglet ou le choix qui porte ces mots."""
        path = f"//*[self::button or @role='tab' or self::label][.//*[normalize-space()=\"{words}\"]]"
        self.when(lambda: self.visible(path)[0].is_enabled() and (self.visible(path)[0].click() or True), f"« {words} » à cliquer", seconds)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait_text(self, words, seconds=90):
        self.when(lambda: words in self.text(), f"« {words} » dans la page", seconds)

    def type_number(self, name, value):
        """Écrit un nombre dans un réglage, et attend que la page l'ait pris."""
        def write():
            field = self.driver.find_element(By.XPATH, f"//input[@type='number'][contains(@aria-label, '**{name}**') or contains(@aria-label, '{name} :')]")
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(str(value), Keys.ENTER)
            return True

        self.when(write, f"le réglage {name}")

    def wait_model(self, words):
        """Attend que le modèle ouvert porte ces mots."""
        path = "//input[contains(@aria-label, 'Modèle ouvert')]"
        self.when(lambda: words in self.driver.find_element(By.XPATH, path).get_attribute("value"), f"le modèle {words}", 120)

    def wait_epochs(self, kind, count=3):
        """Attend que l'entraînement de cette sorte en soit à la époque count, au moins."""
        self.when(lambda: int(re.search(rf"{kind} : époque (\d+) sur", self.text())[1]) >= count, f"{kind}, époque {count}", 120)

    def picture(self):
        """L'image décodée, telle qu'elle est dans la page."""
        return self.when(lambda: self.js(find(".decodeur img") + "return found.src"), "l'image décodée")

    def slide(self, number, value):
        """Pousse un curseur ; rend le temps jusqu'à l'image suivante, en millisecondes."""
        before = self.picture()
        self.js(find(".curseurs") + "const input = found.querySelectorAll('input')[arguments[0]]; delete found.dataset.milliseconds;"
                "input.value = arguments[1]; input.dispatchEvent(new Event('input'))", number, value)
        milliseconds = self.when(lambda: self.js(find(".curseurs") + "return found.dataset.milliseconds"), "l'image qui suit le curseur")
        assert self.picture() != before
        return float(milliseconds)

    def check_quiet(self):
        """Aucune demande à un autre ordinateur, aucune erreur dans la console."""
        sent = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        addresses = [message["params"]["request"]["url"] for message in sent if message["method"] == "Network.requestWillBeSent"]
        elsewhere = {address for address in addresses if urlsplit(address).scheme in ("http", "https", "ws", "wss") and urlsplit(address).hostname != "localhost"}
        errors = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        assert addresses and not elsewhere and not errors, (elsewhere, errors)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """La page, lancée comme dans le README, et le kit où elle travaille."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("pas de Chromium ici")
    kit = fill(Kit(tmp_path_factory.mktemp("page") / "Élève n°1"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "explore/app_VAE.py", "--server.headless", "true", "--server.port", str(port)]
    program = Program(command, kit.folder, None, kit.folder.parent / "sortie.txt")
    kit.started.append(program)
    kit.program, kit.address = program, f"http://localhost:{port}"
    program.wait_text("URL: http://localhost")
    yield kit
    kit.close()
    assert "Traceback" not in program.text, program.text


@pytest.fixture
def browser(server, tmp_path):
    browser = Browser(server.address, tmp_path)
    browser.downloads = tmp_path
    yield browser
    browser.driver.quit()


def test_the_whole_journey(server, browser):
    """Ouvrir, entraîner, bouger les curseurs, arrêter, comparer, télécharger, supprimer ; rien ne sort, rien ne casse."""
    browser.wait_text("40 images")
    browser.type_number("epochs", 6)
    browser.click("Entraîner")
    browser.wait_model("VAE · Créatures (démonstration) · 6 époques")
    browser.click("Curseurs")
    browser.when(lambda: browser.js(find(".curseurs") + "return found.querySelectorAll('input').length") == 4, "quatre curseurs")
    times = [browser.slide(number % 4, -2 + number / 4) for number in range(16)]
    assert statistics.median(times) < 400, times
    browser.click("Une image du jeu")
    browser.wait_text("Ce que le réseau a reçu")
    browser.click("Une photo")
    before = browser.picture()
    shutter = "[data-testid=stCameraInputButton]"
    browser.when(lambda: browser.js(find("[data-testid=stCameraInput] img") + "return found")
                 or browser.driver.find_element(By.CSS_SELECTOR, shutter).click(), "la photo prise")
    browser.when(lambda: browser.picture() != before, "le code de la photo")
    browser.type_number("epochs", 5000)
    browser.click("sigma-VAE")
    browser.click("Entraîner")
    browser.wait_epochs("sigma-VAE")
    assert browser.slide(0, 1.5) and browser.slide(1, -1.5)                # la page reste utilisable
    browser.click("Arrêter")
    browser.wait_model("sigma-VAE · reconstruction gaussian")
    stopped, = server.models.glob("sigma-VAE*.pth")
    assert 2 <= len(load_model(stopped)[1]["losses"]) < 5000
    browser.click("Comparer")
    browser.wait_text("latents vivants")
    browser.click("Modèles")
    browser.click("Télécharger le .pth")
    path = wait_for(lambda: list(browser.downloads.glob("*.pth")), 30, "le fichier téléchargé")[0]
    assert path.name == stopped.name and path.read_bytes() == stopped.read_bytes()
    browser.click("Supprimer")
    browser.click("Oui, supprimer ce modèle")
    wait_for(lambda: not stopped.exists(), 30, "le fichier effacé")
    browser.check_quiet()


def test_two_tabs_and_the_one_that_leaves(server, browser):
    """Deux onglets entraînent à la fois, chacun le sien ; fermer l'un arrête le sien et garde ce qu'il a appris."""
    first = browser.driver.current_window_handle
    browser.wait_text("40 images")
    browser.type_number("epochs", 4000)
    browser.click("auto-encodeur")
    browser.click("Entraîner")
    browser.wait_epochs("auto-encodeur")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(server.address)
    browser.wait_text("40 images")
    assert "Arrêter" not in browser.text()                                  # une session à lui
    browser.type_number("epochs", 3000)
    browser.click("bêta-VAE")
    browser.click("Entraîner")
    browser.wait_epochs("bêta-VAE")
    browser.driver.close()
    browser.driver.switch_to.window(first)
    left, = wait_for(lambda: list(server.models.glob("beta-VAE*.pth")), 60, "le modèle de l'onglet fermé")
    assert "auto-encodeur : époque" in browser.text()
    browser.click("Arrêter")
    browser.wait_model("auto-encodeur · beta 0")
    kept, = server.models.glob("auto-encodeur*.pth")
    for path, beta, epochs in ((left, 4, 3000), (kept, 0, 4000)):
        saved = load_model(path)[1]
        assert (saved["settings"]["beta"], saved["settings"]["epochs"]) == (beta, epochs) and 2 <= len(saved["losses"]) < epochs
    browser.check_quiet()


def test_served_to_this_machine_alone(server):
    """L'adresse localhost répond ; l'adresse de la machine sur le réseau, non."""
    port = urlsplit(server.address).port
    socket.create_connection(("localhost", port), 5).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))                                     # n'envoie rien : dit seulement quelle adresse servirait
        outside = probe.getsockname()[0]
    if not outside.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((outside, port), 5)
    assert "gatherUsageStats = false" in (server.folder / "explore" / ".streamlit" / "config.toml").read_text("utf-8")
