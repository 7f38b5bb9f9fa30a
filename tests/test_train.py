"""Entraîner, comme un élève : le script, ses messages, ses fichiers, ce qui est appris."""
import csv
import os
import re
import shutil
import sys
import time

import numpy as np
import pytest
import torch
from conftest import drawing, wait_for
from PIL import Image

import train_VAE
from model_VAE_64 import VAE, start_from, vae_loss
from outils.model_file import load_model
from outils.movements import Movements
from outils.share import split as share
from outils.verdict import tell_latents


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).transpose(2, 0, 1) / 255


def names_of(kit):
    paths = sorted(kit.images.rglob("*.png"))
    return [path.relative_to(kit.images).as_posix() for path in paths]


def split(kit, name="VAE_64"):
    """Le modèle, ce que dit son fichier, et les images qu'il n'a pas apprises."""
    model, saved = load_model(kit.folder / f"{name}.pth", VAE)
    return model, saved, [image for image in names_of(kit) if image not in saved["train_names"]]


def batch(kit, names):
    pictures = np.stack([read(kit.images / name) for name in names])
    return torch.tensor(pictures, dtype=torch.float32)


def drawings(count):
    """Des dessins comme load_images les donne : des octets (N, 3, 32, 32)."""
    pictures = [np.asarray(drawing(number).resize((32, 32))) for number in range(count)]
    return torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


@pytest.fixture
def small(kit):
    """24 dessins, une époque : de quoi lancer le script entier en quelques secondes."""
    return kit.add_drawings().set("train_VAE.py", epochs=1)


# Le kit tel que livré, sur les images de démonstration
def test_as_shipped_on_the_demo(trained):
    text = trained.started[0].text
    for words in ("Images trouvées : 1000, gardées : 1000", "à apprendre : 900, de test : 100",
                  "démonstration", "écran", "bits", "Il a appris", "VAE_64.pth",
                  "decode_VAE.py"):
        assert words in text, words
    # une console de Spyder a 80 colonnes ; \r récrit la ligne
    lines = [part for line in text.splitlines() for part in line.split("\r")]
    assert max(map(len, lines)) < 80, max(lines, key=len)
    assert trained.written() == ["VAE_64.png", "VAE_64.pth"]
    model, saved, test_names = split(trained)
    history = np.array(saved["history"])
    assert history.shape == (saved["settings"]["epochs"], 6)
    assert history[-1, 0] < history[0, 0] / 2 and "c'est peu" not in text
    assert len(test_names) == 100 and len(set(saved["train_names"])) == 900
    assert f"Poids : {sum(weight.numel() for weight in model.parameters())}." in text
    last_line = f"perte {history[-1, 0]:.2f} = erreur {history[-1, 1]:.2f}"
    assert last_line in text                         # ce qui est affiché est ce qui est gardé
    with Image.open(trained.folder / "VAE_64.png") as picture:
        assert len(picture.getcolors(2**24)) > 1000  # des courbes et des images


def test_the_test_loss_is_measured_on_images_never_learned(trained):
    """La dernière perte de test, refaite ici (au bruit du tirage près)."""
    model, saved, test_names = split(trained)
    x = batch(trained, test_names)
    with torch.no_grad():
        again, error, kl = vae_loss(model(x)[0], x, *model.encode(x))
    expected = saved["history"][-1][3:]
    assert again.item() == pytest.approx(expected[0], rel=0.05)
    assert error.item() == pytest.approx(expected[1], rel=0.1)
    assert kl.sum().item() == pytest.approx(expected[2], rel=0.001)


def test_better_than_pca_on_held_out_images(trained):
    """Avec autant de nombres par image, mieux qu'une ACP (numpy)."""
    model, saved, test_names = split(trained)
    known = batch(trained, saved["train_names"]).flatten(1).numpy()
    unknown = batch(trained, test_names)
    mean = known.mean(0)
    axes = np.linalg.eigh((known - mean) @ (known - mean).T)[1][:, -4:]
    components = np.linalg.qr((known - mean).T @ axes)[0]                  # (12288, 4)
    centred = unknown.flatten(1).numpy() - mean
    pca_error = np.square(centred - centred @ components @ components.T).mean()
    with torch.no_grad():
        error = (model(unknown, noise=False)[0] - unknown).square().mean().item()
    assert error < pca_error < np.square(centred).mean()


