"""Les images de démonstration, redessinées à l'identique, et la forme du kit."""
import ast
import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import root, scripts, type_setting
from PIL import Image

import train_VAE
from outils.camera import open_camera
from outils.checks import choices, limits

demo = root / "images" / "demo"
explore = ["laboratory", "traversals", "map_2D", "interpolation", "samples", "groups",
           "few_labels", "factors", "sweep_beta", "emporter", "films"]
machines = [f"outils/{path.name}" for path in sorted((root / "outils").glob("*.py"))]
packages = {"torch", "torchvision", "cv2", "numpy", "PIL"}


def factors():
    with open(demo / "factors.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [row.pop("image") for row in rows]
    return names, np.array([[float(value) for value in row.values()] for row in rows])


@pytest.mark.slow
def test_the_demo_is_drawn_again_the_same(tmp_path):
    """Le script, lancé ailleurs : les mêmes pixels, et le même factors.csv à l'octet près."""
    (tmp_path / "explore").mkdir()
    script = tmp_path / "explore" / "draw_demo.py"
    script.write_bytes((root / "explore" / "draw_demo.py").read_bytes())
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, capture_output=True)
    again = tmp_path / "images" / "demo"
    names = sorted(path.name for path in demo.iterdir() if path.suffix == ".png")
    assert names == sorted(path.name for path in again.glob("*.png")) and len(names) == 1000
    assert (again / "factors.csv").read_bytes() == (demo / "factors.csv").read_bytes()
    for name in names:
        with Image.open(demo / name) as shipped, Image.open(again / name) as drawn:
            assert shipped.size == (64, 64) and shipped.mode == "RGB"
            assert shipped.tobytes() == drawn.tobytes(), name


def test_the_demo_is_small():
    assert sum(path.stat().st_size for path in demo.iterdir()) < 3_000_000


def test_the_factors_are_independent():
    names, values = factors()
    assert names == sorted(path.name for path in demo.glob("*.png"))
    assert values.shape == (1000, 4)
    assert values.min() >= 0 and values.max() <= 1 and (values.std(0) > 0.25).all()
    assert np.abs(np.corrcoef(values.T) - np.eye(4)).max() < 0.1


def test_each_factor_changes_many_pixels():
    """Deux images qui ne diffèrent que par un facteur diffèrent sur beaucoup de pixels."""
    names, values = factors()
    pixels = np.stack([np.asarray(Image.open(demo / name), dtype=float) for name in names[:300]])
    distance = np.abs(pixels[:, None, ::8, ::8] - pixels[None, :, ::8, ::8]).mean((2, 3, 4))
    gaps = np.abs(values[:300, None] - values[None, :300])
    close = distance[(gaps.max(-1) < 0.2) & (gaps.max(-1) > 0)].mean()
    for factor in range(4):
        others = np.delete(gaps, factor, axis=-1).max(-1)
        assert distance[(others < 0.25) & (gaps[..., factor] > 0.6)].mean() > 1.3 * close, factor


# La forme du kit
@pytest.mark.parametrize("script", [*scripts, *machines])
def test_a_script_needs_nothing_but_the_five_packages(script):
    tree = ast.parse((root / script).read_text("utf-8"))
    nodes = list(ast.walk(tree))
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    for node in nodes:
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
    own = {"outils", *(name.removesuffix(".py") for name in scripts)}
    found = {name.split(".")[0] for name in imported} - own - set(sys.stdlib_module_names)
    if script == "train_VAE.py":
        found -= {"IPython"}              # l'affiche de la fin, seulement dans Spyder
    assert found <= packages
    assert not any(isinstance(node, ast.Attribute) and node.attr == "chdir" for node in nodes)


def test_importing_a_script_runs_nothing(kit):
    """Les quatre scripts et, s'ils ont leurs paquets, ceux de explore/."""
    names = [script.removesuffix(".py") for script in scripts]
    if importlib.util.find_spec("matplotlib") and importlib.util.find_spec("sklearn"):
        names += explore
    lines = ["import sys", "sys.dont_write_bytecode = True", "sys.path.append('explore')"]
    lines += [f"import {name}" for name in names]
    (kit.add_explore().folder / "essai.py").write_text("\n".join(lines), "utf-8")
    before = sorted(kit.folder.rglob("*"))
    assert kit.start("essai.py").finish() == ""
    assert sorted(kit.folder.rglob("*")) == before


watch = """import os, sys
print("attente :", os.environ.get("OMP_WAIT_POLICY"))
sys.exit()
"""


