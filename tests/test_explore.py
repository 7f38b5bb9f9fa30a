"""Le laboratoire (explore/) : chaque script lancé comme par un élève, ses images et ses
nombres comparés à un calcul fait autrement."""
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
from drawn_film import draw_movements
from PIL import Image

from model_VAE_64 import VAE
from outils.model_file import load_model
from outils.pictures import load_images, to_picture

sys.path.insert(0, str(root / "explore"))
import factors
import few_labels
import laboratory as lab
import map_2D
import samples
import sweep_beta

scripts = ["traversals.py", "map_2D.py", "interpolation.py", "samples.py", "groups.py",
           "few_labels.py"]
watch = """import os, pickle, runpy, sys
sys.path.insert(0, "explore")
values = []
for script in os.environ["SCRIPTS"].split():
    print("=====")
    try:
        values.append(runpy.run_path("explore/" + script, run_name="__main__"))
    except SystemExit:                # la phrase est déjà affichée
        values.append({})
asked = os.environ["NAMES"].split()
kept = [{name: found[name] for name in asked if name in found} for found in values]
with open("values.pickle", "wb") as file:
    pickle.dump(kept, file)
"""


def console(kit, *scripts, names=""):
    """Lance ces scripts l'un après l'autre dans la même console, comme dans Spyder.

    Rend, pour chacun, ce qui s'est affiché et les variables demandées, celles que montrerait
    l'explorateur de Spyder."""
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
    model, saved = load_model(kit.folder / "VAE_64.pth", VAE)
    images, names = load_images(kit.images, saved["settings"]["images_size"])
    with torch.no_grad():
        codes = torch.cat([model.encode(image[None] / 255)[0] for image in images])
    return model, saved, images / 255, names, codes


def decode(model, z):
    with torch.no_grad():
        return model.decode(z[None])[0]


def make(folder, **settings):
    kit = Kit(folder / "Élève n°1").add_explore()
    return kit.set("train_VAE.py", **settings)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """200 images de démonstration, un petit modèle, et les six scripts, aux réglages raccourcis."""
    kit = make(tmp_path_factory.mktemp("demo"), epochs=12).add_demo()
    for path in sorted((kit.images / "demo").glob("*.png"))[200:]:
        path.unlink()
    kit.set("explore/traversals.py", seconds=2)
    kit.set("explore/map_2D.py", grid=7)
    kit.set("explore/interpolation.py", steps=5)
    kit.set("explore/samples.py", rows=4)
    kit.set("explore/groups.py", group_count=5)
    kit.set("explore/few_labels.py", factor="couleur", draws=3)
    kit.run("train_VAE.py")
    return kit


@pytest.fixture(scope="module")
def explored(demo):
    """Les six scripts lancés l'un après l'autre dans une console : {script: (texte, variables)}."""
    names = ("pictures order labels decoded canvas chosen limit paths pairs by_codes by_pixels "
             "sheets drawn live_codes far groups distances codes silhouette chance scores")
    outcomes = dict(zip(scripts, console(demo, *scripts, names=names)))
    for script, (text, found) in outcomes.items():
        assert f"Figure enregistrée : explore/results/{script[:-3]}_VAE_64.png" in text, text
        figure = demo.folder / "explore/results" / f"{script[:-3]}_VAE_64.png"
        assert figure.stat().st_size > 10000
    return outcomes


@pytest.fixture(scope="module")
def colors(tmp_path_factory):
    """Trois sous-dossiers de 45 images : des rouges, des verts, des bleus, de nuances voisines."""
    kit = make(tmp_path_factory.mktemp("colors"), epochs=40, latent_size=2)
    random = np.random.default_rng(0)
    for name, color in (("bleu", (40, 50, 220)), ("rouge", (220, 40, 50)), ("vert", (40, 190, 50))):
        (kit.images / name).mkdir()
        for number in range(45):
            shade = tuple((color + random.integers(-8, 9, 3)).tolist())
            Image.new("RGB", (64, 64), shade).save(kit.images / name / f"{number}.png")
    kit.run("train_VAE.py")
    return kit