def test_the_latents_know_the_factors(trained):
    """Les vrais facteurs des images de test se relisent dans leurs codes.

    Par moindres carrés, sur z et z², d'après les images apprises."""
    model, saved, test_names = split(trained)
    with open(trained.images / "demo" / "factors.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = {f"demo/{row.pop('image')}": [float(value) for value in row.values()]
             for row in rows}

    def codes(names):
        with torch.no_grad():
            z = model.encode(batch(trained, names))[0].numpy()
        products = [z[:, i] * z[:, j] for i in range(4) for j in range(i, 4)]
        table = np.column_stack([np.ones(len(z)), z, *products])
        return table, np.array([truth[name] for name in names])

    known, factors = codes(saved["train_names"])
    rule = np.linalg.lstsq(known, factors, rcond=None)[0]
    unknown, expected = codes(test_names)
    explained = 1 - np.square(unknown @ rule - expected).mean(0) / expected.var(0)
    assert (explained > 0.3).sum() >= 3 and explained.mean() > 0.5, explained


def test_a_latent_moved_is_found_again(trained):
    """Décoder puis encoder : le latent déplacé revient déplacé, dans le même sens."""
    model, saved, _ = split(trained)
    mean, spread = saved["z_mean"], saved["z_spread"]
    for i in range(4):
        step = 1.5 * spread * (torch.arange(4) == i)
        with torch.no_grad():
            low = model.encode(model.decode((mean - step)[None]))[0][0]
            high = model.encode(model.decode((mean + step)[None]))[0][0]
        change = (high - low) / spread
        assert change.argmax() == i and 1 < change[i] < 5, (i, change)


def test_what_the_sliders_need_is_right(trained):
    """Moyenne, écart-type et importance (KL en bits), refaits sur les images apprises."""
    model, saved, _ = split(trained)
    with torch.no_grad():
        mu, logvar = model.encode(batch(trained, saved["train_names"]))
    assert torch.allclose(saved["z_mean"], mu.mean(0), atol=1e-3)
    assert torch.allclose(saved["z_spread"], mu.std(0), rtol=1e-2)
    law = torch.distributions.Normal(mu, (logvar / 2).exp())
    prior = torch.distributions.Normal(0, 1)
    bits = torch.distributions.kl_divergence(law, prior).mean(0) / np.log(2)
    assert torch.allclose(saved["importance"], bits, rtol=1e-2)


# Les réglages
def test_a_wrong_setting_is_named(small):
    """Dans un vrai Python ; toutes les bornes sont essayées dans test_demo.py."""
    small.set("train_VAE.py", latent_size=0)
    assert "latent_size" in small.start("train_VAE.py", real=True).refuse()
    assert small.written() == []


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_pictures(kit, count):
    sentence = kit.add_drawings(count).refusal("train_VAE.py")
    assert "images" in sentence.lower() and "record_images.py" in sentence
    assert kit.written() == []


@pytest.mark.parametrize("name", ["images", "introuvable"])
def test_a_missing_folder(kit, name):
    kit.images.rmdir()
    assert name in kit.refusal("train_VAE.py", dataset_folder=name)


def test_the_film_ends_on_the_saved_picture(small):
    """film = True : une vue avant d'apprendre, puis une par époque."""
    small.run("train_VAE.py", film=True, epochs=3)
    with Image.open(small.folder / "VAE_64.png") as picture:
        last = np.asarray(picture.convert("RGB"), dtype=float)
    with Image.open(small.folder / "VAE_64.gif") as film:
        assert film.info["loop"] == 0 and film.size == last.shape[1::-1]
        gaps = []
        for number in range(film.n_frames):
            film.seek(number)
            view = np.asarray(film.convert("RGB"), dtype=float)
            gaps.append(np.abs(view - last).mean())
    # la dernière vue est parfois donnée deux fois, et l'image GIF n'a que 256 couleurs
    assert len(gaps) in (4, 5) and gaps[-1] < 3 and gaps[0] > gaps[-1] + 1


@pytest.mark.slow
def test_a_long_film_has_a_hundred_views(small):
    small.run("train_VAE.py", film=True, epochs=150, images_size=32)
    with Image.open(small.folder / "VAE_64.gif") as film:
        assert 70 <= film.n_frames <= 102


