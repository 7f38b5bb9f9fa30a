"""La page dans un vrai navigateur : le parcours d'une classe, avec une fausse caméra."""
import importlib.util
import json
import math
import re
import shutil
import socket
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Kit, launch, wait_for

for module in ("streamlit", "selenium"):
    pytest.importorskip(module)
from page_kit import fill
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from model_VAE_64 import VAE
from outils.model_file import load_model

options = ["headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
           "disable-background-networking", "disable-sync", "disable-component-update",
           "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"]
phone = ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/125.0.0.0 Mobile Safari/537.36")
find = """
const search = (root, selector) => root.querySelector(selector)
    || [...root.querySelectorAll("*")].map(e => e.shadowRoot && search(e.shadowRoot, selector))
        .find(Boolean)
const found = search(document, arguments[0])
"""


class Browser:
    """Chromium sans écran ; note ce qu'il demande au réseau et ce que dit sa console."""

    def __init__(self, address, downloads, width=1366, height=768, agent=None):
        chosen = webdriver.ChromeOptions()
        chosen.binary_location = shutil.which("chromium")
        for option in [*options, f"window-size={width},{height}"]:
            chosen.add_argument(f"--{option}")
        if agent:
            chosen.add_argument(f"--user-agent={agent}")
        chosen.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        chosen.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(chosen, service)
        self.downloads = downloads
        self.address = address

    def open(self, query=""):
        self.driver.get(self.address + query)

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def inside(self, selector, code, *arguments):
        """Du JavaScript sur l'élément found, même dans un composant (shadow root)."""
        return self.js(find + code, selector, *arguments)

    def when(self, condition, what, seconds=90):
        """Attend, en passant sur ce qui se redessine pendant qu'on regarde."""
        def calm():
            try:
                return condition()
            except (WebDriverException, IndexError, TypeError):
                return None

        return wait_for(calm, seconds, what)

    def visible(self, path):
        return [found for found in self.driver.find_elements(By.XPATH, path)
                if found.is_displayed()]

    def click(self, words, seconds=90):
        """Clique sur le bouton, l'onglet ou le choix qui porte ces mots."""
        path = ("//*[self::button or @role='tab' or self::label or self::summary]"
                f"[.//*[normalize-space()=\"{words}\"]]")

        def press():
            button = self.visible(path)[0]
            if not button.is_enabled():
                return False
            button.click()
            return True

        self.when(press, f"« {words} » à cliquer", seconds)

    def text(self):
        return self.js("return document.body.innerText")

    def wait_text(self, words, seconds=90):
        self.when(lambda: words in self.text(), f"« {words} » dans la page", seconds)

    def wait_calm(self):
        """Attend que la page ait fini de se dessiner."""
        state = "return document.querySelector('.stApp').dataset.testScriptState"
        for times in (1, 2, 3):            # elle peut recommencer aussitôt
            self.when(lambda: self.js(state) == "notRunning", "la page dessinée")
            time.sleep(0.3)

    def type(self, name, value):
        """Écrit un réglage, comme au clavier."""
        label = {"beta": "Prix de l", "epochs": "Passages sur"}[name]

        def write():
            path = f"//input[starts-with(@aria-label, '{label}')]"
            field = self.driver.find_element(By.XPATH, path)
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(str(value), Keys.ENTER)
            return True

        self.when(write, f"le réglage {name}")

    def model(self):
        path = "//input[contains(@aria-label, 'Modèle ouvert')]"
        return self.driver.find_element(By.XPATH, path).get_attribute("value")

    def wait_model(self, words):
        """Attend que le modèle ouvert porte ces mots, et qu'aucun entraînement n'avance."""
        self.when(lambda: words in self.model() and "Arrêter" not in self.text(),
                  f"le modèle {words}", 180)

    def wait_epochs(self, kind, count=3):
        """Attend que l'entraînement de cette sorte en soit à l'époque count, au moins."""
        pattern = rf"{kind} : époque (\d+) sur"
        self.when(lambda: int(re.search(pattern, self.text())[1]) >= count,
                  f"{kind}, époque {count}", 180)

    def slide(self, number, value):
        """Pousse un curseur ; rend le temps jusqu'à l'image suivante, en millisecondes."""
        before = self.drawn()
        self.inside(".studio", "delete found.dataset.milliseconds;"
                    "const input = found.querySelectorAll('.piste input')[arguments[1]];"
                    "input.value = arguments[2]; input.dispatchEvent(new Event('input'))",
                    number, value)
        return self.wait_answer(before)

    def drawn(self):
        return self.when(lambda: self.inside(".redite", "return found.src"), "l'image redessinée")

    def wait_answer(self, before):
        code = "return found.dataset.milliseconds"
        milliseconds = self.when(lambda: self.inside(".studio", code), "l'image qui suit")
        assert self.drawn() != before
        return float(milliseconds)

    def press(self, name):
        """Appuie sur un bouton du studio."""
        self.when(lambda: self.inside(f"[data-do={name}]", "found.click(); return true"), name)

    def wait_sliders(self, count):
        code = "return found.children.length"
        self.when(lambda: self.inside(".curseurs", code) == count, f"{count} curseurs")

    def hold(self, selector, seconds):
        button = self.inside(selector, "return found")
        ActionChains(self.driver).click_and_hold(button).pause(seconds).release().perform()

    def touch(self, kind, *selectors):
        """Pose un doigt sur chacun de ces éléments (touchStart), ou les lève (touchEnd)."""
        middle = "const b = found.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]"
        points = []
        for number, selector in enumerate(selectors):
            x, y = self.inside(selector, middle)
            points.append({"x": x, "y": y, "id": number})
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def check_quiet(self):
        """Aucune demande à un autre ordinateur, aucune erreur dans la console."""
        sent = [json.loads(entry["message"])["message"]
                for entry in self.driver.get_log("performance")]
        addresses = [message["params"]["request"]["url"] for message in sent
                     if message["method"] == "Network.requestWillBeSent"]
        elsewhere = []
        for address in map(urlsplit, addresses):
            if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "localhost":
                elsewhere.append(address.geturl())
        errors = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] == "SEVERE"]
        assert addresses and not elsewhere and not errors, (elsewhere, errors)


