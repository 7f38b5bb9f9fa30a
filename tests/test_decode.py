"""Le décodeur : de vrais curseurs, tirés à la souris, et l'image qui suit ; la preuve en est relue par l'encodeur."""
import time

import numpy as np
import pytest
import torch
from conftest import Kit, wait_for
from PIL import Image
from test_record import write_film

import decode_VAE
from model_VAE_64 import load_model


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Un modèle par nombre de latents, à peine entraîné : models(8) rend le kit qui le contient."""
    kits = {}

    def get(latent_size, **values):
        if latent_size not in kits:
            kits[latent_size] = Kit(tmp_path_factory.mktemp(f"latents_{latent_size}") / "Élève n°1").add_drawings()
            kits[latent_size].run("train_VAE.py", epochs=1, show_window=False, latent_size=latent_size, **values)
        return kits[latent_size]

    return get


class Decoder:
    """Le décodeur en marche, ses touches et ses curseurs."""

    def __init__(self, kit, screen):
        self.kit, self.screen = kit, screen
        self.program = kit.start("decode_VAE.py", screen.display)
        self.window = screen.window("VAE : VAE_64")
        self.model, self.saved = load_model(kit.folder / "VAE_64.pth")
        self.order = self.saved["importance"].argsort(descending=True).tolist()
        wait_for(lambda: self.still() and (len(self.order) > 8 or self.handle(0)[0] > 200), what="l'image, et les curseurs au milieu")

    def files(self):
        return sorted(self.kit.folder.glob("decode_*.png"))

    def save(self):
        """La touche s : le nom du fichier qu'elle écrit (à relire après avoir quitté)."""
        before = set(self.files())
        self.screen.tap("s")
        new, = wait_for(lambda: set(self.files()) - before, 20, "l'image sauvée")
        return new

    def quit(self):
        self.screen.window("VAE : VAE_64")
        self.screen.tap("q")
        return self.program.finish()

    def handle(self, line):
        """La poignée d'un curseur à l'écran : au bout droit de la partie bleue de sa ligne."""
        left, top, width, height = self.screen.area(self.window)
        y = top + height - 25 * len(self.order) + 25 * line + 7
        row = np.asarray(self.screen.picture((left, y, width, 1)).convert("RGB")).astype(int)[0]
        blue = np.flatnonzero((row[:, 2] > 180) & (row[:, 0] < 120))
        return left + int(blue.max(initial=140)) + 4, y          # rien de bleu : il est tout à gauche

    def drag(self, line, distance):
        x, y = self.handle(line)
        self.screen.drag((x, y), (x + distance, y))
        wait_for(lambda: abs(self.handle(line)[0] - x - distance) < 12, 20, "le curseur déplacé")

    def view(self):
        left, top, width, height = self.screen.area(self.window)
        return self.screen.picture((left, top, 456, 456)).tobytes()

    def still(self):
        before = self.view()
        time.sleep(0.3)
        return self.view() == before


@pytest.fixture
def decoder(kit, screen, trained):
    def start(**values):
        return Decoder(kit.add_model(trained).set("decode_VAE.py", **values), screen)

    return start


def read(path, side=64):
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.mode == "RGB"
        return torch.tensor(np.asarray(picture.resize((side, side), Image.Resampling.BOX))).permute(2, 0, 1) / 255


@torch.no_grad()
def code(decoder, path):
    return decoder.model.encode(read(path)[None])[0][0]


@torch.no_grad()
def reconstruction(decoder, image):
    return decoder.model(image[None], noise=False)[0][0]