@pytest.mark.parametrize("module, wish, expected", [
    ("model_VAE_64", "ACTIVE", "ACTIVE"),
    *((module, None, "PASSIVE")
      for module in ("model_VAE_64", "train_VAE", "decode_VAE"))])
def test_waiting_threads_leave_their_place(kit, module, wish, expected):
    """Le réglage est lu quand torch se charge : il est déjà là, sauf choix contraire."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": wish} if wish else {}
    (kit.folder / "torch.py").write_text(watch, "utf-8")    # un faux torch
    command = [sys.executable, "-B", "-c", f"import {module}"]
    answer = subprocess.run(command, cwd=kit.folder, env=environment, capture_output=True,
                            text=True)
    assert re.findall("attente : .*", answer.stdout) == [f"attente : {expected}"], answer.stderr


# La zone ***
def zone_of(script):
    """Ses lignes : {nom: (valeur, plage)}, et le numéro de la dernière."""
    lines = (root / script).read_text("utf-8").splitlines()
    rules = [number for number, line in enumerate(lines) if re.match(r"# \*{15}", line)]
    first, last = rules[:2]
    settings = {}
    for line in lines[first + 1:last]:
        if not line.startswith("# -----"):
            found = re.fullmatch(r"(\w+) = (\S.*?)\s+#\*\*\* (\S.*?)( : .*)?", line)
            assert found, line
            settings[found[1]] = (ast.literal_eval(found[2]), found[3])
    return settings, first, last, lines


@pytest.mark.parametrize("script", scripts[1:])
def test_the_zone_is_what_is_seen_first(script):
    """Dans Spyder, sur un portable : 36 lignes de 77 colonnes, et rien n'est coupé."""
    settings, first, last, lines = zone_of(script)
    body = ast.parse("\n".join(lines)).body
    assert ast.get_docstring(ast.parse("\n".join(lines)))
    assert body[0].end_lineno == first                     # juste après la docstring
    imports = [node.lineno for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert last + 1 < min(imports) and last + 1 <= 36
    assert max(len(line) for line in lines[:last + 1]) <= 77
    assigned = [node.targets[0].id for node in body
                if isinstance(node, ast.Assign) and node.lineno < min(imports)]
    assert assigned == list(settings)


def ranges():
    """Chaque réglage dont le commentaire donne des bornes, ou une liste."""
    found = []
    for script in scripts[1:]:
        for name, (value, text) in zone_of(script)[0].items():
            bounds = re.fullmatch(r"([\d.]+) à ([\d.]+)", text)
            if bounds:
                low, high = (ast.literal_eval(bound) for bound in bounds.groups())
                found.append((script, name, low, high))
            elif "," in text or " ou " in text:
                words = re.split(r", | ou ", text)
                found.append((script, name, [ast.literal_eval(word) for word in words], None))
            else:
                assert re.fullmatch("un (dossier|nom)", text), text
    return found


def test_every_setting_says_its_range_and_the_kit_enforces_the_same():
    """train_VAE.py : les commentaires, et les bornes de model_VAE_64.py."""
    said = {name: (low, high) for script, name, low, high in ranges() if script == "train_VAE.py"}
    assert {name: low for name, (low, high) in said.items() if high is None} == choices
    numbers = {name: bounds for name, bounds in said.items() if bounds[1] is not None}
    assert numbers == limits
    assert set(said) | {"dataset_folder", "model_name"} == set(train_VAE.settings)


several = """import contextlib, io, json, runpy, shutil, sys
from pathlib import Path
sys.executable = shutil.which("false")        # « pas d'écran » se sait alors aussitôt
script, *texts = json.loads(Path("essais.json").read_text("utf-8"))
answers = []
for text in texts:
    Path(script).write_text(text, "utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            runpy.run_path(script, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code
    answers.append((code, said.getvalue()))
Path("essais.json").write_text(json.dumps(answers), "utf-8")
"""


def answers(kit, script, name, texts):
    """Ce que répond le script quand on tape ce réglage de chacune de ces façons.

    Il s'arrête toujours : pas de modèle, pas d'écran, pas d'image. Tous les essais se font
    dans un même Python, comme dans la console de Spyder."""
    shipped = (kit.folder / script).read_text("utf-8")
    typed = [type_setting(shipped, name, text) for text in texts]
    path = kit.folder / "essais.json"
    path.write_text(json.dumps([script, *typed]), "utf-8")
    (kit.folder / "essais.py").write_text(several, "utf-8")
    kit.start("essais.py").finish()
    found = []
    for code, said in json.loads(path.read_text("utf-8")):
        assert code == 1 and said.count("\n") == 1, said
        found.append(said.strip())
    path.unlink()
    return found


def check_accepted(sentence, name):
    assert not sentence.startswith(f"{name} doit"), sentence


def check_refused(sentence, name):
    assert sentence.startswith(f"{name} doit être"), sentence
    assert sentence.endswith("dans la zone ***.") and "\n" not in sentence


whole_numbers = ("latent_size", "batch_size", "epochs", "images_per_second", "camera")


@pytest.mark.parametrize("script, name, low, high", ranges())
def test_the_range_is_what_is_accepted(kit, script, name, low, high):
    """Aux deux bouts, oui ; juste au-delà, ou d'un autre genre, une phrase en français."""
    if high is None:
        good = low
        wrong = [None, "", "autre", 1.5, 1, [low[0]], low]
    else:
        below, above = low - 1, high + 1
        if isinstance(low, float):
            below, above = low * 0.99, high * 1.01
        good = [low, high]
        wrong = [below, above, -above, None, True, [high], (low, 5)]
        if name != "camera":                      # une vidéo peut s'appeler "99"
            wrong.append(str(high))
        if name in whole_numbers:
            wrong.append(high - 0.5)
        else:
            good.append((low + high) / 2)
    if name == "camera":        # les deux scripts la vérifient en l'ouvrant
        found = [refused_camera(value) for value in good + wrong]
    else:
        found = answers(kit, script, name, [repr(value) for value in good + wrong])
    for sentence in found[:len(good)]:
        check_accepted(sentence, name)
    for sentence in found[len(good):]:
        check_refused(sentence, name)


def refused_camera(value):
    with pytest.raises(SystemExit) as end:
        open_camera(value).release()
        raise SystemExit("une vraie webcam répond")
    return str(end.value)


@pytest.mark.parametrize("script, name", [
    ("train_VAE.py", "beta"), ("train_VAE.py", "learning_rate"),
    ("decode_VAE.py", "walk_seconds")])
def test_a_comma_instead_of_a_point(kit, script, name):
    sentence, = answers(kit, script, name, ["1,5"])
    check_refused(sentence, name)
    assert "écrivez-le avec un point" in sentence


def test_a_comma_where_a_whole_number_is_wanted(kit):
    """Un point n'y changerait rien : on ne le conseille pas."""
    sentence, = answers(kit, "train_VAE.py", "epochs", ["1,5"])
    check_refused(sentence, "epochs")
    assert "nombre entier de 1 à 1000" in sentence and "point" not in sentence


@pytest.mark.parametrize("name", ["beta", "learning_rate", "test_data_proportion"])
def test_numbers_that_are_not(kit, name):
    texts = ["float('nan')", "float('inf')", "1e999", "-0.5"]
    for sentence in answers(kit, "train_VAE.py", name, texts):
        check_refused(sentence, name)


names_refused = ["", " ", "mon modèle", "a/b", "..", ".", "../ailleurs", "a\\b", "C:x", "a.pth",
                 "-a", "a\n", "a\0", 'a"', "a*", "a" * 60, None, 3, ["VAE_64"], b"VAE_64"]
names_accepted = ["VAE_64", "élève-3", "128", "_a", "VAE_64_precedent", "été"]


@pytest.mark.parametrize("script", ["train_VAE.py", "decode_VAE.py"])
def test_a_model_name_with_forbidden_signs(kit, script):
    for sentence in answers(kit, script, "model_name", map(repr, names_refused)):
        check_refused(sentence, "model_name")
    for sentence in answers(kit, script, "model_name", map(repr, names_accepted)):
        check_accepted(sentence, "model_name")
    assert kit.written() == []


@pytest.mark.parametrize("script", scripts[1:])
def test_a_folder_that_is_not_a_name(kit, script):
    values = ("", "  ", "a\0b", None, 3, ["images"], b"images", ("images",))
    for sentence in answers(kit, script, "dataset_folder", map(repr, values)):
        check_refused(sentence, "dataset_folder")


@pytest.mark.parametrize("script", scripts)
def test_every_cell_can_be_run_alone(script):
    """Ctrl+Entrée envoie à Python le texte d'une cellule, ramené à gauche : il est complet."""
    for cell in re.split(r"(?m)^(?= *# %%)", (root / script).read_text("utf-8")):
        compile(textwrap.dedent(cell), script, "exec")
