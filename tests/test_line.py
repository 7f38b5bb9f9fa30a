"""La classe sur un ordinateur : la file et ses annonces, les limites, un disque plein."""
import errno
import importlib
import io
import os
import re
import sys
import threading
import time

import numpy as np
import pytest
import torch
from conftest import drawing, wait_for

pytest.importorskip("streamlit")
from page_kit import one, open_page, png, run, said, widget

pytest_plugins = ["page_kit"]


# La file, avec une fausse horloge
class Work:
    def __init__(self, amount, speed):
        self.amount = amount
        self.speed = speed                 # 1 : la vitesse de la salle
        self.share = 0
        self.turn = threading.Event()
        self.began = None                  # quand son tour est venu


class Room:
    """Des travaux qui avancent pendant que le test fait passer le temps."""

    def __init__(self, module, places):
        self.now = 100.0
        self.line = module.Line(places, lambda: self.now)
        self.pace = 0.004                  # secondes par image vue
        self.all = []

    def enter(self, amount=1000, speed=1):
        work = Work(amount, speed)
        self.all.append(work)
        self.line.join(work)
        self.look()
        return work

    def look(self):
        for work in self.all:
            if work.turn.is_set() and work.began is None:
                work.began = self.now

    def pass_time(self, seconds, step=0.1):
        for tick in range(round(seconds / step)):
            self.now += step
            for work in list(self.line.turns):
                work.share = min(1, work.share + step * work.speed / (self.pace * work.amount))
                if work.share == 1:
                    self.line.leave(work)
            self.look()


@pytest.fixture
def room(own):
    module = importlib.import_module("page.line")
    return lambda places=1: Room(module, places)


def test_the_first_come_are_the_first_served(room):
    """Jamais plus à la fois que de places, et chacun à son tour."""
    room = room(places=2)
    works = [room.enter(1000 + 300 * (number % 3)) for number in range(30)]
    assert [room.line.find_place(work) for work in works] == [0, 0, *range(1, 29)]
    most = 0
    while room.line.turns:
        most = max(most, len(room.line.turns))
        room.pass_time(0.1)
    began = [work.began for work in works]
    assert most == 2 and began == sorted(began) and None not in began


@pytest.mark.parametrize("places", [1, 3])
def test_the_wait_announced_is_the_real_one(room, places):
    """À 25 % près : dès que l'un a fini, puis de nouveau au milieu de la file."""
    room = room(places)
    works = [room.enter(amount) for amount in [1500, 800, 2500, 1200, 4000] * 6]
    announced = {}
    for moment in (10, 40):
        room.pass_time(moment)
        for work in room.line.waiting:
            announced[work, room.now] = room.line.find_wait(work)
    room.pass_time(300)
    assert len(announced) > 20
    for (work, now), seconds in announced.items():
        assert seconds == pytest.approx(work.began - now, rel=0.25, abs=1)


def test_a_slow_training_is_seen_and_announced(room):
    """Celui qui avance trois fois moins vite que les autres : on corrige avec ce qu'il montre."""
    room = room()
    room.enter(1000)
    room.pass_time(5)
    slow, last = room.enter(2000, speed=1 / 3), room.enter(1000)
    assert room.line.find_wait(last) == pytest.approx(8, rel=0.1)
    room.pass_time(6)
    seconds = room.line.find_wait(last)
    room.pass_time(seconds - 0.5)
    assert slow.share < 1
    room.pass_time(1)
    assert last.turn.is_set()


def test_a_pause_gives_the_place_back(room):
    """Elle ne retient personne ; ensuite, il reprend son tour, derrière les autres."""
    room = room()
    paused, second, third = room.enter(), room.enter(), room.enter()
    room.pass_time(2)
    room.line.leave(paused)
    assert not paused.turn.is_set() and second.turn.is_set()
    room.line.join(paused)
    room.line.join(paused)                             # deux fois : une seule place
    assert [room.line.find_place(work) for work in (third, paused)] == [1, 2]
    room.pass_time(8)
    assert paused.turn.is_set() and 0.4 < paused.share < 0.6
    assert room.line.find_left(paused) == pytest.approx(2, abs=0.3)
    room.line.leave(third)                             # déjà parti : rien ne change
    assert paused.turn.is_set()


def test_who_leaves_the_line_lets_the_others_pass(room):
    room = room()
    first, second, third = room.enter(), room.enter(), room.enter()
    room.line.leave(second)
    assert room.line.find_place(third) == 1 and room.line.find_place(second) == 0
    room.line.leave(first)
    assert third.turn.is_set() and not second.turn.is_set()


