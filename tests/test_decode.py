"""Le décodeur : de vrais curseurs, tirés à la souris, et l'image qui suit.

La preuve en est relue par l'encodeur.
"""
import time

import numpy as np
import pytest
import torch
from conftest import Kit, wait_for
from PIL import Image
from test_record import write_film

import decode_VAE
import train_VAE
from model_VAE_64 import VAE, start_from
from outils.model_file import load_model, save_model
from outils.pictures import load_images


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Un modèle par nombre de latents, parti de l'ACP, sans rien apprendre : models(8)."""
    kits = {}

    def get(latent_size):
        if latent_size not in kits:
            folder = tmp_path_factory.mktemp(f"latents_{latent_size}") / "Élève n°1"
            kits[latent_size] = Kit(folder).add_drawings()
            images, names = load_images(kits[latent_size].images, 64)
            settings = dict(train_VAE.settings, latent_size=latent_size)
            model = VAE(64, latent_size)
            start_from(model, images)
            latents = train_VAE.measure_latents(model, images, torch.arange(len(names)), settings)
            save_model(kits[latent_size].folder / "VAE_64.pth", model,
                       {"settings": settings, "history": [], "train_names": names, "movements": [], **latents})
        return kits[latent_size]

    return get


class Decoder:
    """Le décodeur en marche, ses touches et ses curseurs."""

    def __init__(self, kit, screen, real=False):
        self.kit, self.screen = kit, screen
        self.program = kit.start("decode_VAE.py", screen.display, real)
        self.window = screen.window("VAE : VAE_64")
        self.model, self.saved = load_model(kit.folder / "VAE_64.pth", VAE)
        self.order = self.saved["importance"].argsort(descending=True).tolist()
        wait_for(self.ready, what="l'image, et les curseurs au milieu")

    def ready(self):
        return self.still() and (len(self.order) > 8 or self.handle(0)[0] > 200)

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
        line = self.screen.picture((left, y, width, 1)).convert("RGB")
        row = np.asarray(line).astype(int)[0]
        blue = np.flatnonzero((row[:, 2] > 180) & (row[:, 0] < 120))
        return left + int(blue.max(initial=140)) + 4, y     # rien de bleu : tout à gauche

    def drag(self, line, distance):
        x, y = self.handle(line)
        self.screen.drag((x, y), (x + distance, y))
        wait_for(lambda: abs(self.handle(line)[0] - x - distance) < 12, 20,
                 "le curseur déplacé")

    def view(self):
        left, top, width, height = self.screen.area(self.window)
        return self.screen.picture((left, top, 456, 456)).tobytes()

    def still(self):
        before = self.view()
        time.sleep(0.3)
        return self.view() == before


@pytest.fixture
def decoder(kit, screen, trained):
    def start(real=False, **values):
        return Decoder(kit.add_model(trained).set("decode_VAE.py", **values), screen, real)

    return start


def read(path, side=64):
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.mode == "RGB"
        small = picture.resize((side, side), Image.Resampling.BOX)
        return torch.tensor(np.asarray(small)).permute(2, 0, 1) / 255


@torch.no_grad()
def code(decoder, path):
    return decoder.model.encode(read(path)[None])[0][0]


@torch.no_grad()
def reconstruction(decoder, image):
    return decoder.model(image[None], noise=False)[0][0]


def test_a_slider_moves_its_latent(kit, decoder):
    """Tiré à droite, puis à gauche : l'encodeur retrouve ce latent-là, et ce sens-là."""
    decoder = decoder(real=True)
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
    assert (read(saved[0, 0]) - middle).abs().mean() < 0.01       # d'abord l'image moyenne
    first = saved[0, 0].read_bytes()
    assert back.read_bytes() == first == saved[3, 0].read_bytes()        # et m y revient
    for line in (0, 3):
        latent = decoder.order[line]
        for way in (1, -1):
            change = code(decoder, saved[line, way]) - code(decoder, saved[line, 0])
            change /= decoder.saved["z_spread"]
            assert change.abs().argmax() == latent, (line, way, change)
            assert way * change[latent] > 0.5, (line, way, change)