@pytest.fixture(scope="module")
def colors_explored(colors):
    names = ("canvas chosen names legend points limit count groups labels silhouette agreement "
             "scores counts")
    return console(colors, "map_2D.py", "groups.py", "few_labels.py", names=names)


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
    assert "Animation : vue 20 sur 25" in text         # il dit où il en est
    pictures, order, labels = found["pictures"], found["order"], found["labels"]
    model, saved, *_ = model_of(demo)
    assert order == sorted(range(4), key=lambda i: -saved["importance"][i])
    assert pictures.shape == (4, 9, 3, 64, 64) and "Latents vivants : 4 sur 4" in text
    for row, i in enumerate(order):
        assert labels[row] == f"z{i + 1}\n{saved['importance'][i]:.1f} bits"
        for column in range(9):               # de -2 à +2 écarts-types
            z = saved["z_mean"].clone()
            z[i] += (column - 4) / 2 * saved["z_spread"][i]
            assert torch.allclose(pictures[row, column], decode(model, z), atol=1e-4)
    assert (pictures[:, 0] - pictures[:, 8]).abs().amax((1, 2, 3)).min() > 0.02


def test_the_animation_loops_smoothly(demo, explored):
    """Elle part de l'image moyenne et y revient ; d'une vue à l'autre, peu change.

    De la dernière à la première aussi."""
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
    assert 0 < min(steps) and steps[-1] < 1.5 * max(steps[:-1])
    assert np.abs(views[6] - views[19]).mean() > 2 * max(steps)


def test_a_dead_latent_is_named(copy):
    change(copy, importance=torch.tensor([0.05, 2.0, 0.0, 1.0]))
    text, found = look(copy.set("explore/traversals.py", seconds=1), "traversals.py", "labels")
    assert found["labels"] == ["z2\n2.0 bits", "z4\n1.0 bits", "z1\nmort", "z3\nmort"]
    assert "2 sur 4" in text


# Les mouvements
def test_the_movements_come_first_and_are_named(copy):
    """Dans chaque script, « z2 mouvement 2 » d'abord, puis les plus importants."""
    change(copy, movements=[2, 4], importance=torch.tensor([3.0, 0.5, 1.0, 0.01]))
    copy.set("explore/traversals.py", seconds=1)
    outcomes = console(copy, "traversals.py", "map_2D.py", "samples.py",
                       names="order labels axis_names latent_names")
    rows, plane, drawn = [found for text, found in outcomes]
    assert rows["order"] == [1, 3, 0, 2]
    assert rows["labels"] == ["z2\nmouvement 2", "z4\nmouvement 4 mort", "z1\n3.0 bits",
                               "z3\n1.0 bits"]
    assert plane["axis_names"] == ["z2 mouvement 2", "z1"]
    assert drawn["latent_names"] == ["z2 mouvement 2", "z1", "z3"]


def test_the_laboratory_trains_the_movements():
    """Chaque mouvement va à son nombre, sur un autre film ; sans movements, non."""
    takes = []
    for seed in (0, 1):
        pictures = draw_movements({"m1": 60, "m2": 60}, seed)
        pixels = np.stack([np.asarray(picture) for picture in pictures.values()])
        takes.append(torch.tensor(pixels).permute(0, 3, 1, 2))
    names = list(pictures)
    movements = lab.find_movements(names, 2)
    train_index, test_index = lab.split(names, 0.1)
    shares = []
    for given in (movements, None):
        torch.manual_seed(1)
        model, settings, _ = lab.train(takes[0], train_index, movements=given, latent_size=2)
        spread = lab.measure_latents(model, takes[0], train_index, settings)["z_spread"]
        mu = lab.encode_images(model, takes[1])[0] / spread
        variances = torch.stack([codes.var(0) for codes in mu.split(60)])
        shares.append(variances.diag() / variances.sum(1))
    assert shares[0].min() > 0.9 and shares[1].min() < 0.75, shares


def test_a_sweep_trains_the_movements(monkeypatch):
    """Quand les axes tournent, et alors seulement ; ses images suivent l'ordre des curseurs."""
    pictures = draw_movements({"m1": 30, "m2": 30})
    pixels = np.stack([np.asarray(picture) for picture in pictures.values()])
    images = torch.tensor(pixels).permute(0, 3, 1, 2)
    movements = lab.find_movements(list(pictures), 2)
    case = dict(lab.settings, latent_size=2, epochs=1, repeat=0, independent_axes=False)
    model, latents, _ = sweep_beta.train_case(case, images, list(pictures), None, movements)
    assert latents["movements"] == []
    case["independent_axes"] = True
    model, latents, _ = sweep_beta.train_case(case, images, list(pictures), None, movements)
    assert latents["movements"] == [1, 2]
    latents["importance"] = torch.tensor([1.0, 2.0])
    orders = []
    traverse = lab.traverse
    monkeypatch.setattr(lab, "traverse", lambda *values: orders.append(values[2]) or traverse(*values))
    sweep_beta.draw_latents(model, latents)
    assert orders == [[0, 1]]


