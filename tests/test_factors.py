"""Les notes de séparation (explore/factors.py) sur des codes dont on connaît d'avance la note, et le script lui-même."""
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
from conftest import root

sys.path.insert(0, str(root / "explore"))
import factors as lesson


def drawn(count=1000, seed=0):
    """Quatre facteurs sans lien entre eux, de 0 à 1."""
    random = np.random.default_rng(seed)
    return random.random((count, 4)), random


def test_a_perfect_code_has_the_best_scores():
    """Un latent par facteur, dans un autre ordre, retourné, à une autre échelle, et même tordu."""
    factors, random = drawn()
    scores = lesson.score(factors[:, [2, 0, 3, 1]] * [-1, 5, 0.1, 1] + [3, 0, 0, -2], factors)
    assert scores["MIG"] > 0.95 and scores["SAP"] > 0.95 and scores["DCI D"] > 0.95 and scores["DCI C"] > 0.95
    assert min(scores["R2"]) > 0.99
    assert lesson.score(factors**3, factors)["MIG"] > 0.95


def test_a_rotated_code_knows_everything_but_separates_nothing():
    """Deux à deux, les facteurs sont tournés de 45 degrés : tout y est, chaque latent en porte autant de deux facteurs."""
    factors, random = drawn()
    a, b, c, d = factors.T
    scores = lesson.score(np.stack([a + b, a - b, c + d, c - d], axis=1), factors)
    assert scores["MIG"] < 0.05 and scores["SAP"] < 0.05 and min(scores["R2"]) > 0.9
    assert scores["DCI D"] == pytest.approx(0.5, abs=0.05) == scores["DCI C"]      # 2 facteurs sur 4 : 1 - log 2 / log 4


@pytest.mark.parametrize("count", [200, 1000, 5000])
def test_noise_scores_nothing_however_few_the_images(count):
    factors, random = drawn(count)
    noise = random.standard_normal((count, 6))
    table = lesson.shared_information(noise, factors)
    assert abs(table.mean()) < 0.02 and np.abs(table).max() < 0.12
    scores = lesson.score(noise, factors)
    assert scores["MIG"] < 0.05 and scores["SAP"] < 0.05 and scores["DCI D"] < 0.25 and max(scores["R2"]) < 0.1


def test_few_images_bias_the_naive_measure_but_not_ours():
    """Un latent précis, un autre qui ne sait rien : sur 1000 images, la mesure naïve de celui-ci n'est pas nulle, la nôtre l'est ;
    et celle du premier reste proche de ce qu'elle est sur 20 000 images. Sur 200 images, elle est sévère, jamais flatteuse."""
    def both(count):
        factors, random = drawn(count)
        codes = np.stack([factors[:, 0] + 0.05 * random.standard_normal(count), random.random(count)], axis=1)
        return naive_information(codes, factors[:, :1])[:, 0], lesson.shared_information(codes, factors[:, :1])[:, 0]

    (naive, ours), (few_naive, few_ours), (many_naive, many_ours) = both(1000), both(200), both(20000)
    assert naive[1] > 0.04 and few_naive[1] > 0.25 and np.abs([ours[1], few_ours[1], many_ours[1]]).max() < 0.03
    assert many_ours[0] == pytest.approx(many_naive[0], abs=0.01) and ours[0] == pytest.approx(many_ours[0], abs=0.05)
    assert many_ours[0] - 0.2 < few_ours[0] < many_ours[0]


def naive_information(codes, factors, bins=20):
    """La définition, écrite autrement : I / H d'après un histogramme, sans rien retirer."""
    table = np.empty((codes.shape[1], factors.shape[1]))
    for j, k in np.ndindex(table.shape):
        ranks = [column.argsort().argsort() * bins // len(column) for column in (codes[:, j], factors[:, k])]
        joint = np.histogram2d(*ranks, bins=bins)[0] / len(codes)
        outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        table[j, k] = (joint[joint > 0] * np.log(joint[joint > 0] / outer[joint > 0])).sum() / np.log(bins)
    return table


def test_mutual_information_against_a_histogram():
    """Sur 20 000 images, presque rien n'est à retirer : on retrouve la définition."""
    factors, random = drawn(20000)
    codes = factors @ random.standard_normal((4, 4))
    assert lesson.shared_information(codes, factors) == pytest.approx(naive_information(codes, factors), abs=0.01)


def test_a_factor_of_two_values_is_normalised_by_its_own_entropy():
    factors, random = drawn()
    coin = (factors[:, :1] > 0.3).astype(float)
    assert lesson.shared_information(coin, coin) == pytest.approx(1)
    assert lesson.shared_information(factors[:, :1], coin) == pytest.approx(1, abs=0.1)


def test_a_factor_split_between_two_twins():
    """Deux latents identiques : chacun ne sert qu'à un facteur (D), mais aucun n'est le seul (MIG, SAP)."""
    factors, random = drawn()
    scores = lesson.score(factors[:, [0, 0, 1, 1, 2, 2, 3, 3]], factors)
    assert scores["MIG"] < 0.01 and scores["SAP"] < 0.01 and scores["DCI D"] > 0.95


def test_a_single_latent():
    factors, random = drawn()
    scores = lesson.score(factors[:, :1], factors)
    assert scores["MIG"] == pytest.approx(0.25, abs=0.02) and scores["SAP"] == pytest.approx(0.25, abs=0.02)