def test_no_film_unless_asked(small):
    small.run("train_VAE.py")
    assert small.written() == ["VAE_64.png", "VAE_64.pth"]


@pytest.mark.parametrize("epochs, batch_size", [(1, 24), (9, 24), (3, 8), (1, 3), (2, 12)])
def test_any_small_number_of_steps(small, epochs, batch_size):
    """1, 2, 4, 8, 9 pas... : le départ en douceur n'en demande aucun de plus."""
    small.run("train_VAE.py", epochs=epochs, batch_size=batch_size, images_size=32)


def test_every_small_number_of_steps_has_a_schedule():
    model = VAE(32, 1)
    for steps in range(1, 200):
        optimizer, schedule = train_VAE.make_optimizer(model, steps, 0.005)
        for step in range(steps):
            assert 0 < optimizer.param_groups[0]["lr"] <= 0.005
            optimizer.step()
            schedule.step()


@pytest.mark.parametrize("decoder, slower", [("convolution", 2), ("broadcast", 0)])
def test_what_takes_smaller_steps(decoder, slower):
    """La convolution qui peint les détails, deux fois ; les chemins linéaires, dix fois."""
    model = VAE(32, 2, decoder)
    networks, painting, linears = train_VAE.make_optimizer(model, 100, 0.005)[0].param_groups
    assert [group["max_lr"] for group in (networks, painting, linears)] == [0.005, 0.0025, 0.0005]
    assert len(painting["params"]) == slower
    for layer in model.decoder.modules():
        if isinstance(layer, torch.nn.ConvTranspose2d):
            assert painting["params"][0] is layer.weight and painting["params"][1] is layer.bias
    expected = [layer.weight for layer in model.modules()
                if isinstance(layer, torch.nn.Linear) and layer.bias is None]
    assert {id(weight) for weight in linears["params"]} == {id(weight) for weight in expected}
    count = sum([len(group["params"]) for group in (networks, painting, linears)])
    assert count == len(list(model.parameters()))


def test_a_batch_larger_than_the_set(small):
    text = small.run("train_VAE.py", batch_size=500)
    assert "1 pas d'apprentissage, c'est peu" in text and "epochs = 200." in text
    assert len(split(small)[1]["history"]) == 1


def test_the_advice_about_few_steps_is_good(small):
    """6 pas par époque : 66 époques en font près de 400, et le conseil n'est plus donné."""
    text = small.run("train_VAE.py", batch_size=4, epochs=2)
    assert "12 pas d'apprentissage, c'est peu" in text and "epochs = 66." in text
    program = small.set("train_VAE.py", epochs=66).start("train_VAE.py")
    program.wait_text("Époque 1/66")
    assert "c'est peu" not in program.text


@pytest.mark.parametrize("proportion, count", [(0.5, 12), (0.25, 6), (0.05, 1)])
def test_the_test_share_is_what_it_says(proportion, count):
    names = [f"dessin_{number}.png" for number in range(24)]
    train_index, test_index = share(names, proportion)
    assert len(test_index) == count
    assert sorted([*test_index.tolist(), *train_index.tolist()]) == list(range(24))


def test_the_share_is_the_same_at_each_launch():
    """Un nom tiré au sort une fois pour toutes, même dans un autre ordre."""
    names = [f"dessin_{number}.png" for number in range(200)]
    train_index, test_index = share(names, 0.1)
    again = share(names[::-1], 0.1)[1]
    assert {names[i] for i in test_index} == {names[::-1][i] for i in again}
    # des images qui arrivent : ce qui a été appris passe rarement au test
    more = names + [f"nouveau_{number}.png" for number in range(100)]
    tested = {more[i] for i in share(more, 0.1)[1]}
    learned = {names[i] for i in train_index}
    assert len(tested & learned) <= 10


@pytest.mark.parametrize("values", [
    {"task": "denoise", "reconstruction": "l1"},
    {"task": "super_resolution", "decoder": "broadcast"},
    {"augmentation": True, "independent_axes": False, "epochs": 2},
    {"reconstruction": "gaussian", "images_size": 32, "latent_size": 1},
    {"reconstruction": "laplace", "beta": 0},
    {"images_size": 128, "latent_size": 32, "batch_size": 7, "beta": 10.5}], ids=str)