def test_a_factor_names_the_movement(capsys):
    factors.tell("place", np.array([0.1, 0.9]), 0.8, ["z1", "z2 mouvement 2"])
    assert "surtout z2 mouvement 2 (0.90), puis z1 (0.10)" in capsys.readouterr().out


def test_a_second_training_forgets_the_first():
    """Les mêmes mouvements, le même hasard : le même réseau, bit pour bit."""
    pictures = draw_movements({"m1": 30, "m2": 30})
    pixels = np.stack([np.asarray(picture) for picture in pictures.values()])
    images = torch.tensor(pixels).permute(0, 3, 1, 2)
    movements = lab.find_movements(list(pictures), 2)
    weights = []
    for times in (1, 2):
        torch.manual_seed(0)
        model = lab.train(images, torch.arange(60), movements=movements, latent_size=2, epochs=2)[0]
        weights.append(model.encoder.network[-1].weight)
    assert torch.equal(*weights)


# Où sont mes images ?
def test_the_map(demo, explored):
    """La carte est celle des deux premiers latents ; chaque vignette est centrée sur son code."""
    text, found = explored["map_2D.py"]
    decoded, canvas, chosen, limit = (
        found[name] for name in ("decoded", "canvas", "chosen", "limit"))
    model, saved, images, names, codes = model_of(demo)
    mean, order = saved["z_mean"], saved["importance"].argsort(descending=True)
    axes = torch.diag(saved["z_spread"])[order[:2]]
    for row, column in ((3, 3), (0, 0), (1, 6), (6, 2)):
        z = mean + (column - 3) / 1.5 * axes[0] + (3 - row) / 1.5 * axes[1]
        assert torch.allclose(decoded[row, column], decode(model, z), atol=2e-3), (row, column)
    assert len(chosen) > 30 and f"Vignettes placées : {len(chosen)}" in text
    assert limit == pytest.approx(2 * 7 / 6)
    sheet, places = np.asarray(canvas, float), []
    for i in chosen:
        across, up = ((codes[i] - mean) @ axes.T / axes.square().sum(1)).tolist()
        x, y = (1 + across / limit) * canvas.width / 2, (1 - up / limit) * canvas.height / 2
        places.append((x, y))
        shown = sheet[round(y) - 24:round(y) + 24, round(x) - 24:round(x) + 24].mean((0, 1))
        expected = 255 * images[i][:, 4:60, 4:60].mean((1, 2)).numpy()
        assert shown == pytest.approx(expected, abs=4), names[i]
    gaps = np.abs(np.array(places)[:, None] - np.array(places)[None]).max(-1)
    # des vignettes de 64 pixels : aucune ne recouvre l'autre
    assert gaps[~np.eye(len(places), dtype=bool)].min() > 63


def test_the_principal_plane():
    """Les deux axes sont ceux de la covariance (numpy), longs d'un écart-type."""
    mix = torch.tensor([[3., 1, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 1, 0.1]])
    codes = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) @ mix
    directions, names = map_2D.choose_plane("principal", codes, {}, [0, 1, 2, 3])
    lengths, axes = np.linalg.eigh(np.cov(codes.numpy().T))
    for direction, length, axis in zip(directions.numpy(), lengths[::-1], axes.T[::-1]):
        assert np.linalg.norm(direction) == pytest.approx(length**0.5, rel=1e-3)
        assert abs(direction @ axis) == pytest.approx(length**0.5, rel=1e-3)
    assert names[0] == f"axe principal 1 ({100 * lengths[-1] / lengths.sum():.0f} % des écarts)"


@pytest.mark.slow
def test_the_frames_have_the_colour_of_the_folder(colors_explored):
    found = colors_explored[0][1]
    canvas, chosen, names, legend, points, limit = (
        found[name] for name in ("canvas", "chosen", "names", "legend", "points", "limit"))
    assert list(legend) == ["bleu", "rouge", "vert"] and len(set(legend.values())) == 3 and chosen
    for i in chosen:
        x, y = (round(value) for value in canvas.width / 2 * (1 + points[i] * (1, -1) / limit))
        frame = "#{:02x}{:02x}{:02x}".format(*canvas.getpixel((x - 29, y)))
        assert frame == legend[names[i].split("/")[0]]


