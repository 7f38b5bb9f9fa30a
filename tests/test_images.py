"""La lecture des images : couleurs et orientation justes, tout ce qui est illisible nommé, et un cache jamais en retard."""
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import drawing, root
from PIL import Image, ImageDraw

import model_VAE_64
from model_VAE_64 import list_images, load_images, read_image

corners = {"haut gauche": (230, 30, 30), "haut droite": (30, 200, 30), "bas gauche": (30, 30, 220), "bas droite": (240, 220, 20)}


def four_corners(width=128, height=128):
    """Une couleur par coin : on voit tout de suite une image tournée, en miroir, ou aux couleurs échangées."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for place, color in corners.items():
        left, top = width // 2 * ("droite" in place), height // 2 * ("bas" in place)
        draw.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), color)
    return picture


def check_corners(pixels, tolerance=12):
    """Le centre de chaque quart de l'image (3, 64, 64) a la couleur attendue."""
    for place, color in corners.items():
        found = pixels[:, 48 if "bas" in place else 16, 48 if "droite" in place else 16]
        assert np.abs(np.array(found, int) - color).max() <= tolerance, f"{place} : {found} au lieu de {color}"


def load(folder, size=64):
    images, names = load_images(folder, size)
    return images.numpy(), names


@pytest.mark.parametrize("name, mode, tolerance", [
    ("image.png", "RGB", 0), ("palette.png", "P", 1), ("photo.jpg", "RGB", 12), ("photo.webp", "RGB", 12), ("image.bmp", "RGB", 0),
    ("image.gif", "P", 1), ("imprimerie.jpg", "CMYK", 12), ("transparente.png", "RGBA", 0), ("scan.tif", "RGB", 0), ("MAJUSCULES.JPEG", "RGB", 12)])
def test_colours_and_orientation(tmp_path, name, mode, tolerance):
    four_corners().convert(mode, palette=Image.Palette.ADAPTIVE).save(tmp_path / name)
    images, names = load(tmp_path)
    assert names == [name] and images.dtype == np.uint8 and images.shape == (1, 3, 64, 64)
    check_corners(images[0], tolerance)


@pytest.mark.parametrize("orientation, seen", [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270),
                                               (2, Image.Transpose.FLIP_LEFT_RIGHT)])
