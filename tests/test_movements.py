"""Un mouvement, un curseur : le film de l'aquarium, et les cas qui n'en sont pas."""
import re
import shutil
import sys

import numpy as np
import pytest
import torch
from conftest import root

from model_VAE_64 import VAE, encode_images, start_from
from outils.latents import name_latent, order_sliders
from outils.model_file import load_model
from outils.movements import Movements, find_movements

sys.path.insert(0, str(root / "explore"))
import draw_film


def names_of(**counts):
    """m1=3 : m1_0001.png à m1_0003.png."""
    return [f"{kind}_{number:04d}.png" for kind, count in counts.items()
            for number in range(1, count + 1)]


# Reconnaître les mouvements
def test_each_movement_has_its_latent(capsys):
    movements = find_movements(names_of(im=2, m1=60, m2=62, m3=58), 4)
    assert movements.found == [1, 2, 3] and movements.reserved == [0, 1, 2]
    assert movements.numbers.tolist() == [0] * 2 + [1] * 60 + [2] * 62 + [3] * 58
    said = capsys.readouterr().out
    assert "Mouvements : 3 (60, 62 et 58 images).\nz1, z2 et z3 leur sont réservés." in said


@pytest.mark.parametrize("counts, latent_size, left, words", [
    ({"m1": 60}, 4, set(), "Un seul mouvement (1)"),
    ({"m1": 60, "m2": 60, "m3": 5}, 4, {1, 2}, "Mouvement 3 : 5 images"),
    ({"m1": 60, "m2": 60, "m5": 60}, 4, {1, 2}, "Mouvement 5 : pas de z5"),
    ({"m1": 60, "m5": 60}, 4, set(), "Un seul mouvement (1)"),
    ({"im": 60}, 4, set(), "")])
def test_what_is_not_a_movement_is_learnt_as_the_rest(counts, latent_size, left, words,
                                                      capsys):
    names = names_of(**counts)
    movements = find_movements(names, latent_size)
    assert set(movements.found) == set(movements.numbers.tolist()) - {0} == left
    said = capsys.readouterr().out
    assert words in said and (said or not words)
    assert said == "" or said.endswith(".\n")


def test_a_movement_in_a_subfolder_is_told(capsys):
    names = ["léa/" + name for name in names_of(m1=60, m2=60)]
    assert find_movements(names, 4).found == []
    assert "sous-dossier" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["m1_chat.png", "m1_0001.jpg", "M1_0001.png", "m0_0001.png",
                                  "m12_0001.png", "movement.png"])
def test_files_from_elsewhere_are_not_movements(name, capsys):
    assert find_movements([name] * 60, 4).found == []
    assert capsys.readouterr().out == ""


# Ce qui est demandé au réseau
def test_the_price_by_hand():
    """Pendant le mouvement 2, z2 bouge librement ; z1 et z3, qui est libre, paient."""
    movements = Movements(torch.tensor([2, 2, 0, 1]))
    # le code moyen du mouvement 2 : 0.5, 0, 0
    movements.look(torch.tensor([[0.5, 1.0, 0.0], [0.5, -1.0, 0.0], [9.0, 9.0, 9.0],
                                 [0.0, 0.0, 0.0]]), torch.arange(4))
    mu = torch.tensor([[1.5, 5.0, -2.0], [0.5, 0.0, 0.0]])
    logvar = 2 * torch.log(torch.tensor([[0.5, 1.0, 2.0], [1.0, 1.0, 1.0]]))
    price = movements.price(mu, logvar, torch.tensor([0, 2]))
    # un quart de ((1.5 - 0.5) / 0.5)**2, plus (-2 / 2)**2 ; sur deux images
    assert price.item() == pytest.approx((0.25 * 4 + 1) / 2)
    # une image sans mouvement ne paie rien
    assert movements.price(mu, logvar, torch.tensor([2, 2])).item() == 0


def test_without_movements_nothing_is_asked():
    movements = Movements(torch.zeros(4, dtype=int))
    images = torch.rand(4, 3, 32, 32)
    assert movements.shift(images) is images
    assert movements.price(images, images, torch.arange(4)) == 0
    assert movements.directions(images, torch.arange(4)) == {}


def test_a_shift_moves_what_is_seen_by_two_pixels_at_most():
    torch.manual_seed(0)
    movements = Movements(torch.tensor([1, 2]))
    image = torch.rand(1, 3, 64, 64)
    seen = set()
    for attempt in range(200):
        shifted = movements.shift(image)
        for down in range(-2, 3):
            for across in range(-2, 3):
                inner = image[:, :, 2 + down:62 + down, 2 + across:62 + across]
                if torch.equal(shifted[:, :, 2:62, 2:62], inner):
                    seen.add((down, across))
    assert len(seen) == 25                    # tous les décalages, et rien d'autre


def test_the_first_directions_see_their_movement_only():
    """Chaque direction suit sa cause, dessinée dans ses propres pixels, malgré la dérive."""
    random = np.random.default_rng(0)
    movements = Movements(torch.tensor([1] * 50 + [2] * 50))
    causes = 0.1 * random.standard_normal((100, 2))
    causes[:50, 0] = random.uniform(-1, 1, 50)
    causes[50:, 1] = random.uniform(-1, 1, 50)
    pictures = random.normal(128, 2, (100, 3, 32, 32))
    pictures[:, :, :8] += 60 * causes[:, 0, None, None, None]
    # les deux causes se voient dans une même bande : il faut les démêler
    pictures[:, :, 8:16] += 40 * causes.sum(1)[:, None, None, None]
    images = torch.tensor(pictures.clip(0, 255)).to(torch.uint8)
    directions = movements.directions(images, torch.arange(100))
    x = images.flatten(1).float()
    for i, take in ((0, slice(0, 50)), (1, slice(50, 100))):
        seen = (x @ directions[i]).numpy()
        own = abs(np.corrcoef(seen, causes[:, i])[0, 1])
        other = abs(np.corrcoef(seen, causes[:, 1 - i])[0, 1])
        assert own > 0.95 and other < 0.3, (i, own, other)


