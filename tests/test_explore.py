"""Le laboratoire (explore/) : chaque script lancé comme par un élève, ses images et ses nombres comparés à un calcul fait autrement."""
import ast
import csv
import os
import pickle
import re
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
import torch
from conftest import Kit, root
from PIL import Image

from model_VAE_64 import load_images, load_model, to_picture

sys.path.insert(0, str(root / "explore"))
import few_labels
import map_2D
import samples

scripts = ["traversals.py", "map_2D.py", "interpolation.py", "samples.py", "groups.py", "few_labels.py"]
watch = """import os, pickle, runpy, sys
sys.path.insert(0, "explore")
values = []
for script in os.environ["SCRIPTS"].split():
    print("=====")
    try:
        values.append(runpy.run_path("explore/" + script, run_name="__main__"))
    except SystemExit as stop:
        print(stop)
        values.append({})
with open("values.pickle", "wb") as file:
    pickle.dump([{name: found[name] for name in os.environ["NAMES"].split() if name in found} for found in values], file)
"""


def console(kit, *scripts, names=""):
    """Lance ces scripts l'un après l'autre dans la même console, comme dans Spyder.

    Rend, pour chacun, ce qui s'est affiché et les variables demandées que montrerait l'explorateur de Spyder."""
    (kit.folder / "watch.py").write_text(watch, "utf-8")
    text = kit.start("watch.py", SCRIPTS=" ".join(scripts), NAMES=names).finish()
    assert "Warning" not in text, text
    with open(kit.folder / "values.pickle", "rb") as file:
        return list(zip(text.split("=====\n")[1:], pickle.load(file)))


def look(kit, script, names=""):
    """Un seul script, jusqu'à sa figure : son texte et ses variables."""
    (text, found), = console(kit, script, names=names)
    assert f"Figure enregistrée : explore/results/{script[:-3]}_VAE_64.png" in text, text
    return text, found


def model_of(kit):
    """Le réseau, son fichier, ses images (de 0 à 1) et leurs codes, refaits ici image par image."""
    model, saved = load_model(kit.folder / "VAE_64.pth")
    images, names = load_images(kit.images, saved["settings"]["images_size"])
    with torch.no_grad():
        codes = torch.cat([model.encode(image[None] / 255)[0] for image in images])
    return model, saved, images / 255, names, codes


def decode(model, z):
    with torch.no_grad():
        return model.decode(z[None])[0]


def make(folder, **settings):
    kit = Kit(folder / "Élève n°1").add_explore()
    return kit.set("train_VAE.py", show_window=False, **settings)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """200 images de démonstration, un petit modèle, et les six scripts, aux réglages raccourcis."""
    kit = make(tmp_path_factory.mktemp("demo"), epochs=12).add_demo()
    for path in sorted((kit.images / "demo").glob("*.png"))[200:]:
        path.unlink()
    for script, values in (("traversals.py", {"seconds": 2}), ("map_2D.py", {"grid": 7}), ("interpolation.py", {"steps": 5}),
                           ("samples.py", {"rows": 4}), ("groups.py", {"group_count": 5}), ("few_labels.py", {"factor": "couleur", "draws": 3})):
        kit.set(f"explore/{script}", **values)
    kit.run("train_VAE.py")
    return kit


@pytest.fixture(scope="module")
def explored(demo):
    """Ce qu'affichent les six scripts lancés l'un après l'autre dans une console, et leurs variables : {script: (texte, variables)}."""
    outcomes = dict(zip(scripts, console(demo, *scripts, names="pictures order labels decoded canvas chosen limit paths pairs by_codes "
                                         "by_pixels sheets drawn live_codes far groups distances codes silhouette chance scores")))
    for script, (text, found) in outcomes.items():
        assert f"Figure enregistrée : explore/results/{script[:-3]}_VAE_64.png" in text, text
        assert (demo.folder / "explore/results" / f"{script[:-3]}_VAE_64.png").stat().st_size > 10000
    return outcomes