def test_a_photo_taken_sideways_stands_upright(tmp_path, orientation, seen):
    """Un téléphone tourné range des pixels couchés, et note dans l'EXIF comment les redresser."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    four_corners().transpose(seen).save(tmp_path / "téléphone.jpg", exif=exif, quality=95)
    check_corners(load(tmp_path)[0][0])


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_centre_square_is_kept(tmp_path, size):
    """Une image large perd ses deux bords, une image haute le haut et le bas ; rien n'est étiré."""
    for name, width, height in (("large.png", 400, 200), ("haute.png", 200, 400)):
        picture = Image.new("RGB", (width, height), "white")
        picture.paste(four_corners(200, 200), ((width - 200) // 2, (height - 200) // 2))
        picture.save(tmp_path / name)
    images, names = load(tmp_path, size)
    assert images.shape == (2, 3, size, size)
    for image in images:
        check_corners(image.repeat(64 // size or 1, axis=1).repeat(64 // size or 1, axis=2)[:, ::max(size // 64, 1), ::max(size // 64, 1)], 3)


def test_grey_pictures(tmp_path):
    """8 bits, 16 bits ou noir et blanc : un dégradé de gris reste le même dégradé, en trois couleurs égales."""
    ramp = np.tile(np.linspace(0, 255, 128).round(), (128, 1))
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "a_gris.png")
    Image.fromarray((ramp * 257).astype(np.uint16)).save(tmp_path / "b_16_bits.png")
    Image.fromarray((ramp * 257).astype(np.uint16)).save(tmp_path / "c_16_bits.tif")
    Image.fromarray((ramp > 127).astype(np.uint8) * 255).convert("1").save(tmp_path / "d_noir_blanc.png")
    images, names = load(tmp_path)
    assert len(names) == 4 and (images == images[:, :1]).all()
    half = ramp.reshape(64, 2, 64, 2).mean((1, 3))
    for image in images[:3]:
        assert np.abs(image[0] - half).max() <= 3
    assert images[3, 0, 30, 5] == 0 and images[3, 0, 30, 60] == 255


def test_transparency_is_laid_on_white(tmp_path):
    picture = four_corners().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((128, 128)).point(lambda value: 0 if value < 128 else 255))
    picture.save(tmp_path / "alpha.png")
    Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64) // 128 * 255).convert("P").save(tmp_path / "palette.png", transparency=0)
    pixels = load(tmp_path)[0][0]
    assert (pixels[:, 16, :] == 255).all()
    assert tuple(pixels[:, 48, 16]) == corners["bas gauche"] and tuple(pixels[:, 48, 48]) == corners["bas droite"]


def test_an_animation_gives_its_first_picture(tmp_path):
    frames = [four_corners(), Image.new("RGB", (128, 128), "black"), Image.new("RGB", (128, 128), "white")]
    frames[0].save(tmp_path / "animé.gif", save_all=True, append_images=frames[1:], duration=100)
    images, names = load(tmp_path)
    assert len(names) == 1
    check_corners(images[0], 3)


def test_every_rejected_file_is_named_with_its_reason(tmp_path, capsys):
    drawing(1).save(tmp_path / "bonne.png")
    (tmp_path / "texte.png").write_text("Ceci n'est pas une image.")
    (tmp_path / "vide.jpg").write_bytes(b"")
    four_corners().save(tmp_path / "entière.jpg", quality=95)
    whole = (tmp_path / "entière.jpg").read_bytes()
    (tmp_path / "coupée.jpg").write_bytes(whole[:len(whole) // 2])
    four_corners().save(tmp_path / "coupée.png")
    whole = (tmp_path / "coupée.png").read_bytes()
    (tmp_path / "coupée.png").write_bytes(whole[:len(whole) // 2])
    Image.new("1", (10_000, 10_000)).save(tmp_path / "géante.png")
    start = time.monotonic()
    images, names = load(tmp_path)
    assert time.monotonic() - start < 20
    text = capsys.readouterr().out
    assert names == ["bonne.png", "entière.jpg"] and len(images) == 2
    assert "7 images trouvées" in text and "2 gardées" in text
    reasons = dict(line.strip().removeprefix("écartée : ").rstrip(")").split(" (") for line in text.splitlines() if "écartée" in line)
    assert set(reasons) == {"texte.png", "vide.jpg", "coupée.jpg", "coupée.png", "géante.png"}
    assert "100 mégapixels" in reasons["géante.png"]
    assert "format inconnu" in reasons["texte.png"] and "incomplète" in reasons["coupée.jpg"] and "incomplète" in reasons["coupée.png"]


def test_a_large_photo_is_read(tmp_path):
    """24 mégapixels, comme en fait un téléphone : lue, et juste."""
    four_corners(5600, 4200).crop((700, 0, 4900, 4200)).save(tmp_path / "photo.jpg")
    images, names = load(tmp_path)
    assert images.shape == (1, 3, 64, 64)


def test_a_file_one_may_not_read_is_named(tmp_path):
    """Un vrai refus du système. L'administrateur lit tout : dans ce cas, la lecture se fait sous un autre compte, sans droits."""
    folder = tmp_path / "images"
    folder.mkdir()
    drawing(1).save(folder / "permise.png")
    drawing(2).save(folder / "interdite.png")
    (folder / "interdite.png").chmod(0)
    shutil.copy(root / "model_VAE_64.py", tmp_path)
    code = ("import os; from multiprocessing.pool import ThreadPool; ThreadPool(1).terminate(); from pathlib import Path; from PIL import Image; from model_VAE_64 import load_images\n"
            "Image.init()\n"
            "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "print(load_images(Path('images'), 64)[1])")
    places = [place for place in (folder, *folder.parents) if os.stat(place).st_uid == os.getuid() and place.parent != place]
    modes = {place: place.stat().st_mode for place in places}
    try:
        for place in places:
            place.chmod(modes[place] | 0o055)           # l'autre compte doit pouvoir arriver jusqu'aux images
        answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    finally:
        for place in places:
            place.chmod(modes[place])
    assert answer.returncode == 0, answer.stderr
    assert "écartée : interdite.png (lecture interdite)" in answer.stdout and "['permise.png']" in answer.stdout


def test_what_is_not_a_picture_is_passed_over_in_silence(tmp_path, capsys):
    """Ce que laissent macOS, Windows et les archives .zip ne compte pas ; les sous-dossiers, accents et espaces, oui."""
    junk = [".cachée.png", "__MACOSX/._chat.png", ".Spotlight/x.png", "Thumbs.db", "desktop.ini", "notes.txt", "factors.csv"]
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


# Le cache
@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Un dossier de 5 images dont la lecture a été gardée, comme si elle avait été longue (plus de 5 s à l'horloge)."""
    for number in range(5):
        drawing(number).save(tmp_path / f"{number}.png")
    (tmp_path / "texte.png").write_text("pas une image")
    clock = iter(range(0, 10**9, 10))
    with monkeypatch.context() as patch:
        patch.setattr(model_VAE_64.time, "time", lambda: next(clock))
        load(tmp_path)
    return tmp_path


def test_the_cache_is_used_and_right(cached, capsys):
    """Des images gâtées sans que leur taille ni leur date changent : si elles reviennent justes, c'est du cache."""
    fresh = np.stack([read_image(cached / f"{number}.png", 64)[0] for number in range(5)])
    for path in cached.glob("?.png"):
        before = path.stat()
        path.write_bytes(bytes(before.st_size))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    capsys.readouterr()
    images, names = load(cached)
    text = capsys.readouterr().out
    assert np.array_equal(images, fresh) and names == [f"{number}.png" for number in range(5)]
    assert "6 images trouvées" in text and "écartée : texte.png" in text


def test_the_cache_is_never_stale(cached):
    def check(expected):
        images, names = load(cached)
        assert np.array_equal(images, np.stack([read_image(cached / name, 64)[0] for name in names])) and names == expected

    Image.new("RGB", (64, 64), "white").save(cached / "2.png")               # une image change, sous le même nom
    check(["0.png", "1.png", "2.png", "3.png", "4.png"])
    (cached / "1.png").unlink()                                              # une image s'en va
    check(["0.png", "2.png", "3.png", "4.png"])
    (cached / "0.png").rename(cached / "9.png")                              # une image change de nom
    check(["2.png", "3.png", "4.png", "9.png"])
    drawing(7).save(cached / "texte.png")                                    # une image abîmée est réparée
    check(["2.png", "3.png", "4.png", "9.png", "texte.png"])


def test_another_size_does_not_use_the_same_cache(cached):
    assert load(cached, 32)[0].shape == (5, 3, 32, 32)


@pytest.mark.parametrize("damage", ["coupé", "texte", "vide"])
def test_a_damaged_cache_is_read_again(cached, damage):
    cache, = cached.glob("*.npz")
    expected = load(cached)[0]
    content = cache.read_bytes()
    cache.write_bytes({"coupé": content[:len(content) // 2], "texte": b"bonjour", "vide": b""}[damage])
    images, names = load(cached)
    assert np.array_equal(images, expected) and len(names) == 5
