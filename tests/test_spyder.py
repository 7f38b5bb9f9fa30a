"""Dans un vrai noyau de Spyder : F5, encore F5, une cellule, Stop, la croix, un script modifié, sans jamais redémarrer la console."""
import threading

import pytest
from conftest import scripts, wait_for
from test_record import film  # noqa: F401 (une fixture)

from model_VAE_64 import load_model

pytest.importorskip("spyder_kernels", reason="pas de spyder-kernels dans ce Python")


@pytest.fixture
def small(kit):
    return kit.add_drawings().set("train_VAE.py", epochs=1, show_window=False)


def test_f5_again_and_again(small, console):
    """Les résultats restent des variables, que montre l'explorateur de Spyder."""
    for _ in range(2):
        text, error = console.f5(small.folder / "train_VAE.py")
        assert error is None and "Traceback" not in text, text
        assert "VAE_64.pth" in text
    assert console.value("len(losses), len(test_losses), type(losses[0]).__name__") == "(1, 1, 'float')"
    assert console.value("images.shape, len(names)") == "(torch.Size([24, 3, 64, 64]), 24)"
    assert console.value("'matplotlib.pyplot' in __import__('sys').modules and __import__('matplotlib.pyplot').pyplot.get_fignums()") in ("False", "[]")


def test_cells_one_after_the_other(small, console):
    """Chaque cellule # %%, dans l'ordre, comme avec Ctrl+Entrée, puis la dernière encore une fois.

    Le noyau demande à l'éditeur de Spyder le texte de la cellule ; ici, pas d'éditeur : ce texte est découpé dans le fichier.
    """
    path = small.folder / "train_VAE.py"
    console.run("import re\n"
                "class Editor:\n"
                "    def run_cell(self, number, path):\n"
                "        return re.split(r'(?m)^(?= *# %%)', open(path, encoding='utf-8').read())[number]\n"
                "    def get_file_code(self, path, save_all=True):\n"
                "        return open(path, encoding='utf-8').read()\n"
                "import spyder_kernels.customize.code_runner as runner\n"
                "runner.frontend_request = lambda **ways: Editor()")
    count = path.read_text("utf-8").count("# %%")
    assert count >= 4
    for cell in [*range(count + 1), count]:
        text, error = console.run(f"%runcell -i {cell} {str(path)!r}")
        assert error is None and "Error" not in text and "exception" not in text, f"cellule {cell} :\n{text}"
    assert "decode_VAE.py" in text and load_model(small.folder / "VAE_64.pth")[1]["losses"]


def test_stop_in_the_middle_saves_then_f5_works(small, console):
    path = small.folder / "train_VAE.py"
    small.set("train_VAE.py", epochs=5000, show_window=True)
    text, error = console.f5(path, when="Époque 2/5000  perte", then=console.stop)
    assert error is None and "Arrêt" in text and "Traceback" not in text, text
    assert len(load_model(small.folder / "VAE_64.pth")[1]["losses"]) >= 2
    small.set("train_VAE.py", epochs=1)
    text, error = console.f5(path)
    assert error is None and "VAE_64.pth" in text, text


def test_an_edit_is_seen_at_the_next_f5(small, console):
    assert console.f5(small.folder / "train_VAE.py")[1] is None
    path = small.folder / "model_VAE_64.py"
    path.write_text(path.read_text("utf-8").replace('"weights": model', '"poids": model'), "utf-8")
    text, error = console.f5(small.folder / "train_VAE.py")
    assert error is None, text
    assert "['poids'" in console.value(f"list(__import__('torch').load({str(small.folder / 'VAE_64.pth')!r}))")


@pytest.mark.parametrize("script, title", [("record_images.py", "Webcam"), ("decode_VAE.py", "VAE : VAE_64")])
def test_a_window_comes_back_after_stop_and_after_its_close_box(small, screen, console, film, script, title):  # noqa: F811
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
        assert error is None and "Traceback" not in text, f"{way} :\n{text}"
        wait_for(lambda: title not in screen.windows(), 20, "la fenêtre fermée")
    assert console.value("1 + 1") == "2"


def test_a_refusal_leaves_the_console_alive(small, console):
    text, error = console.f5(small.set("train_VAE.py", latent_size=0).folder / "train_VAE.py")
    assert "SystemExit" in text and "latent_size = 0" in text
    assert console.f5(small.set("train_VAE.py", latent_size=4).folder / "train_VAE.py")[1] is None


@pytest.mark.parametrize("script", scripts)
def test_importing_a_script_in_the_console_runs_nothing(kit, console, script):
    assert console.run(f"import {script.removesuffix('.py')}") == ("", None)
