"""La page, sans navigateur : chaque réglage, chaque onglet, les entraînements, les modèles."""
import importlib
import io
import pickle
import re
import shutil
import threading

import numpy as np
import pytest
import torch
from conftest import drawing, root, wait_for
from drawn_film import draw_movements
from torch.torch_version import TorchVersion

pytest.importorskip("streamlit")
from PIL import Image
from streamlit.testing.v1 import AppTest
from page_kit import (one, open_page, open_saved, run, said, train, turn, wait_end, widget,
                      zipped)

pytest_plugins = ["page_kit"]
shown = ["beta", "reconstruction", "latent_size", "epochs", "independent_axes", "decoder",
         "task", "batch_size", "learning_rate", "images_size", "test_data_proportion",
         "augmentation"]
script = (root / "train_VAE.py").read_text("utf-8")
zone = {line.split(" = ")[0]: line for line in script.splitlines() if "#***" in line}
kinds = {"auto-encodeur": (0, "mse"), "VAE": (1, "mse"), "bêta-VAE": (4, "mse"),
         "sigma-VAE": (1, "gaussian")}


# Les réglages
def test_the_first_visit_trains_by_itself(own):
    """Rien à faire : les créatures sont apprises, et le modèle est ouvert."""
    page = open_page(own)
    assert page.session_state["training"]
    wait_end(page)
    path, = own.models.glob("VAE*_10.pth")
    assert page.session_state["model"] == path.stem
    assert not page.session_state["began"] and not page.error


def test_each_setting_comes_from_the_zone_and_goes_back_to_it(page):
    """Son départ, son aide, ce qu'il accepte ; puis une autre valeur, dans le bloc à coller."""
    assert page.code[0].value.splitlines() == [zone[name] for name in zone if name in shown]
    limits = importlib.import_module("page.kit").limits
    others = {"beta": 2.5, "reconstruction": "laplace", "latent_size": 7, "epochs": 3,
              "independent_axes": False, "decoder": "broadcast", "task": "denoise",
              "batch_size": 8, "learning_rate": 0.001, "images_size": 32,
              "test_data_proportion": 0.25, "augmentation": True}
    for name in shown:
        element = widget(page, name)
        assert f"{name} : {zone[name].split('#*** ')[1]}" in (element.label, element.help)
        value = others[name]
        if name in limits and not isinstance(limits[name][0], int):
            value = str(value).replace(".", ",")           # une virgule, comme en français
        elif name in limits:
            assert (element.min, element.max) == limits[name]
        element.set_value(value)
        run(page)
        line = f"{name} = {others[name]!r}".replace("'", '"').ljust(28)
        assert line + zone[name][28:] in page.code[0].value
    model, saved = open_saved(train(page))
    assert {name: saved["settings"][name] for name in shown} == others
    assert model.sample(1).shape == (1, 3, 32, 32)


@pytest.mark.parametrize("text", ["mille", "", "-1", "1e9", "nan"])
def test_a_wrong_number_is_a_sentence(page, text):
    widget(page, "beta").set_value(text)
    assert "écrivez un nombre de 0 à 1000" in said(run(page)) and len(page.error) == 1


def test_the_kind_follows_the_settings_and_they_follow_it(page):
    for kind, values in kinds.items():
        one(page.radio, "Sorte").set_value(kind)
        run(page)
        assert (float(widget(page, "beta").value), widget(page, "reconstruction").value) == values
        assert one(page.radio, "Sorte").value == kind
    widget(page, "beta").set_value("0")
    assert one(run(page).radio, "Sorte").value == "auto-encodeur"
    widget(page, "beta").set_value("2")
    widget(page, "reconstruction").set_value("mse")
    assert one(run(page).radio, "Sorte").value == "bêta-VAE"


# Les lieux
# ce pour quoi chacun est fait ; un bidi_component est un des composants de la page
places = {("Jouer", None): "bidi_component", ("Comparer", None): "multiselect",
          ("Comprendre", None): "radio", ("Atelier", "Modèles"): "download_button",
          ("Atelier", "Images redessinées"): "html", ("Atelier", "Images inventées"): "html",
          ("Atelier", "Courbes"): "bidi_component"}