@pytest.fixture(scope="module")
def colors(tmp_path_factory):
    """Trois sous-dossiers de 45 images : des rouges, des verts, des bleus, à peine différents entre eux."""
    kit, random = make(tmp_path_factory.mktemp("colors"), epochs=40, latent_size=2), np.random.default_rng(0)
    for name, color in (("bleu", (40, 50, 220)), ("rouge", (220, 40, 50)), ("vert", (40, 190, 50))):
        (kit.images / name).mkdir()
        for number in range(45):
            Image.new("RGB", (64, 64), tuple((color + random.integers(-8, 9, 3)).tolist())).save(kit.images / name / f"{number}.png")
    kit.run("train_VAE.py")
    return kit


@pytest.fixture(scope="module")
def colors_explored(colors):
    return console(colors, "map_2D.py", "groups.py", "few_labels.py", names="canvas chosen names legend points limit count groups labels "
                   "silhouette agreement scores counts")


@pytest.fixture
def copy(demo, kit):
    """Une copie du kit de demo, images comprises, à modifier."""
    shutil.copytree(demo.images, kit.images, dirs_exist_ok=True)
    return kit.add_explore().add_model(demo)


def change(kit, **values):
    """Récrit le fichier du modèle avec d'autres valeurs."""
    saved = torch.load(kit.folder / "VAE_64.pth", weights_only=True)
    torch.save(saved | values, kit.folder / "VAE_64.pth")


# Que fait chaque nombre ?
def test_each_row_moves_one_latent_around_the_mean(demo, explored):
    text, found = explored["traversals.py"]
    pictures, order, labels = found["pictures"], found["order"], found["labels"]
    model, saved, *_ = model_of(demo)
    assert order == sorted(range(4), key=lambda i: -saved["importance"][i])
    assert pictures.shape == (4, 7, 3, 64, 64) and "Latents vivants : 4 sur 4" in text
    for row, i in enumerate(order):
        assert labels[row] == f"z{i + 1}\n{saved['importance'][i]:.1f} bits"
        for column in range(7):
            z = saved["z_mean"].clone()
            z[i] += (column - 3) * saved["z_spread"][i]
            assert torch.allclose(pictures[row, column], decode(model, z), atol=1e-4)
    assert (pictures[:, 0] - pictures[:, 6]).abs().amax((1, 2, 3)).min() > 0.02


def test_the_animation_loops_smoothly(demo, explored):
    """Elle part de l'image moyenne et y revient ; d'une vue à l'autre, y compris de la dernière à la première, peu change."""
    with Image.open(demo.folder / "explore/results/traversals_VAE_64.gif") as film:
        assert film.n_frames == 25 and film.info["loop"] == 0 and film.info["duration"] == 80
        views = []
        for number in range(film.n_frames):
            film.seek(number)
            views.append(np.asarray(film.convert("RGB"), float))
    model, saved, *_ = model_of(demo)
    middle = np.asarray(to_picture(decode(model, saved["z_mean"])).resize((128, 128)), float)
    for left in range(8, 8 + 4 * 144, 144):
        assert np.abs(views[0][26:154, left:left + 128] - middle).mean() < 4
    steps = [np.abs(a - b).mean() for a, b in zip(views, views[1:] + views[:1])]
    assert 0 < min(steps) and steps[-1] < 1.5 * max(steps[:-1]) and np.abs(views[6] - views[19]).mean() > 2 * max(steps)


def test_a_dead_latent_is_named(copy):
    change(copy, importance=torch.tensor([0.05, 2.0, 0.0, 1.0]))
    text, found = look(copy.set("explore/traversals.py", seconds=1), "traversals.py", "labels")
    assert found["labels"] == ["z2\n2.0 bits", "z4\n1.0 bits", "z1\nmort", "z3\nmort"] and "2 sur 4" in text


