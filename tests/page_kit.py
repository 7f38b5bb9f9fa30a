"""Ce que partagent les tests de la page : le kit où elle travaille, et ce qu'on y fait."""
import importlib
import io
import shutil
import sys
import zipfile

import pytest
from conftest import drawing, root, wait_for
from streamlit.testing.v1 import AppTest

learnt = []            # le premier modèle, appris une fois pour tous les tests
few = 40               # créatures du kit d'essai : quelques secondes d'entraînement


def fill(kit):
    """Un kit avec la page et 40 créatures."""
    kit.add_explore()
    for name in (".streamlit", "page", "room", "lecon"):
        shutil.copytree(root / "explore" / name, kit.folder / "explore" / name,
                        ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (kit.images / "demo").mkdir()
    for number in range(1, few + 1):
        shutil.copy(root / "images" / "demo" / f"{number:04d}.png", kit.images / "demo")
    kit.models = kit.folder / "explore" / "models"
    return kit


def use(kit, monkeypatch):
    """Les modules de la page viennent de ce kit, comme si Python venait de démarrer."""
    ours = {"model_VAE_64", "record_images", "train_VAE", "outils", "page"}
    for name in list(sys.modules):
        if name.partition(".")[0] in ours:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(kit.folder))
    monkeypatch.syspath_prepend(str(kit.folder / "explore"))


def png(number=0, size=64):
    content = io.BytesIO()
    drawing(number).resize((size, size)).save(content, "PNG")
    return content.getvalue()


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


# %% La page, sans navigateur
@pytest.fixture
def own(kit, monkeypatch):
    """Un kit avec la page, dont les modules sont ceux que le test importe."""
    use(fill(kit), monkeypatch)
    return kit


@pytest.fixture
def page(own):
    """La page ouverte ; le premier modèle est déjà appris."""
    own.models.mkdir()
    for name, content in learnt:
        (own.models / name).write_bytes(content)
    page = open_page(own)
    wait_end(page)
    if not learnt:
        path, = own.models.iterdir()
        learnt.append((path.name, path.read_bytes()))
    return page


def open_page(kit):
    """Un visiteur de plus."""
    page = AppTest.from_file(str(kit.folder / "explore" / "app_VAE.py"), default_timeout=120)
    page.kit = kit
    return run(page)


def one(elements, label):
    found, = [element for element in elements if label in element.label]
    return found


def run(page):
    page.run()
    assert not page.exception
    return page


def wait_end(page):
    wait_for(lambda: not page.session_state["training"] or not run(page), 120,
             "la fin de l'entraînement")


def train(page):
    """Appuie sur Entraîner et attend la fin ; rend le fichier du modèle ouvert."""
    one(page.button, "Entraîner").click()
    run(page)
    wait_end(page)
    return page.kit.models / f"{page.session_state['model']}.pth"


def said(page):
    kinds = (page.error, page.info, page.warning, page.caption, page.success)
    return " ".join(element.value for kind in kinds for element in kind)


def turn(page, place, bench=None):
    """Va dans un lieu de la page ; bench : une partie de l'atelier."""
    page.session_state["lieu"] = place
    run(page)
    if bench:
        page.radio("bench").set_value(bench)
        run(page)
    return page


def choose(page, source):
    page.selectbox("source").set_value(source)
    return run(page)


def widget(page, name):
    kinds = (page.number_input, page.selectbox, page.toggle, page.text_input)
    return next(element for kind in kinds for element in kind if element.key == name)


def open_saved(path):
    kit = importlib.import_module("page.kit")
    return kit.load_model(path, kit.VAE)
