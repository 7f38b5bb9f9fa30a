"""Enregistrer, touche après touche, dans une vraie fenêtre.

Une vidéo MJPG tient lieu de webcam : ces tests ne prouvent rien sur une webcam physique
(pilotes, délais, autorisations).
"""
import errno
import os
import shutil
import time

import cv2
import numpy as np
import pytest
import torch
from conftest import wait_for
from PIL import Image

from outils import files
from outils.camera import open_camera

# ce que filme la caméra : un carré de quatre couleurs, entre deux bandes noires
film_colors = {(0, 0): (200, 40, 40), (0, 1): (40, 180, 40),
               (1, 0): (40, 40, 200), (1, 1): (220, 210, 30)}


def write_film(path, frames):
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), code, 30, frames[0].shape[1::-1])
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()


def film_frame():
    frame = np.zeros((240, 320, 3), np.uint8)
    for (row, column), color in film_colors.items():
        top, left = 120 * row, 40 + 120 * column
        frame[top:top + 120, left:left + 120] = color
    return frame


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """Cinq images noires, comme à l'allumage d'une webcam, puis de quoi tenir une minute."""
    path = tmp_path_factory.mktemp("films") / "caméra.avi"
    write_film(path, [np.zeros((240, 320, 3), np.uint8)] * 5 + [film_frame()] * 4000)
    return path


@pytest.fixture
def record(kit, screen, film):
    """Lance record_images.py devant le film, et attend sa fenêtre."""
    def start(real=False, **values):
        kit.set("record_images.py", **{"camera": str(film), **values})
        program = kit.start("record_images.py", screen.display, real)
        program.window = screen.window("Webcam")
        return program

    return start


def saved(kit):
    return sorted(path.name for path in kit.images.iterdir())


def pictures(kit):
    """Sans celle qui est en train de s'écrire."""
    return [name for name in saved(kit) if not name.endswith(".incomplet")]


def wait_files(kit, count):
    """Attend qu'il y ait count images, toutes entières."""
    if not wait_for(lambda: len(pictures(kit)) == count, 20, what=None):
        raise AssertionError(f"{count} images attendues, et voici : {pictures(kit)}")
    time.sleep(0.1)          # plus vite qu'images_per_second, une touche ne compte pas


def click(screen, window, *more):
    """Un clic, l'appui et le relâchement dans le même instant : plus court qu'une image."""
    left, top, width, height = screen.area(window)
    screen.do("mousemove", left + 200, top + 200, "mousedown", 1, "mouseup", 1, *more)


def test_a_tap_records_one_picture_with_the_right_pixels(kit, screen, record):
    program = record(real=True)
    screen.tap("s")
    wait_files(kit, 1)
    screen.tap("S")
    wait_files(kit, 2)
    screen.tap("q")
    assert " : 2. Ensuite" in program.finish()
    assert saved(kit) == ["im_0001.png", "im_0002.png"]
    with Image.open(kit.images / "im_0001.png") as picture:
        assert picture.format == "PNG" and picture.size == (128, 128)
        assert picture.mode == "RGB"
        for (row, column), color in film_colors.items():
            # en miroir : la gauche passe à droite
            found = picture.getpixel((96 - 64 * column, 32 + 64 * row))
            assert np.abs(np.array(found) - color).max() < 16, (row, column, found)


@pytest.mark.slow
@pytest.mark.second_try("un clic a manqué 3 fois sur 12, machine surchargée")
def test_a_click_shorter_than_a_frame_is_recorded(kit, screen, record):
    """Chaque clic donne une image et une seule, même appuyé et relâché d'un coup."""
    program = record()
    for count in range(1, 7):
        click(screen, program.window)
        wait_files(kit, count)
    time.sleep(0.5)
    assert len(saved(kit)) == 6
    screen.tap("q")
    assert " : 6. Ensuite" in program.finish()


@pytest.mark.slow
def test_a_click_during_the_pause_waits_for_its_picture(kit, screen, record):
    """Une image par seconde : le second clic, 0,2 s après, est gardé pour la suivante."""
    program = record(images_per_second=1)
    click(screen, program.window)
    wait_files(kit, 1)
    start = time.monotonic()
    click(screen, program.window)
    wait_files(kit, 2)
    assert time.monotonic() - start > 0.4             # pas tout de suite
    screen.tap("q")
    program.finish()