# Où sont mes images ?
def test_the_map(demo, explored):
    """La carte est décodée dans le plan des deux premiers latents, et chaque vignette est centrée sur le code de son image."""
    text, found = explored["map_2D.py"]
    decoded, canvas, chosen, limit = (found[name] for name in ("decoded", "canvas", "chosen", "limit"))
    model, saved, images, names, codes = model_of(demo)
    mean, order = saved["z_mean"], saved["importance"].argsort(descending=True)
    axes = torch.diag(saved["z_spread"])[order[:2]]
    for row, column in ((3, 3), (0, 0), (1, 6), (6, 2)):
        z = mean + (column - 3) * axes[0] + (3 - row) * axes[1]
        assert torch.allclose(decoded[row, column], decode(model, z), atol=2e-3), (row, column)
    assert len(chosen) > 30 and f"Vignettes placées : {len(chosen)}" in text and limit == pytest.approx(3.5)
    sheet, places = np.asarray(canvas, float), []
    for i in chosen:
        across, up = ((codes[i] - mean) @ axes.T / axes.square().sum(1)).tolist()
        x, y = (1 + across / limit) * canvas.width / 2, (1 - up / limit) * canvas.height / 2
        places.append((x, y))
        shown = sheet[round(y) - 24:round(y) + 24, round(x) - 24:round(x) + 24].mean((0, 1))
        assert shown == pytest.approx(255 * images[i][:, 4:60, 4:60].mean((1, 2)).numpy(), abs=4), names[i]
    gaps = np.abs(np.array(places)[:, None] - np.array(places)[None]).max(-1)
    assert gaps[~np.eye(len(places), dtype=bool)].min() > 63                  # des vignettes de 64 pixels : aucune ne recouvre l'autre


def test_the_principal_plane():
    """Les deux axes sont ceux de la covariance (numpy), longs d'un écart-type."""
    codes = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[3., 1, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 1, 0.1]])
    directions, names = map_2D.choose_plane("principal", codes, {}, [0, 1, 2, 3])
    lengths, axes = np.linalg.eigh(np.cov(codes.numpy().T))
    for direction, length, axis in zip(directions.numpy(), lengths[::-1], axes.T[::-1]):
        assert np.linalg.norm(direction) == pytest.approx(length**0.5, rel=1e-3)
        assert abs(direction @ axis) == pytest.approx(length**0.5, rel=1e-3)
    assert names[0] == f"axe principal 1 ({100 * lengths[-1] / lengths.sum():.0f} % des écarts)"


def test_the_frames_have_the_colour_of_the_folder(colors_explored):
    canvas, chosen, names, legend, points, limit = (colors_explored[0][1][name]
                                                    for name in ("canvas", "chosen", "names", "legend", "points", "limit"))
    assert list(legend) == ["bleu", "rouge", "vert"] and len(set(legend.values())) == 3 and chosen
    for i in chosen:
        x, y = (round(value) for value in 896 * (1 + points[i] * (1, -1) / limit))
        assert "#{:02x}{:02x}{:02x}".format(*canvas.getpixel((x - 29, y))) == legend[names[i].split("/")[0]]


def test_thumbnails_never_overlap_and_stay_inside():
    points = np.random.default_rng(0).normal(size=(3000, 2))
    chosen = map_2D.choose_apart(points, 0.2, 2, count=150)
    gaps = np.abs(points[chosen][:, None] - points[chosen][None]).max(-1) + np.eye(len(chosen))
    assert len(set(chosen)) == 150 and gaps.min() >= 0.2 and np.abs(points[chosen]).max() <= 2


# Qu'y a-t-il entre deux images ?
def test_the_two_paths(demo, explored):
    text, found = explored["interpolation.py"]
    paths, pairs, by_codes, by_pixels = (found[name] for name in ("paths", "pairs", "by_codes", "by_pixels"))
    model, saved, images, names, codes = model_of(demo)
    assert paths.shape == (3, 2, 7, 3, 64, 64) and len({tuple(pair) for pair in pairs.tolist()}) > 40
    for path, (a, b) in zip(paths, pairs):
        assert a != b
        for ends in path:
            assert torch.equal(ends[0], images[a]) and torch.equal(ends[-1], images[b])
        assert torch.allclose(path[0, 1], decode(model, codes[a]), atol=1e-3)
        assert torch.allclose(path[0, 2], decode(model, 0.75 * codes[a] + 0.25 * codes[b]), atol=1e-3)
        assert torch.allclose(path[0, 5], decode(model, codes[b]), atol=1e-3)
        assert torch.allclose(path[1, 2], 0.75 * images[a] + 0.25 * images[b], atol=1e-6)
    nearest = [min((picture - image).square().mean().item() for image in images)
               for picture in ((images[a] + images[b]) / 2 for a, b in pairs)]
    assert by_pixels == pytest.approx(np.mean(nearest), rel=1e-3) and f"{by_codes:.4f} par les codes" in text


