"""L'affiche de la salle, ouverte dans un vrai navigateur ; un autre programme lit son carré."""
import base64
import json
import re
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from conftest import root, wait_for

for module in ("segno", "selenium"):
    pytest.importorskip(module)
from selenium import webdriver
from selenium.webdriver.common.by import By

sys.path.insert(0, str(root / "explore"))
from room.poster import make_poster

address = "https://192.168.100.123:8443"        # la plus longue
code = "K7M4QX"
key = "la-cle-du-professeur"
# en plein écran, ou dans une fenêtre avec ses barres
screens = [(1280, 720), (1920, 1080), (1024, 768), (1366, 600)]


@pytest.fixture(scope="module")
def driver():
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("pas de navigateur ici : il manque chromium ou chromedriver")
    chosen = webdriver.ChromeOptions()
    chosen.binary_location = shutil.which("chromium")
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        chosen.add_argument(option)
    chosen.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    opened = webdriver.Chrome(options=chosen, service=service)
    yield opened
    opened.quit()


@pytest.fixture
def open_poster(driver, tmp_path):
    """Ouvre l'affiche, écrite comme le fera classe.py, dans une fenêtre de cette taille."""
    def open_one(width, height, at=address):
        path = tmp_path / "affiche.html"
        path.write_text(make_poster(at, code, key), "utf-8")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get_log("performance")
        driver.get(path.as_uri())
        return path.as_uri()
    return open_one


def see(driver):
    """L'écran, tel qu'il est projeté."""
    octets = np.frombuffer(driver.get_screenshot_as_png(), np.uint8)
    return cv2.imdecode(octets, cv2.IMREAD_COLOR)


def place(driver, selector):
    box = driver.find_element(By.CSS_SELECTOR, selector).rect
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


@pytest.mark.parametrize("size", screens)
def test_square_says_the_address_alone(driver, open_poster, size):
    """Le lecteur d'OpenCV, devant l'écran entier, y lit l'adresse, et rien d'autre : pas le code."""
    open_poster(*size)
    said, corners, _ = cv2.QRCodeDetector().detectAndDecode(see(driver))
    assert said == address


def test_square_seen_from_the_back_of_the_room(driver, open_poster):
    """Vu de loin (trois fois plus petit, un peu flou), le carré se lit encore."""
    open_poster(1280, 720)
    far = cv2.resize(see(driver), (1280 // 3, 720 // 3), interpolation=cv2.INTER_AREA)
    far = cv2.GaussianBlur(far, (3, 3), 0)
    assert cv2.QRCodeDetector().detectAndDecode(far)[0] == address


@pytest.mark.parametrize("width, height", screens)
def test_all_to_enter_fits_on_the_screen(driver, open_poster, width, height):
    """L'adresse, le carré et le code tiennent sans défiler, en grand, et rien ne dépasse."""
    open_poster(width, height)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    for selector, words in ((".way", address), (".code", code), (".square svg", "")):
        left, top, right, bottom = place(driver, selector)
        assert left >= 0 and top >= 0 and right <= width and bottom <= height, selector
        assert driver.find_element(By.CSS_SELECTOR, selector).text == words
    letters = driver.execute_script(
        "return ['.way', '.code'].map(at => parseFloat(getComputedStyle("
        "document.querySelector(at)).fontSize))")
    room = min(width, height * 16 / 9)
    assert letters[0] >= room / 30 and letters[1] >= room / 8
    # l'adresse, d'un seul tenant, ne passe pas sous le carré
    end = driver.execute_script("const words = document.createRange();"
                                "words.selectNodeContents(document.querySelector('.way'));"
                                "return words.getBoundingClientRect().right")
    assert end < place(driver, ".square")[0]


@pytest.mark.parametrize("width, height", screens)
def test_warnings_fit_on_the_second_screen(driver, open_poster, width, height):
    """Les quatre dessins tiennent ensemble, et leurs mots dans leurs boutons."""
    open_poster(width, height)
    driver.find_element(By.LINK_TEXT, "↓ Les avertissements, en dessins").click()
    boxes = driver.execute_script("return [...document.querySelectorAll('figure')]"
                                  ".map(at => at.getBoundingClientRect().toJSON())")
    assert len(boxes) == 4
    for box in boxes:
        assert box["top"] >= 0 and box["bottom"] <= height and box["right"] <= width
    too_long = driver.execute_script("""
        return [...document.querySelectorAll(".label")].filter(words => {
            const inside = words.getBoundingClientRect()
            const button = words.previousElementSibling.getBoundingClientRect()
            return inside.left < button.left || inside.right > button.right
        }).map(words => words.textContent)""")
    assert not too_long


def test_warnings_have_the_words_of_the_browsers(driver, open_poster):
    """Les mots de Chrome et de Firefox, relevés en français sur ces navigateurs eux-mêmes."""
    open_poster(1280, 720)
    words = driver.find_element(By.ID, "avertissement").get_property("textContent")
    host = "192.168.100.123"
    for said in ("Votre connexion n'est pas privée", "Paramètres avancés",
                 f"Continuer vers le site {host} (dangereux)",
                 "Faites preuve de prudence,", f"Continuer vers {host}:8443 (risqué)",
                 "Cette connexion n'est pas privée", "Afficher les détails"):
        assert said in words, said


def test_poster_asks_nothing_of_the_network(driver, open_poster):
    """Pas une adresse demandée, pas un script."""
    page = open_poster(1280, 720)
    messages = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    asked = {message["params"]["request"]["url"] for message in messages
             if message["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} == {page}
    assert driver.get_log("browser") == []
    text = make_poster(address, code, key)
    assert "<script" not in text and not re.search(r'(src|url)\s*[=(]\s*["\']?(?!data:)\w', text)


def test_teacher_button_sends_the_key_and_never_shows_it(driver, open_poster):
    """Le bouton du professeur envoie sa clé à l'adresse, et ne la met ni à l'écran ni dans un lien."""
    asked = []

    class Listen(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        open_poster(1280, 720, f"http://127.0.0.1:{server.server_port}")
        assert key not in driver.find_element(By.TAG_NAME, "body").text
        links = driver.find_elements(By.TAG_NAME, "a")
        assert all(link.get_dom_attribute("href").startswith("#") for link in links)
        driver.find_element(By.TAG_NAME, "button").click()
        wait_for(lambda: asked, 10, "la clé envoyée")
        assert asked == [("/professeur", f"key={key}".encode())]
    finally:
        server.shutdown()
        server.server_close()


def test_poster_prints_on_one_sheet(driver, open_poster):
    """Sur le papier, tout est sur une feuille A4."""
    open_poster(1280, 720)
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    paper = base64.b64decode(printed["data"])
    assert len(re.findall(rb"/Type */Page\b", paper)) == 1
    assert b"/MediaBox [0 0 594.9" in paper or b"/MediaBox [0 0 595" in paper
