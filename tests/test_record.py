"""Enregistrer, touche après touche, dans une vraie fenêtre.

Une vidéo MJPG tient lieu de webcam : ces tests ne prouvent rien sur une webcam physique (pilotes, délais, autorisations).
"""
import time

import cv2
import numpy as np
import pytest
from conftest import wait_for
from PIL import Image

# ce que filme la caméra : un carré central de quatre couleurs (rouge, vert, bleu), entre deux bandes noires hors du carré
film_colors = {(0, 0): (200, 40, 40), (0, 1): (40, 180, 40), (1, 0): (40, 40, 200), (1, 1): (220, 210, 30)}


def write_film(path, frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, frames[0].shape[1::-1])
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()


def film_frame():
    frame = np.zeros((240, 320, 3), np.uint8)
    for (row, column), color in film_colors.items():
        frame[120 * row:120 * row + 120, 40 + 120 * column:160 + 120 * column] = color
    return frame


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """Cinq images noires, comme à l'allumage d'une webcam, puis de quoi tenir une minute."""
    path = tmp_path_factory.mktemp("films") / "caméra.avi"
    write_film(path, [np.zeros((240, 320, 3), np.uint8)] * 5 + [film_frame()] * 6000)
    return path


@pytest.fixture
def record(kit, screen, film):
    """Lance record_images.py devant le film, et attend sa fenêtre."""
    def start(**values):
        kit.set("record_images.py", **{"camera": str(film)} | values)
        program = kit.start("record_images.py", screen.display)
        program.window = screen.window("Webcam")
        return program

    return start


def saved(kit):
    return sorted(path.name for path in kit.images.iterdir())


def wait_files(kit, count):
    wait_for(lambda: len(saved(kit)) == count, 20, f"{count} images")


def test_a_tap_records_one_picture_with_the_right_pixels(kit, screen, record):
    program = record()
    screen.tap("s")
    wait_files(kit, 1)
    screen.tap("S")
    wait_files(kit, 2)
    screen.tap("q")
    assert "2 images enregistrées" in program.finish()
    assert saved(kit) == ["im_0001.png", "im_0002.png"]
    with Image.open(kit.images / "im_0001.png") as picture:
        assert picture.format == "PNG" and picture.size == (128, 128) and picture.mode == "RGB"
        for (row, column), color in film_colors.items():
            found = picture.getpixel((96 - 64 * column, 32 + 64 * row))            # en miroir : la gauche passe à droite
            assert np.abs(np.array(found) - color).max() < 16, (row, column, found)


@pytest.mark.parametrize("images_per_second, least, most", [(10, 8, 16), (3, 4, 6)])
def test_holding_s_two_seconds(kit, screen, record, images_per_second, least, most):
    """Une image tout de suite, rien pendant le délai de répétition du clavier (0,66 s), puis images_per_second au plus."""
    program = record(images_per_second=images_per_second)
    screen.do("keydown", "s")
    time.sleep(2)
    screen.do("keyup", "s")
    screen.tap("q")
    program.finish()
    assert least <= len(saved(kit)) <= most
    assert saved(kit) == [f"im_{number:04d}.png" for number in range(1, len(saved(kit)) + 1)]


def test_holding_the_mouse_button_two_seconds(kit, screen, record):
    program = record()
    left, top, width, height = screen.area(program.window)
    screen.do("mousemove", left + 200, top + 200, "mousedown", 1)
    time.sleep(2)
    screen.do("mouseup", 1)
    screen.tap("q")
    program.finish()
    assert 15 <= len(saved(kit)) <= 22