@pytest.mark.slow
@pytest.mark.parametrize("images_per_second, least, most", [(10, 8, 16), (3, 4, 6)])
def test_holding_s_two_seconds(kit, screen, record, images_per_second, least, most):
    """Une image, rien pendant le délai du clavier (0,66 s), puis images_per_second."""
    program = record(images_per_second=images_per_second)
    screen.do("keydown", "s")
    time.sleep(2)
    screen.do("keyup", "s")
    screen.tap("q")
    program.finish()
    names = saved(kit)
    assert least <= len(names) <= most
    assert names == [f"im_{number:04d}.png" for number in range(1, len(names) + 1)]


@pytest.mark.slow
def test_holding_the_mouse_button_two_seconds(kit, screen, record):
    program = record()
    left, top, width, height = screen.area(program.window)
    screen.do("mousemove", left + 200, top + 200, "mousedown", 1)
    time.sleep(2)
    screen.do("mouseup", 1)
    time.sleep(0.3)
    count = len(saved(kit))
    time.sleep(0.5)                                   # relâché : plus rien
    assert 15 <= count <= 23 and len(saved(kit)) == count
    screen.tap("q")
    program.finish()


@pytest.mark.slow
def test_nothing_is_overwritten_and_numbers_go_on(kit, screen, record):
    """Trous, autres formats, autres noms : on continue après le plus grand numéro.

    Et z n'efface que ce lancement."""
    before = {"im_0002.png": b"a", "im_0041.jpg": b"b", "im_0007.PNG": b"c",
              "photo.png": b"d", "im_bis.png": b"e"}
    for name, content in before.items():
        (kit.images / name).write_bytes(content)
    program = record()
    for count in (6, 7, 8):
        screen.tap("s")
        wait_files(kit, count)
    screen.tap("z")
    wait_files(kit, 7)
    assert set(saved(kit)) == {*before, "im_0042.png", "im_0043.png"}
    screen.tap("s")
    wait_files(kit, 8)
    for count in (7, 6, 5):
        time.sleep(0.2)                               # plus vite, z ne compte pas
        screen.tap("z")
        wait_files(kit, count)
    screen.tap("z")                                   # plus rien à reprendre
    screen.tap("s")
    wait_files(kit, 6)
    screen.tap("q")
    program.finish()
    assert {name: (kit.images / name).read_bytes() for name in before} == before


@pytest.mark.slow
@pytest.mark.parametrize("way", ["Q", "Escape", "croix", "Stop"])
def test_every_way_out(kit, screen, record, way):
    program = record(real=True)
    screen.tap("s")
    wait_files(kit, 1)
    if way == "croix":
        screen.close_box(program.window)
    elif way == "Stop":
        program.stop()
    else:
        screen.tap(way)
    assert " : 1. Ensuite" in program.finish()
    assert "Webcam" not in screen.windows() and saved(kit) == ["im_0001.png"]


@pytest.mark.slow
def test_the_preview_shows_the_mirrored_square_and_the_red_mark(kit, screen, record):
    program = record()
    left, top, width, height = screen.area(program.window)

    def near(x, y, color):
        found = screen.picture((left + x, top + y, 1, 1)).getpixel((0, 0))
        return np.abs(np.array(found[:3]) - color).max() < 16

    for (row, column), color in film_colors.items():
        wait_for(lambda: near(360 - 240 * column, 120 + 240 * row, color), 20,
                 f"{color} dans l'aperçu")
    red = (215, 40, 40)
    assert not near(28, 28, red)
    screen.do("mousemove", left + 200, top + 300, "mousedown", 1)
    wait_for(lambda: near(28, 28, red), 20, "la marque rouge")
    screen.do("mouseup", 1)
    wait_for(lambda: not near(28, 28, red), 20, "la fin de la marque rouge")
    screen.tap("q")
    program.finish()