@pytest.mark.slow
def test_arrow_keys_move_the_slider_and_nothing_else(decoder):
    """Certaines flèches ont les codes de S et de Q (Linux) : ni sauver, ni quitter."""
    decoder = decoder()
    decoder.drag(0, 100)
    x, y = decoder.handle(0)
    for key in ("Right", "Up", "Down", "Delete", "Prior", "Next", *20 * ["Left"]):
        decoder.screen.tap(key)
    wait_for(lambda: decoder.handle(0)[0] < x - 20, 20, "le curseur qui recule")
    assert decoder.files() == [] and decoder.program.process.poll() is None
    decoder.quit()


@pytest.mark.slow
def test_pictures_of_the_folder(kit, decoder, trained):
    """La touche i : l'image suivante, redessinée ; les curseurs ont pris son code."""
    kit.add_demo()
    decoder = decoder()
    before, saved = decoder.handle(0)[0], []
    for _ in range(2):
        view = decoder.view()
        decoder.screen.tap("i")
        wait_for(lambda: decoder.view() != view, what="l'image du dossier")
        saved.append(decoder.save())
    moved = code(decoder, kit.images / "demo" / "0002.png") - decoder.saved["z_mean"]
    moved = (moved / decoder.saved["z_spread"])[decoder.order]
    line = int(moved.abs().argmax())                     # celui qui a le plus à bouger
    wait_for(lambda: (decoder.handle(line)[0] - before) * moved[line] > 20, 20,
             "le curseur à sa place")
    decoder.quit()
    for number, path in enumerate(saved, start=1):
        expected = reconstruction(decoder, read(kit.images / "demo" / f"{number:04d}.png"))
        assert (read(path) - expected).abs().mean() < 0.01


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_walk_goes_by_itself_and_stops(decoder):
    decoder = decoder(walk_seconds=1)
    decoder.screen.tap("p")
    seen = set()
    wait_for(lambda: seen.add(decoder.view()) or len(seen) > 10, what="une image qui bouge seule")
    start = decoder.handle(1)[0]
    wait_for(lambda: abs(decoder.handle(1)[0] - start) > 60,
             what="la promenade sur le deuxième curseur")
    decoder.screen.tap("p")
    wait_for(decoder.still, 20, "l'arrêt de la promenade")
    decoder.quit()


@pytest.mark.slow
def test_the_webcam_through_the_network(kit, decoder, trained, tmp_path):
    """Une vidéo tient lieu de webcam ; elle finit, et la fenêtre reste."""
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


@pytest.mark.slow
def test_no_webcam_is_said_and_nothing_stops(kit, decoder):
    """Chaque touche qui ne peut pas marcher le dit dans la console ; la fenêtre reste."""
    decoder = decoder(camera=42)
    decoder.screen.tap("w")
    decoder.program.wait_text("La caméra 42 ne répond pas")
    decoder.screen.tap("i")                              # et le dossier d'images est vide
    decoder.program.wait_text("Aucune image")
    decoder.save()
    decoder.quit()


@pytest.mark.slow
def test_a_damaged_picture_of_the_folder_is_passed(kit, decoder):
    """Touche i : l'image illisible est dite, et la touche suivante montre la suivante."""
    (kit.images / "a.png").write_text("pas une image")
    kit.add_drawings(1)
    decoder = decoder()
    middle = decoder.save()
    for _ in range(2):
        view = decoder.view()
        decoder.screen.tap("i")
        wait_for(decoder.still, 20, "la touche i entendue")
        wait_for(lambda: decoder.view() != view, 3, what=None)
    path = decoder.save()
    decoder.quit()
    assert path.read_bytes() != middle.read_bytes()
    expected = reconstruction(decoder, read(kit.images / "dessin_001.png"))
    assert (read(path) - expected).abs().mean() < 0.01