pytestmark = [pytest.mark.slow, pytest.mark.second_try(
    "la page a parfois plus de 90 s de retard, machine surchargée")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """La page, lancée comme dans le README, et le kit où elle travaille."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("pas de Chromium ici")
    kit = fill(Kit(tmp_path_factory.mktemp("page") / "Élève n°1"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "explore/app_VAE.py",
               "--server.headless", "true", "--server.port", str(port)]
    program = launch(command, kit.folder, None, kit.folder.parent / "sortie.txt")
    kit.started.append(program)
    kit.program = program
    kit.address = f"http://localhost:{port}/"
    program.wait_text("URL: http://localhost")
    yield kit
    kit.close()
    assert "Traceback" not in program.text, program.text


@pytest.fixture
def open_browser(server, tmp_path):
    """De quoi ouvrir un ou plusieurs navigateurs, fermés à la fin."""
    opened = []

    def make(**choices):
        opened.append(Browser(server.address, tmp_path, **choices))
        return opened[-1]

    yield make
    for browser in opened:
        browser.driver.quit()


@pytest.fixture
def browser(open_browser, server):
    """Un visiteur ; sans les bêta-VAE qu'un premier essai aurait laissés."""
    for path in server.models.glob("beta-VAE*.pth"):
        path.unlink()
    return open_browser()


def test_the_whole_journey(server, browser):
    """Arriver, s'enregistrer, entraîner, regarder, explorer, comparer, télécharger, supprimer."""
    browser.open()
    browser.wait_text("Montrez des images au réseau")
    browser.wait_model("VAE · Créatures (démonstration) · 10 époques")    # sans rien faire
    record(server, browser)
    train_and_watch(browser)
    play(browser)
    stopped, = server.models.glob("beta-VAE*.pth")
    browser.click("Comparer")
    browser.wait_text("au moins deux modèles")     # un seul a appris les images de la webcam
    browser.type("epochs", 2)
    browser.click("Entraîner")
    browser.wait_text("C'est appris")              # et l'on est revenu jouer
    browser.wait_sliders(4)
    browser.click("Comparer")
    browser.wait_text("B · bêta-VAE")
    assert "2 époques" in browser.text()
    for path in server.models.glob("beta-VAE*_2.pth"):
        path.unlink()
    browser.open(f"?source=Ma+webcam&modele={stopped.stem}")
    browser.wait_model("bêta-VAE · beta 4 · Ma webcam")
    keep_and_erase(server, browser, stopped)
    browser.check_quiet()


def record(server, browser):
    """Le bouton tenu deux secondes remplit images/webcam/ ; un numéro n'est jamais repris."""
    browser.open("?source=Ma+webcam")
    browser.when(lambda: browser.inside(".enregistreur video", "return found.videoWidth"),
                 "la caméra")
    folder = server.images / "webcam"
    for times in (1, 2, 3):
        browser.hold(".enregistreur button", 2)
        if folder.exists() and len(list(folder.glob("*.png"))) >= 12:
            break
    count = len(wait_for(lambda: list(folder.glob("*.png")), 30, "les images enregistrées"))
    browser.wait_text("Effacer la dernière")
    browser.when(lambda: "image" in browser.inside(".enregistreur p", "return found.textContent"),
                 "le compte")
    assert count >= 10 and browser.inside(".vignettes", "return found.children.length") > 3


def test_each_button_records_its_movement(server, browser):
    """À la souris, au doigt, un cinquième que l'on demande ; entraînés, ils ont leur curseur."""
    for path in (server.images / "webcam").glob("m*.png"):     # d'un premier essai
        path.unlink()
    browser.open("?source=Ma+webcam&epochs=2")
    browser.when(lambda: browser.inside(".enregistreur video", "return found.videoWidth"),
                 "la caméra")
    browser.wait_calm()
    first, second, fifth = (f".mouvements [data-kind=m{number}]" for number in (1, 2, 5))

    def count(number):
        return len(list((server.images / "webcam").glob(f"m{number}_*.png")))

    def shown(selector):
        return int(browser.inside(f"{selector} small", "return found.textContent"))

    assert shown(first) == shown(second) == 0 and browser.inside(fifth, "return !found")
    for times in range(4):
        if shown(first) < 20:
            browser.hold(first, 3)
    browser.touch("touchStart", second)
    browser.touch("touchStart", second, first)         # un second doigt ne compte pas
    browser.when(lambda: shown(second) >= 20, "vingt images du doigt")
    browser.touch("touchEnd")
    wait_for(lambda: count(2) == shown(second), 30, "les images du doigt")
    time.sleep(0.5)
    assert 20 <= count(1) == shown(first) and 20 <= count(2) == shown(second)
    browser.inside(".mouvements .plus", "found.click()")
    browser.hold(fifth, 1)
    recorded = wait_for(lambda: count(5) == shown(fifth) and count(5), 30, "le mouvement 5")
    browser.click("Effacer la dernière")
    wait_for(lambda: count(5) == recorded - 1, 30, "l'image effacée")
    browser.when(lambda: shown(fifth) == recorded - 1, "le compte après l'effacement")
    browser.click("Entraîner")
    browser.wait_text("Mouvement 5 : pas de z5")
    browser.wait_text("z1 et z2 leur sont réservés")
    browser.wait_model("Ma webcam · 2 époques")
    labels = "return [...found.querySelectorAll('.nom')].map(field => field.value)"
    browser.when(lambda: browser.inside(".curseurs", labels)[:2] == [
        "z1 mouvement 1", "z2 mouvement 2"], "les curseurs des mouvements")
    browser.wait_text("Mouvement 2 : z2 prend")
    browser.check_quiet()


def train_and_watch(browser):
    """La carte s'arrange pendant l'entraînement, et les curseurs servent déjà."""
    browser.click("bêta-VAE")
    browser.type("epochs", 400)
    browser.click("Entraîner")
    browser.wait_epochs("bêta-VAE")
    places = "return [...found.children].map(small => small.style.left).join()"
    before = browser.when(lambda: browser.inside(".fond", places), "la carte")
    browser.when(lambda: browser.inside(".fond", places) != before, "la carte qui bouge")
    browser.wait_sliders(4)
    assert browser.slide(0, 1.5) and browser.slide(1, -1.5)
    browser.click("Pause")
    browser.wait_text("en pause")
    browser.click("Continuer")
    browser.click("Arrêter")
    browser.wait_model("bêta-VAE · beta 4 · Ma webcam")


def play(browser):
    """Un curseur, que l'on nomme, un point que l'on traîne, z que l'on tire, la webcam en direct."""
    browser.wait_sliders(4)
    times = [browser.slide(number % 4, -2 + number / 4) for number in range(12)]
    assert statistics.median(times) < 600, times
    drag(browser)
    before = browser.inside(".vue", "return found.src")
    browser.press("other")
    browser.when(lambda: browser.inside(".vue", "return found.src") != before, "une autre image")
    rename = "found.value = 'tête'; found.dispatchEvent(new Event('change'))"
    browser.inside(".curseurs .nom", rename)
    draw_z(browser)
    browser.driver.refresh()                # le nom reste
    browser.when(lambda: browser.inside(".curseurs .nom", "return found.value") == "tête", "le nom")
    browser.press("webcam")
    code = "return Number(found.dataset.answers) >= 5"
    browser.when(lambda: browser.inside(".studio", code), "cinq images redessinées en direct")
    browser.when(lambda: browser.inside("[data-do=webcam]", "return found.textContent") == "Figer",
                 "la webcam")
    browser.press("webcam")


def draw_z(browser):
    """Tiré deux fois, z se voit à la loupe, sur les curseurs et sur la carte ; sigma s'étire."""
    for count in (1, 2):
        browser.press("draw")
        browser.when(lambda: browser.inside(
            ".derniers", "return found.children.length") == count, f"{count} z tirés")
    dots = "return found.querySelectorAll('circle:not([class^=sigma])').length"
    assert browser.inside(".loupe", dots) == browser.inside(".carte svg", dots) == 2
    tick = "return found.style.cssText"
    before, picture = browser.inside(".piste b", tick), browser.drawn()
    browser.inside(".etirer input", "found.value = 12; found.dispatchEvent(new Event('input'))")
    browser.when(lambda: browser.drawn() != picture, "l'image d'un sigma étiré")
    assert browser.inside(".piste b", tick) != before
    check_price(browser)


def check_price(browser):
    """Le prix de chaque nombre est sa KL, en bits ; leur somme est le prix du code."""
    words = browser.inside(".prix summary", "return found.textContent")
    rows = browser.inside(".prix table", "return [...found.rows].slice(1).map("
                          "row => [...row.cells].slice(1).map(cell => cell.textContent))")
    total = 0
    for row in rows:
        mu, sigma, bits = (float(cell.replace(",", ".")) for cell in row)
        kl = (mu**2 + sigma**2 - 1) / 2 - math.log(sigma)
        assert bits == pytest.approx(kl / math.log(2), abs=0.15)
        total += bits
    assert float(re.search(r"([\d,]+) bits", words)[1].replace(",", ".")) == pytest.approx(total, abs=0.3)


def drag(browser):
    """À la souris, puis au clavier : l'image et les curseurs suivent le point."""
    point = browser.when(lambda: browser.inside(".point", "return found"), "le point")
    before = browser.drawn()
    value = "return found.value"
    first = browser.inside(".piste input", value)
    actions = ActionChains(browser.driver).click_and_hold(point).move_by_offset(40, -30)
    actions.move_by_offset(20, -10).release().perform()
    browser.wait_answer(before)
    assert browser.inside(".piste input", value) != first
    time.sleep(1)                           # la dernière image
    before = browser.drawn()
    browser.inside(".studio", "delete found.dataset.milliseconds")
    point.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    browser.wait_answer(before)


def keep_and_erase(server, browser, stopped):
    """Le fichier téléchargé est le bon ; la question nomme le modèle, efface et se ferme."""
    assert 2 <= len(load_model(stopped, VAE)[1]["history"]) < 400
    browser.click("Atelier")
    browser.click("Télécharger le .pth")
    path = wait_for(lambda: list(browser.downloads.glob("*.pth")), 30, "le fichier")[0]
    assert path.name == stopped.name and path.read_bytes() == stopped.read_bytes()
    browser.click("Supprimer")
    browser.wait_text("sera effacé du disque")
    assert "bêta-VAE" in browser.js("return document.querySelector('[role=dialog]').innerText")
    browser.click("Oui, supprimer ce modèle")
    wait_for(lambda: not stopped.exists(), 30, "le fichier effacé")
    browser.wait_text("est supprimé")
    browser.when(lambda: not browser.visible("//*[@role='dialog']"), "la question fermée")
    browser.wait_model("VAE · Créatures (démonstration)")


def test_a_reload_finds_the_training_again(server, browser):
    browser.open("?epochs=900&beta=0")
    browser.click("Entraîner")
    browser.wait_epochs("auto-encodeur")
    browser.driver.refresh()
    browser.wait_epochs("auto-encodeur", 4)
    browser.click("Arrêter")
    browser.wait_model("auto-encodeur · beta 0")
    path, = server.models.glob("auto-encodeur*.pth")
    epochs = len(load_model(path, VAE)[1]["history"])
    assert 3 <= epochs < 900
    browser.click("Atelier")
    browser.click("Courbes")
    for times in range(3):
        browser.driver.refresh()
        browser.wait_model("auto-encodeur · beta 0")
        browser.click("Courbes")
        browser.when(lambda: f"à l'époque {epochs} :" in browser.inside(
            ".across", "return found.closest('.dessin').textContent"), "ses courbes")
    browser.check_quiet()


def test_two_sessions_and_the_one_that_leaves(server, browser):
    """L'un s'en va, le sien s'arrête et reste ; l'autre, qui peut-être l'attendait, apprend."""
    first = browser.driver.current_window_handle
    browser.open("?epochs=1000&reconstruction=laplace")
    browser.click("Entraîner")
    browser.wait_epochs("sigma-VAE")
    browser.driver.switch_to.new_window("tab")
    second = browser.driver.current_window_handle
    browser.open("?epochs=800&beta=8")
    browser.wait_text("40 images")
    assert "Arrêter" not in browser.text()                     # une session à lui
    browser.click("Entraîner")
    browser.wait_text("bêta-VAE :")                            # sur deux cœurs, dans la file
    browser.driver.switch_to.window(first)
    browser.driver.close()
    browser.driver.switch_to.window(second)
    left, = wait_for(lambda: list(server.models.glob("sigma-VAE*.pth")), 60, "le modèle laissé")
    browser.wait_epochs("bêta-VAE")
    browser.click("Arrêter")
    browser.wait_model("bêta-VAE · beta 8")
    kept, = server.models.glob("beta-VAE*.pth")
    for path, beta, epochs in ((left, 1, 1000), (kept, 8, 800)):
        saved = load_model(path, VAE)[1]
        assert (saved["settings"]["beta"], saved["settings"]["epochs"]) == (beta, epochs)
    kept.unlink()                                              # une autre page l'a supprimé
    browser.click("Atelier")
    browser.wait_text("n'est plus là")
    browser.check_quiet()


def test_a_link_gives_the_place_the_model_and_the_settings(server, browser):
    """L'adresse suit ce que l'on choisit, la rouvrir le retrouve, et Retour change de lieu."""
    browser.open()
    browser.wait_model("Créatures")
    browser.type("beta", "1,5")
    browser.click("Comprendre")

    def address(*words):
        return browser.when(lambda: all(word in browser.driver.current_url for word in words)
                            and browser.driver.current_url, f"l'adresse {words}")

    link = address("lieu=Comprendre", "beta=1%2C5", "modele=")
    browser.click("Atelier")
    address("lieu=Atelier")
    browser.type("beta", "3")
    address("beta=3")
    browser.driver.back()                   # au lieu d'avant, et non au réglage d'avant
    address("lieu=Comprendre")
    browser.driver.get(link)
    browser.wait_text("Répondez sans chercher")
    browser.click("Le bloc à coller dans train_VAE.py")
    browser.wait_text("beta = 1.5")
    browser.open("?lieu=Atelier&latent_size=99&decoder=x")
    browser.wait_text("Ouvrir un modèle")
    browser.when(lambda: "latent_size" not in browser.driver.current_url, "l'adresse corrigée")
    other = Browser(server.address, browser.downloads)         # un ami, dans la même salle
    try:
        other.driver.get(link)
        other.wait_text("Répondez sans chercher")
        other.when(lambda: other.model() == browser.model(), "le même modèle")
    finally:
        other.driver.quit()


def test_on_a_phone_the_panel_closes(open_browser):
    browser = open_browser(width=390, height=844, agent=phone)
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    browser.open("?epochs=1000&beta=2")
    browser.wait_text("Montrez des images au réseau")
    opener = "[data-testid=stExpandSidebarButton]"
    browser.when(lambda: browser.driver.find_element(By.CSS_SELECTOR, opener).click() or True,
                 "le panneau à ouvrir")
    browser.click("Entraîner")
    browser.wait_epochs("bêta-VAE", 1)
    place = "return document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right"
    browser.when(lambda: browser.js(place) <= 1, "le panneau fermé")
    width = browser.js("return document.documentElement.scrollWidth")
    assert width <= 390
    browser.click("Arrêter")
    browser.check_quiet()


def test_jouer_fits_on_one_screen(browser):
    """Sur un écran de 1366 x 768 points, rien ne dépasse, ni à gauche ni à droite."""
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False})
    browser.open()
    browser.wait_model(" · ")
    browser.wait_sliders(4)
    browser.wait_text("Faire un film")
    browser.wait_calm()
    for part in ("stSidebarUserContent", "stMainBlockContainer"):
        bottom = f"return document.querySelector('[data-testid={part}]').getBoundingClientRect().bottom"
        assert browser.js(bottom) <= 768, part


