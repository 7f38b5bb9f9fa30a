"""Entraîner, comme un élève : le script entier, ses messages, ses fichiers, et ce que le réseau a vraiment appris."""
import csv

import numpy as np
import pytest
import torch
from conftest import drawing, wait_for
from PIL import Image

from model_VAE_64 import load_model, vae_loss


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).transpose(2, 0, 1) / 255


def names_of(kit):
    return [path.relative_to(kit.images).as_posix() for path in sorted(kit.images.rglob("*.png"))]


def split(kit, name="VAE_64"):
    """Le modèle, ce que dit son fichier, et les noms des images de test : celles qu'il n'a pas apprises."""
    model, saved = load_model(kit.folder / f"{name}.pth")
    return model, saved, [image for image in names_of(kit) if image not in saved["train_names"]]


def batch(kit, names):
    return torch.tensor(np.stack([read(kit.images / name) for name in names]), dtype=torch.float32)


@pytest.fixture
def small(kit):
    """24 dessins, une époque, pas de fenêtre : de quoi lancer le script entier en quelques secondes."""
    return kit.add_drawings().set("train_VAE.py", epochs=1, show_window=False)


# Le kit tel que livré, sur les images de démonstration
def test_as_shipped_on_the_demo(trained):
    text = trained.started[0].text
    for words in ("cpu", "1000 images trouvées, 1000 gardées", "900 images d'apprentissage", "100 de test", "démonstration", "écran",
                  "bits", "Il a appris", "VAE_64.pth", "decode_VAE.py"):
        assert words in text or words == "cpu" and torch.cuda.is_available(), words
    assert sorted(path.name for path in trained.folder.iterdir() if path.is_file() and path.suffix != ".py") == ["VAE_64.png", "VAE_64.pth"]
    model, saved, test_names = split(trained)
    assert len(saved["losses"]) == len(saved["test_losses"]) == saved["settings"]["epochs"]
    assert saved["losses"][-1] < saved["losses"][0] / 2 and "c'est peu" not in text
    assert len(test_names) == 100 and len(set(saved["train_names"])) == 900
    assert f"{sum(weight.numel() for weight in model.parameters())} " in text
    with Image.open(trained.folder / "VAE_64.png") as picture:
        assert len(picture.getcolors(2**24)) > 1000               # des courbes et des images, pas une page blanche


def test_the_test_loss_is_measured_on_images_never_learned(trained):
    """La dernière perte de test, refaite ici sur les images absentes de train_names (le bruit du tirage mis à part)."""
    model, saved, test_names = split(trained)
    x = batch(trained, test_names)
    with torch.no_grad():
        again = vae_loss(model(x)[0], x, *model.encode(x))[0].item()
    assert again == pytest.approx(saved["test_losses"][-1], rel=0.05)


def test_better_than_pca_on_held_out_images(trained):
    """Avec autant de nombres par image, le réseau redessine mieux qu'une analyse en composantes principales (SVD de numpy)."""
    model, saved, test_names = split(trained)
    known, unknown = batch(trained, saved["train_names"]).flatten(1).numpy(), batch(trained, test_names)
    mean = known.mean(0)
    axes = np.linalg.eigh((known - mean) @ (known - mean).T)[1][:, -4:]
    components = np.linalg.qr((known - mean).T @ axes)[0]                      # (12288, 4)
    centred = unknown.flatten(1).numpy() - mean
    pca_error = np.square(centred - centred @ components @ components.T).mean()
    with torch.no_grad():
        error = (model(unknown, noise=False)[0] - unknown).square().mean().item()
    assert error < pca_error < np.square(centred).mean()


def test_the_latents_know_the_factors(trained):
    """Les vrais facteurs des images de test se relisent dans leurs codes (moindres carrés sur z et z² des images apprises)."""
    model, saved, test_names = split(trained)
    with open(trained.images / "demo" / "factors.csv", encoding="utf-8") as file:
        truth = {f"demo/{row['image']}": [float(row[name]) for name in list(row)[1:]] for row in csv.DictReader(file)}

    def codes(names):
        with torch.no_grad():
            z = model.encode(batch(trained, names))[0].numpy()
        squares = np.stack([z[:, i] * z[:, j] for i in range(4) for j in range(i, 4)], axis=1)
        return np.hstack([np.ones((len(z), 1)), z, squares]), np.array([truth[name] for name in names])

    known, factors = codes(saved["train_names"])
    rule = np.linalg.lstsq(known, factors, rcond=None)[0]
    unknown, expected = codes(test_names)
    explained = 1 - np.square(unknown @ rule - expected).mean(0) / expected.var(0)
    assert (explained > 0.3).sum() >= 3 and explained.mean() > 0.5, explained


