"""La page à emporter, ouverte d'un double clic (file://) dans un vrai navigateur.

Son image, relue sur le canvas, est comparée à celle de torch.
"""
import functools
import json
import shutil
import sys

import numpy as np
import pytest
import torch
from conftest import root, wait_for
from PIL import Image

pytest.importorskip("selenium")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import train_VAE
from model_VAE_64 import VAE
from outils.model_file import load_model
from outils.pictures import load_images

sys.path.insert(0, str(root / "explore"))
import emporter

read_canvas = """
paint(decode(Float32Array.from(arguments[0])))
return Array.from(paper.getImageData(0, 0, side, side).data)"""
read_shown = "return Array.from(paper.getImageData(0, 0, side, side).data)"
count_pictures = """
const z = new Float32Array(code.length)
let count = 0, start = performance.now(), now = start
while (now < start + 1000) {
    for (let i = 0; i < z.length; i++) z[i] = Math.sin(count + i)
    paint(decode(z))
    count++
    now = performance.now()
}
return 1000 * count / (now - start)"""


class Page:
    """La page ouverte, et ce que le navigateur a demandé pour elle."""

    def __init__(self, driver, path):
        self.driver = driver
        driver.get_log("performance")
        driver.get_log("browser")
        driver.get(path.as_uri())
        wait_for(lambda: self.js("return typeof background === 'object'"), 20, "le réseau ouvert")

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def draw(self, z):
        """L'image de ce code, dessinée puis relue sur le canvas : des octets (H, W, 3)."""
        return self.shape(self.js(read_canvas, z.tolist()))

    def shown(self):
        self.js("paint(decode(code))")       # sans attendre la prochaine image de l'écran
        return self.shape(self.js(read_shown))

    def shape(self, octets):
        side = self.js("return side")
        octets = np.array(octets).reshape(side, side, 4)
        assert (octets[..., 3] == 255).all()
        return octets[..., :3]

    def code(self):
        return torch.tensor(self.js("return Array.from(code)"))

    def click(self, name):
        self.driver.find_element(By.ID, name).click()

    def requests(self):
        """Les adresses demandées, et ce que la console a dit."""
        messages = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"], self.driver.get_log("browser")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("pas de navigateur ici : il manque chromium ou chromedriver")
    chosen = webdriver.ChromeOptions()
    chosen.binary_location = shutil.which("chromium")
    for option in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1366,900"):
        chosen.add_argument(f"--{option}")
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    downloads = tmp_path_factory.mktemp("téléchargements")
    chosen.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(chosen, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.downloads = downloads
    yield driver
    driver.quit()


@functools.cache
def creatures(images_size):
    return load_images(root / "images" / "demo", images_size)[0]


def make_model(images_size=64, latent_size=4, decoder="convolution", **changes):
    """Un réseau qui vient de commencer à apprendre les créatures."""
    torch.manual_seed(latent_size)
    images, index = creatures(images_size)[:240], torch.arange(240)
    model, settings, seconds = emporter.lab.train(
        images, index, epochs=2, images_size=images_size, latent_size=latent_size,
        decoder=decoder, **changes)
    latents = train_VAE.measure_latents(model, images, index, settings)
    return model, {"settings": settings, "movements": [], **latents}


@torch.no_grad()
def expected(model, z):
    """L'image de torch, en octets (H, W, 3)."""
    return (model.decode(z[None])[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()


def write(folder, model, saved, names=(), title="VAE_64"):
    path = folder / "Mon réseau n°1.html"
    path.write_text(emporter.make_page(model, saved, title, names), "utf-8")
    return path


def compare(page, model, saved, count=12):
    """Des codes au hasard, et chaque curseur d'un bout à l'autre : à 2 près sur 255."""
    codes = list(emporter.lab.random_codes(saved, count))
    for i in range(min(4, len(saved["z_mean"]))):
        for way in (emporter.reach, -emporter.reach):
            z = saved["z_mean"].clone()
            z[i] += way * saved["z_spread"][i]
            codes.append(z)
    pictures = [page.draw(z) for z in codes]
    for z, picture in zip(codes, pictures):
        assert np.abs(picture - expected(model, z)).max() <= 2
    assert np.std(pictures, axis=0).max() > 5           # elles ne sont pas toutes pareilles


quick = [(64, 4, "convolution"), (32, 1, "convolution"), (32, 4, "broadcast")]
every = [(size, count, decoder) for size in (32, 64, 128) for count in (1, 4, 32)
         for decoder in ("convolution", "broadcast")]


@pytest.mark.parametrize("size, count, decoder", quick + [
    pytest.param(*case, marks=pytest.mark.slow) for case in every if case not in quick])
def test_the_same_picture_as_torch(driver, tmp_path, size, count, decoder):
    model, saved = make_model(size, count, decoder)
    path = write(tmp_path, model, saved)
    assert path.stat().st_size < 3_000_000
    page = Page(driver, path)
    compare(page, model, saved)
    assert np.abs(page.shown() - expected(model, saved["z_mean"])).max() <= 2   # au départ, le milieu
    assert len(driver.find_elements(By.CSS_SELECTOR, "input[type=range]")) == count


def test_nothing_is_asked_and_names_are_only_words(driver, tmp_path):
    """Aucune requête, même si un nom essaie d'en faire une ; les noms paraissent tels quels."""
    model, saved = make_model()
    names = ["L'été \"bleu\" à Noël", "</script><script>document.title = 'pris'</script>",
             "<img src=https://exemple.fr/x.png>", "MODELE \u2028 \\u003c 😀"]
    path = write(tmp_path, model, saved, names, "Élève & n°1 <b>")
    page = Page(driver, path)
    page.js("return fetch('https://exemple.fr').catch(() => 0)")      # la page elle-même l'interdit
    shown = [name.text for name in driver.find_elements(By.CSS_SELECTOR, ".sliders b")]
    for name, words in zip(names, shown):
        assert words.startswith(" ".join(name.split())), (name, words)
    assert driver.title == "Élève & n°1 <b> dessine"
    asked, console = page.requests()
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert [line for line in console if "exemple.fr" not in line["message"]] == []
    assert "Refused to connect" in str(console) or "violates" in str(console)


def test_sliders_are_in_order_and_the_dead_last(driver, tmp_path):
    """Les mouvements, puis les plus importants ; les morts en dernier, même un mouvement."""
    model, saved = make_model(32)
    saved["importance"] = torch.tensor([0.01, 2.0, 3.0, 4.06])
    saved["movements"] = [1, 2]
    page = Page(driver, write(tmp_path, model, saved, ["", "  la place "]))
    rows = driver.find_elements(By.CSS_SELECTOR, ".sliders label")
    words = [row.find_element(By.TAG_NAME, "b").text for row in rows]
    assert words == ["la place z2 mouvement 2", "z4 4,1 bits", "z3 3,0 bits",
                     "z1 mouvement 1 mort : il ne change presque rien"]
    assert [row.get_attribute("class") for row in rows] == ["", "", "", "dead"]
    before = page.code()
    assert torch.equal(before, saved["z_mean"])
    page.click("random")
    moved = (page.code() - before).abs() > 0
    assert moved.tolist() == [False, True, True, True]       # le hasard laisse les morts


def test_sliders_and_buttons(driver, tmp_path):
    """Le clavier, Au hasard, Au milieu, Promenade, Garder : l'image est celle du code."""
    model, saved = make_model(32)
    page = Page(driver, write(tmp_path, model, saved))
    first = emporter.lab.order_sliders(saved)[0]
    slider = driver.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.END)
    z = saved["z_mean"].clone()
    z[first] += emporter.reach * saved["z_spread"][first]
    assert (page.code() - z).abs().max() < 1e-4
    assert np.abs(page.shown() - expected(model, z)).max() <= 2
    assert slider.get_attribute("aria-valuetext") == f"{z[first]:.2f}".replace(".", ",").replace("-", "−")
    page.click("random")
    drawn = page.code()
    assert (drawn - z).abs().min() > 1e-4
    assert np.abs(page.shown() - expected(model, drawn)).max() <= 2
    page.click("walk")
    button = driver.find_element(By.ID, "walk")
    assert button.get_attribute("aria-pressed") == "true"
    wait_for(lambda: (page.code() - drawn).abs().min() > 1e-4, 10, "une promenade")
    page.click("walk")
    still = page.code()
    assert button.get_attribute("aria-pressed") == "false"
    page.click("keep")
    kept = wait_for(lambda: list(driver.downloads.glob("*.png")), 10, "l'image gardée")[0]
    with Image.open(kept) as picture:
        assert picture.size == (512, 512)
        small = np.asarray(picture.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(int)
    assert torch.equal(page.code(), still)
    kept = np.abs(small - page.shown()).mean()           # agrandie, elle est un peu lissée
    page.click("middle")
    assert (page.code() - saved["z_mean"]).abs().max() < 1e-6
    assert kept < 10 and kept < 0.5 * np.abs(small - page.shown()).mean()


def test_random_codes_follow_the_normal_law(driver, tmp_path):
    """Comme VAE.sample : même là où les codes mesurés varient peu, et loin de leur moyenne."""
    model, saved = make_model(32)
    saved["z_mean"] += 2
    saved["z_spread"] *= 0.2
    page = Page(driver, write(tmp_path, model, saved))
    drawn = torch.tensor(page.js("return Array.from({length: 300}, () => Array.from(randomCode()))"))
    assert drawn.mean(0).abs().max() < 0.3
    assert (drawn.std(0) - 1).abs().max() < 0.2
    page.js("moveTo(randomCode())")
    assert np.abs(page.shown() - expected(model, page.code())).max() <= 2


def test_a_plain_autoencoder(driver, tmp_path):
    """beta = 0 : le hasard suit les codes mesurés, et non la loi normale."""
    model, saved = make_model(32, beta=0)
    saved["z_mean"] += 5
    saved["z_spread"] *= 4
    page = Page(driver, write(tmp_path, model, saved))
    compare(page, model, saved)
    drawn = []
    for _ in range(40):
        page.js("moveTo(randomCode())")
        drawn.append(page.code())
    places = (torch.stack(drawn) - saved["z_mean"]) / saved["z_spread"]
    assert 0.7 < places.std() < 1.3 and places.mean().abs() < 0.4


def test_an_unknown_layer_is_said():
    model, saved = make_model(32)
    model.decoder.details[1] = torch.nn.Hardtanh()
    with pytest.raises(SystemExit, match="couche Hardtanh"):
        emporter.make_page(model, saved, "VAE_64")


def test_pictures_all_white_are_packed():
    """Aucune erreur à l'arrondi : un zéro par lequel on ne divise pas."""
    model, saved = make_model(32)
    model.background += 100
    assert (expected(model, saved["z_mean"]) == 255).all()
    layers, numbers = emporter.pack(model, saved)
    assert len(numbers) > 1000


def test_a_damaged_page_says_so(driver, tmp_path):
    model, saved = make_model(32)
    path = write(tmp_path, model, saved)
    text = path.read_text("utf-8")
    middle = text.index('"numbers": "') + 5000
    path.write_text(text[:middle] + text[middle + 3000:], "utf-8")
    driver.get(path.as_uri())
    words = driver.find_element(By.ID, "words")
    wait_for(lambda: "abîmé" in words.text, 10, "la phrase")


@pytest.mark.slow
@pytest.mark.second_try("une machine surchargée")
@pytest.mark.parametrize("size, count, decoder", [
    (64, 4, "convolution"), (128, 4, "convolution"), (64, 4, "broadcast"), (128, 4, "broadcast")])
def test_thirty_pictures_a_second_on_a_telephone(driver, tmp_path, size, count, decoder):
    """Le processeur ralenti quatre fois ; la meilleure de cinq secondes."""
    page = Page(driver, write(tmp_path, *make_model(size, count, decoder)))
    page.js(count_pictures)
    try:
        driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 4})
        rates = [page.js(count_pictures) for _ in range(5)]
    finally:
        driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 1})
    print(size, decoder, [round(rate) for rate in rates])
    assert max(rates) > 30, rates


@pytest.mark.slow
def test_the_script_after_a_real_training(driver, kit, trained):
    """Entraîner, emporter, ouvrir : la phrase d'abord, un petit fichier, la même image."""
    kit.add_explore().add_model(trained)
    kit.set("explore/emporter.py", slider_names=["La place"])
    text = kit.start("explore/emporter.py").finish()
    assert text.index("accord de chacun") < text.index("Page : VAE_64.html")
    path = kit.folder / "VAE_64.html"
    assert path.stat().st_size < 1_000_000
    model, saved = load_model(kit.folder / "VAE_64.pth", VAE)
    compare(Page(driver, path), model, saved, 30)
    name = driver.find_element(By.CSS_SELECTOR, ".sliders b").text
    assert name.startswith(f"La place z{emporter.lab.order_sliders(saved)[0] + 1} ")


@pytest.mark.parametrize("names", ["place", ["a", 2], ["a"] * 5])
def test_strange_names_are_refused(capsys, names):
    with pytest.raises(SystemExit, match="slider_names doit être une liste de 4 noms"):
        emporter.check_names(names, 4)