def test_thumbnails_never_overlap_and_stay_inside():
    points = np.random.default_rng(0).normal(size=(3000, 2))
    chosen = map_2D.choose_apart(points, 0.2, 2, count=150)
    gaps = np.abs(points[chosen][:, None] - points[chosen][None]).max(-1) + np.eye(len(chosen))
    assert len(set(chosen)) == 150 and gaps.min() >= 0.2 and np.abs(points[chosen]).max() <= 2


# Qu'y a-t-il entre deux images ?
def test_the_two_paths(demo, explored):
    text, found = explored["interpolation.py"]
    paths, pairs, by_codes, by_pixels = (
        found[name] for name in ("paths", "pairs", "by_codes", "by_pixels"))
    model, saved, images, names, codes = model_of(demo)
    assert paths.shape == (3, 2, 7, 3, 64, 64) and len({tuple(pair) for pair in pairs}) > 40
    for path, (a, b) in zip(paths, pairs):
        assert a != b
        for ends in path:
            assert torch.equal(ends[0], images[a]) and torch.equal(ends[-1], images[b])
        assert torch.allclose(path[0, 1], decode(model, codes[a]), atol=1e-3)
        z = 0.75 * codes[a] + 0.25 * codes[b]
        assert torch.allclose(path[0, 2], decode(model, z), atol=1e-3)
        assert torch.allclose(path[0, 5], decode(model, codes[b]), atol=1e-3)
        assert torch.allclose(path[1, 2], 0.75 * images[a] + 0.25 * images[b], atol=1e-6)
    nearest = [min((picture - image).square().mean().item() for image in images)
               for picture in ((images[a] + images[b]) / 2 for a, b in pairs)]
    assert by_pixels == pytest.approx(np.mean(nearest), rel=1e-3)
    assert f"{by_codes:.4f} par les codes" in text


# Que donne le hasard ?
def test_samples_and_the_holes(demo, explored):
    text, found = explored["samples.py"]
    sheets, drawn, live_codes, far = (
        found[name] for name in ("sheets", "drawn", "live_codes", "far"))
    model, saved, *_ = model_of(demo)
    order = saved["importance"].argsort(descending=True).tolist()
    for (name, values), (title, pictures) in zip(drawn.items(), sheets.items()):
        z = torch.empty(4)
        z[order] = torch.tensor(values[5], dtype=torch.float)
        assert title == f"Codes tirés {name} : {far[name]:.0f} % dans un trou"
        assert pictures.shape == (4, 4, 3, 64, 64)
        assert torch.allclose(pictures[1, 1], decode(model, z), atol=1e-4)
    normal, mixed = drawn.values()
    assert np.abs(normal.mean(0)).max() < 0.15 and normal.std(0) == pytest.approx(1, abs=0.1)
    assert mixed.mean(0) == pytest.approx(live_codes.mean(0), abs=0.2)
    assert mixed.std(0) == pytest.approx(live_codes.std(0), rel=0.15)
    between = np.linalg.norm(live_codes[:, None] - live_codes[None], axis=-1)
    usual = np.quantile((between + 1e9 * np.eye(len(live_codes))).min(1), 0.95)
    for name, values in drawn.items():                # la part des trous, sans scikit-learn
        nearest = np.linalg.norm(values[:, None] - live_codes[None], axis=-1).min(1)
        assert far[name] == pytest.approx(100 * (nearest > usual).mean(), abs=0.1)
    assert far["selon le mélange"] < 30
    assert f"{far['selon N(0, 1)']:.0f} % des tirages selon N(0, 1)" in text
    assert "beta" not in text


def test_codes_that_fill_the_normal_law_leave_no_hole():
    random = np.random.default_rng(0)
    codes = random.standard_normal((2000, 3))
    others = random.standard_normal((2000, 3))
    assert samples.far_share(others, codes) == pytest.approx(0.05, abs=0.03)
    assert samples.far_share(others + 10, codes) == 1
    assert samples.fit_mixture(codes[:12], 8).n_components == 1
    assert samples.fit_mixture(codes.round(-2), 8).n_components < 8