# Que donne le hasard ?
def test_samples_and_the_holes(demo, explored):
    text, found = explored["samples.py"]
    sheets, drawn, live_codes, far = (found[name] for name in ("sheets", "drawn", "live_codes", "far"))
    model, saved, *_ = model_of(demo)
    order = saved["importance"].argsort(descending=True).tolist()
    for name, pictures in sheets.items():
        z = torch.empty(4)
        z[order] = torch.tensor(drawn[name][5], dtype=torch.float)
        assert pictures.shape == (4, 4, 3, 64, 64) and torch.allclose(pictures[1, 1], decode(model, z), atol=1e-4)
    assert np.abs(drawn["selon N(0, 1)"].mean(0)).max() < 0.15 and drawn["selon N(0, 1)"].std(0) == pytest.approx(1, abs=0.1)
    assert drawn["selon le mélange"].mean(0) == pytest.approx(live_codes.mean(0), abs=0.2)
    assert drawn["selon le mélange"].std(0) == pytest.approx(live_codes.std(0), rel=0.15)
    for name, values in drawn.items():                     # la part des trous, recomptée sans scikit-learn
        between = np.linalg.norm(live_codes[:, None] - live_codes[None], axis=-1) + 1e9 * np.eye(len(live_codes))
        usual = np.quantile(between.min(1), 0.95)
        assert far[name] == pytest.approx((np.linalg.norm(values[:, None] - live_codes[None], axis=-1).min(1) > usual).mean(), abs=1e-3)
    assert far["selon le mélange"] < 0.3
    assert re.search(rf"{100 * far['selon N(0, 1)']:.0f} % des tirages selon N\(0, 1\)", text) and "beta" not in text


def test_codes_that_fill_the_normal_law_leave_no_hole():
    random = np.random.default_rng(0)
    codes = random.standard_normal((2000, 3))
    assert samples.far_share(random.standard_normal((2000, 3)), codes) == pytest.approx(0.05, abs=0.03)
    assert samples.far_share(random.standard_normal((2000, 3)) + 10, codes) == 1
    assert samples.fit_mixture(codes[:12], 8).n_components == 1 and samples.fit_mixture(codes.round(-2), 8).n_components < 8


def test_a_plain_auto_encoder_says_so_first(copy):
    saved = torch.load(copy.folder / "VAE_64.pth", weights_only=True)
    change(copy, settings=saved["settings"] | {"beta": 0}, importance=torch.tensor([40.0, 30.0, 20.0, 10.0]))
    (text, _), (_, found) = console(copy.set("explore/traversals.py", seconds=1), "samples.py", "traversals.py", names="labels")
    assert text.index("beta = 0") < text.index("z1 : moyenne") and found["labels"][0] == "z1\n40.0 %"


# Trouve-t-il des groupes tout seul ?
def test_three_colours_make_three_groups(colors_explored):
    text, found = colors_explored[1]
    assert found["count"] == 3 and found["silhouette"] > 0.7 and found["agreement"] == 1
    assert "Les groupes sont nets" in text and "1.00" in text
    assert len(set(zip(found["groups"], found["labels"]))) == 3                                 # un groupe par couleur, sans mélange


def test_the_demo_has_no_clear_groups(explored):
    """La silhouette, refaite à la main, et à peine mieux que pour des codes sans groupes : le script le dit."""
    text, found = explored["groups.py"]
    groups, distances, codes, silhouette = (found[name] for name in ("groups", "distances", "codes", "silhouette"))
    assert set(groups) == set(range(5)) and "sous-dossiers" not in text and silhouette < 0.6
    assert ("pas de groupes nets" if silhouette < found["chance"][5] + 0.1 else "se touchent") in text
    between = np.linalg.norm(codes[:, None] - codes[None], axis=-1)
    means = np.stack([between[:, groups == group].sum(1) / ((groups == group).sum() - (groups == group)) for group in range(5)], axis=1)
    own = means[np.arange(len(codes)), groups]
    others = np.stack([between[:, groups == group].mean(1) for group in range(5)], axis=1)
    others[np.arange(len(codes)), groups] = np.inf
    assert silhouette == pytest.approx(((others.min(1) - own) / np.maximum(own, others.min(1))).mean(), abs=1e-6)
    centres = np.stack([codes[groups == group].mean(0) for group in range(5)])
    assert distances == pytest.approx(np.linalg.norm(codes - centres[groups], axis=1), abs=0.05)


