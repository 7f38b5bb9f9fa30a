"""Les notes de séparation (explore/factors.py) sur des codes dont on connaît d'avance la note.

Puis les scripts eux-mêmes, factors.py et sweep_beta.py."""
import csv
import json
import re
import sys
from itertools import product

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
from conftest import root
from PIL import Image

from model_VAE_64 import VAE, encode_images
from outils.model_file import load_model
from outils.pictures import load_images

sys.path.insert(0, str(root / "explore"))
import scores as lesson
import sweep_beta


def drawn(count=1000, seed=0):
    """Quatre facteurs sans lien entre eux, de 0 à 1."""
    random = np.random.default_rng(seed)
    return random.random((count, 4)), random


def test_a_perfect_code_has_the_best_scores():
    """Un latent par facteur, dans un autre ordre, retourné, à une autre échelle, et même tordu."""
    factors, random = drawn()
    scores = lesson.score(factors[:, [2, 0, 3, 1]] * [-1, 5, 0.1, 1] + [3, 0, 0, -2], factors)
    assert min(scores[name] for name in ("MIG", "SAP", "DCI D", "DCI C")) > 0.95
    assert min(scores["R2"]) > 0.99
    assert lesson.score(factors**3, factors)["MIG"] > 0.95


def test_a_rotated_code_knows_everything_but_separates_nothing():
    """Deux à deux, les facteurs sont tournés de 45 degrés : chaque latent en porte deux."""
    factors, random = drawn()
    a, b, c, d = factors.T
    scores = lesson.score(np.stack([a + b, a - b, c + d, c - d], axis=1), factors)
    assert scores["MIG"] < 0.05 and scores["SAP"] < 0.05 and min(scores["R2"]) > 0.9
    half = pytest.approx(0.5, abs=0.05)                # 2 facteurs sur 4 : 1 - log 2 / log 4
    assert scores["DCI D"] == half and scores["DCI C"] == half


@pytest.mark.parametrize("count", [200, 1000, pytest.param(5000, marks=pytest.mark.slow)])
def test_noise_scores_nothing_however_few_the_images(count):
    factors, random = drawn(count)
    noise = random.standard_normal((count, 6))
    table = lesson.shared_information(noise, factors)
    assert abs(table.mean()) < 0.02 and np.abs(table).max() < 0.12
    scores = lesson.score(noise, factors)
    assert scores["MIG"] < 0.05 and scores["SAP"] < 0.05
    assert scores["DCI D"] < 0.25 and max(scores["R2"]) < 0.1


def test_few_images_bias_the_naive_measure_but_not_ours():
    """Un latent précis, un autre qui ne sait rien.

    Sur 1000 images, la mesure naïve du second n'est pas nulle, la nôtre l'est ; et celle du
    premier reste proche de ce qu'elle est sur 20 000 images. Sur 200 images, elle est sévère,
    jamais flatteuse."""
    def both(count):
        factors, random = drawn(count)
        precise = factors[:, 0] + 0.05 * random.standard_normal(count)
        codes = np.stack([precise, random.random(count)], axis=1)
        naive = naive_information(codes, factors[:, :1])[:, 0]
        return naive, lesson.shared_information(codes, factors[:, :1])[:, 0]

    naive, ours = both(1000)
    few_naive, few_ours = both(200)
    many_naive, many_ours = both(20000)
    assert naive[1] > 0.04 and few_naive[1] > 0.25
    assert np.abs([ours[1], few_ours[1], many_ours[1]]).max() < 0.03
    assert many_ours[0] == pytest.approx(many_naive[0], abs=0.01)
    assert ours[0] == pytest.approx(many_ours[0], abs=0.05)
    assert many_ours[0] - 0.2 < few_ours[0] < many_ours[0]


def naive_information(codes, factors, bins=20):
    """La définition, écrite autrement : I / H d'après un histogramme, sans rien retirer."""
    table = np.empty((codes.shape[1], factors.shape[1]))
    for j, k in np.ndindex(table.shape):
        ranks = [column.argsort().argsort() * bins // len(column)
                 for column in (codes[:, j], factors[:, k])]
        joint = np.histogram2d(*ranks, bins=bins)[0] / len(codes)
        outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        full = joint > 0
        shared = (joint[full] * np.log(joint[full] / outer[full])).sum()
        table[j, k] = shared / np.log(bins)
    return table


def test_mutual_information_against_a_histogram():
    """Sur 20 000 images, presque rien n'est à retirer : on retrouve la définition."""
    factors, random = drawn(20000)
    codes = factors @ random.standard_normal((4, 4))
    expected = naive_information(codes, factors)
    assert lesson.shared_information(codes, factors) == pytest.approx(expected, abs=0.01)