def test_a_plain_auto_encoder_says_so_first(copy):
    saved = torch.load(copy.folder / "VAE_64.pth", weights_only=True)
    change(copy, settings=saved["settings"] | {"beta": 0},
           importance=torch.tensor([40.0, 30.0, 20.0, 10.0]))
    copy.set("explore/traversals.py", seconds=1)
    (text, _), (_, found) = console(copy, "samples.py", "traversals.py", names="labels")
    assert text.index("beta = 0") < text.index("z1 : moyenne")
    assert found["labels"][0] == "z1\n40.0 %"


# Trouve-t-il des groupes tout seul ?
@pytest.mark.slow
def test_three_colours_make_three_groups(colors_explored):
    text, found = colors_explored[1]
    assert found["count"] == 3 and found["silhouette"] > 0.7 and found["agreement"] == 1
    assert "Les groupes sont nets" in text and "1.00" in text
    assert len(set(zip(found["groups"], found["labels"]))) == 3    # un groupe par couleur


def test_the_demo_has_no_clear_groups(explored):
    """La silhouette, refaite à la main ; à peine mieux que sans groupes, et le script le dit."""
    text, found = explored["groups.py"]
    groups, distances, codes, silhouette = (
        found[name] for name in ("groups", "distances", "codes", "silhouette"))
    assert set(groups) == set(range(5)) and "sous-dossiers" not in text and silhouette < 0.6
    verdict = "pas de groupes nets" if silhouette < found["chance"][5] + 0.1 else "se touchent"
    assert verdict in text
    between = np.linalg.norm(codes[:, None] - codes[None], axis=-1)
    sums = np.stack([between[:, groups == group].sum(1) for group in range(5)], axis=1)
    sizes = np.bincount(groups)
    everyone = np.arange(len(codes))
    own = sums[everyone, groups] / (sizes[groups] - 1)
    others = sums / sizes
    others[everyone, groups] = np.inf
    others = others.min(1)
    assert silhouette == pytest.approx(((others - own) / np.maximum(own, others)).mean(), abs=1e-6)
    centres = np.stack([codes[groups == group].mean(0) for group in range(5)])
    assert distances == pytest.approx(np.linalg.norm(codes - centres[groups], axis=1), abs=0.05)


# Avec peu d'étiquettes ?
@pytest.mark.slow
def test_colours_need_two_labels(colors_explored):
    text, found = colors_explored[2]
    assert found["counts"] == [2, 5, 20] and "font jeu égal" in text
    codes, pca, pixels = found["scores"].values()
    found = [codes.mean(), pixels.mean()]
    assert found == pytest.approx([1, 1], abs=0.02)       # une erreur sur cent est permise


@pytest.mark.slow
def test_labels_at_random_give_chance(copy):
    random = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (copy.images / name).mkdir()
    for number, path in enumerate(sorted((copy.images / "demo").glob("*.png"))):
        if number < 150:                               # au plus 20 étiquettes par dossier
            path.rename(copy.images / "abc"[random.integers(3)] / path.name)
        else:
            path.unlink()
    text, found = look(copy, "few_labels.py", "scores test known")
    scores, test, known = (found[name] for name in ("scores", "test", "known"))
    assert all(abs(values.mean() - 1 / 3) < 0.08 for values in scores.values()) and len(scores) == 3
    # jamais testé sur une image étiquetée
    assert not set(known) & set(test) and len(set(known)) == len(known) == 3 * 20


