"""La lecture des images : couleurs et orientation justes, tout ce qui est illisible nommé."""
import os
import shutil
import stat
import subprocess
import sys

import numpy as np
import pytest
from conftest import drawing, root
from PIL import Image, ImageDraw

from outils import pictures
from outils.pictures import list_images, load_images, read_image

corners = {"haut gauche": (230, 30, 30), "haut droite": (30, 200, 30),
           "bas gauche": (30, 30, 220), "bas droite": (240, 220, 20)}


def four_corners(width=128, height=128):
    """Une couleur par coin : on voit une image tournée, en miroir, ou aux couleurs échangées."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for place, color in corners.items():
        left = width // 2 * ("droite" in place)
        top = height // 2 * ("bas" in place)
        draw.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), color)
    return picture


def check_corners(pixels, tolerance=12):
    """Le centre de chaque quart de l'image (3, H, W) a la couleur attendue."""
    size = pixels.shape[-1]
    for place, color in corners.items():
        row = size * (3 if "bas" in place else 1) // 4
        column = size * (3 if "droite" in place else 1) // 4
        found = pixels[:, row, column]
        gap = np.abs(np.array(found, int) - color).max()
        assert gap <= tolerance, f"{place} : {found} au lieu de {color}"


def load(folder, size=64):
    images, names = load_images(folder, size)
    return images.numpy(), names


@pytest.mark.parametrize("name, mode, tolerance", [
    ("image.png", "RGB", 0), ("palette.png", "P", 1), ("photo.jpg", "RGB", 12),
    ("photo.webp", "RGB", 12), ("image.bmp", "RGB", 0), ("image.gif", "P", 1),
    ("imprimerie.jpg", "CMYK", 12), ("transparente.png", "RGBA", 0), ("image.ppm", "RGB", 0),
    ("téléphone.jfif", "RGB", 12), ("MAJUSCULES.JPEG", "RGB", 12)])
def test_colours_and_orientation(tmp_path, name, mode, tolerance):
    picture = four_corners().convert(mode, palette=Image.Palette.ADAPTIVE)
    picture.save(tmp_path / name)
    images, names = load(tmp_path)
    assert names == [name] and images.dtype == np.uint8 and images.shape == (1, 3, 64, 64)
    check_corners(images[0], tolerance)