def test_what_is_announced_is_said_simply(own):
    tell_place = importlib.import_module("page.line").tell_place
    assert tell_place(3, 178) == "place 3 dans la file : votre tour dans 3 min environ"
    assert tell_place(1, 0.2) == "place 1 dans la file : votre tour dans 5 s environ"
    for seconds in range(20, 1000):                    # arrondi, et toujours à 25 % près
        number, unit = tell_place(1, seconds).split("tour dans ")[1].split()[:2]
        assert int(number) * (60 if unit == "min" else 1) == pytest.approx(seconds, rel=0.25)


# De vrais entraînements
@pytest.fixture
def trainer(own, monkeypatch):
    """De quoi préparer un entraînement sans page, dans l'espace d'un visiteur."""
    training = importlib.import_module("page.training")
    settings = importlib.import_module("train_VAE").settings
    monkeypatch.setattr(training.line, "places", 1)

    def make(visitor, count=40, place="Jouer", **changes):
        pictures = [np.asarray(drawing(number)) for number in range(count)]
        images = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2)
        names = [f"{number}.png" for number in range(count)]
        folder = own.folder / "explore" / "espaces" / visitor / "modeles"
        folder.parent.mkdir(parents=True, exist_ok=True)
        return training.Training({**settings, "epochs": 3, **changes}, images, names,
                                 {"source": "essai", "fingerprint": "a"}, threading.Event(),
                                 folder, place)

    make.module = training
    return make


def test_real_trainings_wait_as_announced(trainer, monkeypatch):
    """Neuf visiteurs, une place : l'attente annoncée, une fois le premier fini, est la vraie.

    Le temps est celui que passe le processeur sur ce programme. Une machine surchargée va
    pourtant jusqu'à deux fois moins vite après l'annonce : toutes se trompent alors ensemble.
    Avant eux, un autre, comme celui des créatures : le premier réveille torch."""
    line = trainer.module.line
    monkeypatch.setattr(line, "clock", time.process_time)
    trainer("créatures").run()
    line.measured.clear()
    trainings = []
    for number in range(9):
        training = trainer(f"v{number}", epochs=8 + 4 * (number % 3))
        trainings.append(trainer.module.enter(f"v{number}", training))
    wait_for(lambda: trainings[1].turn.is_set(), 60, "la fin du premier")
    now = line.clock()
    announced = {training: line.find_wait(training) for training in trainings[2:]}
    assert list(announced.values()) == sorted(announced.values())
    for training in trainings[2:]:
        wait_for(training.turn.is_set, 60, "son tour")
        announced[training] /= line.clock() - now
    for training in trainings:
        training.join(60)
    assert all(training.path for training in trainings)
    ratios = np.array(list(announced.values()))
    drift = np.median(ratios)
    assert 0.5 < drift < 2 and (abs(ratios / drift - 1) < 0.25).all(), ratios


def test_one_training_a_visitor(trainer):
    """Presser deux fois, ou dans deux onglets à la fois, n'en lance qu'un."""
    enter = trainer.module.enter
    first = enter("a", trainer("a", epochs=1000))
    barrier, kept = threading.Barrier(8), []

    def press():
        training = trainer("b")
        barrier.wait()
        kept.append(enter("b", training))

    threads = [threading.Thread(target=press) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(kept)) == 1 and trainer.module.line.find_place(kept[0]) == 1
    first.stop_asked.set()
    kept[0].join(60)
    assert kept[0].path
    again = trainer("b")
    assert enter("b", again) is again                  # le sien est fini : il peut
    again.join(60)


def test_leaving_the_line_and_pausing(trainer):
    line, enter = trainer.module.line, trainer.module.enter
    first = enter("a", trainer("a", epochs=1000))
    second, third = enter("b", trainer("b")), enter("c", trainer("c"))
    second.stop_asked.set()
    second.join(5)
    assert "Sorti de la file" in second.sentence and line.find_place(third) == 1
    wait_for(lambda: first.history, 60, "une époque")
    first.running.clear()
    third.join(60)                                     # la pause ne retient pas la file
    assert third.path and not first.turn.is_set()
    share = first.share
    first.running.set()
    wait_for(lambda: first.share > share, 60, "la suite")
    trainer.module.stop_all(30)
    assert first.path and not first.is_alive() and not line.turns


def test_a_tablet_that_sleeps_keeps_its_place(trainer, monkeypatch):
    """En classe, dix minutes ; sur un ordinateur seul, trente secondes."""
    space = importlib.import_module("page.space")
    training = trainer("a")
    training.closing.set()
    training.seen -= 60
    assert training.is_over()
    monkeypatch.setattr(space, "shared", True)
    assert not training.is_over()
    training.seen -= 600
    assert training.is_over()