def test_nothing_is_overwritten_and_numbers_go_on(kit, screen, record):
    """Numéros à trous, autres formats, autres noms : on continue après le plus grand, et z n'efface que ce lancement."""
    before = {"im_0002.png": b"a", "im_0041.jpg": b"b", "im_0007.PNG": b"c", "photo.png": b"d", "im_bis.png": b"e"}
    for name, content in before.items():
        (kit.images / name).write_bytes(content)
    program = record()
    for count in (6, 7, 8):
        screen.tap("s")
        wait_files(kit, count)
    screen.tap("z")
    wait_files(kit, 7)
    assert set(saved(kit)) == set(before) | {"im_0042.png", "im_0043.png"}
    screen.tap("s")
    wait_files(kit, 8)
    for count in (7, 6, 5):
        screen.tap("z")
        wait_files(kit, count)
    screen.tap("z")                                     # plus rien à reprendre
    screen.tap("s")
    wait_files(kit, 6)
    screen.tap("q")
    program.finish()
    assert {name: (kit.images / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("way", ["q", "Q", "Escape", "croix", "Stop"])
def test_every_way_out(kit, screen, record, way):
    program = record()
    screen.tap("s")
    wait_files(kit, 1)
    if way == "croix":
        screen.close_box(program.window)
    elif way == "Stop":
        program.stop()
    else:
        screen.tap(way)
    assert "1 images" in program.finish().replace("1 image ", "1 images ")
    assert "Webcam" not in screen.windows() and saved(kit) == ["im_0001.png"]


def test_the_preview_shows_the_mirrored_square_and_the_red_mark(kit, screen, record):
    program = record()
    left, top, width, height = screen.area(program.window)

    def near(x, y, color):
        found = screen.picture((left + x, top + y, 1, 1)).getpixel((0, 0))
        return np.abs(np.array(found[:3]) - color).max() < 16

    for (row, column), color in film_colors.items():
        wait_for(lambda: near(360 - 240 * column, 120 + 240 * row, color), 20, f"{color} dans l'aperçu")
    assert not near(28, 28, (215, 40, 40))
    screen.do("mousemove", left + 200, top + 300, "mousedown", 1)
    wait_for(lambda: near(28, 28, (215, 40, 40)), 20, "la marque rouge")
    screen.do("mouseup", 1)
    wait_for(lambda: not near(28, 28, (215, 40, 40)), 20, "la fin de la marque rouge")
    screen.tap("q")
    program.finish()


def test_the_camera_stops_in_the_middle(kit, screen, record, tmp_path):
    """La vidéo finit, comme une webcam qu'on débranche : une phrase, et les images restent."""
    write_film(tmp_path / "courte.avi", [film_frame()] * 200)
    program = record(camera=str(tmp_path / "courte.avi"))
    screen.tap("s")
    wait_files(kit, 1)
    text = program.finish()
    assert "n'envoie plus d'images" in text and saved(kit) == ["im_0001.png"]


def test_a_full_disk_leaves_no_half_picture(kit, screen, tmp_path):
    """Le système refuse d'écrire plus de 16 000 octets par fichier, comme un disque plein ; une image de bruit en fait 40 000."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    write_film(tmp_path / "bruit.avi", [noise] * 3000)
    kit.set("record_images.py", camera=str(tmp_path / "bruit.avi"))
    (kit.images / "im_0001.png").write_bytes(b"avant")
    program = kit.start("record_images.py", screen.display, before=("prlimit", "--fsize=16000"))
    screen.window("Webcam")
    screen.tap("s")
    text = program.wait()
    assert "Traceback" not in text and "im_0002.png" in text and "place" in text, text
    assert saved(kit) == ["im_0001.png"] and "Webcam" not in screen.windows()


# Ce qui ne peut pas marcher
def test_no_camera(kit, screen):
    """Pas de webcam sur cette machine : une phrase, et aucun message de bibliothèque."""
    program = kit.set("record_images.py", camera=42).start("record_images.py", screen.display)
    assert "webcam 42" in program.refuse()
    assert all(line.endswith(".") or "Ouverture" in line for line in program.text.strip().splitlines()), program.text
    assert len(program.text.strip().splitlines()) <= 2


def test_no_video(kit, screen):
    program = kit.set("record_images.py", camera="film absent.mp4").start("record_images.py", screen.display)
    assert "film absent.mp4" in program.refuse()
    assert len(program.text.strip().splitlines()) <= 2


@pytest.mark.parametrize("name", ["/proc/images", "photo.png/images", "photo.png"])
def test_a_folder_that_cannot_be_written(kit, screen, film, name):
    (kit.folder / "photo.png").write_bytes(b"un fichier, pas un dossier")
    program = kit.set("record_images.py", dataset_folder=name, camera=str(film)).start("record_images.py", screen.display)
    assert name.split("/")[-1] in program.refuse()


def test_no_screen(kit, film):
    for display in ("", ":987"):
        program = kit.set("record_images.py", camera=str(film)).start("record_images.py", display)
        assert "écran" in program.refuse()


@pytest.mark.parametrize("values", [{"images_per_second": 0}, {"images_per_second": "10"}, {"camera": -1}, {"camera": None}])
def test_wrong_settings(kit, screen, values):
    program = kit.set("record_images.py", **values).start("record_images.py", screen.display)
    assert next(iter(values)) in program.refuse()