def test_the_demo_uses_its_factors(demo, explored):
    """Sans sous-dossiers, les étiquettes sont les quarts d'un facteur, refaits ici par le rang."""
    text, found = explored["few_labels.py"]
    with open(demo.images / "demo" / "factors.csv", encoding="utf-8") as file:
        truth = {row["image"]: float(row["couleur"]) for row in csv.DictReader(file)}
    names = sorted(path.name for path in (demo.images / "demo").glob("*.png"))
    ranked = sorted(names, key=truth.get)
    expected = {name: 1 + 4 * rank // len(names) for rank, name in enumerate(ranked)}
    assert found["labels"].tolist() == [f"couleur {expected[name]}/4" for name in names]
    assert next(iter(found["scores"].values()))[-1].mean() > 0.4
    assert "Face aux pixels, les codes" in text
    with pytest.raises(SystemExit, match="factor doit être choisi parmi"):
        few_labels.read_labels(demo.images, [f"demo/{name}" for name in names], "chapeau")


def test_a_class_of_three_images_is_left_aside():
    labels = np.array(["a"] * 30 + ["b"] * 8 + ["c"] * 3)
    kept = few_labels.choose_images(labels, np.random.default_rng(0), most=30)
    assert sorted(labels[kept]) == ["a"] * 15 + ["b"] * 8 and len(set(kept)) == 23
    with pytest.raises(SystemExit, match="de 2 à 50"):
        few_labels.choose_images(labels[:30], np.random.default_rng(0))


# Un seul latent, une autre tâche, une autre taille
@pytest.mark.slow
def test_a_single_latent_a_single_folder_grey_images(kit):
    """Chaque script fait ce qu'il peut : une carte d'une ligne, un histogramme... une phrase."""
    (kit.images / "seul").mkdir()
    for path in sorted((root / "images" / "demo").glob("*.png"))[:60]:
        with Image.open(path) as picture:
            picture.convert("L").save(kit.images / "seul" / path.name)
    kit.add_explore().set("train_VAE.py", epochs=10, latent_size=1)
    kit.set("explore/traversals.py", seconds=1)
    outcomes = console(kit, *scripts)
    for script, (text, _) in zip(scripts[:-1], outcomes):
        assert f"Figure enregistrée : explore/results/{script[:-3]}_VAE_64.png" in text, text
        assert ("hauteur des vignettes" in text) == (script == "map_2D.py")
    assert "au moins deux sous-dossiers" in outcomes[-1][0]    # few_labels.py : pas d'étiquettes


@pytest.mark.slow
@pytest.mark.parametrize("values", [
    {"task": "denoise", "images_size": 32},
    {"task": "super_resolution", "images_size": 128, "decoder": "broadcast"}],
    ids=lambda values: values["task"])
def test_other_tasks_and_sizes_without_a_model_yet(kit, values):
    """Pas encore de modèle : le premier script l'entraîne, puis les autres s'en servent."""
    kit.add_explore().add_drawings(25).set("train_VAE.py", epochs=3, **values)
    kit.set("explore/traversals.py", seconds=1)
    outcomes = console(kit, *scripts[:-1], names="pictures paths decoded")
    assert ["Pas encore de modèle" in text for text, _ in outcomes] == [True] + 4 * [False]
    assert ["Figure enregistrée" in text for text, _ in outcomes] == [True] * 5, outcomes
    sizes = {value.shape[-1] for _, found in outcomes for value in found.values()}
    assert sizes == {values["images_size"]}


# Une phrase claire plutôt qu'une erreur
def test_a_wrong_setting_is_named(kit):
    wrong = [("reach", 0), ("plane", "3D"), ("steps", 1), ("components", "8"), ("group_count", 1),
             ("draws", True)]
    kit.add_explore()
    for script, (name, value) in zip(scripts, wrong):
        kit.set(f"explore/{script}", **{name: value})
    for (name, value), (text, _) in zip(wrong, console(kit, *scripts)):
        assert text.startswith(f"{name} doit être ") and text.endswith("dans la zone ***.\n")
        assert text.count("\n") == 1


def test_no_images_no_model_or_not_a_model(kit):
    kit.add_explore().set("explore/samples.py", model_name="autre")
    (no_images, _), (no_model, _) = console(kit, "map_2D.py", "samples.py")
    assert "record_images.py" in no_images
    assert "autre.pth" in no_model and "train_VAE.py" in no_model
    (kit.folder / "VAE_64.pth").write_text("pas un modèle")
    assert "relancez train_VAE.py" in kit.refusal("explore/traversals.py")


def test_nine_images_or_the_same_one(copy):
    for path in sorted((copy.images / "demo").glob("*.png"))[9:]:
        path.unlink()
    assert "Images : 9. Il en faut au moins 10" in copy.refusal("explore/groups.py")
    for number in range(10):
        shutil.copy(copy.images / "demo" / "0001.png", copy.images / f"{number}.png")
    assert "les mêmes" in copy.refusal("explore/interpolation.py")


def test_all_the_latents_are_dead(copy):
    change(copy, importance=torch.tensor([0.01, 0.02, 0.0, 0.0]))
    for text, _ in console(copy, *scripts):
        assert text.strip().splitlines()[-1].startswith("Tous les latents sont morts")


@pytest.mark.slow
def test_more_groups_than_different_images(colors, kit):
    for number in range(12):
        color = [(220, 40, 50), (40, 50, 220)][number % 2]
        Image.new("RGB", (64, 64), color).save(kit.images / f"{number}.png")
    kit.add_explore().add_model(colors)
    assert "group_count" in kit.refusal("explore/groups.py", group_count=6)


# La forme des scripts
watch_torch = """import importlib.util, os, runpy, sys
class FakeTorch:                      # à la place de torch, que Python croit avoir trouvé
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            return importlib.util.spec_from_loader(name, self)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        print("torch", os.environ.get("OMP_WAIT_POLICY", "sans réglage"), entry)
        raise SystemExit
sys.meta_path.insert(0, FakeTorch())
sys.path[:0] = ["explore", "explore/lecon"]
before = set(sys.modules)
for entry in sys.argv[1:]:
    os.environ.pop("OMP_WAIT_POLICY", None)
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ours:
            del sys.modules[name]
    try:
        if entry == "verifier":
            runpy.run_module(entry, run_name="__main__")
        else:
            importlib.import_module(entry)
    except SystemExit:
        pass
"""


def list_modules():
    """Les modules de explore/, comme ils s'importent : traversals, page.views.lesson..."""
    modules = ["mesurer"]
    for path in sorted((root / "explore").rglob("*.py")):
        parts = path.relative_to(root / "explore").with_suffix("").parts
        if parts[0] != "lecon" and parts[-1] != "__init__":
            modules.append(".".join(parts))
    return modules


def test_the_kit_sets_torch_whoever_imports_it_first():
    """Le kit règle les fils de torch avant qu'il ne se charge, quel que soit le module demandé.

    Sans cela, l'entraînement est dix fois plus lent quand l'ordinateur est occupé."""
    pytest.importorskip("streamlit")
    modules = list_modules()
    ours = {name.partition(".")[0] for name in modules}
    ours |= {"outils", *[path.stem for path in root.glob("*.py")]}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    answer = subprocess.run(
        [sys.executable, "-c", f"ours = {ours}\n{watch_torch}", *modules], cwd=root,
        capture_output=True, text=True, env={**environment, "DISPLAY": ""})
    assert answer.returncode == 0, answer.stderr
    found = [line for line in answer.stdout.splitlines() if line.startswith("torch ")]
    assert len(found) > 20, answer.stdout
    assert [line for line in found if not line.startswith("torch PASSIVE ")] == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="stdlib_module_names")