# Des accidents
@pytest.mark.slow
def test_the_camera_stops_in_the_middle(kit, screen, record, tmp_path):
    """La vidéo finit, comme une webcam qu'on débranche : une phrase, les images restent."""
    write_film(tmp_path / "courte.avi", [film_frame()] * 200)
    program = record(camera=str(tmp_path / "courte.avi"))
    screen.tap("s")
    wait_files(kit, 1)
    text = program.finish()
    assert "n'envoie plus d'images" in text and saved(kit) == ["im_0001.png"]


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_picture(kit, screen, tmp_path):
    """Le système refuse plus de 16 000 octets par fichier ; du bruit en fait 40 000."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    write_film(tmp_path / "bruit.avi", [noise] * 3000)
    kit.set("record_images.py", camera=str(tmp_path / "bruit.avi"))
    (kit.images / "im_0001.png").write_bytes(b"avant")
    program = kit.start("record_images.py", screen.display, most_bytes=16000)
    screen.window("Webcam")
    screen.tap("s")
    text = program.wait()
    assert "Traceback" not in text and "im_0002.png" in text, text
    assert saved(kit) == ["im_0001.png"] and "Webcam" not in screen.windows()


@pytest.mark.slow
def test_the_folder_vanishes_in_the_middle(kit, screen, record):
    program = record()
    screen.tap("s")
    wait_files(kit, 1)
    shutil.rmtree(kit.images)
    screen.tap("s")
    text = program.wait()
    assert program.process.returncode == 1 and "Traceback" not in text, text
    assert f"Impossible d'écrire {kit.images / 'im_0001.png'}" in text
    assert "Webcam" not in screen.windows()


@pytest.mark.slow
def test_a_picture_effaced_by_someone_else(kit, screen, record):
    """z, quand la dernière image n'est déjà plus là."""
    program = record()
    for count in (1, 2):
        screen.tap("s")
        wait_files(kit, count)
    (kit.images / "im_0002.png").unlink()
    screen.tap("z")
    time.sleep(0.2)                                   # plus vite, z ne compte pas
    screen.tap("z")
    wait_files(kit, 0)
    screen.tap("q")
    assert "Traceback" not in program.finish() and not list(kit.images.glob("im_*"))


# Écrire tout ou rien
def test_a_name_that_is_taken_is_never_written_over(tmp_path):
    path = tmp_path / "im_0001.png"
    path.write_bytes(b"avant")
    with pytest.raises(FileExistsError):
        files.write_new(path, b"nouveau")
    assert path.read_bytes() == b"avant"
    files.write_whole(path, b"nouveau")
    assert path.read_bytes() == b"nouveau"
    files.write_new(tmp_path / "im_0002.png", b"libre")
    assert (tmp_path / "im_0002.png").read_bytes() == b"libre"
    assert len(list(tmp_path.iterdir())) == 2            # aucun reste


@pytest.mark.parametrize("number, advice", [
    (errno.ENOSPC, "libérez de la place"), (errno.EACCES, "fermez le programme"),
    (errno.EFBIG, "essayez dans un autre dossier")])
def test_what_to_do_when_nothing_can_be_written(number, advice):
    assert advice in files.why_not_written(OSError(number, os.strerror(number)))


def test_the_next_number_is_after_the_greatest(tmp_path):
    """Un numéro en cours d'écriture, par un autre script, est laissé à celui-ci."""
    picture = Image.new("RGB", (8, 8))
    (tmp_path / "im_0099.jpg").write_bytes(b"")
    (tmp_path / "im_0007.png").write_bytes(b"")
    assert files.save_picture(picture, tmp_path, "im").name == "im_0100.png"
    assert files.save_picture(picture, tmp_path, "decode").name == "decode_0001.png"
    (tmp_path / "im_9999.png").write_bytes(b"")
    path = files.save_picture(picture, tmp_path, "im")
    assert path.name == "im_10000.png"
    with Image.open(path) as again:
        assert again.size == (8, 8)


# Ce qui ne peut pas marcher
def test_no_camera(kit, screen):
    """Pas de webcam sur cette machine : une phrase, et aucun message de bibliothèque."""
    kit.set("record_images.py", camera=42)
    program = kit.start("record_images.py", screen.display, real=True)
    lines = program.wait().strip().splitlines()
    assert program.process.returncode == 1
    assert len(lines) == 2 and lines[0].startswith("Ouverture"), lines
    assert lines[1].startswith("La caméra 42 ne répond") and lines[1].endswith(".")


def refused_camera(camera):
    with pytest.raises(SystemExit) as refusal:
        open_camera(camera)
    return str(refusal.value)


@pytest.mark.parametrize("camera", [-1, 100, None, 1.5, True, (0, 1), [0]], ids=str)
def test_a_camera_number_that_cannot_be(camera):
    assert refused_camera(camera).startswith("camera doit être un nombre entier de 0 à 99")


@pytest.mark.parametrize("name", ["film absent.mp4", "", "images", "film\0.mp4"])
def test_no_video(name):
    assert refused_camera(name).startswith(f"La vidéo {name} est introuvable")


def test_a_video_that_is_not_one(tmp_path):
    (tmp_path / "texte.mp4").write_text("Ceci n'est pas un film.")
    assert "illisible" in refused_camera(str(tmp_path / "texte.mp4"))


@pytest.mark.skipif(os.name != "posix", reason="pas de tuyaux ici")
def test_a_pipe_instead_of_a_video(tmp_path):
    """Qui l'ouvrirait attendrait toujours."""
    os.mkfifo(tmp_path / "tuyau.mp4")
    assert "est introuvable" in refused_camera(str(tmp_path / "tuyau.mp4"))