@pytest.mark.slow
def test_saving_never_overwrites(kit, decoder):
    for name in ("decode_0003.png", "decode_0041.jpg"):
        (kit.folder / name).write_bytes(b"avant")
    decoder = decoder()
    assert [decoder.save().name, decoder.save().name] == ["decode_0042.png", "decode_0043.png"]
    decoder.quit()
    assert (kit.folder / "decode_0003.png").read_bytes() == b"avant"
    with Image.open(kit.folder / "decode_0042.png") as picture:
        assert picture.size == (512, 512)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["croix", "Stop"])
def test_every_way_out(kit, screen, decoder, way):
    """Les touches, elles, sont les mêmes pour tous : voir test_record.py."""
    decoder = decoder(real=True)
    if way == "croix":
        screen.close_box(decoder.window)
    else:
        decoder.program.stop()
    decoder.program.finish()
    assert not screen.windows()


@pytest.mark.slow
@pytest.mark.second_try("openbox a placé une fenêtre lui-même, machine surchargée")
@pytest.mark.parametrize("latent_size", [1, 8, 16, 32])
def test_every_number_of_sliders_fits_a_laptop_screen(kit, screen, models, latent_size):
    """Toutes les fenêtres, cadres et titres compris, tiennent sans se recouvrir."""
    kit.add_model(models(latent_size))
    decoder = Decoder(kit, screen)
    expected = 1 + (latent_size > 8) + (latent_size > 16)
    wait_for(lambda: len(screen.windows()) == expected, what="les fenêtres des curseurs")
    frames = [screen.frame(screen.window(title)) for title in screen.windows()]
    for number, (left, top, right, bottom) in enumerate(frames):
        # 2 : le liseré du cadre
        assert left >= -2 and top >= 0 and right <= 1368 and bottom <= 768, frames
        for other in frames[:number]:
            beside = right <= other[0] + 2 or left >= other[2] - 2
            assert beside or bottom <= other[1] or top >= other[3], frames
    if latent_size > 8:
        screen.close_box(screen.window("Curseurs 1"))         # fermer l'une ferme tout
        decoder.program.finish()
    else:
        decoder.quit()
    assert not screen.windows()


@pytest.mark.parametrize("latent_size", [1, 4, 16, 17, 32])
def test_every_number_is_written_on_the_screen(latent_size):
    """Changer un seul nombre du code change la ligne qui le dit, et aucune autre."""
    model = VAE(32, latent_size).eval()
    importance = torch.rand(latent_size)
    settings = {**train_VAE.settings, "images_size": 32, "latent_size": latent_size}
    saved = {"settings": settings, "z_mean": torch.zeros(latent_size),
             "z_spread": torch.ones(latent_size), "importance": importance,
             "movements": []}
    board = decode_VAE.Board(model, saved)
    before = np.asarray(board.draw())
    assert before.shape == (480, 816, 3)
    tops = []
    for i in importance.argsort(descending=True).tolist():
        board.z = torch.zeros(latent_size)
        board.z[i] = -3.21
        change = (np.asarray(board.draw()) != before)[:, 690:].any((1, 2)).nonzero()[0]
        assert len(change) > 0 and change.max() - change.min() < 20
        tops.append(change.min())
    assert tops == sorted(tops) and len(set(tops)) == latent_size       # de haut en bas