@pytest.mark.parametrize("orientation, seen", [
    (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
    (8, Image.Transpose.ROTATE_270), (2, Image.Transpose.FLIP_LEFT_RIGHT)])
def test_a_photo_taken_sideways_stands_upright(tmp_path, orientation, seen):
    """Un téléphone tourné range des pixels couchés ; l'EXIF dit comment les redresser."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    four_corners().transpose(seen).save(tmp_path / "téléphone.jpg", exif=exif, quality=95)
    check_corners(load(tmp_path)[0][0])


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_centre_square_is_kept(tmp_path, size):
    """Une image large perd ses deux bords, une haute le haut et le bas ; rien n'est étiré."""
    for name, width, height in (("large.png", 400, 200), ("haute.png", 200, 400)):
        picture = Image.new("RGB", (width, height), "white")
        picture.paste(four_corners(200, 200), ((width - 200) // 2, (height - 200) // 2))
        picture.save(tmp_path / name)
    images, names = load(tmp_path, size)
    assert images.shape == (2, 3, size, size)
    for image in images:
        check_corners(image, 3)
        for row, column, color in ((1, 1, "haut gauche"), (-2, -2, "bas droite")):
            found = image[:, row, column].astype(int)             # jusqu'au bord du carré
            assert np.abs(found - corners[color]).max() <= 12


def test_grey_pictures(tmp_path):
    """8 bits, 16 bits ou noir et blanc : le même dégradé, en trois couleurs égales."""
    ramp = np.tile(np.linspace(0, 255, 128).round(), (128, 1))
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "a_gris.png")
    Image.fromarray((ramp * 257).astype(np.uint16)).save(tmp_path / "b_16_bits.png")
    Image.fromarray(ramp).convert("L").point(lambda grey: 255 * (grey > 127), "1").save(
        tmp_path / "c_noir_blanc.png")
    images, names = load(tmp_path)
    assert len(names) == 3 and (images == images[:, :1]).all()
    half = ramp.reshape(64, 2, 64, 2).mean((1, 3))
    for image in images[:2]:
        assert np.abs(image[0] - half).max() <= 3
    assert images[2, 0, 30, 5] == 0 and images[2, 0, 30, 60] == 255


def test_transparency_is_laid_on_white(tmp_path):
    picture = four_corners().convert("RGBA")
    picture.paste(0, (0, 0, 128, 64))                # transparent, noir dessous
    picture.save(tmp_path / "alpha.png")
    palette = Image.new("P", (64, 64), 0)
    palette.putpalette([0, 0, 0, 200, 40, 40])
    palette.paste(1, (0, 32, 64, 64))
    palette.save(tmp_path / "palette.png", transparency=0)
    alpha, palette = load(tmp_path)[0]
    assert (alpha[:, 16, :] == 255).all() and (palette[:, 16, :] == 255).all()
    assert tuple(alpha[:, 48, 16]) == corners["bas gauche"]
    assert tuple(alpha[:, 48, 48]) == corners["bas droite"]
    assert tuple(palette[:, 48, 16]) == (200, 40, 40)


def test_an_animation_gives_its_first_picture(tmp_path):
    others = [Image.new("RGB", (128, 128), color) for color in ("black", "white")]
    four_corners().save(tmp_path / "animé.gif", save_all=True, append_images=others)
    images, names = load(tmp_path)
    assert len(names) == 1
    check_corners(images[0], 3)


# Ce qui ne peut pas servir
def test_every_rejected_file_is_named_with_its_reason(tmp_path, capsys):
    drawing(1).save(tmp_path / "bonne.png")
    (tmp_path / "texte.png").write_text("Ceci n'est pas une image.")
    (tmp_path / "vide.jpg").write_bytes(b"")
    for name, kept in (("entière.jpg", "coupée.jpg"), ("entière.png", "coupée.png")):
        four_corners().save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / kept).write_bytes(whole[:len(whole) // 2])
    four_corners().save(tmp_path / "scan.tif")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "géante.png")
    images, names = load(tmp_path)
    text = capsys.readouterr().out
    assert names == ["bonne.png", "entière.jpg", "entière.png"] and len(images) == 3
    assert "Images trouvées : 9, gardées : 3" in text
    lines = [line.strip() for line in text.splitlines() if "écartée" in line]
    reasons = dict(line.removeprefix("écartée : ").rstrip(")").split(" (") for line in lines)
    unknown = "format inconnu : convertissez-la en JPEG ou en PNG"
    damaged = "image abîmée ou incomplète"
    assert reasons == {"texte.png": unknown, "vide.jpg": unknown, "scan.tif": unknown,
                       "coupée.jpg": damaged, "coupée.png": damaged,
                       "géante.png": "plus de 40 mégapixels : réduisez-la"}


def test_no_readable_picture_at_all(tmp_path, capsys):
    (tmp_path / "texte.png").write_text("Ceci n'est pas une image.")
    with pytest.raises(SystemExit) as refusal:
        load_images(tmp_path, 64)
    assert str(tmp_path) in str(refusal.value) and "dataset_folder" in str(refusal.value)
    assert "écartée : texte.png" in capsys.readouterr().out


def test_a_large_photo_is_read(tmp_path):
    """24 mégapixels, comme en fait un téléphone : lue, et juste."""
    photo = Image.new("RGB", (5600, 4200))
    photo.paste(four_corners(4200, 4200), (700, 0))
    photo.save(tmp_path / "photo.jpg")
    images, names = load(tmp_path)
    assert images.shape == (1, 3, 64, 64)
    check_corners(images[0])


def test_a_picture_that_vanishes(tmp_path, monkeypatch, capsys):
    """Effacée entre la liste et la lecture, par un autre programme : dite, et passée."""
    for number in range(3):
        drawing(number).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(pictures, "list_images", lambda folder: ["0.png", "1.png", "2.png"])
    (tmp_path / "1.png").unlink()
    assert load(tmp_path)[1] == ["0.png", "2.png"]
    assert "écartée : 1.png (elle vient d'être effacée)" in capsys.readouterr().out
    shutil.rmtree(tmp_path)                          # puis tout le dossier
    with pytest.raises(SystemExit) as refusal:
        load_images(tmp_path, 64)
    assert "Aucune image lisible" in str(refusal.value)
    assert read_image(tmp_path / "0.png", 64) == (None, "elle vient d'être effacée")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ces noms sont de Linux")
def test_a_name_that_is_not_text(tmp_path, capsys):
    """Des octets qui ne sont pas de l'UTF-8 (une vieille archive) : « ? » à leur place."""
    drawing(1).save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", os.fsencode(tmp_path) + b"/\xe9t\xe9.png")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "w") as file:
        file.write("pas une image")
    images, names = load(tmp_path)
    assert len(images) == 2 and sorted(names) == ["?t?.png", "a.png"]
    assert "écartée : ?.png" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="pas de tuyaux ici")
def test_what_is_not_a_file_is_passed_over(tmp_path):
    """Un tuyau nommé tuyau.png : qui l'ouvrirait attendrait toujours."""
    drawing(1).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "tuyau.png")
    os.symlink(tmp_path / "absente.png", tmp_path / "lien.png")
    assert load(tmp_path)[1] == ["a.png"]