@pytest.mark.parametrize("name", ["/proc/images", "photo.png/images", "photo.png"])
def test_a_folder_that_cannot_be_written(kit, name):
    (kit.folder / "photo.png").write_bytes(b"un fichier, pas un dossier")
    sentence = kit.refusal("record_images.py", dataset_folder=name)
    assert sentence.startswith("Impossible d'écrire") and name.split("/")[-1] in sentence


def test_a_folder_is_tried_without_harm(tmp_path):
    """S'assurer qu'on peut y écrire ne touche à aucun fichier, quel que soit son nom."""
    (tmp_path / "images" / "essai").mkdir(parents=True)
    for name in ("essai", "test", "tmp"):
        (tmp_path / name).write_text("à moi")
    before = sorted(tmp_path.rglob("*"))
    for folder in (tmp_path, tmp_path / "images"):
        files.make_folder(folder)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "essai").read_text() == "à moi"


def test_the_folder_is_made_if_it_is_missing(kit):
    kit.refusal("record_images.py", dataset_folder="mes photos/été")     # pas d'écran ici
    assert (kit.folder / "mes photos" / "été").is_dir()


@pytest.mark.parametrize("display", ["", ":987"])
def test_no_screen(kit, film, display):
    program = kit.set("record_images.py", camera=str(film)).start("record_images.py", display)
    assert program.refuse().startswith("Aucun écran")


# Les mouvements
def moving_film(path):
    """Trois choses qui bougent l'une après l'autre, sans fin : un disque, un ciel, une barre."""
    frames = []
    for number in range(3000):
        frame = np.full((240, 320, 3), 90, np.uint8)
        way = abs(number % 60 - 30) / 30
        place, sky, bar = 0.5, 0.5, 0.5
        if number // 90 % 3 == 0:
            place = way
        elif number // 90 % 3 == 1:
            sky = way
        else:
            bar = way
        frame[:100] = 50 + int(150 * sky)
        left = 60 + int(140 * place)
        frame[120:180, left:left + 50] = (220, 60, 40)
        frame[200:230, 60:60 + int(190 * bar) + 5] = (40, 60, 220)
        frames.append(frame)
    write_film(path, frames)


@pytest.mark.slow
def test_from_the_held_keys_to_the_named_sliders(kit, screen, tmp_path):
    """Tenir 1, 2 et 3 devant la caméra, effacer la dernière, entraîner, ouvrir les curseurs."""
    moving_film(tmp_path / "gestes.avi")
    kit.set("record_images.py", camera=str(tmp_path / "gestes.avi"), images_per_second=30)
    program = kit.start("record_images.py", screen.display)
    screen.window("Webcam")
    for key in "123":
        screen.do("keydown", key)
        time.sleep(3)
        screen.do("keyup", key)
        time.sleep(0.3)
    counts = {k: len(list(kit.images.glob(f"m{k}_*.png"))) for k in "123"}
    assert min(counts.values()) >= 20, counts
    screen.tap("ampersand")                 # la touche 1 d'un clavier français, sans Maj
    wait_for(lambda: len(list(kit.images.glob("m1_*.png"))) == counts["1"] + 1, 10, "m1")
    screen.tap("z")                         # efface celle-là, quelle que soit sa sorte
    wait_for(lambda: len(list(kit.images.glob("m1_*.png"))) == counts["1"], 10, "z")
    screen.tap("q")
    program.finish()
    text = kit.run("train_VAE.py", epochs=2)
    assert "Mouvements : 3" in text and "z1, z2 et z3 leur sont réservés" in text
    saved = torch.load(kit.folder / "VAE_64.pth", weights_only=True)
    assert saved["movements"] == [1, 2, 3]
    program = kit.start("decode_VAE.py", screen.display)
    window = screen.window("VAE : VAE_64")
    left, top, width, height = screen.area(window)
    # sous l'image, chaque curseur (bleu) commence où finit son nom : « z2 mouvement 2 »
    # est bien plus long que « z4 0.3 bits »
    starts = []
    for line in range(4):
        row = screen.picture((left, top + 482 + 25 * line, 300, 22)).convert("RGB")
        red, green, blue = np.asarray(row).astype(int).transpose(2, 0, 1)
        starts.append(int(np.flatnonzero((blue - red > 80).any(0)).min()))
    screen.tap("q")
    program.finish()
    assert min(starts[:3]) > starts[3] + 20, starts