def test_the_mark_of_a_training_that_was_cut(trainer, monkeypatch):
    """Il y a un fichier en_cours tant que l'entraînement attend ou apprend, puis plus rien."""
    monkeypatch.setattr(importlib.import_module("page.space"), "shared", True)
    first = trainer.module.enter("a", trainer("a", epochs=1000))
    second = trainer.module.enter("b", trainer("b"))
    marks = [trainer.module.find_mark(training.folder) for training in (first, second)]
    assert all(mark.exists() for mark in marks)
    trainer.module.stop_all(30)
    assert not any(mark.exists() for mark in marks)


def test_the_creatures_are_learnt_once_for_the_class(own, monkeypatch):
    """Par le serveur, avant que personne n'entre ; la file sait alors déjà sa vitesse."""
    space = importlib.import_module("page.space")
    monkeypatch.setattr(space, "shared", True)
    training = importlib.import_module("page.training")
    space.shown.mkdir(parents=True)
    training.learn_creatures(space.shown)
    path, = space.shown.iterdir()
    assert re.fullmatch(r"VAE_\w{6}_10_classe.pth", path.name)
    assert [path.name for path in space.spaces.iterdir()] == ["montres"]
    assert training.line.measured


def test_a_pupil_who_learns_the_same_keeps_his_own(visit):
    """Le modèle de la classe n'en cache aucun, même appris avec les mêmes réglages."""
    training = importlib.import_module("page.training")
    space = importlib.import_module("page.space")
    training.learn_creatures(space.shown)
    first = visit(1)
    assert first.page.session_state["model"].endswith("_classe")
    first.press("Entraîner")
    mine = first.training
    mine.join(60)
    page = first.run()
    assert page.session_state["model"] == mine.path.stem and mine.path.parent.parent == first.folder
    assert len(page.selectbox("model").options) == 2


# Un visiteur, dans la page
class Visit:
    """La page d'un visiteur de la classe, sans navigateur ni porte."""

    def __init__(self, kit, space, monkeypatch, name):
        self.enter = lambda: monkeypatch.setattr(space, "name", lambda: name)
        self.folder = space.spaces / name
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        self.enter()
        self.page = open_page(kit)

    def run(self):
        self.enter()
        return run(self.page)

    def press(self, words):
        self.enter()
        one(self.page.button, words).click()
        return self.run()

    @property
    def training(self):
        return self.page.session_state["training"]


@pytest.fixture
def visit(own, monkeypatch):
    space = importlib.import_module("page.space")
    monkeypatch.setattr(space, "shared", True)
    space.shown.mkdir(parents=True)
    module = importlib.import_module("page.training")
    monkeypatch.setattr(module.line, "places", 1)
    yield lambda number: Visit(own, space, monkeypatch, f"{number:016x}")
    module.stop_all(60)


def progress(page):
    return page.get("progress")[0].proto.text


def test_a_class_waits_in_line(visit):
    """Le premier entraîne, le second voit sa place ; il peut quitter la file, et y revenir."""
    first = visit(1)
    assert first.training is None                      # rien ne s'entraîne tout seul
    widget(first.page, "epochs").set_value(1000)
    first.press("Entraîner")
    second = visit(2)
    page = second.press("Entraîner")
    assert "place 1 dans la file : votre tour dans" in progress(page)
    assert one(page.button, "Dans la file").disabled
    assert not [button for button in page.button if button.label == "Pause"]
    left = second.training
    second.press("Arrêter")
    left.join(10)
    assert "Sorti de la file" in said(second.run()) and second.training is None
    assert "place 1 dans la file" in progress(second.press("Entraîner"))
    stopped = first.training
    wait_for(lambda: stopped.history, 60, "une époque")
    first.press("Arrêter")
    stopped.join(60)
    wait_for(second.training.turn.is_set, 10, "son tour")
    assert "époque" in progress(second.run())
    page = first.run()
    assert page.session_state["model"] == stopped.path.stem
    assert "Arrêté : les époques finies" in page.toast[0].value


def test_two_tabs_of_one_visitor(visit):
    """Pressé dans l'un puis dans l'autre : le même entraînement ; rechargé, on le retrouve."""
    visit(1).press("Entraîner")
    first, second = visit(2), visit(2)
    first.press("Entraîner")
    second.press("Entraîner")
    assert second.training is first.training
    assert "Un entraînement à la fois" in second.page.toast[0].value
    again = visit(2)
    assert again.training is first.training and "vous attendait" in again.page.toast[0].value
    other = visit(3)
    assert other.training is None and not other.page.toast