def test_every_setting_runs_and_is_remembered(small, values):
    text = small.run("train_VAE.py", **values)
    model, saved, _ = split(small)
    assert {name: saved["settings"][name] for name in values} == values
    size = values.get("images_size", 64)
    assert model.sample(2).shape == (2, 3, size, size)
    assert len(saved["importance"]) == values.get("latent_size", 4)
    sigma_vae = values.get("reconstruction") in ("gaussian", "laplace")
    assert ("négative" in text) == sigma_vae
    assert ("% des changements" in text) == (values.get("beta") == 0)


def test_it_runs_from_any_folder_and_says_what_it_leaves_out(small, tmp_path):
    (small.images / "abîmée.jpg").write_text("pas une image")
    small.folder, folder = tmp_path, small.folder
    text = small.start("Élève n°1/train_VAE.py", real=True).finish()
    assert "écartée : abîmée.jpg" in text and "Images trouvées : 25, gardées : 24" in text
    assert (folder / "VAE_64.pth").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ces noms sont de Linux")
def test_names_that_are_not_text(small):
    """Des octets qui ne sont pas de l'UTF-8 : le modèle s'écrit, et se relit."""
    for number in range(3):
        copy = os.fsencode(small.images) + b"/\xe9l\xe8ve_%d.png" % number
        shutil.copy(small.images / "dessin_001.png", copy)
    assert "Images trouvées : 27, gardées : 27" in small.run("train_VAE.py")
    assert any(name.startswith("?l?ve") for name in split(small)[1]["train_names"])


@pytest.mark.slow
def test_denoising_gets_closer_to_the_clean_image(kit):
    """Sur des images jamais vues, la sortie est plus près de l'image nette que l'entrée."""
    kit.add_drawings(200).run("train_VAE.py", task="denoise", epochs=6)
    model, saved, test_names = split(kit)
    clean = batch(kit, test_names)
    noisy = clean + 0.2 * torch.randn(clean.shape)
    with torch.no_grad():
        output = model(noisy, noise=False)[0]
    gap = (output - clean).square().mean()
    assert gap < (noisy - clean).square().mean() / 2


# learn, une époque après l'autre
def prepare(count=30, **changes):
    """De quoi appeler learn sur des dessins : un réseau, des images, des réglages."""
    torch.manual_seed(0)
    settings = {**train_VAE.settings, "images_size": 32, "epochs": 3, **changes}
    images = drawings(count)
    model = VAE(32, settings["latent_size"], settings["decoder"])
    start_from(model, images)
    index = torch.arange(count)
    return model, images, index[4:], index[:4], settings


class Calm:
    """Ce qui regarde l'apprentissage sans rien montrer ; note quand on le lui demande."""

    def __init__(self, last=1000):
        self.last = last               # à cette époque, il demande d'arrêter
        self.seen = []

    def show(self, model, history):
        self.seen.append(len(history))

    def must_stop(self, done):
        self.seen.append(done)
        return done >= self.last


def learn(prepared, watcher=None):
    """Apprend sur des images sans mouvement."""
    return train_VAE.learn(*prepared, watcher or Calm(), Movements())


def test_what_is_shown_and_when():
    """26 images par lots de 7, quatre pas par époque ; le réseau au départ, puis après
    chaque époque."""
    watcher = Calm()
    assert len(learn(prepare(batch_size=7, epochs=2), watcher)) == 2
    assert watcher.seen == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1.25, 1.5, 1.75, 2]


def test_it_stops_when_asked():
    """Au milieu de la deuxième époque : seule la première compte ; avant tout, rien."""
    model, *rest = prepare(batch_size=7)
    before = [weight.detach().clone() for weight in model.parameters()]
    assert learn((model, *rest), Calm(last=0)) == []
    assert all(torch.equal(weight, old) for weight, old in zip(model.parameters(), before))
    assert len(learn((model, *rest), Calm(last=1.5))) == 1