def kinds_inside(block):
    """Les sortes d'éléments d'un bloc de la page, et de ses blocs."""
    kinds = set()
    for child in block.children.values():
        if hasattr(child, "children"):
            kinds |= kinds_inside(child)
        else:
            kinds.add(child.type)
    return kinds


@pytest.mark.parametrize("kind", kinds)
def test_every_place_shows_something_and_complains_of_nothing(page, kind, monkeypatch):
    one(page.radio, "Sorte").set_value(kind)
    widget(page, "epochs").set_value(2)
    train(page)
    for (place, bench), content in places.items():
        turn(page, place, bench)
        assert not page.error, (place, bench, said(page))
        assert content in kinds_inside(page.main), (place, bench)
    figures = []
    curves = importlib.import_module("page.curves")
    monkeypatch.setattr(curves, "show_figures", lambda key, data: figures.append(data))
    turn(page, "Atelier", "Courbes")
    assert figures[-1].count("<polyline") == (2 if kind == "auto-encodeur" else 6)
    assert ("KL" in figures[-1]) == (kind != "auto-encodeur")


# Le studio
def open_view(page):
    """Le modèle ouvert devant les images de la page."""
    following, sources = (importlib.import_module(f"page.{name}") for name in ("following", "sources"))
    folders = importlib.import_module("page.folders")
    demo = folders.folders[folders.creatures]
    data = sources.Data(folders.creatures, 0, folders.folder_stamp(demo), [])
    return following.view_model(page.session_state["model"], data)


def test_the_studio_answers_like_the_network(page):
    """Une image, ou ce que voit la webcam : mu et sigma ; un code : son image, dans l'ordre des curseurs."""
    studio, pictures = (importlib.import_module(f"page.{name}") for name in ("studio", "pictures"))
    view = open_view(page)
    described, one_image = studio.describe(view), studio.answer(view, {"image": 3})
    with torch.no_grad():
        mu, logvar = view.model.encode(view.images[3:4] / 255)
        redrawn = view.model.decode(mu)[0]
    assert one_image["mu"] == pytest.approx(mu[0, view.order].tolist(), abs=1e-5)
    assert one_image["sigma"] == pytest.approx(torch.exp(logvar[0, view.order] / 2).tolist())
    assert one_image["picture"] == pictures.to_uri(redrawn)
    assert described["codes"][3] == pytest.approx(one_image["mu"], abs=0.01)
    moved = list(one_image["mu"])
    moved[1] += 2
    code = mu[0].clone()
    code[view.order[1]] += 2
    answered = studio.answer(view, {"z": moved, "ground": [0, 1]})
    with torch.no_grad():
        expected = pictures.to_uri(view.model.decode(code[None])[0])
    assert answered["picture"] == expected and "mu" not in answered
    assert answered["ground"].startswith("data:image/jpeg")
    seen = studio.answer(view, {"picture": one_image["seen"]})
    assert seen["mu"] == pytest.approx(one_image["mu"], abs=1e-4)


def test_what_is_taken_home(page):
    """La page, avec les noms donnés ; l'image et le film du studio."""
    taking = importlib.import_module("page.taking")
    view = open_view(page)
    far = [2.0] * len(view.order)
    told = {"ask": {"model": view.name, "z": far},
            "names": {"model": view.name, "names": {"z1": "le ciel"}}}
    content = taking.take_model(view, told).decode()
    assert "le ciel" in content and "MODELE" not in content
    picture = Image.open(io.BytesIO(taking.take_picture(view, told)))
    assert picture.tobytes() != Image.open(io.BytesIO(taking.take_picture(view, {}))).tobytes()
    film = Image.open(io.BytesIO(taking.take_film(view, told)))
    assert picture.format == "PNG" and picture.size == (512, 512) and film.n_frames > 10
    turn(page, "Jouer")
    buttons = page.get("download_button")
    assert [button.label for button in buttons] == [
        "Emporter le modèle (un fichier)", "Garder l'image", "Faire un film"]
    for promise in ("l'accord de chacun", "demandez-lui", "demandez à ceux"):
        assert promise in said(page)