def test_less_motion_is_none(browser):
    """Qui demande à son ordinateur moins de mouvement ne voit rien glisser."""
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    browser.open("?epochs=1000&beta=2")
    browser.wait_sliders(4)
    browser.click("Entraîner")
    browser.wait_epochs("bêta-VAE")
    seen, moving = browser.js("""
const all = root => [...root.querySelectorAll("*")].flatMap(
    element => [element, ...(element.shadowRoot ? all(element.shadowRoot) : [])])
const lasts = times => times.split(",").some(time => parseFloat(time) > 0)
const elements = all(document)
return [elements.length, elements.filter(element => {
    const style = getComputedStyle(element)
    return style.transitionProperty != "none" && lasts(style.transitionDuration)
        || style.animationName != "none"
}).map(element => element.outerHTML.slice(0, 150))]""")
    assert seen > 300 and not moving
    browser.click("Arrêter")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_read_it(browser, theme):
    """axe ne trouve rien à redire, dans les deux thèmes ; et tout est dit en français."""
    if importlib.util.find_spec("axe_core_python") is None:
        pytest.skip("pas d'axe-core ici")
    package = Path(importlib.util.find_spec("axe_core_python").origin).parent
    axe = (package / "axe.min.js").read_text("utf-8")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": theme}]})
    places = ["Jouer", "Comparer", "Comprendre", "Le cours", "Atelier", "Images redessinées",
              "Images inventées", "Courbes"]
    browser.open()
    browser.wait_model(" · ")              # le premier modèle est appris
    for place in places:
        browser.click(place)
        check_with_axe(browser, axe, place)
    browser.open("?source=Ma+webcam")
    browser.when(lambda: browser.inside(".mouvements .plus", "return found"), "les mouvements")
    check_with_axe(browser, axe, "Ma webcam")