@torch.no_grad()
def test_the_film_of_the_last_slider(tmp_path, monkeypatch, capsys):
    """Touche f : le dernier curseur bougé va et vient seul ; un numéro de plus, rien d'écrasé."""
    monkeypatch.setattr(decode_VAE, "here", tmp_path)
    (tmp_path / "decode_0003.png").write_bytes(b"avant")
    torch.manual_seed(0)               # deux images pareilles n'en feraient qu'une dans un GIF
    model = VAE(32, 4).eval()
    smooth = torch.linspace(-0.1, 0.1, 32)
    pictures = smooth[:, None, None] + smooth[:, None] * torch.randn(4)     # (32, 32, 4)
    pictures = pictures + 0.1 * torch.randn(3, 1, 1, 4)
    for layer in (model.decoder.details[-2], model.decoder.amounts.network[-1]):
        layer.weight[:] = 0                                 # rien que ces images
        layer.bias[:] = 0
    model.decoder.basis[:4] = pictures.reshape(-1, 4).T     # une image de base par latent
    model.decoder.amounts.linear.weight.copy_(torch.eye(32, 4))
    saved = {"settings": {**train_VAE.settings, "images_size": 32}, "z_mean": torch.randn(4) / 3,
             "z_spread": torch.rand(4) + 0.5, "importance": torch.rand(4), "movements": []}
    board = decode_VAE.Board(model, saved)
    monkeypatch.setattr(board.sliders, "read_moved", lambda: {2: 130})
    board.follow_hand()
    moved = board.order[2]
    z = board.z.clone()
    board.press("f")
    assert "decode_0004.gif" in board.message and "accord" in board.message
    assert torch.equal(board.z, z) and (tmp_path / "decode_0003.png").read_bytes() == b"avant"
    with Image.open(tmp_path / "decode_0004.gif") as film:
        assert film.n_frames == 40 and film.size == (256, 256) and film.info["loop"] == 0
        for number, swing in ((0, 0), (10, 2), (30, -2)):
            film.seek(number)
            code = z.clone()
            code[moved] = saved["z_mean"][moved] + swing * saved["z_spread"][moved]
            expected = model.decode(code[None])[0].clamp(0, 1)
            small = film.convert("RGB").resize((32, 32), Image.Resampling.BOX)
            picture = torch.tensor(np.asarray(small)).permute(2, 0, 1) / 255
            assert (picture - expected).abs().mean() < 0.02
    board.press("f")
    board.press("s")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decode_0003.png", "decode_0004.gif", "decode_0005.gif", "decode_0006.png"]


@pytest.mark.slow
def test_a_film_from_the_window(decoder):
    """Le curseur tiré à la souris, puis f : un film que Pillow relit, et la fenêtre reste."""
    decoder = decoder()
    decoder.drag(1, 100)
    decoder.screen.tap("f")
    path, = wait_for(lambda: list(decoder.kit.folder.glob("decode_*.gif")), 40, "le film")
    decoder.save()
    decoder.quit()
    with Image.open(path) as film:
        assert film.n_frames == 40
        film.seek(10)
        picture = torch.tensor(np.asarray(film.convert("RGB").resize((64, 64), Image.Resampling.BOX)))
    seen = decoder.model.encode(picture.permute(2, 0, 1)[None] / 255)[0][0]
    change = (seen - decoder.saved["z_mean"]) / decoder.saved["z_spread"]
    assert change.abs().argmax() == decoder.order[1] and change[decoder.order[1]] > 1, change


# Ce qui ne peut pas marcher
def test_no_model(kit):
    program = kit.start("decode_VAE.py", real=True)
    assert "train_VAE.py" in program.refuse()
    assert len(program.text.strip().splitlines()) == 1


@pytest.mark.parametrize("display", ["", ":987"])
def test_no_screen(kit, models, display):
    program = kit.add_model(models(8)).start("decode_VAE.py", display)
    assert program.refuse().startswith("Aucun écran")


@pytest.mark.slow
def test_a_full_disk_keeps_the_window(kit, screen, trained):
    """La touche s, quand plus rien ne s'écrit : une phrase, et la fenêtre reste."""
    kit.add_model(trained)
    program = kit.start("decode_VAE.py", screen.display, most_bytes=2000)
    screen.window("VAE : VAE_64")
    screen.tap("s")
    program.wait_text("Impossible d'écrire")
    assert program.process.poll() is None
    screen.window("VAE : VAE_64")
    screen.tap("q")
    program.finish()
    assert kit.written() == ["VAE_64.pth"]