@pytest.mark.skipif(os.name != "posix", reason="un faux Ghostscript, en shell")
def test_a_postscript_named_png_runs_no_program(tmp_path, monkeypatch, capsys):
    """Pillow confie le PostScript à un autre programme (gs), quel que soit son nom.

    La même image, ouverte sans précaution, le lance : le test sait le voir."""
    mark, fake = tmp_path / "lancé", tmp_path / "programmes" / "gs"
    folder = tmp_path / "images"
    fake.parent.mkdir()
    folder.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch '{mark}'\necho 10.0\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    drawing(1).save(folder / "image.eps")
    (folder / "image.eps").rename(folder / "piège.png")
    drawing(2).save(folder / "bonne.png")
    assert load(folder)[1] == ["bonne.png"]
    assert "écartée : piège.png (format inconnu" in capsys.readouterr().out
    assert not mark.exists()
    naive = ("import sys\nfrom PIL import Image\n"
             "Image.open(sys.argv[1]).load()")
    subprocess.run([sys.executable, "-c", naive, str(folder / "piège.png")],
                   capture_output=True)
    assert mark.exists()


reader = """
import os
from pathlib import Path
from outils.pictures import load_images
if os.getuid() == 0:                     # l'administrateur lit tout
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(load_images(Path("images"), 64)[1])
"""


@pytest.mark.skipif(os.name != "posix", reason="les droits de Linux et de macOS")
def test_a_file_one_may_not_read_is_named(tmp_path):
    """Un vrai refus du système : l'administrateur lit donc sous un autre compte."""
    folder = tmp_path / "images"
    folder.mkdir()
    drawing(1).save(folder / "permise.png")
    drawing(2).save(folder / "interdite.png")
    (folder / "interdite.png").chmod(0)
    shutil.copytree(root / "outils", tmp_path / "outils")
    places = [place for place in (folder, *folder.parents)
              if os.stat(place).st_uid == os.getuid() and place.parent != place]
    modes = {place: place.stat().st_mode for place in places}
    try:
        for place in places:             # l'autre compte doit pouvoir arriver jusque-là
            place.chmod(modes[place] | 0o055)
        answer = subprocess.run([sys.executable, "-c", reader], cwd=tmp_path,
                                capture_output=True, text=True)
    finally:
        for place in places:
            place.chmod(modes[place])
    assert answer.returncode == 0, answer.stderr
    assert "écartée : interdite.png (lecture interdite)" in answer.stdout
    assert "['permise.png']" in answer.stdout


def test_what_is_not_a_picture_is_passed_over_in_silence(tmp_path, capsys):
    """Ce que laissent macOS, Windows et les .zip ne compte pas ; les sous-dossiers, si."""
    junk = [".cachée.png", "__MACOSX/._chat.png", ".Spotlight/x.png", "Thumbs.db",
            "desktop.ini", "notes.txt", "factors.csv"]
    wanted = ["Mes photos/été à la plage.png", "a.png", "Élèves/3°B/N°1.PNG"]
    for name in junk + wanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"rien")
    for number, name in enumerate(wanted):
        drawing(number).save(tmp_path / name, "PNG")
    (tmp_path / "dossier.png").mkdir()
    images, names = load(tmp_path)
    assert sorted(names) == sorted(wanted) and "écartée" not in capsys.readouterr().out


def test_names_and_pictures_go_together(tmp_path):
    """L'ordre des images est celui des noms, même quand des fichiers illisibles s'intercalent."""
    for number in range(12):
        Image.new("RGB", (64, 64), (20 * number, 0, 0)).save(tmp_path / f"{number:02d}.png")
        (tmp_path / f"{number:02d}_bis.png").write_text("abîmée")
    images, names = load(tmp_path)
    assert names == [f"{number:02d}.png" for number in range(12)]
    assert images[:, 0, 0, 0].tolist() == [20 * number for number in range(12)]


# Démonstration, ou images à soi : jamais les deux
def test_the_demo_serves_only_when_there_is_nothing_else(tmp_path, capsys):
    (tmp_path / "demo").mkdir()
    drawing(1).save(tmp_path / "demo" / "0001.png")
    assert load(tmp_path)[1] == ["demo/0001.png"]
    assert "démonstration" in capsys.readouterr().out
    (tmp_path / "Mes photos").mkdir()
    drawing(2).save(tmp_path / "Mes photos" / "moi.png")
    assert load(tmp_path)[1] == ["Mes photos/moi.png"]
    assert "démonstration" not in capsys.readouterr().out


@pytest.mark.parametrize("state", ["vide", "absent"])
def test_no_pictures_at_all(tmp_path, state):
    folder = tmp_path / "images"
    if state == "vide":
        folder.mkdir()
    with pytest.raises(SystemExit) as refusal:
        list_images(folder)
    assert str(folder) in str(refusal.value) and "record_images.py" in str(refusal.value)
