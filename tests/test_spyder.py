"""Dans un vrai noyau de Spyder, sans jamais redémarrer la console.

F5, encore F5, une cellule, Stop, la croix, un script modifié, un réglage faux.
"""
import importlib.util
import threading

import pytest
from conftest import wait_for
from test_record import film as film_fixture

from model_VAE_64 import VAE
from outils.model_file import load_model

# chercher sans importer : une fois importé, les scripts se croiraient dans Spyder
if not importlib.util.find_spec("spyder_kernels"):
    pytest.skip("pas de spyder-kernels dans ce Python", allow_module_level=True)
film = film_fixture
pytestmark = pytest.mark.slow


@pytest.fixture
def small(kit):
    return kit.add_drawings().set("train_VAE.py", epochs=1)


def check_calm(console, text, error):
    """Rien qu'un élève prendrait pour une panne : ni rouge, ni anglais."""
    assert error is None, text
    for words in ("Traceback", "Error", "exception", "SystemExit", "WARNING", "Warning", "%tb"):
        assert words not in text, text
    assert console.errors == "", console.errors


def history_of(kit):
    return load_model(kit.folder / "VAE_64.pth", VAE)[1]["history"]


def test_f5_five_times(small, console):
    """La même console, cinq fois ; à la fin, l'image est dans l'onglet Plots."""
    for number in range(5):
        text, error = console.f5(small.folder / "train_VAE.py")
        check_calm(console, text, error)
        assert "VAE_64.pth" in text and "Erreur par pixel" in text
        assert console.pictures == 1
    assert console.value("len(history), type(history[0][0]).__name__") == "(1, 'float')"


def test_what_stays_to_be_looked_at(small, console):
    """Les variables qu'un élève curieux veut voir."""
    text, error = console.f5(small.folder / "train_VAE.py")
    check_calm(console, text, error)
    assert "history[-1]" in text and "to_picture(model.sample(1)[0])" in text
    assert console.value("all(globals()[name] == settings[name] for name in settings)") == "True"
    assert console.value("type(model).__name__") == "'VAE'"
    assert console.value("images.shape, len(names)") == "(torch.Size([24, 3, 64, 64]), 24)"
    assert console.value("len(history), len(history[0])") == "(1, 6)"
    assert console.value("results['history'] == history, screen.size") == "(True, (900, 500))"
    text, error = console.run("to_picture(model.sample(1)[0])")
    check_calm(console, text, error)
    assert console.pictures == 1
    assert console.value("history[-1][0] > 0") == "True"
    # rien ne doit rester d'une figure de matplotlib
    figures = ("'matplotlib.pyplot' in __import__('sys').modules and "
               "__import__('matplotlib.pyplot').pyplot.get_fignums()")
    assert console.value(figures) in ("False", "[]")


editor = """
import re
import spyder_kernels.customize.code_runner as runner
class Editor:
    def run_cell(self, number, path):
        return re.split(r'(?m)^(?= *# %%)', open(path, encoding='utf-8').read())[number]
    def get_file_code(self, path, save_all=True):
        return open(path, encoding='utf-8').read()
runner.frontend_request = lambda **ways: Editor()
"""


def test_cells_one_after_the_other(small, console):
    """Chaque cellule # %%, dans l'ordre, comme avec Ctrl+Entrée ; la dernière deux fois.

    Le noyau demande à l'éditeur de Spyder le texte de la cellule ; ici, pas d'éditeur :
    ce texte est découpé dans le fichier."""
    path = small.folder / "train_VAE.py"
    console.run(editor)
    count = path.read_text("utf-8").count("# %%")
    assert count >= 4
    for cell in [*range(count + 1), count]:
        text, error = console.run(f"%runcell -i {cell} {str(path)!r}")
        check_calm(console, text, error)
    assert "Erreur par pixel" in text and console.pictures == 1
    assert len(history_of(small)) == 1


def test_the_third_cell_again_learns_on(small, console):
    """Relancer la cellule 3, puis la 4 : un entraînement de plus, du même réseau."""
    path = small.folder / "train_VAE.py"
    small.set("train_VAE.py", epochs=30)
    console.run(editor)
    check_calm(console, *console.f5(path))
    count = path.read_text("utf-8").count("# %%")
    before = history_of(small)
    for cell in (count - 1, count):
        check_calm(console, *console.run(f"%runcell -i {cell} {str(path)!r}"))
    assert len(history_of(small)) == 30
    assert history_of(small)[0][0] < before[0][0]          # il ne repart pas de zéro