@pytest.mark.parametrize("beta, reconstruction", [(1, "mse"), (4, "l1"), (0, "mse")])
def test_each_row_of_history_adds_up(beta, reconstruction):
    """Perte = erreur + beta x KL, sur ce qui est appris et sur les images de test."""
    prepared = prepare(beta=beta, reconstruction=reconstruction, epochs=8)
    model, images, train_index, test_index, settings = prepared
    history = learn(prepared)
    assert len(history) == 8
    for loss, error, kl, test_loss, test_error, test_kl in history:
        assert loss == pytest.approx(error + beta * kl, rel=1e-4)
        assert test_loss == pytest.approx(test_error + beta * test_kl, rel=1e-4)
    # la dernière ligne est celle du réseau rendu : la KL se refait sans hasard
    again = train_VAE.average_loss(model, images, test_index, settings)
    assert again[2] == pytest.approx(history[-1][5], rel=1e-4)
    if beta == 0:                                    # et tout le reste aussi
        assert again == pytest.approx(history[-1][3:], rel=1e-4)


def test_the_images_of_test_teach_nothing():
    """D'autres images de test, le même hasard : les mêmes poids, au dernier chiffre."""
    weights = []
    for change in (0, 100):
        prepared = prepare(independent_axes=False)
        model, images, train_index, test_index, settings = prepared
        images[test_index] += change
        torch.manual_seed(1)
        learn(prepared)          # le test tire autant de hasard d'un côté que de l'autre
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_single_picture_to_learn():
    """Presque rien à apprendre, mais rien ne casse."""
    model, images, train_index, test_index, settings = prepare()
    history = learn((model, images, train_index[:1], test_index, settings))
    assert np.isfinite(history).all()
    assert all(weight.isfinite().all() for weight in model.state_dict().values())


def test_augmented_pictures_are_crops_of_the_same_size():
    """Chaque image cadrée à sa façon, entre 0 et 1, et jamais deux fois pareil."""
    torch.manual_seed(0)
    target = drawings(6) / 255
    crops = train_VAE.augment(target)
    assert crops.shape == target.shape and crops.min() >= 0 and crops.max() <= 1
    assert not torch.equal(crops, target)
    assert not torch.equal(train_VAE.augment(target), crops)
    assert (crops - target).abs().mean() < 0.2         # le même dessin, un peu plus près


def test_learn_stops_when_the_loss_is_no_longer_a_number():
    with pytest.raises(SystemExit) as refusal:
        learn(prepare(learning_rate=1e9, batch_size=4))
    assert "n'est plus un nombre" in str(refusal.value)
    assert "learning_rate" in str(refusal.value)


# le script, avec des pas que la zone *** n'accepte pas
too_large = """
import runpy
from outils import checks
checks.limits["learning_rate"] = (0.0, 1e30)
runpy.run_path("train_VAE.py", run_name="__main__")
"""


def test_a_loss_that_is_no_longer_a_number_leaves_the_old_model(small):
    """Rien n'est écrit : l'ancien modèle est encore là, à l'octet près."""
    small.run("train_VAE.py")
    before = {name: (small.folder / name).read_bytes() for name in small.written()}
    small.set("train_VAE.py", learning_rate=1e12, batch_size=4, epochs=5)
    (small.folder / "trop_grand.py").write_text(too_large, "utf-8")
    sentence = small.start("trop_grand.py").refuse()
    assert "n'est plus un nombre" in sentence and "Rien n'est écrit" in sentence
    assert {name: (small.folder / name).read_bytes() for name in small.written()} == before


# Écrire
def test_the_former_model_is_kept(small):
    small.run("train_VAE.py")
    before = (small.folder / "VAE_64.pth").read_bytes()
    text = small.run("train_VAE.py", latent_size=7)
    assert "VAE_64_precedent.pth" in text
    assert (small.folder / "VAE_64_precedent.pth").read_bytes() == before
    assert split(small, "VAE_64_precedent")[1]["settings"]["latent_size"] == 4
    assert split(small)[1]["settings"]["latent_size"] == 7
    small.run("train_VAE.py", model_name="autre")
    assert split(small)[1]["settings"]["latent_size"] == 7          # un autre nom, un autre modèle


def test_a_full_disk_keeps_the_former_model(small):
    """Plus de 500 000 octets par fichier, non : une phrase, et l'ancien modèle entier."""
    small.run("train_VAE.py")
    before = (small.folder / "VAE_64.pth").read_bytes()
    program = small.start("train_VAE.py", most_bytes=500_000)
    program.refuse()
    assert "Impossible d'écrire VAE_64 " in program.text
    assert (small.folder / "VAE_64.pth").read_bytes() == before
    assert small.written() == ["VAE_64.png", "VAE_64.pth"]          # aucun reste


