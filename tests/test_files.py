"""Écrire sans rien perdre, et partager les images d'un film honnêtement."""
import errno
import os
import re

import pytest
from conftest import drawing

from outils import files
from outils.share import split


# Écrire
def test_a_name_taken_meanwhile_is_not_erased(tmp_path, monkeypatch):
    """Dès que mon brouillon est devenu l'image, un autre script peut le reprendre."""
    path = tmp_path / "im_0001.png"
    theirs = tmp_path / "im_0001.png.incomplet"
    real = os.replace

    def replace(draft, target):
        real(draft, target)
        theirs.write_bytes(b"le brouillon d'un autre")

    monkeypatch.setattr(os, "replace", replace)
    files.write_new(path, b"une image")
    assert path.read_bytes() == b"une image"
    assert theirs.read_bytes() == b"le brouillon d'un autre"


def test_a_reserved_name_is_refused_and_left_alone(tmp_path):
    theirs = tmp_path / "im_0001.png.incomplet"
    theirs.write_bytes(b"le brouillon d'un autre")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "im_0001.png", b"une image")
    assert theirs.read_bytes() == b"le brouillon d'un autre"
    assert not (tmp_path / "im_0001.png").exists()


@pytest.mark.parametrize("number, advice", [
    (errno.ENOSPC, "libérez de la place"), (errno.EACCES, "ou copiez le kit"),
    (errno.EROFS, "ou copiez le kit"), (errno.EIO, "essayez dans un autre dossier")])
def test_each_trouble_has_its_own_advice(number, advice):
    sentence = files.why_not_written(OSError(number, os.strerror(number)))
    assert advice in sentence
    assert ("place" in sentence) == (number == errno.ENOSPC)


def test_a_disk_too_full_for_the_model_keeps_the_old_curves_too(kit):
    """Le modèle d'abord : jamais un vieux modèle à côté de nouvelles courbes."""
    kit.add_drawings().run("train_VAE.py", epochs=1)
    before = {name: (kit.folder / name).read_bytes() for name in kit.written()}
    # 1 Mo : de la place pour les courbes, pas pour le modèle
    program = kit.set("train_VAE.py", latent_size=3).start(
        "train_VAE.py", most_bytes=1_000_000)
    text = program.wait()
    assert program.process.returncode == 1 and "Impossible d'écrire" in text, text
    after = {name: (kit.folder / name).read_bytes() for name in kit.written()}
    assert after == before


# Partager
def film_names(kind, count):
    return [f"{kind}_{number:04d}.png" for number in range(1, count + 1)]


def number_of(name):
    return int(re.search(r"\d+", name.split("_")[1])[0])


@pytest.mark.parametrize("kinds", [["im"], ["m1", "m2", "m3"], ["im", "m1", "m2"]])
@pytest.mark.parametrize("proportion", [0.05, 0.1, 0.5])
def test_no_test_picture_of_a_film_has_a_learnt_neighbour(kinds, proportion):
    names = [name for kind in kinds for name in film_names(kind, 70)]
    train, test = (index.tolist() for index in split(names, proportion))
    assert train and test and not set(train) & set(test)
    for kind in kinds:
        learnt = [number_of(names[i]) for i in train if names[i].startswith(kind)]
        tested = [number_of(names[i]) for i in test if names[i].startswith(kind)]
        assert learnt and tested                    # chaque mouvement a les siens
        least = 4 if kind == "im" else 2
        assert min(abs(a - b) for a in learnt for b in tested) > least


@pytest.mark.parametrize("proportion", [0.05, 0.1, 0.5])
def test_a_film_in_a_subfolder_is_shared_by_whole_stretches_too(proportion):
    """Chaque dossier a les siennes ; et le film d'un autre dossier n'y change rien."""
    films = {(folder, kind): [folder + name for name in film_names(kind, 90)]
             for folder, kind in (("webcam/", "im"), ("léa/2/", "im"), ("léa/2/", "m1"), ("", "im"))}
    names = sum(films.values(), [])
    train, test = (index.tolist() for index in split(names, proportion))
    learnt, tested = {names[i] for i in train}, {names[i] for i in test}
    assert not learnt & tested
    tests = []
    for (folder, kind), film in films.items():
        around = 4 if kind == "im" else 2
        tests.append([number for number, name in enumerate(film, 1) if name in tested])
        assert tests[-1] and learnt & set(film)
        for number in tests[-1]:                    # ses voisines ne sont pas apprises
            near = film[max(0, number - 1 - around):number + around]
            assert not learnt & set(near)
        alone = split(film, proportion)
        assert {film[i] for i in alone[1]} == tested & set(film)
        assert {film[i] for i in alone[0]} == learnt & set(film)
    if proportion == 0.1:
        assert tests[0] != tests[1]                 # pas partout les mêmes numéros


def test_the_creatures_are_shared_alike_in_both_folders():
    names = [f"{number:04d}.png" for number in range(1, 1001)]
    here = split(names, 0.1)
    there = split(["demo/" + name for name in names], 0.1)
    assert [index.tolist() for index in here] == [index.tolist() for index in there]
    assert len(here[1]) == 100 and len(here[0]) == 900


def test_the_share_does_not_change_when_pictures_are_added():
    """Ce qui a servi au test n'est pas appris la fois d'après."""
    names = film_names("im", 200)
    more = film_names("im", 260)
    tested = {names[i] for i in split(names, 0.1)[1]}
    learnt = {more[i] for i in split(more, 0.1)[0]}
    assert tested and not tested & learnt


def test_a_few_pictures_of_a_film_are_shared_one_by_one():
    train, test = split(film_names("im", 30), 0.1)
    assert len(train) == 27 and len(test) == 3


def test_a_film_with_holes_still_has_test_pictures():
    """Des images effacées une à une : il ne reste que des bouts de tranches."""
    names = [name for name in film_names("im", 400) if number_of(name) % 20 < 4]
    train, test = split(names, 0.1)
    assert len(names) == 80 and len(train) > 0 and len(test) > 0