def test_a_latent_moved_is_found_again(trained):
    """Décoder puis encoder : le latent qu'on a déplacé est bien celui qui revient déplacé, et dans le même sens."""
    model, saved, _ = split(trained)
    mean, spread = saved["z_mean"], saved["z_spread"]
    with torch.no_grad():
        for i in range(4):
            low, high = (model.encode(model.decode((mean + way * 1.5 * spread * (torch.arange(4) == i))[None]))[0][0] for way in (-1, 1))
            change = (high - low) / spread
            assert change.argmax() == i and 1 < change[i] < 5, (i, change)


def test_what_the_sliders_need_is_right(trained):
    """Moyenne, écart-type et importance (KL en bits) de chaque latent, refaits sur les images apprises."""
    model, saved, _ = split(trained)
    with torch.no_grad():
        mu, logvar = model.encode(batch(trained, saved["train_names"]))
    assert torch.allclose(saved["z_mean"], mu.mean(0), atol=1e-3) and torch.allclose(saved["z_spread"], mu.std(0), rtol=1e-2)
    law = torch.distributions.Normal(mu, (logvar / 2).exp())
    bits = torch.distributions.kl_divergence(law, torch.distributions.Normal(0, 1)).mean(0) / np.log(2)
    assert torch.allclose(saved["importance"], bits, rtol=1e-2)


# Les réglages
@pytest.mark.parametrize("values", [
    {"latent_size": 0}, {"latent_size": 33}, {"latent_size": "4"}, {"latent_size": 4.0}, {"latent_size": True}, {"images_size": 50},
    {"images_size": None}, {"epochs": 0}, {"epochs": 2.5}, {"batch_size": 0}, {"test_data_proportion": 0}, {"test_data_proportion": 1},
    {"learning_rate": 0}, {"learning_rate": -0.1}, {"learning_rate": float("nan")}, {"beta": -1}, {"beta": "1"}, {"reconstruction": "foo"},
    {"decoder": ["broadcast"]}, {"task": "colorize"}, {"augmentation": "oui"}, {"kl_warmup": 2},
    {"independent_axes": 1}, {"independent_axes": "oui"}, {"go_on": 1}, {"show_window": None},
    {"model_name": 3}, {"model_name": ""}, {"dataset_folder": 5}, {"dataset_folder": "introuvable"}],
    ids=lambda values: " ".join(f"{name} {value}" for name, value in values.items()))
def test_a_wrong_setting_is_named(small, values):
    name, = values
    values = {name: value if value == value else "nan" for name, value in values.items()}     # nan n'a pas de forme écrite en Python
    sentence = small.refusal("train_VAE.py", **values)
    assert name in sentence or str(values[name]) in sentence
    assert not (small.folder / "VAE_64.pth").exists()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_pictures(kit, count):
    sentence = kit.add_drawings(count).refusal("train_VAE.py")
    assert "images" in sentence and "record_images.py" in sentence
    assert not (kit.folder / "VAE_64.pth").exists()


def test_a_missing_folder(kit):
    kit.images.rmdir()
    assert "images" in kit.refusal("train_VAE.py")


def test_the_film_ends_on_the_saved_picture(small):
    """film = True : une vue avant chaque époque, puis celle qui est aussi dans le .png ; la première, avant d'apprendre, est autre."""
    small.run("train_VAE.py", film=True, epochs=3)
    with Image.open(small.folder / "VAE_64.png") as picture, Image.open(small.folder / "VAE_64.gif") as film:
        last = np.asarray(picture.convert("RGB"), dtype=float)
        assert film.n_frames == 4 and film.info["loop"] == 0 and film.size == picture.size
        gaps = [np.abs(np.asarray(film.convert("RGB"), dtype=float) - last).mean() for _ in (film.seek(i) for i in range(4))]
    assert gaps[3] < 3 and gaps[0] > gaps[3] + 1
    small.run("train_VAE.py", film=True, epochs=150)
    with Image.open(small.folder / "VAE_64.gif") as film:
        assert film.n_frames == 76                                               # 100 au plus