def test_a_folder_where_nothing_can_be_written(small):
    """Le dossier du kit, retiré pendant l'entraînement : une phrase."""
    program = small.set("train_VAE.py", epochs=20).start("train_VAE.py")
    program.wait_text("Époque 2/20")
    moved = small.folder.with_name("ailleurs")
    small.folder.rename(moved)
    program.refuse()
    assert "Impossible d'écrire VAE_64 " in program.text
    moved.rename(small.folder)


# Stop
slow = pytest.mark.slow
moments = ["la lecture", "une époque", pytest.param("la première époque", marks=slow),
           pytest.param("la dernière époque", marks=slow), pytest.param("deux fois", marks=slow)]


def stop_at(kit, moment):
    """Lance l'entraînement, l'arrête à ce moment-là : le programme, une fois fini."""
    program = kit.start("train_VAE.py", real=moment == "une époque")
    words = {"la lecture": "Lecture des images : 500", "la première époque": "écran",
             "une époque": "Époque 1/4", "la dernière époque": "Époque 4/4",
             "deux fois": "Époque 1/4"}[moment]
    program.wait_text(words)
    program.stop()
    if moment == "deux fois":
        time.sleep(0.01)
        program.stop()
    program.wait()
    assert "Traceback" not in program.text and "Error" not in program.text, program.text
    return program


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """2000 dessins : la lecture et chaque époque durent une seconde ou plus."""
    from conftest import Kit
    kit = Kit(tmp_path_factory.mktemp("stop") / "Élève n°1")
    for number in range(2000):
        drawing(number).save(kit.images / f"{number:04d}.png")
    yield kit.set("train_VAE.py", images_size=32, epochs=4)
    kit.close()


@pytest.mark.parametrize("former", [pytest.param(False, marks=slow), True],
                         ids=["sans modèle", "avec un modèle"])
@pytest.mark.parametrize("moment", moments)
def test_stop_at_any_moment(many, moment, former):
    """Jamais d'erreur ; rien d'écrit avant une époque entière ; l'ancien modèle est gardé."""
    for name in many.written():
        (many.folder / name).unlink()
    old = b"l'ancien"
    if former:
        (many.folder / "VAE_64.pth").write_bytes(old)
    program = stop_at(many, moment)
    if moment in ("la lecture", "la première époque"):
        assert program.process.returncode == 1 and "rien n'est écrit" in program.text
        assert "je garde" not in program.text               # un seul mot, pas deux
        assert many.written() == ["VAE_64.pth"] * former
        if former:
            assert (many.folder / "VAE_64.pth").read_bytes() == old
        return
    assert program.process.returncode == 0, program.text
    kept = split(many)[1]["history"]
    if moment == "la dernière époque":
        assert len(kept) == 4
    else:
        assert 1 <= len(kept) < 4 and "Arrêt demandé" in program.text
    assert "Erreur par pixel" in program.text                       # le bilan est donné
    expected = ["VAE_64.png", "VAE_64.pth"] + ["VAE_64_precedent.pth"] * former
    assert many.written() == expected
    if former:
        assert (many.folder / "VAE_64_precedent.pth").read_bytes() == old


# La fenêtre
@pytest.fixture
def watched(kit, screen):
    """L'entraînement d'un élève qui regarde la fenêtre, sur ses dessins."""
    kit.add_drawings(200).set("train_VAE.py", epochs=1000, images_size=32)
    program = kit.start("train_VAE.py", screen.display)
    program.window = screen.window("Apprentissage")
    program.wait_text("Époque 3/1000")
    return program


def test_the_window_shows_curves_and_reconstructions(kit, screen, watched):
    area = screen.area(watched.window)
    left, top, right, bottom = screen.frame(watched.window)
    # openbox entoure d'un pixel, parfois hors de l'écran
    assert left >= -1 and top >= 0 and right <= 1367 and bottom <= 768
    first = screen.picture(area)
    assert len(first.convert("RGB").getcolors(2**24)) > 500
    wait_for(lambda: screen.picture(area).tobytes() != first.tobytes(), 30,
             "une fenêtre qui change")
    screen.tap("q")
    text = watched.finish()
    assert "Arrêt" in text and "Apprentissage" not in screen.windows()
    assert 3 <= len(split(kit)[1]["history"]) < 1000


