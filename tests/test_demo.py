"""Les images de démonstration, redessinées à l'identique, et la forme du kit."""
import ast
import csv
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import root, scripts
from PIL import Image

demo = root / "images" / "demo"
packages = {"torch", "torchvision", "cv2", "numpy", "PIL"}


def factors():
    with open(demo / "factors.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["image"] for row in rows], np.array([[float(row[name]) for name in list(row)[1:]] for row in rows])


def test_the_demo_is_drawn_again_the_same(tmp_path):
    """Le script, lancé ailleurs : les mêmes pixels, et le même factors.csv à l'octet près."""
    (tmp_path / "explore").mkdir()
    script = tmp_path / "explore" / "draw_demo.py"
    script.write_bytes((root / "explore" / "draw_demo.py").read_bytes())
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, capture_output=True)
    again = tmp_path / "images" / "demo"
    names = sorted(path.name for path in demo.iterdir() if path.suffix == ".png")
    assert names == sorted(path.name for path in again.iterdir() if path.suffix == ".png") and len(names) == 1000
    assert (again / "factors.csv").read_bytes() == (demo / "factors.csv").read_bytes()
    for name in names:
        with Image.open(demo / name) as shipped, Image.open(again / name) as drawn:
            assert shipped.size == (64, 64) and shipped.mode == "RGB" and shipped.tobytes() == drawn.tobytes(), name


def test_the_demo_is_small():
    assert sum(path.stat().st_size for path in demo.iterdir()) < 3_000_000


def test_the_factors_are_independent():
    names, values = factors()
    assert names == sorted(path.name for path in demo.glob("*.png")) and values.shape == (1000, 4)
    assert values.min() >= 0 and values.max() <= 1 and (values.std(0) > 0.25).all()
    assert np.abs(np.corrcoef(values.T) - np.eye(4)).max() < 0.1


def test_each_factor_changes_many_pixels():
    """Les voisins qui ne diffèrent beaucoup que par un facteur diffèrent sur beaucoup de pixels ; sans lui, ils se ressemblent."""
    names, values = factors()
    pixels = np.stack([np.asarray(Image.open(demo / name), dtype=float) for name in names[:300]])
    distance = np.abs(pixels[:, None, ::8, ::8] - pixels[None, :, ::8, ::8]).mean((2, 3, 4))
    gaps = np.abs(values[:300, None] - values[None, :300])
    close = distance[(gaps.max(-1) < 0.2) & (gaps.max(-1) > 0)].mean()
    for factor in range(4):
        others = np.delete(gaps, factor, axis=-1).max(-1)
        assert distance[(others < 0.25) & (gaps[..., factor] > 0.6)].mean() > 1.3 * close, factor


# La forme du kit
@pytest.mark.parametrize("script", scripts)
def test_a_script_needs_nothing_but_the_five_packages(script):
    tree = ast.parse((root / script).read_text("utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = packages | set(sys.stdlib_module_names) | {name.removesuffix(".py") for name in scripts}
    assert {name.split(".")[0] for name in imported} <= allowed
    assert not any(isinstance(node, ast.Attribute) and node.attr == "chdir" for node in ast.walk(tree))


@pytest.mark.parametrize("script", scripts)
def test_importing_a_script_runs_nothing(kit, script):
    before = sorted(kit.folder.rglob("*"))
    answer = subprocess.run([sys.executable, "-B", "-c", f"import {script.removesuffix('.py')}"], cwd=kit.folder, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert sorted(kit.folder.rglob("*")) == before


watch = """import os, sys
class Watch:
    def find_spec(self, name, *rest):
        if name == "torch":
            print("attente :", os.environ.get("OMP_WAIT_POLICY"))
sys.meta_path.insert(0, Watch())
sys.path[:0] = [".", "explore"]
"""
explore = ["laboratory", "traversals", "map_2D", "interpolation", "samples", "groups", "few_labels",
           "factors", "sweep_beta"]


@pytest.mark.parametrize("module, wish, expected", [
    ("model_VAE_64", "ACTIVE", "ACTIVE"),
    *((module, None, "PASSIVE") for module in ("model_VAE_64", "train_VAE", "decode_VAE", *explore))])
def test_waiting_threads_leave_their_place(kit, module, wish, expected):
    """Le réglage est lu une fois, quand torch se charge : il est déjà là, sauf choix contraire."""
    if module in explore:
        pytest.importorskip("matplotlib")
        pytest.importorskip("sklearn")
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": wish} if wish else {}
    command = [sys.executable, "-B", "-c", f"{watch}import {module}"]
    answer = subprocess.run(command, cwd=kit.add_explore().folder, env=environment,
                            capture_output=True, text=True)
    assert re.findall("attente : .*", answer.stdout) == [f"attente : {expected}"], answer.stderr


@pytest.mark.parametrize("script", scripts[1:])
def test_the_settings_stand_between_two_rules_and_are_explained(script):
    text = (root / script).read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    zone = re.search(r"(?ms)^# \*{20,}.*?$\n(.*?)^# \*{20,}", text)[1].strip().splitlines()
    assert zone and all(re.fullmatch(r"\w+ = \S.*?\s+#\*\*\* \S.*", line) for line in zone), zone


@pytest.mark.parametrize("script", scripts)
def test_every_cell_can_be_run_alone(script):
    """Ctrl+Entrée envoie à Python le texte d'une seule cellule, ramené à gauche : il doit être complet."""
    for cell in re.split(r"(?m)^(?= *# %%)", (root / script).read_text("utf-8")):
        compile(textwrap.dedent(cell), script, "exec")