def test_the_films_of_the_workshop(page):
    """De A à B, à côté des deux images ; la carte, à celui qui vient d'entraîner le modèle."""
    taking, training = (importlib.import_module(f"page.{name}") for name in ("taking", "training"))
    turn(page, "Atelier", "Images inventées")
    path, = page.get("download_button")
    assert path.label == "Faire un film de A à B" and "demandez-lui" in said(page)
    widget(page, "epochs").set_value(2)
    train(page)
    turn(page, "Atelier", "Courbes")
    button, = page.get("download_button")
    assert button.label == "Faire un film de la carte" and "l'accord de chacun" in said(page)
    mine = training.visits[page.session_state["visitor"]]
    start, middle, end = mine.codes        # avant d'apprendre, puis après chaque époque
    assert not start.equal(middle) and end.equal(mine.view.mu)
    film = Image.open(io.BytesIO(taking.take_map(open_view(page), mine)))
    assert film.format == "GIF" and film.n_frames > 12
    other = open_page(page.kit)            # un autre visiteur, devant le même modèle
    turn(other, "Atelier", "Courbes")
    assert not other.get("download_button")


def test_a_dead_slider_is_last_and_says_so(page):
    studio = importlib.import_module("page.studio")
    view = open_view(page)
    view.saved["importance"][view.order[-1]] = 0.01
    assert studio.describe(view)["dead"] == [False, False, False, True]


def test_the_questions_before_and_after(page):
    """Avant, rien n'est corrigé ; après, tout est expliqué, et les deux fois sont comptées."""
    turn(page, "Comprendre")
    lesson = importlib.import_module("page.views.lesson")
    questions = lesson.read_questions()
    assert len(questions) == 8
    page.radio("part").set_value(lesson.before)
    run(page)
    for number, (question, answers, right, why) in enumerate(questions, start=1):
        good = number <= 3                             # avant : trois justes
        page.radio(f"{lesson.before} {number}").set_value(answers[right - (not good)])
    assert "Oui." not in said(run(page)) and "Non." not in said(page)
    page.radio("part").set_value(lesson.after)
    run(page)
    for number, (question, answers, right, why) in enumerate(questions, start=1):
        page.radio(f"{lesson.after} {number}").set_value(answers[right - 1])
        assert f"Non. {why}" in said(run(page))
        if number > 1:                                 # après : sept justes
            page.radio(f"{lesson.after} {number}").set_value(answers[right])
            assert f"Oui. {why}" in said(run(page))
    table = page.table[0].value
    assert (table[lesson.before] == "✓").tolist() == [True] * 3 + [False] * 5
    assert (table[lesson.after] == "✓").tolist() == [False] + [True] * 7
    assert "Avant : 3 sur 8. Après : 7 sur 8." in said(page)


# L'entraînement et les modèles
def test_training_always_trains_and_says_what_is_next(page):
    """Même deux fois les mêmes réglages : un autre fichier, et l'on va jouer avec."""
    widget(page, "epochs").set_value(2)
    path = train(page)
    saved = open_saved(path)[1]
    assert len(saved["history"]) == 2 and saved["settings"]["model_name"] == path.stem
    assert all(name.startswith("demo/") for name in saved["train_names"])
    assert "C'est appris" in page.toast[0].value
    turn(page, "Atelier")
    assert not page.toast
    assert train(page).stem == f"{path.stem}_2" and page.session_state["lieu"] == "Jouer"


def test_the_first_training_does_not_wait_for_the_welcome(own):
    """Celui de l'arrivée, en cours, cède le pas : le bouton entraîne tout de suite."""
    page = open_page(own)
    welcome = page.session_state["training"]
    widget(page, "epochs").set_value(2)
    run(page)
    path = train(page)
    assert path.stem.endswith("_2") and page.session_state["began"] and not page.error
    welcome.join(60)
    assert not welcome.is_alive() and welcome.stop_asked.is_set()