def test_stop_in_the_middle_saves_then_f5_works(small, console):
    path = small.folder / "train_VAE.py"
    small.set("train_VAE.py", epochs=1000)
    text, error = console.f5(path, when="Époque 2/1000  perte", then=console.stop)
    check_calm(console, text, error)
    assert "Arrêt" in text and len(history_of(small)) >= 2
    small.set("train_VAE.py", epochs=1)
    text, error = console.f5(path)
    check_calm(console, text, error)
    assert "VAE_64.pth" in text


def test_stop_before_the_end_of_the_first_epoch(small, console):
    """Rien n'est écrit, et cela se dit sans rouge ; F5 marche ensuite."""
    path = small.folder / "train_VAE.py"
    small.add_demo().set("train_VAE.py", dataset_folder="images/demo", batch_size=2)
    text, error = console.f5(path, when="Avant d'apprendre", then=console.stop)
    check_calm(console, text, error)
    assert "rien n'est écrit" in text and small.written() == []
    small.set("train_VAE.py", dataset_folder="images")
    check_calm(console, *console.f5(path))
    assert len(history_of(small)) == 1


def test_an_edit_is_seen_at_the_next_f5(small, console):
    """Un élève ajoute une ligne à un script importé, puis relance."""
    assert console.f5(small.folder / "train_VAE.py")[1] is None
    path = small.folder / "model_VAE_64.py"
    path.write_text(path.read_text("utf-8") + "\nprint('Je suis passé par ici.')\n", "utf-8")
    text, error = console.f5(small.folder / "train_VAE.py")
    assert error is None and "Je suis passé par ici." in text, text
    assert len(history_of(small)) == 1


@pytest.mark.parametrize("script, title", [("record_images.py", "Webcam"),
                                           ("decode_VAE.py", "VAE : VAE_64")])
def test_a_window_comes_back_after_stop_and_after_its_close_box(
        small, screen, console, film, script, title):
    """Stop, F5, la croix, F5 : la console survit à tout, et rien ne reste ouvert."""
    small.run("train_VAE.py")
    small.set(script, camera=str(film))
    for way in ("Stop", "croix", "q"):
        def leave():
            window = screen.window(title)
            if way == "Stop":
                console.stop()
            elif way == "croix":
                screen.close_box(window)
            else:
                screen.tap("q")

        helper = threading.Thread(target=leave)
        helper.start()
        text, error = console.f5(small.folder / script)
        helper.join()
        check_calm(console, text, error)
        wait_for(lambda: title not in screen.windows(), 20, "la fenêtre fermée")
    assert console.value("1 + 1") == "2"


@pytest.mark.parametrize("script, wrong, right, words", [
    ("train_VAE.py", {"latent_size": 0}, {"latent_size": 4}, "latent_size doit être"),
    ("train_VAE.py", {"beta": (1, 5)}, {"beta": 1.5}, "avec un point"),
    ("record_images.py", {"images_per_second": 0}, {}, "images_per_second doit être"),
    ("record_images.py", {"camera": "absent.mp4"}, {}, "absent.mp4 est introuvable"),
    ("decode_VAE.py", {"slider_reach": "2"}, {}, "slider_reach doit être"),
    ("decode_VAE.py", {"model_name": "absent"}, {}, "Pas encore de modèle absent.pth")],
    ids=str)
def test_a_refusal_is_one_french_sentence(small, console, script, wrong, right, words):
    """Au premier F5 d'une console neuve : la phrase, et rien d'autre."""
    text, error = console.f5(small.set(script, **wrong).folder / script)
    check_calm(console, text, error)
    lines = [line for line in text.splitlines() if not line.startswith("Ouverture")]
    assert len(lines) == 1 and words in lines[0] and lines[0].endswith("."), text
    if right:                                          # corrigé, il marche
        check_calm(console, *console.f5(small.set(script, **right).folder / script))
    assert console.value("1 + 1") == "2"
