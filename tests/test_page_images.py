"""Les images de la page : dossier, webcam, fichiers déposés, zips piégés, MNIST, CIFAR-10."""
import base64
import importlib
import io
import os
import pickle
import shutil
import socket
import struct
import sys
import zipfile
from hashlib import md5

import numpy as np
import pytest

pytest.importorskip("streamlit")
from page_kit import choose, one, open_saved, png, run, said, train, widget, zipped
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from torchvision import datasets

pytest_plugins = ["page_kit"]


class Upload:
    """Un fichier déposé, comme Streamlit le rend."""

    def __init__(self, name, content):
        self.name = name
        self.content = content

    def getvalue(self):
        return self.content


# Un dossier
def test_the_folder_and_an_unreadable_picture(page):
    assert "40 images" in said(page)
    assert "Pas encore d'images à vous" in said(choose(page, "Dossier images/"))
    page.kit.add_drawings(12)
    (page.kit.images / "abîmée.png").write_text("pas une image")
    assert "12 images" in said(run(page)) and "abîmée.png" in page.text[0].value
    shutil.rmtree(page.kit.images)
    page.kit.images.mkdir()
    assert "Aucune image" in said(run(page))


def test_a_folder_is_listed_once_and_a_strange_name_is_kept(own, monkeypatch):
    """Un nom que Python ne sait pas lire en UTF-8 n'écarte pas une bonne image."""
    folders = importlib.import_module("page.folders")
    own.add_drawings(3)
    if sys.platform.startswith("linux"):               # ailleurs, un tel nom n'existe pas
        (own.images / "dessin_001.png").rename(own.images / os.fsdecode(b"\xe9t\xe9.png"))
    walks = []
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda folder: walks.append(folder) or walk(folder))
    images, names, reasons = folders.read_folder(own.images, 32)
    assert len(names) == len(images) == 3 and not reasons and len(walks) == 1
    if sys.platform.startswith("linux"):
        assert "?t?.png" in names


# La webcam
def test_what_the_webcam_sends_is_kept_and_never_replaces_a_picture(own):
    """Un film par mouvement, numéroté à part ; la dernière image s'efface, d'où qu'elle vienne."""
    record = importlib.import_module("page.recorder")
    folder = own.images / "webcam"
    uri = "data:image/png;base64," + base64.b64encode(png(3)).decode()
    for kind in ("im", "m2", "m9", "m2", "im", "im", "m1"):
        record.save_frame(uri, folder, kind, "1 0")
    names = ["im_0001.png", "m2_0001.png", "m9_0001.png", "m2_0002.png", "im_0002.png",
             "im_0003.png", "m1_0001.png"]
    for number, name in enumerate(names):              # enregistrées l'une après l'autre
        os.utime(folder / name, ns=(number, number))
    assert len(list(folder.iterdir())) == len(names)
    with pytest.raises(SystemExit, match="refusée : format inconnu"):
        record.save_frame("data:image/png;base64,AAAA", folder, "im", "1 0")
    for kind in ("", "m0", "m10", "../im"):
        with pytest.raises(SystemExit, match="de 1 à 9"):
            record.save_frame(uri, folder, kind, "1 0")
    for name in reversed(names):
        record.erase_last(folder)
        assert not (folder / name).exists()
    assert not list(folder.iterdir())