def test_a_batch_larger_than_the_set(small):
    text = small.run("train_VAE.py", batch_size=500)
    assert "1 pas d'apprentissage, c'est peu" in text and "essayez epochs = 200." in text
    assert len(split(small)[1]["losses"]) == 1


@pytest.mark.parametrize("batch_size, steps, advised", [(8, 3, 133), (4, 6, 66)])
def test_the_advice_about_few_steps_is_good(small, batch_size, steps, advised):
    """Les epochs conseillées font au moins 200 pas : suivi, le conseil n'est pas redonné."""
    text = small.run("train_VAE.py", batch_size=batch_size, epochs=2)
    assert f"{2 * steps} pas d'apprentissage, c'est peu" in text
    assert f"essayez epochs = {advised}." in text and steps * advised >= 200
    assert "c'est peu" not in small.run("train_VAE.py", batch_size=batch_size, epochs=advised)


@pytest.mark.parametrize("proportion, count", [(0.5, 12), (0.25, 6), (0.05, 1)])
def test_the_test_share_is_what_it_says(small, proportion, count):
    small.run("train_VAE.py", test_data_proportion=proportion)
    model, saved, test_names = split(small)
    assert len(test_names) == count and set(saved["train_names"]) | set(test_names) == set(names_of(small))


def test_a_single_picture_to_learn(kit):
    """10 images, dont 9 pour le test : presque rien à apprendre, mais rien ne casse."""
    kit.add_drawings(10).run("train_VAE.py", test_data_proportion=0.9, epochs=3, show_window=False)
    model, saved, test_names = split(kit)
    assert len(saved["train_names"]) == 1 and len(test_names) == 9
    assert all(weight.isfinite().all() for weight in model.state_dict().values())


@pytest.mark.parametrize("values", [
    {"task": "denoise", "reconstruction": "l1"}, {"task": "super_resolution", "decoder": "broadcast"}, {"augmentation": True, "kl_warmup": 0.5},
    {"independent_axes": False, "epochs": 2},
    {"reconstruction": "gaussian", "images_size": 32, "latent_size": 1}, {"reconstruction": "laplace", "beta": 0},
    {"images_size": 128, "latent_size": 32, "batch_size": 7, "beta": 10.5}], ids=str)
def test_every_setting_runs_and_is_remembered(small, values):
    text = small.run("train_VAE.py", **values)
    model, saved, _ = split(small)
    assert {name: saved["settings"][name] for name in values} == values
    size = values.get("images_size", 64)
    assert model.sample(2).shape == (2, 3, size, size) and len(saved["importance"]) == values.get("latent_size", 4)
    assert ("négative" in text) == (values.get("reconstruction") in ("gaussian", "laplace"))
    assert ("%" in text.split("z1 :")[1]) == (values.get("beta") == 0)


def test_it_runs_from_any_folder_and_says_what_it_leaves_out(small, tmp_path):
    (small.images / "abîmée.jpg").write_text("pas une image")
    small.folder, folder = tmp_path, small.folder
    text = small.start("Élève n°1/train_VAE.py").finish()
    assert "écartée : abîmée.jpg" in text and "25 images trouvées, 24 gardées" in text
    assert (folder / "VAE_64.pth").exists()


def test_denoising_gets_closer_to_the_clean_image(kit):
    """Sur des images jamais vues, la sortie est plus près de l'image nette que ne l'est l'entrée bruitée."""
    for number in range(200):
        drawing(number).save(kit.images / f"{number:03d}.png")
    kit.run("train_VAE.py", task="denoise", epochs=6, show_window=False)
    model, saved, test_names = split(kit)
    clean = batch(kit, test_names)
    noisy = clean + 0.2 * torch.randn(clean.shape)
    with torch.no_grad():
        output = model(noisy, noise=False)[0]
    assert (output - clean).square().mean() < (noisy - clean).square().mean() / 2