def test_a_slider_moves_its_latent(kit, decoder):
    """Tiré à droite, puis à gauche : l'image sauvée, relue par l'encodeur, rend ce latent-là, déplacé dans ce sens-là."""
    decoder = decoder()
    saved = {}
    for line in (0, 3):
        decoder.screen.tap("m")
        saved[line, 0] = decoder.save()
        decoder.drag(line, 150)
        saved[line, 1] = decoder.save()
        decoder.drag(line, -300)
        saved[line, -1] = decoder.save()
    decoder.screen.tap("m")
    back = decoder.save()
    decoder.quit()
    with torch.no_grad():
        middle = decoder.model.decode(decoder.saved["z_mean"][None])[0]
    assert (read(saved[0, 0]) - middle).abs().mean() < 0.01                 # on part de l'image moyenne
    assert back.read_bytes() == saved[0, 0].read_bytes() == saved[3, 0].read_bytes()     # et m y revient
    for line in (0, 3):
        latent = decoder.order[line]
        for way in (1, -1):
            change = (code(decoder, saved[line, way]) - code(decoder, saved[line, 0])) / decoder.saved["z_spread"]
            assert change.abs().argmax() == latent and way * change[latent] > 0.5, (line, way, change)


def test_arrow_keys_move_the_slider_and_nothing_else(decoder):
    """Sous Linux, certaines flèches ont les codes de S et de Q : elles ne doivent ni sauver ni quitter."""
    decoder = decoder()
    decoder.drag(0, 100)
    x, y = decoder.handle(0)
    for key in ("Right", "Up", "Down", "Delete", "Prior", "Next", *20 * ["Left"]):
        decoder.screen.tap(key)
    wait_for(lambda: decoder.handle(0)[0] < x - 20, 20, "le curseur qui recule")
    assert decoder.files() == [] and decoder.program.process.poll() is None
    decoder.quit()


def test_pictures_of_the_folder(kit, decoder, trained):
    """La touche i : l'image suivante, telle que le réseau la redessine ; les curseurs ont pris son code."""
    kit.add_demo()
    decoder = decoder()
    before, saved = decoder.handle(0)[0], []
    for _ in range(2):
        view = decoder.view()
        decoder.screen.tap("i")
        wait_for(lambda: decoder.view() != view, what="l'image du dossier")
        saved.append(decoder.save())
    moved = ((code(decoder, kit.images / "demo" / "0002.png") - decoder.saved["z_mean"]) / decoder.saved["z_spread"])[decoder.order]
    line = int(moved.abs().argmax())                     # le curseur qui a le plus à bouger
    wait_for(lambda: (decoder.handle(line)[0] - before) * moved[line] > 20, 20, "le curseur à sa place")
    decoder.quit()
    for number, path in enumerate(saved, start=1):
        expected = reconstruction(decoder, read(kit.images / "demo" / f"{number:04d}.png"))
        assert (read(path) - expected).abs().mean() < 0.01


def test_random_pictures(decoder):
    decoder = decoder()
    saved = [decoder.save()]
    for _ in range(3):
        view = decoder.view()
        decoder.screen.tap("h")
        wait_for(lambda: decoder.view() != view, what="une image au hasard")
        saved.append(decoder.save())
    decoder.quit()
    assert len({path.read_bytes() for path in saved}) == 4


def test_the_walk_goes_by_itself_and_stops(decoder):
    decoder = decoder(walk_seconds=1)
    decoder.screen.tap("p")
    seen = set()
    wait_for(lambda: seen.add(decoder.view()) or len(seen) > 10, what="une image qui bouge seule")
    start = decoder.handle(1)[0]
    wait_for(lambda: abs(decoder.handle(1)[0] - start) > 60, what="la promenade sur le deuxième curseur")
    decoder.screen.tap("p")
    wait_for(decoder.still, 20, "l'arrêt de la promenade")
    decoder.quit()


def test_the_webcam_through_the_network(kit, decoder, trained, tmp_path):
    """Une vidéo tient lieu de webcam (ceci ne prouve rien sur une webcam physique) ; elle finit, et la fenêtre reste."""
    picture = read(trained.images / "demo" / "0005.png")
    with Image.open(trained.images / "demo" / "0005.png") as image:
        frame = np.asarray(image.convert("RGB").resize((256, 256)))
    write_film(tmp_path / "film.avi", [frame] * 400)
    decoder = decoder(camera=str(tmp_path / "film.avi"))
    view = decoder.view()
    decoder.screen.tap("w")
    wait_for(lambda: decoder.view() != view, what="l'image de la caméra")
    path = decoder.save()
    decoder.screen.tap("m")
    wait_for(lambda: decoder.view() == view, what="l'image moyenne, la caméra éteinte")
    decoder.screen.tap("w")
    wait_for(lambda: decoder.view() != view, what="la caméra une seconde fois")
    time.sleep(0.5)
    assert decoder.program.process.poll() is None
    decoder.quit()
    assert (read(path) - reconstruction(decoder, picture.flip(2))).abs().mean() < 0.03