def test_the_window_is_never_left_tiny(kit, screen):
    """Elle s'ouvre sur sa première image : pas de petit carré blanc en attendant."""
    kit.add_drawings(200).set("train_VAE.py", epochs=1, images_size=32)
    program = kit.start("train_VAE.py", screen.display)
    seen = []                                       # (l'heure, la largeur)
    while program.process.poll() is None:
        window = screen.windows().get("Apprentissage")
        if window:
            area = screen.ask("xwininfo", "-id", window).stdout
            found = re.search(r"Width: (\d+)", area)
            if found:
                seen.append((time.monotonic(), int(found[1])))
    program.finish()
    start = seen[0][0]
    tiny = [moment - start for moment, width in seen if width < 900]
    assert seen[-1][1] == 900 and max(tiny, default=0) < 0.5, seen


def test_without_its_price_the_kl_is_not_shown(small):
    """beta = 0 : rien n'apprend de la KL, rien n'en parle."""
    assert "KL" not in small.run("train_VAE.py", beta=0)


@slow
def test_closing_the_window_does_not_stop_the_training(kit, screen, watched):
    screen.close_box(watched.window)
    wait_for(lambda: "Apprentissage" not in screen.windows(), what="la fenêtre fermée")
    watched.wait_text("Fenêtre fermée")
    count = watched.text.count("Époque")
    wait_for(lambda: watched.text.count("Époque") > count + 3, what="des époques de plus")
    assert "Apprentissage" not in screen.windows()
    assert watched.text.count("Fenêtre fermée") == 1                # dit une fois
    watched.stop()
    watched.finish()
    assert len(split(kit)[1]["history"]) > 3


def test_the_picture_says_what_was_measured():
    """describe : les nombres de la dernière ligne de history."""
    assert train_VAE.describe([], train_VAE.settings) == "Avant d'apprendre"
    rows = [[9.0] * 6, [30.0, 20.25, 9.75, 31.5, 21.5, 10.0]]
    text = train_VAE.describe(rows, train_VAE.settings)
    assert text.startswith("Époque 2/10 ")
    for number in ("30.00", "20.25", "9.75", "31.50"):
        assert number in text


@pytest.mark.parametrize("epochs", [0, 1, 2, 50])
def test_the_curves_are_drawn_in_their_frame(epochs):
    """La perte en bleu, la perte de test en orange : où history les met."""
    model, images, train_index, test_index, settings = prepare()
    history = []
    for fall in np.linspace(0, 20, epochs).tolist():
        history.append([100 - fall, 0, 0, 200 - fall, 0, 0])
    screen = train_VAE.draw_all(model, images, test_index, settings, history)
    frame = np.asarray(screen.crop((71, 60, 880, 268))).astype(int)
    blue = (np.abs(frame - (40, 90, 200)).max(2) < 30).nonzero()[0]
    orange = (np.abs(frame - (225, 110, 20)).max(2) < 30).nonzero()[0]
    if epochs < 2:
        assert len(blue) == len(orange) == 0
    else:
        assert len(blue) > 500 and len(orange) > 500
        assert blue.mean() > orange.mean() + 80       # plus basse : plus bas à l'écran


# Longtemps
def seldom_alike(count):
    """Des dessins tachés : quatre nombres ne disent pas où sont les taches."""
    random = torch.Generator().manual_seed(0)
    spots = 255 * torch.rand(count, 3, 8, 8, generator=random)
    spots = spots.repeat_interleave(4, 2).repeat_interleave(4, 3)
    return (0.5 * drawings(count) + 0.5 * spots).byte()


def learn_for_long(epochs, **changes):
    images = seldom_alike(120)
    settings = {**train_VAE.settings, "images_size": 32, "epochs": epochs, **changes}
    torch.manual_seed(0)
    model = VAE(32, 4, settings["decoder"])
    start_from(model, images[:72])
    history = learn((model, images, torch.arange(72), torch.arange(72, 120), settings))
    return model, [row[4] for row in history]