def test_a_factor_of_two_values_is_normalised_by_its_own_entropy():
    factors, random = drawn()
    coin = (factors[:, :1] > 0.3).astype(float)
    assert lesson.shared_information(coin, coin) == pytest.approx(1)
    assert lesson.shared_information(factors[:, :1], coin) == pytest.approx(1, abs=0.1)


def test_a_factor_split_between_two_twins():
    """Deux latents identiques : chacun sert à un facteur (D), aucun n'est le seul (MIG, SAP)."""
    factors, random = drawn()
    scores = lesson.score(factors[:, [0, 0, 1, 1, 2, 2, 3, 3]], factors)
    assert scores["MIG"] < 0.01 and scores["SAP"] < 0.01 and scores["DCI D"] > 0.95


def test_knowing_less_than_nothing_is_worth_nothing():
    """Un seul latent, sous ce que donne le hasard : 0, et non son écart à personne."""
    assert lesson.gap(np.array([[-0.3]])) == 0
    assert lesson.gap(np.array([[0.4], [-0.3]])) == pytest.approx(0.4)


@pytest.mark.parametrize("bins", [5, 20, 30])
def test_too_few_images_are_refused_and_enough_are_not(bins):
    """Avec 99 images, une phrase. Avec 100, un code parfait a presque 1, et aucun code au
    hasard ne semble savoir quelque chose."""
    with pytest.raises(SystemExit, match="au moins 100"):
        lesson.shared_information(*2 * [drawn(99)[0]], bins)
    for seed in range(5):
        factors, random = drawn(100, seed)
        assert lesson.gap(lesson.shared_information(factors, factors, bins)) > 0.93
        noise = lesson.shared_information(random.standard_normal((100, 4)), factors, bins)
        assert np.abs(noise).max() < 0.13


def test_a_single_latent():
    factors, random = drawn()
    scores = lesson.score(factors[:, :1], factors)
    quarter = pytest.approx(0.25, abs=0.02)
    assert scores["MIG"] == quarter and scores["SAP"] == quarter


# Les scripts, comme un élève
def add_factors(kit, count=100):
    """Des dessins et leur factors.csv : la place et la taille de chaque disque."""
    kit.add_drawings(count)
    lines = [f"dessin_{number:03d}.png,{7 * number % 25},{number % 5}"
             for number in range(1, count + 1)]
    (kit.images / "factors.csv").write_text("\n".join(["image,place,taille", *lines]), "utf-8")
    return kit.set("train_VAE.py", epochs=1)


def runs_of(kit):
    path = kit.folder / "explore" / "results" / "sweep_beta.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_scores_of_a_model(trained, kit):
    """Les notes affichées sont celles des codes du modèle, et la figure est là."""
    kit.add_explore().add_demo().add_model(trained)
    text = kit.run("explore/factors.py")
    model, saved = load_model(kit.folder / "VAE_64.pth", VAE)
    images, names = load_images(kit.images, 64)
    with open(kit.images / "demo" / "factors.csv", encoding="utf-8") as file:
        rows = {f"demo/{row['image']}": row for row in csv.DictReader(file)}
    wanted = [factor for factor in rows[names[0]] if factor != "image"]
    truth = np.array([[float(rows[name][factor]) for factor in wanted] for name in names])
    codes, random = encode_images(model, images)[0].numpy(), np.random.default_rng(0)
    # ce que le hasard semble partager : la même mesure, les images mélangées, vingt fois
    chance = np.mean([naive_information(random.permutation(codes), truth) for _ in range(20)], axis=0)
    fair = np.sort((naive_information(codes, truth) - chance) / (1 - chance), axis=0)
    shown = float(re.search(r"MIG (\d\.\d\d)", text)[1])
    assert shown == pytest.approx((fair[-1] - fair[-2]).mean(), abs=0.015)
    assert len(wanted) == 4
    assert all(f"{factor} : surtout z" in text for factor in wanted)
    with Image.open(kit.folder / "explore" / "results" / "factors_VAE_64.png") as figure:
        assert figure.width > 1000
    (kit.images / "demo" / "factors.csv").unlink()
    assert "factors.csv" in kit.refusal("explore/factors.py")