def check_with_axe(browser, axe, place):
    browser.wait_calm()
    browser.when(lambda: browser.js("return document.documentElement.lang") == "fr", "le français")
    browser.js(axe + "; window.done = null; axe.run(document, {resultTypes: ['violations']})"
               ".then(found => { window.done = found.violations })")
    violations = browser.when(lambda: browser.js("return window.done && [window.done]"),
                              "axe", 60)[0]
    seen = [(one["id"], [node["html"][:150] + node["failureSummary"] for node in one["nodes"]]) for one in violations]
    assert not seen, (place, seen)


def test_served_to_this_machine_alone(server):
    """Une autre machine n'obtient rien, ni une page d'ailleurs qui se ferait passer pour celle-ci."""
    port = urlsplit(server.address).port
    assert b"101 Switching" in knock(port, f"localhost:{port}")
    assert b"101 Switching" not in knock(port, "ailleurs.example")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))        # n'envoie rien : dit quelle adresse servirait
        outside = probe.getsockname()[0]
    if not outside.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((outside, port), 5)
    config = (server.folder / "explore" / ".streamlit" / "config.toml").read_text("utf-8")
    assert "gatherUsageStats = false" in config


def knock(port, host):
    """Demande à entrer sous ce nom ; rend le début de la réponse."""
    with socket.create_connection(("localhost", port), 5) as line:
        line.settimeout(5)
        line.sendall((f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      f"Origin: http://{host}\r\n\r\n").encode())
        return line.recv(200)