def test_opening_a_model_gives_its_settings_to_the_form(page):
    """Et l'adresse dit lequel ; une adresse donnée rouvre le modèle, sans toucher aux réglages."""
    first = page.session_state["model"]
    for name, value in {"epochs": 2, "latent_size": 6, "beta": "4"}.items():
        widget(page, name).set_value(value)
    second = train(page).stem
    address = dict(page.query_params)
    assert address["modele"] == second and address["beta"] == "4"
    page.selectbox("model").set_value(first)
    run(page)
    values = {name: widget(page, name).value for name in ("epochs", "latent_size", "beta")}
    assert values == {"epochs": 10, "latent_size": 4, "beta": "1"}
    assert page.query_params["modele"] == first
    page.query_params = address               # le bouton Retour
    assert run(page).session_state["model"] == second and widget(page, "beta").value == "4"
    page.query_params = {"epochs": "99999", "beta": "x", "decoder": "y", "latent_size": "7"}
    run(page)
    values = {name: widget(page, name).value for name in ("epochs", "latent_size", "beta", "decoder")}
    assert values == {"epochs": 10, "latent_size": 7, "beta": "1", "decoder": "convolution"}


def test_a_link_keeps_its_settings_when_the_first_model_comes(own):
    """Arrivé avec ?beta=3 : le modèle que la page apprend seule ne change pas le formulaire."""
    path = str(own.folder / "explore" / "app_VAE.py")
    page = AppTest.from_file(path, default_timeout=120)
    page.kit, page.query_params["beta"] = own, "3"
    run(page)
    wait_end(page)
    assert page.session_state["model"] and widget(run(page), "beta").value == "3"


def test_few_pictures_ask_for_more_passes(page):
    """40 images : dix passages n'apprennent presque rien, la page en propose cent."""
    one(page.button, "40 images : plutôt 100 passages").click()
    assert widget(run(page), "epochs").value == 100
    assert not [button for button in page.button if "plutôt" in button.label]


def test_the_same_with_a_dearer_price_is_compared(page):
    """Un bouton entraîne le même avec beta = 20, puis les deux sont côte à côte."""
    widget(page, "epochs").set_value(2)
    first = train(page).stem
    turn(page, "Comparer")
    one(page.button, "beta = 20").click()
    run(page)
    wait_end(page)
    assert page.session_state["lieu"] == "Comparer"
    second = page.session_state["model"]
    assert open_saved(page.kit.models / f"{second}.pth")[1]["settings"]["beta"] == 20
    assert {first, second} <= set(page.session_state["compared"])
    assert len(set(page.table[0].value.index)) == len(page.session_state["compared"])


def test_stop_keeps_what_is_learnt(page):
    widget(page, "epochs").set_value(1000)
    one(page.button, "Entraîner").click()
    wait_for(lambda: len(run(page).session_state["training"].history) > 1, 120, "deux époques")
    one(page.button, "Pause").click()
    run(page)
    training = page.session_state["training"]

    def still():
        before = training.share
        threading.Event().wait(1)
        return training.share == before

    wait_for(still, 60, "la pause")
    share = training.share
    assert one(run(page).button, "Continuer") and "en pause" in page.get("progress")[0].proto.text
    one(page.button, "Continuer").click()
    run(page)
    wait_for(lambda: training.share > share, 60, "la suite")
    one(page.button, "Arrêter").click()
    run(page)
    wait_end(page)
    path = page.kit.models / f"{page.session_state['model']}.pth"
    assert 1 < len(open_saved(path)[1]["history"]) < 1000


def test_another_visitor_does_not_open_pictures_of_someone(page):
    """Le modèle appris sur des fichiers déposés n'est pas celui qu'ouvre un nouveau venu."""
    page.selectbox("source").set_value("Mes fichiers")
    run(page)
    files = []
    for number in range(12):
        content = io.BytesIO()
        drawing(number).save(content, "PNG")
        files.append((f"{number}.png", content.getvalue(), "image/png"))
    page.file_uploader("files").set_value(files)
    widget(page, "epochs").set_value(1)
    run(page)
    path = train(page)
    assert "Mes fichiers" in page.selectbox("model").options[0]
    turn(page, "Comparer")
    assert page.session_state["compared"] == [path.stem]           # le sien, à lui
    other = open_page(page.kit)
    assert other.session_state["model"] != path.stem
    turn(other, "Comparer")
    assert path.stem not in other.session_state["compared"]