def test_a_training_cut_with_the_server_is_said_once(visit):
    first = visit(1)
    (first.folder / "en_cours").touch()                # ce que laisse un serveur tué
    again = visit(1)
    assert "redémarré" in again.page.toast[0].value
    assert not visit(1).page.toast


# Les limites
def test_each_limit_is_a_sentence(own, monkeypatch, tmp_path):
    limits, space, kit = (importlib.import_module(f"page.{name}")
                          for name in ("limits", "space", "kit"))
    settings = kit.usual_settings
    folder = tmp_path / "espace" / "images"
    models = folder.with_name("modeles")
    folder.mkdir(parents=True)
    models.mkdir()
    for number in range(3):
        (folder / f"im_{number}.png").write_bytes(bytes(100))
        (models / f"{number}.pth").write_bytes(bytes(100))
    files = [io.BytesIO() for number in range(3)]
    for file in files:
        file.size = 20_000_000
    tries = {
        "3 images de la webcam": (limits.check_picture, (folder,), {"most_pictures": 3}),
        "presque plein": (limits.check_picture, (folder,), {"least_free": 10**18}),
        "fermé par le professeur": (limits.check_picture, (tmp_path / "a" / "b",), {}),
        "3 modèles": (limits.check_model, (models,), {"most_models": 3}),
        "dépassent 0 Mo": (limits.check_model, (models,), {"most_bytes": 299}),
        "5000 au plus": (limits.check_work, (5001, settings), {}),
        "passages au plus": (limits.check_work, (200, settings | {"epochs": 1000}), {}),
        "50 Mo au plus": (limits.check_upload, (files,), {}),
        "le professeur le télécharge": (limits.check_set, ("MNIST",), {})}
    for words, (check, values, changes) in tries.items():
        with monkeypatch.context() as change:
            for name, value in changes.items():
                change.setattr(limits, name, value)
            check(*values)                             # seul sur cet ordinateur : rien
            change.setattr(space, "shared", True)
            with pytest.raises(SystemExit, match=words):
                check(*values)
    monkeypatch.setattr(space, "shared", True)
    limits.check_picture(folder)
    limits.check_model(models)
    limits.check_work(1000, settings)                  # les créatures
    limits.check_work(200, settings | {"epochs": 100})
    limits.check_work(3000, settings)                  # MNIST, comme la page le propose
    limits.check_work(5000, settings | {"epochs": 1, "batch_size": 1, "images_size": 128,
                                        "decoder": "broadcast"})
    limits.check_upload(files[:2])


def test_the_bound_that_is_said_is_accepted(own, monkeypatch):
    limits, space, kit = (importlib.import_module(f"page.{name}")
                          for name in ("limits", "space", "kit"))
    monkeypatch.setattr(space, "shared", True)
    settings = kit.usual_settings | {"epochs": 1000, "decoder": "broadcast"}
    with pytest.raises(SystemExit) as refused:
        limits.check_work(150, settings)
    epochs = int(re.search(r"(\d+) passages au plus", str(refused.value))[1])
    limits.check_work(150, settings | {"epochs": epochs})
    with pytest.raises(SystemExit):
        limits.check_work(150, settings | {"epochs": epochs + 1})


def test_a_visitor_over_a_limit_reads_it(visit, monkeypatch):
    """Rien n'entre dans la file, et ce qui est là n'a pas bougé."""
    limits = importlib.import_module("page.limits")
    monkeypatch.setattr(limits, "most_work", 100)
    page = visit(1).press("Entraîner")
    assert "trop long pour la classe" in said(page) and not page.session_state["training"]
    assert not importlib.import_module("page.training").visits


# Un disque plein
def test_a_full_disk_loses_nothing(visit, monkeypatch):
    """Ce qui était écrit reste entier, rien n'est à moitié écrit, et une phrase le dit."""
    first = visit(1)
    kit = importlib.import_module("page.kit")
    images = first.folder / "images"
    widget(first.page, "epochs").set_value(1)
    first.press("Entraîner")
    training = first.training
    training.join(60)
    picture = kit.save_numbered(png(1), images, "im", "png")
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    assert {picture, training.path} < set(before)

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit, match="le disque est plein"):
        kit.save_numbered(png(2), images, "im", "png")
    first.run()
    first.press("Entraîner")
    second = first.training
    second.join(60)
    assert second.path is None and "le disque est plein" in said(first.run())
    after = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    assert after == before