def test_the_webcam_sends_no_giant_picture(own, monkeypatch):
    """Quelques ko qui annoncent 41 mégapixels : refusés avant d'être décompressés."""
    recorder = importlib.import_module("page.recorder")
    content = io.BytesIO()
    Image.new("1", (6500, 6400)).save(content, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    monkeypatch.setattr(PngImageFile, "load", lambda picture: pytest.fail("décompressée"))
    with pytest.raises(SystemExit, match="mégapixels"):
        recorder.save_frame(uri, own.images / "webcam", "im", "1 0")
    assert len(uri) < 50_000 and not (own.images / "webcam").exists()


# Des fichiers déposés
def test_uploaded_pictures_and_a_zip(page):
    assert "Choisissez ou enregistrez" in said(choose(page, "Mes fichiers"))
    files = [(f"{number}.png", png(number), "image/png") for number in range(8)]
    files.append(("note.png", b"bonjour", "image/png"))
    inside = {"chats/a.png": png(1), "chiens/b.png": png(2), ".cache/c.png": png(),
              "lisez.txt": b"texte"}
    files.append(("chats.zip", zipped(inside), ""))
    page.file_uploader("files").set_value(files)
    assert "10 images" in said(run(page)) and not page.error
    assert "note.png : format inconnu" in page.text[0].value
    widget(page, "epochs").set_value(1)
    run(page)
    learned = set(open_saved(train(page))[1]["train_names"])
    assert {"chats/chats/a.png", "0.png"} & learned


def test_two_files_of_one_name_are_both_kept(own):
    uploads = importlib.import_module("page.uploads")
    twice = [Upload("a.png", png(1)), Upload("a.png", png(2)),
             Upload("b.zip", zipped({"a.png": png(3)})), Upload("b.zip", zipped({"a.png": png(4)}))]
    images, names, reasons = uploads.read_uploads(twice, 32)
    assert names == ["a (2).png", "a.png", "b/a (2).png", "b/a.png"] and not reasons
    assert len({image.numpy().tobytes() for image in images}) == 4


def test_ten_zips_of_zeros_are_not_all_inflated(own, monkeypatch):
    """Le total est compté à mesure : au-delà, plus rien n'est décompressé."""
    uploads = importlib.import_module("page.uploads")
    monkeypatch.setattr(uploads, "max_bytes", 5_000_000)
    monkeypatch.setattr(uploads, "max_file", 1_000_000)
    zips = [Upload(f"{number}.zip", zipped({"a.png": b"0" * 1_000_000})) for number in range(10)]
    opened = []
    read = uploads.unzip

    def note(name, content, room):
        opened.append(name)
        return read(name, content, room)

    monkeypatch.setattr(uploads, "unzip", note)
    with pytest.raises(SystemExit, match="C'est trop"):
        uploads.unpack(zips)
    assert len(opened) == 6


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


bad = {
    "grimpe": ("a.zip", lambda: zipped({"../../a.png": png()}), "hors de son dossier"),
    "absolu": ("a.zip", lambda: zipped({"/etc/a.png": png()}), "hors de son dossier"),
    "disque": ("a.zip", lambda: zipped({"C:\\a.png": png()}), "hors de son dossier"),
    "barre inverse": ("a.zip", lambda: zipped({"b\\..\\a.png": png()}), "hors de son dossier"),
    "bombe": ("a.zip", lambda: zipped({f"{number}.png": b"0" * 30_000_000
                                       for number in range(17)}), "décompressé"),
    "bombe cachée": ("a.zip", lambda: forged({"a.png": b"0" * 400_000_000}), "abîmé"),
    "trop gros": ("a.zip", lambda: zipped({"a.png": b"0" * 40_000_000}), "plus de 30 Mo"),
    "trop de fichiers": ("a.zip", lambda: zipped({f"{number}.txt": b""
                                                  for number in range(10_001)}), "10000 fichiers"),
    "chiffré": ("a.zip", encrypted, "mot de passe"),
    "faux": ("a.zip", lambda: b"PK pas un zip", "abîmé"),
    "zip dans un zip": ("a.zip", lambda: zipped({"a.zip": zipped({"a.png": png()})}),
                        "Aucune image"),
    "faux png": ("a.png", lambda: b"<script>", "Aucune image lisible"),
    "eps": ("a.png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "Aucune image lisible"),
    "trop de pixels": ("a.png", lambda: png(size=9001), "mégapixels"),
    "coupé": ("a.zip", lambda: zipped({"a.png": png()})[:-30], "abîmé")}


@pytest.mark.parametrize("kind", bad)
def test_a_bad_upload_is_refused_with_a_sentence(own, kind):
    name, content, words = bad[kind]
    uploads = importlib.import_module("page.uploads")
    with pytest.raises(SystemExit, match=words) as refusal:
        uploads.read_uploads([Upload(name, content())], 64)
    assert str(refusal.value).endswith(".")


def test_a_bad_zip_does_not_block_good_files(own):
    uploads = importlib.import_module("page.uploads")
    files = [Upload("bon.png", png(1)), Upload("a.zip", zipped({"../a.png": png()})),
             Upload("bon.zip", zipped({"b.png": png(2)})), Upload("b.zip", b"PK pas un zip")]
    images, names, reasons = uploads.read_uploads(files, 32)
    assert names == ["bon.png", "bon/b.png"] and set(reasons) == {"a.zip", "b.zip"}


def test_a_refusal_is_shown_in_the_page(page):
    uploader = choose(page, "Mes fichiers").file_uploader("files")
    uploader.set_value([("a.zip", zipped({"../a.png": png()}), "")])
    assert "hors de son dossier" in said(run(page)) and page.error and not page.exception


# MNIST et CIFAR-10
def test_mnist_in_its_own_format(page):
    folder = page.kit.folder / "explore" / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in ("train", "t10k"):
        pixels = random.integers(0, 255, 120 * 784, np.uint8).tobytes()
        digits = bytes(number % 10 for number in range(120))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4i", 0x803, 120, 28, 28) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, 120) + digits)
    choose(page, "MNIST").number_input("count").set_value(100)
    assert "100 images" in said(run(page)) and not page.error
    widget(page, "epochs").set_value(1)
    run(page)
    learned = open_saved(train(page))[1]["train_names"]
    assert len(learned) == 90 and all(name[0] == name[-1] for name in learned)


def test_cifar_in_its_own_format(page, monkeypatch):
    folder = page.kit.folder / "explore" / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (30, 3072), np.uint8)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, md5((folder / name).read_bytes()).hexdigest()]

    batch = {"data": pixels, "labels": [number % 10 for number in range(30)]}
    files = [write(f"data_batch_{number}", batch) for number in range(1, 6)]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", files)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [write("test_batch", batch)])
    names = write("batches.meta", {"label_names": ["a"] * 10})[1]
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": names})
    assert "150 images" in said(choose(page, "CIFAR-10")) and not page.error
    sets = importlib.import_module("page.sets")
    images, names, reasons = sets.read_set("CIFAR-10", 4, 32)
    assert names == ["avion/00000", "voiture/00001", "oiseau/00002", "chat/00003"]
    assert np.array_equal(images[3].numpy(), pixels[3].reshape(3, 32, 32))


def test_no_network_is_a_sentence(page, monkeypatch):
    def nowhere(*args, **options):
        raise socket.gaierror("pas de réseau")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert "12 Mo à télécharger" in said(choose(page, "MNIST"))
    one(page.button, "Télécharger MNIST").click()
    assert "MNIST n'a pas pu être téléchargé" in said(run(page)) and page.error