def test_a_model_says_it_learnt_other_pictures(page):
    """Devant d'autres images que les siennes, il le dit ; on compare ceux des mêmes images."""
    turn(page, "Comparer")
    creatures = page.session_state["model"]
    assert page.session_state["compared"] == [creatures]
    assert "d'autres images" not in said(turn(page, "Jouer"))
    page.kit.add_drawings(12)
    page.selectbox("source").set_value("Dossier images/")
    assert "a appris sur d'autres images (Créatures" in said(run(page))
    widget(page, "epochs").set_value(1)
    mine = train(page).stem
    assert "d'autres images" not in said(page)
    turn(page, "Comparer")
    assert page.session_state["compared"] == [mine]
    page.multiselect("compared").set_value([creatures, mine])
    run(page)
    first, second = page.table[0].value.index
    assert "appris sur d'autres images" in first and "images" not in second
    other = open_page(page.kit)
    other.selectbox("source").set_value("Dossier images/")
    turn(other, "Comparer")
    assert other.session_state["compared"] == [mine]


# L'entraînement seul
@pytest.fixture
def trainer(own):
    """De quoi préparer un entraînement sans page."""
    training = importlib.import_module("page.training")
    settings = importlib.import_module("train_VAE").settings

    def make(count=24, **changes):
        pictures = [np.asarray(drawing(number)) for number in range(count)]
        images = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2)
        names = [f"{number}.png" for number in range(count)]
        about = {"source": "essai", "fingerprint": "a"}
        return training.Training({**settings, "epochs": 2, **changes}, images, names, about,
                                 threading.Event(), own.models)

    make.module = training
    make.kit = own
    return make


def test_an_abandoned_training_ends_and_is_kept(trainer, monkeypatch):
    monkeypatch.setattr(trainer.module, "patience", 0.5)
    training = trainer(epochs=1000)
    training.start()
    wait_for(lambda: len(training.history) > 1, 60, "deux époques")
    training.closing.set()
    training.join(60)
    assert not training.is_alive() and training.path.exists()


def test_two_trainings_at_once_do_not_mix(trainer):
    """Chacun finit avec ses réglages ; deux fois les mêmes font deux fichiers."""
    trainings = [trainer(latent_size=size, epochs=3) for size in (2, 5, 5)]
    for training in trainings:
        training.start()
    for training in trainings:
        training.join(120)
    sizes = [len(open_saved(training.path)[1]["z_mean"]) for training in trainings]
    assert sizes == [2, 5, 5] and len({training.path for training in trainings}) == 3
    assert not any(training.sentence for training in trainings)


def test_a_training_that_fails_says_so(trainer):
    with pytest.raises(SystemExit, match="au moins 10"):
        trainer(count=9)
    lost = trainer(learning_rate=1e30)
    lost.run()
    assert "learning_rate" in lost.sentence and lost.path is None
    early = trainer()
    early.stop_asked.set()
    early.run()
    assert "rien n'est gardé" in early.sentence and early.path is None
    (trainer.kit.models).write_text("un fichier à la place du dossier")
    blocked = trainer()
    blocked.run()
    assert "Impossible d'écrire" in blocked.sentence


# Les mouvements
def add_film(kit, **counts):
    """Un film de mouvements dans images/webcam/, comme la page l'enregistre."""
    folder = kit.images / "webcam"
    folder.mkdir()
    for name, picture in draw_movements(counts).items():
        picture.save(folder / name)


def train_film(trainer, **changes):
    """Un entraînement sur images/webcam/ ; le rend, avec ce que contient son fichier."""
    folders = importlib.import_module("page.folders")
    images, names, reasons = folders.read_folder(trainer.kit.images / "webcam", 64)
    settings = importlib.import_module("train_VAE").settings
    about = {"source": "Ma webcam", "fingerprint": "a"}
    training = trainer.module.Training({**settings, "epochs": 6, "latent_size": 2, **changes},
                                       images, names, about, threading.Event(),
                                       trainer.kit.models)
    training.run()
    assert training.path, training.sentence
    return training, *open_saved(training.path)