# Le tableau du professeur
@pytest.fixture
def board(visit, own, monkeypatch):
    """Le tableau, et deux élèves : l'un entraîne, l'autre attend."""
    monkeypatch.delitem(sys.modules, "room.door", raising=False)
    door = importlib.import_module("room.door")
    space = importlib.import_module("page.space")
    pupils = [visit(number) for number in (1, 2)]
    for pupil in pupils:
        widget(pupil.page, "epochs").set_value(1000)
        door.present[pupil.folder.name] = 1
        pupil.press("Entraîner")
    teacher = Visit(own, space, monkeypatch, space.teacher)
    teacher.door, teacher.pupils, teacher.spaces = door, pupils, space.spaces
    return teacher


def nickname(pupil):
    return re.search(r"Votre espace : \*\*(.*?)\*\*", said(pupil.page))[1]


def rows(teacher):
    """Ce que le tableau dit de chaque espace : {surnom: présent}."""
    words = [html.body for html in teacher.page.html]
    found = [re.fullmatch(r"(.*)<b>(.*)</b>", text) for text in words]
    return {row[2]: "●" in row[1] for row in found if row}


def test_the_board_says_who_trains_and_who_waits(board):
    first, second = board.pupils
    for name in range(3, 30):
        (board.spaces / f"{name:016x}" / "images").mkdir(parents=True)
    (first.folder / "images" / "im_0001.png").write_bytes(png())
    board.run()
    values = {metric.label: metric.value for metric in board.page.metric}
    assert values["Élèves présents"] == "2 sur 29"
    assert (values["Entraînent"], values["Dans la file"]) == ("1", "1")
    texts = [bar.proto.text for bar in board.page.get("progress")]
    assert len(texts) == 2 and "époque" in texts[0] and "place 1 dans la file" in texts[1]
    here = rows(board)
    assert len(here) == 29                             # tous les surnoms sont différents
    assert [name for name in here if here[name]] == [nickname(first), nickname(second)]
    assert "1 image, 0 modèle" in said(board.page)
    assert "data:image" not in str(board.page)         # jamais l'image de quelqu'un
    assert rows(board) == here and list(rows(board)) == list(here)


def test_the_teacher_stops_one_training_or_all(board):
    first, second = board.pupils
    training, waiting = first.training, second.training
    wait_for(lambda: training.history, 60, "une époque")
    board.enter()
    board.page.button(f"end {first.folder.name}").click()
    board.run()
    training.join(60)
    assert training.path and "Arrêté : les époques finies" in first.run().toast[0].value
    wait_for(lambda: waiting.history, 60, "son tour")
    board.press("Arrêter tous")
    waiting.join(60)
    assert waiting.path and one(board.run().button, "Arrêter tous").disabled


def test_the_teacher_deletes_a_space(board):
    """Son entraînement d'abord ; rien n'en reste, même ce qu'il montrait ; l'autre continue."""
    first, second = board.pupils
    training = first.training
    shown = board.spaces / "montres" / f"VAE_aaaaaa_10_{first.folder.name[:6]}.pth"
    shown.write_bytes(b"")
    board.enter()
    board.page.button(f"delete {first.folder.name}").click()
    board.run()
    assert not training.is_alive() and not first.folder.exists() and not shown.exists()
    assert list(rows(board)) == [nickname(second)]
    wait_for(second.training.turn.is_set, 10, "son tour")


def test_the_teacher_takes_back_a_shown_model(board):
    first = board.pupils[0]
    training = first.training
    wait_for(lambda: training.history, 60, "une époque")
    first.press("Arrêter")
    training.join(60)
    shown = board.spaces / "montres" / f"{training.path.stem}_{first.folder.name[:6]}.pth"
    shown.write_bytes(training.path.read_bytes())
    texts = [text.value for text in board.run().markdown]
    assert any(text.startswith(f"{nickname(first)} : montré · VAE") for text in texts)
    board.press("Ne plus le montrer")
    assert not shown.exists() and training.path.exists()
    assert "Montrés à la classe" not in str(board.page.markdown)


def test_the_teacher_ends_the_hour(board, monkeypatch):
    ended = []
    monkeypatch.setattr(board.door, "end", lambda: ended.append(True))
    board.press("Oui, finir l'heure")
    assert ended


def test_the_teacher_sees_the_page_as_a_pupil(board):
    board.enter()
    one(board.page.toggle, "Voir la page").set_value(True)
    page = board.run()
    assert not page.metric and "Votre espace : **professeur**" in said(page)
    board.press("Entraîner")
    assert "place 2 dans la file" in progress(board.page)
    one(board.page.toggle, "Voir la page").set_value(False)
    values = {metric.label: metric.value for metric in board.run().metric}
    assert values["Dans la file"] == "2"