@pytest.mark.slow
def test_a_sweep_stops_and_goes_on(kit):
    """Stop après un entraînement : il est gardé ; un second lancement fait le reste."""
    add_factors(kit.add_explore()).set("explore/sweep_beta.py", betas=[1, 5], repeats=1)
    program = kit.start("explore/sweep_beta.py")
    program.wait_text("1/8  convolution, axes tournés, beta = 1 ")
    program.stop()
    assert "ce qui est fait est gardé" in program.finish()
    first = runs_of(kit)
    assert 1 <= len(first) < 8
    text = kit.start("explore/sweep_beta.py").finish()
    assert f"Entraînements déjà faits : {len(first)} sur 8." in text
    runs = runs_of(kit)
    assert runs[:len(first)] == first and len(runs) == 8
    kinds = [tuple(run["settings"][name] for name in ("decoder", "independent_axes", "beta"))
             for run in runs]
    assert sorted(kinds) == sorted(product(("convolution", "broadcast"), (True, False), (1, 5)))
    for decoder, turned, beta in kinds[len(first):]:
        axes = "tournés" if turned else "du hasard"
        assert f"{decoder}, axes {axes}, beta = {beta} : MIG" in text
    assert all(0 <= run["results"]["MIG"] <= 1 for run in runs)
    assert all(run["results"]["erreur de test"] > 0 for run in runs)
    drawn_kinds = {path.stem for path in (kit.folder / "explore/results/sweep_beta").iterdir()}
    assert len(drawn_kinds) == 8        # une image par sorte : aucune n'en écrase une autre
    kit.run("explore/sweep_beta.py", betas=[1], decoders=["convolution"], axes=[False])
    assert len(runs_of(kit)) == 8
    # un autre réglage : rien de l'ancien ne sert
    kit.set("train_VAE.py", latent_size=2).run("explore/sweep_beta.py")
    assert len(runs_of(kit)) == 9 and runs_of(kit)[8]["settings"]["independent_axes"] is False
    for name in ("sweep_beta.png", "sweep_beta_traversals.png"):
        with Image.open(kit.folder / "explore" / "results" / name) as figure:
            assert figure.width > 500
    with open(kit.folder / "explore" / "results" / "sweep_beta.jsonl", "ab") as file:
        file.write('{"settings": "é'.encode()[:-1])    # une panne, au milieu d'un caractère
    text = kit.start("explore/sweep_beta.py").finish()
    assert "Entraînements déjà faits : 1 sur 1." in text


@pytest.mark.slow
def test_a_sweep_without_factors(kit):
    """Sans factors.csv : pas de notes, mais l'erreur et les latents vivants."""
    kit.add_explore().add_drawings(12).set("train_VAE.py", epochs=1)
    text = kit.run("explore/sweep_beta.py", betas=[4], decoders=["broadcast"], axes=[True],
                   repeats=1)
    run, = runs_of(kit)
    assert "Pas de factors.csv" in text
    assert set(run["results"]) == {"erreur de test", "latents vivants"}


@pytest.mark.parametrize("content", [
    "image,température\na.png,1\n".encode("cp1252"), b"place,image\n1\n", b"image,place\n/a.png,1\n"])
def test_factors_that_cannot_be_read_are_said(tmp_path, content):
    """Écrit par un tableur, une ligne trop courte, une image d'ailleurs."""
    (tmp_path / "plus").mkdir()
    (tmp_path / "plus" / "factors.csv").write_bytes(content)
    with pytest.raises(SystemExit, match="factors.csv ne se lit pas : .*UTF-8"):
        lesson.read_factors(tmp_path, ["plus/a.png"])


def test_what_the_scripts_refuse(kit, monkeypatch):
    kit.add_explore()
    assert "Aucune image" in kit.refusal("explore/sweep_beta.py")
    assert "Il en faut au moins 10" in kit.add_drawings(3).refusal("explore/sweep_beta.py")
    wrong = [("betas", 4, "betas doit être une liste"),
             ("betas", [1, -1], "chaque élément de betas doit être un nombre"),
             ("decoders", [], "decoders doit être une liste"),
             ("decoders", ["magique"], "chaque élément de decoders doit être choisi parmi"),
             ("axes", True, "axes doit être une liste"),
             ("axes", [], "axes doit être une liste"),
             ("axes", [False, "tournés"], "chaque élément de axes doit être choisi parmi"),
             ("axes", [1], "chaque élément de axes doit être choisi parmi")]
    good = {"betas": [1], "decoders": ["convolution"], "axes": [True]}
    for name, value, sentence in wrong:
        for setting, right in (good | {name: value}).items():
            monkeypatch.setattr(sweep_beta, setting, right)
        with pytest.raises(SystemExit, match=sentence):
            sweep_beta.check_zone()
    name, value, sentence = wrong[0]                   # et lancé comme le fait un élève
    kit.set("explore/sweep_beta.py", **good)
    assert kit.refusal("explore/sweep_beta.py", **{name: value}).startswith(sentence)
    kit.set("explore/sweep_beta.py", **good)
    assert kit.refusal("explore/factors.py", bins=1).startswith("bins doit être")
    add_factors(kit, 99)
    assert "au moins 100" in kit.refusal("explore/sweep_beta.py")
    add_factors(kit)
    lines = ["image,place", *[f"dessin_{number:03d}.png,un" for number in range(1, 101)]]
    (kit.images / "factors.csv").write_text("\n".join(lines), "utf-8")
    assert "chaque case doit contenir un nombre" in kit.refusal("explore/sweep_beta.py")