def test_each_movement_has_its_number(trainer, monkeypatch):
    """Comme dans train_VAE.py : le partage, le nombre réservé, les phrases, le verdict."""
    kit = importlib.import_module("page.kit")
    add_film(trainer.kit, m1=60, m2=60, im=60, m3=30)
    training, model, saved = train_film(trainer)
    plain = [name.removeprefix("webcam/") for name in training.names]
    train_index, test_index = kit.split(plain, 0.1)
    assert training.train_index.tolist() == train_index.tolist()
    assert training.test_index.tolist() == test_index.tolist()
    assert len(train_index) + len(test_index) < len(plain)       # des tranches, et leurs bouts
    tests = {training.names[i] for i in test_index}
    assert set(training.names) - set(saved["train_names"]) == tests
    assert saved["movements"] == [1, 2]
    told = [" ".join(sentence.split()) for sentence in saved["told"]]
    assert told[:2] == [
        "Mouvement 3 : pas de z3, puisque latent_size = 2. Appris comme les autres images.",
        "Mouvements : 2 (60 et 60 images). z1 et z2 leur sont réservés."]
    for number, sentence in enumerate(told[2:], start=1):
        share = int(re.match(rf"Mouvement {number} : z{number} prend (\d+) %", sentence)[1])
        assert share > 90 and "refaites" not in sentence
    images = torch.stack([torch.tensor(np.asarray(picture)).permute(2, 0, 1)
                          for picture in draw_movements({"m1": 60, "m2": 60}, 1).values()])
    mu = kit.encode_images(model, images)[0] / saved["z_spread"]     # un autre film
    for number, codes in enumerate(mu.split(60)):
        spread = codes.var(0)
        assert spread[number] > 0.9 * spread.sum()
    other, model, saved = train_film(trainer, independent_axes=False)
    assert saved["movements"] == [] and saved["told"] == []
    images, names, reasons = importlib.import_module("page.folders").read_folder(
        trainer.kit.images / "webcam", 64)
    training.images = images               # un mauvais verdict dit quoi faire
    monkeypatch.setattr(training.movements, "shares", lambda *values: {1: 0.31})
    training.judge()
    assert training.told[-1].startswith("Mouvement 1 : z1 prend 31 % de ce qui change. Il ne le")


def test_the_movements_come_first_and_are_named(page, monkeypatch):
    """Dans le studio et dans les phrases, z2 s'appelle « z2 mouvement 2 »."""
    add_film(page.kit, m2=30, m4=30)
    page.selectbox("source").set_value("Ma webcam")
    widget(page, "epochs").set_value(2)
    run(page)
    saved = open_saved(train(page))[1]
    assert saved["movements"] == [2, 4]
    order = saved["importance"].argsort(descending=True).tolist()
    names = ["z2 mouvement 2", "z4 mouvement 4", *[f"z{i + 1}" for i in order if i in (0, 2)]]
    words = " ".join(said(page).split())
    assert "Mouvements : 2 (30 et 30 images). z2 et z4 leur sont réservés" in words
    for number in (2, 4):
        assert f"Mouvement {number} : z{number} prend" in words
    turn(page, "Comprendre")
    page.radio("part").set_value("Le cours")
    lesson = " ".join(element.value for element in run(page).markdown)
    assert "indice, pas une étiquette" in lesson and "« Ma webcam »" in said(page)
    shown = []
    studio = importlib.import_module("page.studio")
    monkeypatch.setattr(studio, "show_studio", lambda key, data, **calls: shown.append(data))
    turn(page, "Jouer")
    assert shown[-1]["base"]["names"] == names


def test_the_aquarium_is_a_film_of_four_movements(trainer):
    """Le film du kit se choisit dans la page, et ses mouvements y sont reconnus."""
    shutil.copytree(root / "images" / "aquarium", trainer.kit.images / "aquarium")
    folders = importlib.import_module("page.folders")
    folder = folders.folders["Aquarium (quatre mouvements)"]
    images, names, reasons = folders.read_folder(folder, 32)
    settings = importlib.import_module("train_VAE").settings
    training = trainer.module.Training(settings, images, names, {}, threading.Event(),
                                       trainer.kit.models)
    assert training.movements.found == [1, 2, 3, 4] and len(names) == 240


def test_names_are_read_in_their_own_folder(own):
    """La webcam, ou un seul zip, est un film ; des dossiers côte à côte sont des sortes d'images."""
    drop_folder = importlib.import_module("page.training").drop_folder
    assert drop_folder(["webcam/m1_0001.png", "webcam/im_0002.png"]) == ["m1_0001.png", "im_0002.png"]
    assert drop_folder(["film/a/m1_0001.png", "film/a/b/c.png"]) == ["m1_0001.png", "b/c.png"]
    for names in (["m1_0001.png", "webcam/m1_0001.png"], ["3/00001", "31/00002"], ["m1_0001.png"]):
        assert drop_folder(names) == names