# Avec peu d'étiquettes ?
def test_colours_need_two_labels(colors_explored):
    text, found = colors_explored[2]
    assert found["counts"] == [2, 5, 20] and "font jeu égal" in text
    found = [values.mean() for name, values in found["scores"].items() if "codes" in name or "pixels" in name]
    assert found == pytest.approx([1, 1], abs=0.02)       # une image sur cent peut être prise pour une autre


def test_labels_at_random_give_chance(copy):
    random = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (copy.images / name).mkdir()
    for path in sorted((copy.images / "demo").glob("*.png")):
        path.rename(copy.images / "abc"[random.integers(3)] / path.name)
    text, found = look(copy, "few_labels.py", "scores test known")
    scores, test, known = (found[name] for name in ("scores", "test", "known"))
    assert all(abs(values.mean() - 1 / 3) < 0.08 for values in scores.values()) and len(scores) == 3
    assert not set(known) & set(test) and len(set(known)) == len(known) == 3 * 20      # jamais testé sur une image étiquetée


def test_the_demo_uses_its_factors(demo, explored):
    """Sans sous-dossiers, les étiquettes sont les quarts d'un facteur, que redonne le rang de chaque image dans factors.csv."""
    text, found = explored["few_labels.py"]
    with open(demo.images / "demo" / "factors.csv", encoding="utf-8") as file:
        truth = {row["image"]: float(row["couleur"]) for row in csv.DictReader(file)}
    names = sorted(path.name for path in (demo.images / "demo").glob("*.png"))
    expected = {name: 1 + 4 * rank // len(names) for rank, name in enumerate(sorted(names, key=truth.get))}
    assert found["labels"].tolist() == [f"couleur {expected[name]}/4" for name in names]
    assert next(iter(found["scores"].values()))[-1].mean() > 0.4 and "Face aux pixels, les codes" in text
    with pytest.raises(SystemExit, match="factor = 'chapeau' ne va pas"):
        few_labels.read_labels(demo.images, [f"demo/{name}" for name in names], "chapeau")


def test_a_class_of_three_images_is_left_aside():
    labels = np.array(["a"] * 30 + ["b"] * 8 + ["c"] * 3)
    kept = few_labels.choose_images(labels, np.random.default_rng(0), most=30)
    assert sorted(labels[kept]) == ["a"] * 10 + ["b"] * 8 and len(set(kept)) == 18
    with pytest.raises(SystemExit, match="de 2 à 50"):
        few_labels.choose_images(labels[:30], np.random.default_rng(0))


# Un seul latent, une autre tâche, une autre taille
def test_a_single_latent_a_single_folder_grey_images(kit):
    """Chaque script fait ce qu'il peut : une carte qui n'est qu'une ligne, un histogramme... ou une phrase."""
    (kit.images / "seul").mkdir()
    for path in sorted((root / "images" / "demo").glob("*.png"))[:60]:
        with Image.open(path) as picture:
            picture.convert("L").save(kit.images / "seul" / path.name)
    kit.add_explore().set("train_VAE.py", epochs=10, latent_size=1, show_window=False).set("explore/traversals.py", seconds=1)
    outcomes = console(kit, *scripts)
    for script, (text, _) in zip(scripts[:-1], outcomes):
        assert f"Figure enregistrée : explore/results/{script[:-3]}_VAE_64.png" in text, text
        assert ("hauteur des vignettes" in text) == (script == "map_2D.py")
    assert "au moins deux sous-dossiers" in outcomes[-1][0]                  # few_labels.py : pas d'étiquettes


@pytest.mark.parametrize("values", [{"task": "denoise", "images_size": 32}, {"task": "super_resolution", "images_size": 128, "decoder": "broadcast"}],
                         ids=lambda values: values["task"])
def test_other_tasks_and_sizes_without_a_model_yet(kit, values):
    """Pas encore de modèle : le premier script l'entraîne, puis les autres s'en servent."""
    kit.add_explore().add_drawings(25).set("train_VAE.py", epochs=3, show_window=False, **values).set("explore/traversals.py", seconds=1)
    outcomes = console(kit, *scripts[:-1], names="pictures paths decoded")
    assert ["Pas encore de modèle" in text for text, _ in outcomes] == [True] + 4 * [False]
    assert ["Figure enregistrée" in text for text, _ in outcomes] == [True] * 5, outcomes
    assert {value.shape[-1] for _, found in outcomes for value in found.values()} == {values["images_size"]}


# Une phrase claire plutôt qu'une erreur
def test_a_wrong_setting_is_named(kit):
    wrong = [("reach", 0), ("plane", "3D"), ("steps", 1), ("components", "8"), ("group_count", 1), ("draws", True)]
    kit.add_explore()
    for script, (name, value) in zip(scripts, wrong):
        kit.set(f"explore/{script}", **{name: value})
    for (name, value), (text, _) in zip(wrong, console(kit, *scripts)):
        assert text.startswith(f"{name} = {value!r} ne va pas : ") and text.endswith("zone ***, puis relancez.\n")


def test_no_images_no_model_or_not_a_model(kit):
    kit.add_explore().set("explore/samples.py", model_name="autre")
    (no_images, _), (no_model, _) = console(kit, "map_2D.py", "samples.py")
    assert "record_images.py" in no_images and "autre.pth" in no_model and "train_VAE.py" in no_model
    (kit.folder / "VAE_64.pth").write_text("pas un modèle")
    assert "relancez train_VAE.py" in kit.refusal("explore/traversals.py")


def test_nine_images_or_the_same_one(copy):
    for path in sorted((copy.images / "demo").glob("*.png"))[9:]:
        path.unlink()
    assert "9 images ne suffisent pas" in copy.refusal("explore/groups.py")
    for number in range(10):
        shutil.copy(copy.images / "demo" / "0001.png", copy.images / f"{number}.png")
    assert "les mêmes" in copy.refusal("explore/interpolation.py")


def test_all_the_latents_are_dead(copy):
    change(copy, importance=torch.tensor([0.01, 0.02, 0.0, 0.0]))
    for text, _ in console(copy, *scripts):
        assert text.strip().splitlines()[-1].startswith("Tous les latents sont morts")


def test_more_groups_than_different_images(colors, kit):
    for number in range(12):
        Image.new("RGB", (64, 64), [(220, 40, 50), (40, 50, 220)][number % 2]).save(kit.images / f"{number}.png")
    assert "group_count" in kit.add_explore().add_model(colors).refusal("explore/groups.py", group_count=6)


# La forme des scripts
def test_importing_runs_nothing(kit):
    kit.add_explore()
    before = sorted(kit.folder.rglob("*"))
    modules = ", ".join(script[:-3] for script in scripts)
    answer = subprocess.run([sys.executable, "-B", "-c", f"import {modules}"], cwd=kit.folder / "explore", capture_output=True, text=True,
                            env={**os.environ, "DISPLAY": ""})
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert sorted(kit.folder.rglob("*")) == before


@pytest.mark.parametrize("script", scripts)
def test_a_script_explains_itself(script):
    """Une question en tête, ce qu'il lit et écrit, une zone *** expliquée, et des cellules complètes."""
    text = (root / "explore" / script).read_text("utf-8")
    first, *lines = ast.get_docstring(ast.parse(text)).splitlines()
    assert " ? " in first and [any(line.startswith(word) for line in lines) for word in ("Lit ", "Écrit ", "Ensuite ")] == [True] * 3
    zone = re.search(r"(?ms)^# \*{20,}.*?$\n(.*?)^# \*{20,}", text)[1].strip().splitlines()
    assert zone and all(re.fullmatch(r"\w+ = \S.*?\s+#\*\*\* \S.*", line) for line in zone)
    for cell in re.split(r"(?m)^(?= *# %%)", text):
        compile(textwrap.dedent(cell), script, "exec")