# Continuer, s'arrêter, échouer
def test_go_on_continues(small):
    small.run("train_VAE.py", epochs=12, batch_size=4)
    model, first, test_names = split(small)
    for number in range(100, 110):
        drawing(number).save(small.images / f"nouveau_{number}.png")            # des images arrivées entre-temps
    text = small.run("train_VAE.py", go_on=True, epochs=1, learning_rate=0.0005, latent_size=7)
    again, second, later_test_names = split(small)
    assert second["losses"][:12] == first["losses"] and len(second["losses"]) == 13
    # il n'est pas reparti de zéro : à petits pas, chaque poids reste près de ce qu'il était
    gaps = [(new - old).abs().max().item()
            for new, old in zip(again.state_dict().values(), model.state_dict().values())]
    assert 0 < max(gaps) < 0.01
    assert "latent_size" in text and second["settings"]["latent_size"] == 4     # le fichier l'emporte
    assert not set(later_test_names) & set(first["train_names"])                # ce qui a été appris ne sert jamais de test
    assert load_model(small.folder / "VAE_64_precedent.pth")[1]["losses"] == first["losses"]


def test_go_on_without_a_model(small):
    assert "VAE_64.pth" in small.refusal("train_VAE.py", go_on=True)


def test_stop_saves_a_model_that_works(kit):
    program = kit.add_demo().set("train_VAE.py", epochs=5000).start("train_VAE.py")
    program.wait_text("Époque 1/5000  perte")
    program.stop()
    text = program.finish()
    assert "Arrêt" in text and "decode_VAE.py" in text
    assert len(split(kit)[1]["losses"]) >= 1 and (kit.folder / "VAE_64.png").exists()


def test_a_loss_that_is_no_longer_a_number(small):
    """Un vrai débordement : on continue un modèle dont un écart-type vaut e**42 ; au carré, l'erreur dépasse les nombres de l'ordinateur."""
    small.run("train_VAE.py")
    path = small.folder / "VAE_64.pth"
    content = torch.load(path, weights_only=True)
    content["weights"]["encoder.9.bias"][-1] = 85
    torch.save(content, path)
    text = small.run("train_VAE.py", go_on=True, epochs=3)
    assert "n'est plus un nombre" in text and "learning_rate" in text
    model, saved, _ = split(small)
    assert saved["losses"] == content["losses"]
    assert all(torch.equal(weight, content["weights"][name]) for name, weight in model.state_dict().items())


def test_a_full_disk_keeps_the_former_model(small):
    """Le système refuse d'écrire plus de 500 000 octets par fichier : une phrase, et l'ancien modèle est là, entier."""
    small.run("train_VAE.py")
    before = (small.folder / "VAE_64.pth").read_bytes()
    program = small.start("train_VAE.py", before=("prlimit", "--fsize=500000"))
    assert "Traceback" not in program.wait(), program.text
    assert (small.folder / "VAE_64.pth").read_bytes() == before


# La fenêtre
@pytest.fixture
def watched(kit, screen):
    """L'entraînement d'un élève qui regarde la fenêtre, sur ses dessins."""
    program = kit.add_drawings(200).set("train_VAE.py", epochs=5000).start("train_VAE.py", screen.display)
    program.window = screen.window("Apprentissage")
    program.wait_text("Époque 3/5000")
    return program


def test_the_window_shows_curves_and_reconstructions(kit, screen, watched):
    area = screen.area(watched.window)
    left, top, right, bottom = screen.frame(watched.window)
    assert left >= 0 and top >= 0 and right <= 1366 and bottom <= 768

    def alive():
        first = screen.picture(area)
        colors = {color for count, color in first.convert("RGB").getcolors(2**24)}
        wait_for(lambda: screen.picture(area).tobytes() != first.tobytes(), 30, "une fenêtre qui change")
        return len(colors) > 500

    assert alive()
    screen.tap("q")
    text = watched.finish()
    assert "Arrêt" in text and len(split(kit)[1]["losses"]) >= 3 and "Apprentissage" not in screen.windows()


def test_closing_the_window_does_not_stop_the_training(kit, screen, watched):
    screen.close_box(watched.window)
    wait_for(lambda: "Apprentissage" not in screen.windows(), what="la fenêtre fermée")
    count = watched.text.count("test ")
    wait_for(lambda: watched.text.count("test ") > count + 3, what="des époques de plus")
    assert "Apprentissage" not in screen.windows()
    watched.stop()
    watched.finish()
    assert len(split(kit)[1]["losses"]) > 3