def test_what_a_strange_file_tells_stays_words(own):
    find_told = importlib.import_module("page.naming").find_told
    assert find_told({}) == find_told({"told": 5}) == []
    assert find_told({"told": ["a" * 1000, 5]}) == ["a" * 300]


# Des modèles venus d'ailleurs
class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemError('le fichier a exécuté du code')",)


def torch_file(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize("content", [
    b"", b"pas un modele", zipped({"a.txt": b"a"}), zipped({"poids": b"0" * 250_000_000}),
    pickle.dumps(Bomb()), torch_file({"weights": Bomb()}), torch_file({"settings": {"beta": 1}})],
    ids=["vide", "texte", "zip", "bombe", "pickle", "torch", "sans réglages"])
def test_a_foreign_model_is_refused_and_runs_nothing(own, content):
    models = importlib.import_module("page.models")
    with pytest.raises(SystemExit, match="modèle de ce kit"):
        models.receive("../../étranger.pth", content)
    assert not own.models.exists()


def test_an_old_torch_opens_no_foreign_model(own, trainer, monkeypatch):
    """Avant torch 2.10, un .pth piégé peut prendre la main : la page le dit, et ne l'ouvre pas."""
    training = trainer(epochs=1)
    training.run()
    content = training.path.read_bytes()
    models = importlib.import_module("page.models")
    opened = []
    monkeypatch.setattr(models, "load_model", lambda path, network: opened.append(path))
    for version in ("2.1.0", "2.6.0+cpu", "2.9.1"):
        monkeypatch.setattr(torch, "__version__", TorchVersion(version))
        with pytest.raises(SystemExit, match=r"2\.10 ou plus récent.*explore/models/"):
            models.receive("a.pth", content)
    assert not opened and len(list(own.models.iterdir())) == 1
    for version in ("2.10.0", "2.14.1+cu130", "3.0.0"):
        monkeypatch.setattr(torch, "__version__", TorchVersion(version))
        assert models.receive("a.pth", content).startswith("a")


def test_a_model_from_elsewhere_replaces_none_and_its_words_stay_words(page, trainer):
    """Même nom, texte qui voudrait devenir un lien, nom trop long, fichier abîmé."""
    training = trainer()
    training.about["source"] = "![a](http://ailleurs/a.png)"
    training.run()
    content = training.path.read_bytes()
    turn(page, "Atelier")
    for number, name in enumerate(["À moi ?.pth", "À moi ?.pth", "x" * 200 + ".pth"]):
        file = one(page.file_uploader, ".pth")
        file.set_value((name, content, ""))
        run(page)
        assert not page.error
    names = [path.stem for path in page.kit.models.glob("*.pth")]
    assert {"À_moi__", "À_moi___2", "x" * 60} <= set(names)
    shown = " ".join(element.value for element in page.markdown)
    assert "ailleurs" in shown and not re.search(r"(?<!\\)\]\(", shown)
    (page.kit.models / "abîmé.pth").write_text("rien")
    page.session_state["opened"] = "abîmé"
    turn(page, "Jouer")
    assert "n'est pas un modèle de ce kit" in said(page)
    assert one(turn(page, "Atelier").button, "Supprimer")


def test_a_full_disk_is_a_sentence(own, trainer, monkeypatch):
    training = trainer()
    training.run()
    models = importlib.import_module("page.models")

    def full(path, content, replace=True):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(models, "write_whole", full)
    with pytest.raises(SystemExit, match="libérez de la place"):
        models.receive("a.pth", training.path.read_bytes())


def test_a_name_with_a_link_stays_a_name(own):
    plain = importlib.import_module("page.words").plain
    text = plain("x\\[clic](http://ailleurs.fr)y www.ailleurs.fr moi@ailleurs.fr :red[a] **b**")
    assert re.sub(r"\\([^\w\s])", r"\1", text).replace("\u2060", "") == (
        "x\\[clic](http://ailleurs.fr)y www.ailleurs.fr moi@ailleurs.fr :red[a] **b**")
    assert "http://" not in text and "www." not in text and "i@a" not in text
    assert not re.search(r"(?<!\\)[\[*]", text)