@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_a_start_from_movements_draws_them(decoder):
    pictures, values = draw_film.film(3)
    images = torch.tensor(pictures).permute(0, 3, 1, 2).contiguous()
    numbers = torch.arange(1, 5).repeat_interleave(draw_film.frames)
    directions = Movements(numbers).directions(images, torch.arange(240))
    model = VAE(64, 6, decoder)
    start_from(model, images, directions)
    mu, logvar = encode_images(model, images)
    spread = mu.std(0)
    assert spread[:4].min() > 0.9 and spread[4:].max() < 1e-5
    for k in range(4):                        # chacun suit la vraie valeur de son mouvement
        take = numbers == k + 1
        link = np.corrcoef(mu[take, k].numpy(), values[take.numpy(), k])[0, 1]
        assert abs(link) > 0.7, (k, link)    # une droite : la suite est au réseau


# L'aquarium, comme un élève
def share_of_sliders(model, pictures):
    """Pour chaque mouvement, la part de la variance du code prise par chaque latent."""
    images = torch.tensor(pictures).permute(0, 3, 1, 2).contiguous()
    mu = encode_images(model, images)[0].numpy()
    takes = np.split(mu, 4)
    spreads = np.stack([take.var(0) for take in takes])
    return spreads / spreads.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def aquarium(tmp_path_factory):
    from conftest import Kit
    kit = Kit(tmp_path_factory.mktemp("film") / "Élève n°1")
    shutil.copytree(root / "images" / "aquarium", kit.images / "aquarium")
    kit.run("train_VAE.py", dataset_folder="images/aquarium", epochs=30)
    return kit


def test_each_slider_follows_its_movement_on_a_new_film(aquarium):
    text = aquarium.started[0].text
    assert "Mouvements : 4 (60, 60, 60 et 60 images)" in text
    assert len(re.findall(r"Mouvement (\d) : z\1 le suit", text)) == 4, text
    model, saved = load_model(aquarium.folder / "VAE_64.pth", VAE)
    assert saved["movements"] == [1, 2, 3, 4]
    assert order_sliders(saved) == [0, 1, 2, 3]
    assert name_latent(saved, 1) == "z2 mouvement 2"
    shares = share_of_sliders(model, draw_film.film(101)[0])
    assert np.diag(shares).mean() > 0.75, shares


@pytest.mark.slow
def test_twice_as_many_latents_change_nothing(aquarium, kit):
    """Huit latents pour quatre mouvements : les libres n'en prennent pas la moitié."""
    shutil.copytree(root / "images" / "aquarium", kit.images / "aquarium")
    kit.run("train_VAE.py", dataset_folder="images/aquarium", epochs=30, latent_size=8)
    model = load_model(kit.folder / "VAE_64.pth", VAE)[0]
    shares = share_of_sliders(model, draw_film.film(101)[0])
    assert np.diag(shares).mean() > 0.7, shares


@pytest.mark.slow
def test_without_movements_the_same_film_mixes_its_sliders(aquarium, kit):
    """Les mêmes images, sous un autre nom : personne ne dit plus ce qui va ensemble."""
    for number, path in enumerate(sorted((root / "images" / "aquarium").iterdir()), start=1):
        shutil.copy(path, kit.images / f"photo_{number:04d}.png")
    kit.run("train_VAE.py", epochs=30)
    model, saved = load_model(kit.folder / "VAE_64.pth", VAE)
    assert saved["movements"] == [] and "Mouvement" not in kit.started[0].text
    shares = share_of_sliders(model, draw_film.film(101)[0])
    assert np.sort(shares, axis=1)[:, -1].mean() < 0.7, shares


def test_the_film_is_drawn_as_it_ships():
    pictures, values = draw_film.film(0)
    folder = root / "images" / "aquarium"
    from PIL import Image
    for i in (0, 59, 60, 239):
        name = f"m{1 + i // 60}_{1 + i % 60:04d}.png"
        with Image.open(folder / name) as picture:
            assert np.array_equal(np.asarray(picture), pictures[i]), name
    assert len(list(folder.iterdir())) == 240
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000


def test_many_sizes_and_more_latents_than_movements(kit):
    """Trois mouvements, cinq latents : z4 et z5 sont libres."""
    for k in (1, 2, 3):
        for path in sorted((root / "images" / "aquarium").glob(f"m{k}_*"))[:24]:
            shutil.copy(path, kit.images)
    for values in ({"images_size": 32}, {"decoder": "broadcast"}, {"beta": 0},
                   {"task": "denoise"}, {"augmentation": True}):
        text = kit.run("train_VAE.py", latent_size=5, epochs=2, **values)
        assert "z1, z2 et z3 leur sont réservés" in text
        assert load_model(kit.folder / "VAE_64.pth", VAE)[1]["movements"] == [1, 2, 3]