def test_no_webcam_is_said_and_nothing_stops(kit, decoder):
    decoder = decoder(camera=42)
    decoder.screen.tap("w")
    decoder.program.wait_text("webcam 42")
    decoder.screen.tap("i")                                   # et le dossier d'images est vide
    decoder.program.wait_text("Aucune image")
    decoder.save()
    decoder.quit()


def test_saving_never_overwrites(kit, decoder):
    for name in ("decode_0003.png", "decode_0041.jpg"):
        (kit.folder / name).write_bytes(b"avant")
    decoder = decoder()
    assert [decoder.save().name, decoder.save().name] == ["decode_0042.png", "decode_0043.png"]
    decoder.quit()
    assert (kit.folder / "decode_0003.png").read_bytes() == b"avant"
    with Image.open(kit.folder / "decode_0042.png") as picture:
        assert picture.size == (512, 512)


@pytest.mark.parametrize("way", ["Q", "Escape", "croix", "Stop"])
def test_every_way_out(kit, screen, decoder, way):
    decoder = decoder()
    if way == "croix":
        screen.close_box(decoder.window)
    elif way == "Stop":
        decoder.program.stop()
    else:
        screen.tap(way)
    decoder.program.finish()
    assert not screen.windows()


@pytest.mark.parametrize("latent_size", [1, 8, 16, 32])
def test_every_number_of_sliders_fits_a_laptop_screen(kit, screen, models, latent_size):
    """Toutes les fenêtres, cadres et titres compris, tiennent dans 1366x768 sans se recouvrir ; le fichier l'emporte sur la zone ***."""
    kit.add_model(models(latent_size))
    decoder = Decoder(kit, screen)
    wait_for(lambda: len(screen.windows()) == 1 + (latent_size > 8) + (latent_size > 16), what="les fenêtres des curseurs")
    frames = [screen.frame(screen.window(title)) for title in screen.windows()]
    for number, (left, top, right, bottom) in enumerate(frames):
        assert left >= -2 and top >= 0 and right <= 1368 and bottom <= 768, frames             # 2 : le liseré du cadre
        for other in frames[:number]:
            assert right <= other[0] + 2 or left >= other[2] - 2 or bottom <= other[1] or top >= other[3], frames
    if latent_size > 8:
        screen.close_box(screen.window("Curseurs 1"))         # fermer l'une ferme tout
        text = decoder.program.finish()
    else:
        text = decoder.quit()
    assert f"latent_size = {latent_size}" in text and not screen.windows()


def test_a_move_is_drawn_within_one_frame():
    """Avec 32 latents, décoder et dessiner tient dans une image d'un écran à 60 Hz (la médiane de 50 essais)."""
    model, threads = decode_VAE.load_model.__globals__["VAE"](64, 32).eval(), torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    with torch.no_grad():
        for z in torch.randn(50, 32):
            start = time.perf_counter()
            decode_VAE.draw_screen(model.decode(z[None])[0], {}, [f"z{i} 1 bit" for i in range(32)], z.tolist(), "")
            times.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    assert np.median(times) < 1 / 60


# Ce qui ne peut pas marcher
def test_no_model(kit, screen):
    program = kit.start("decode_VAE.py", screen.display)
    assert "train_VAE.py" in program.refuse() and len(program.text.strip().splitlines()) == 1


def test_no_screen(kit, models):
    kit.add_model(models(8)).set("decode_VAE.py", latent_size=8)
    for environment in ({"display": ""}, {"display": ":987"}):
        assert "écran" in kit.start("decode_VAE.py", **environment).refuse()


@pytest.mark.parametrize("values", [{"walk_seconds": 0}, {"walk_seconds": "4"}, {"model_name": "absent"}])
def test_wrong_settings(kit, models, values):
    sentence = kit.add_model(models(8)).refusal("decode_VAE.py", **values)
    assert next(iter(values)) in sentence