def test_who_learns_for_long_does_not_end_worse():
    """Sans retenue, les taches apprises par cœur gâtent les images de test (1,4 fois)."""
    model, errors = learn_for_long(100)
    assert errors[-1] < 1.1 * min(errors)


def test_ten_epochs_are_never_held_back(monkeypatch):
    """La retenue ne change rien avant la onzième époque."""
    weights = []
    for decay in (0.22, 100):
        monkeypatch.setattr(train_VAE, "find_decay", lambda *measures: decay)
        weights.append([learn_for_long(epochs)[0].state_dict() for epochs in (10, 11)])
    (ten, eleven), (ten_held, eleven_held) = weights
    assert all(torch.equal(ten[name], ten_held[name]) for name in ten)
    assert not all(torch.equal(eleven[name], eleven_held[name]) for name in eleven)


@pytest.mark.parametrize("changes", [
    {"decoder": "broadcast"}, {"reconstruction": "gaussian"}])
def test_the_other_losses_and_decoder_are_not_held_back(monkeypatch, changes):
    weights = []
    for decay in (0.22, 100):
        monkeypatch.setattr(train_VAE, "find_decay", lambda *measures: decay)
        weights.append(learn_for_long(11, **changes)[0].state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("error, variety, decay", [
    (4, 450, 0.22), (225, 449, 3.75), (900, 449, 15), (0, 0, 0.22)])
def test_what_no_code_explains_holds_the_weights(error, variety, decay):
    assert train_VAE.find_decay(error, variety) == pytest.approx(decay)


# Les curseurs de trop
def test_information_costs_more_at_first_then_beta():
    model, images, train_index, test_index, settings = prepare()
    model.variety = 450                       # des images qui changent beaucoup
    none = Movements()
    prices = [train_VAE.learning_price(model, done / 100, none, 2) for done in range(101)]
    assert prices == sorted(prices, reverse=True) and prices[0] > 2
    assert set(prices[50:]) == {2}
    assert train_VAE.learning_price(model, 0.4, none, 0.1) > 0.1
    assert train_VAE.learning_price(model, 0.5, none, 0.1) == 0.1
    assert train_VAE.learning_price(model, 0, none, 10_000) == 10_000
    assert train_VAE.learning_price(model, 0, none, 0) == 0        # un simple auto-encodeur
    moved = Movements(torch.arange(len(images)) % 2 + 1)
    assert train_VAE.learning_price(model, 0, moved, 2) == 2


@pytest.mark.parametrize("contrast", [1, 2])
def test_what_the_images_vary_is_measured(contrast):
    images = drawings(60) // contrast
    model = VAE(32, 8)
    start_from(model, images)
    values = images.double().flatten(1).numpy() / 255
    assert model.variety == pytest.approx(values.var(0).sum(), rel=1e-3)


@pytest.mark.parametrize("importance, beta, sentences", [
    ([3, 2, 0, 0.05], 1, ["Morts : z3 et z4, qui n'ont pas servi.",
                          "2 nombres suffisent à ces images."]),
    ([3, 0], 1, ["Mort : z2, qui n'a pas servi.", "Un seul nombre suffit à ces images."]),
    ([0, 3, 0], 50, ["Morts : z1 et z3, qui n'ont pas servi.",
                     "Au prix beta = 50, s'en servir aurait coûté trop cher."]),
    ([0, 0], 0.5, ["Morts : z1 et z2, qui n'ont pas servi."]),
    ([3, 2], 50, [])])
def test_dead_sliders_are_told(capsys, importance, beta, sentences):
    tell_latents({"importance": torch.tensor(importance) * 1.0, "settings": {"beta": beta}})
    lines = capsys.readouterr().out.splitlines()
    live = sum([amount > 0.1 for amount in importance])
    assert lines[live:] == sentences


@slow
def test_extra_sliders_die_on_the_creatures(kit):
    """Huit curseurs pour quatre facteurs : trois ne servent pas, et l'image reste nette."""
    text = kit.add_demo().run("train_VAE.py", latent_size=8)
    dead = re.search(r"Morts : (.*), qui n'ont pas servi", text)[1]
    assert len(re.findall(r"z\d", dead)) >= 3
    assert float(re.search(r"images de test : (\d\.\d+)", text)[1]) < 0.0005