def test_each_package_imported_is_named():
    """Ce que explore/ importe est dans un requirements.txt, ou vient avec Python."""
    named = set()
    for place in (root, root / "explore"):
        lines = (place / "requirements.txt").read_text("utf-8").splitlines()
        named |= {re.match(r"[\w-]+", line)[0] for line in lines}
    packages = {"cv2": "opencv-python", "PIL": "pillow", "sklearn": "scikit-learn",
                "starlette": "streamlit", "google": "streamlit"}       # il vient avec
    ours = {name.partition(".")[0] for name in list_modules()}
    ours |= {"outils", *[path.stem for path in root.glob("*.py")], *sys.stdlib_module_names}
    for path in (root / "explore").rglob("*.py"):
        for line in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(line, ast.Import):
                names = [alias.name for alias in line.names]
            elif isinstance(line, ast.ImportFrom):
                names = [line.module]
            for name in {name.partition(".")[0] for name in names} - ours:
                assert path.stem == "conf" or packages.get(name, name) in named, (path, name)


@pytest.mark.parametrize("script", [*scripts, "emporter.py", "films.py"])
def test_a_script_explains_itself(script):
    """Une question en tête, ce qu'il lit et écrit ; puis la zone ***, que l'éditeur de Spyder
    montre en entier (70 colonnes), avant les import ; et des cellules complètes."""
    text = (root / "explore" / script).read_text("utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    assert " ? " in docstring.splitlines()[0]
    assert all(re.search(rf"(?m)^{word} ", docstring) for word in ("Lit", "Écrit", "Ensuite"))
    before, zone = re.search(r"(?ms)\A(.*?)^# \*{10,}.*?$\n(.*?)^# \*{10,}", text).groups()
    assert not re.search(r"(?m)^(import|from) ", before)
    for line in zone.strip().splitlines():
        assert re.fullmatch(r"\w+ = \S.*?\s+#\*\*\* \S.*", line) and len(line) <= 70, line
    assert len(re.findall("le programme commence ici", text)) == 1
    for cell in re.split(r"(?m)^(?= *# %%)", text):
        compile(textwrap.dedent(cell), script, "exec")
