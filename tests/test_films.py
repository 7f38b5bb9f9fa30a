"""Les films du laboratoire : chaque image comparée à ce que le réseau dessine."""
import errno
import sys

import numpy as np
import pytest
import torch
from conftest import root
from PIL import Image

from model_VAE_64 import VAE

sys.path.insert(0, str(root / "explore"))
import films


@pytest.fixture
def network():
    torch.manual_seed(1)
    model = VAE(32, 3)
    saved = {"z_mean": torch.tensor([0.5, -1.0, 2.0]), "z_spread": torch.tensor([1.0, 0.5, 2.0])}
    return model, saved


@torch.no_grad()
def drawn(model, z):
    return films.lab.to_picture(model.decode(torch.as_tensor(z)[None])[0]).resize((256, 256))


def same(first, second):
    return np.array_equal(np.asarray(first), np.asarray(second))


def test_a_slider_walks_alone(network):
    model, saved = network
    z = torch.tensor([0.1, 0.2, 0.3])
    views = films.film_slider(model, saved, z, 1, 2)
    assert len(views) == 40
    for number, place in ((0, -1.0), (10, 0.0), (30, -2.0)):
        assert same(views[number], drawn(model, [0.1, place, 0.3]))
    assert torch.equal(z, torch.tensor([0.1, 0.2, 0.3]))


def test_a_path_goes_and_comes_back(network):
    model, saved = network
    a, b = torch.randn(3), torch.randn(3)
    views = films.film_path(model, a, b)
    assert same(views[0], drawn(model, a)) and same(views[20], drawn(model, b))
    assert same(views[10], drawn(model, (a + b) / 2)) and same(views[5], views[35])


def test_pictures_move_on_the_map():
    """Deux images, rouge et bleue, qui échangent leurs places en une époque."""
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    images[0, 0] = images[1, 2] = 255
    start = torch.tensor([[-2.0, 9.0, 2.0], [2.0, 9.0, -2.0]])
    views = films.film_map(images, [start, -start], torch.tensor([0, 2]))
    assert len(views) == 6 + 20

    def middle(view, color):
        down, across = np.nonzero((np.asarray(view) == color).all(2))
        return across.mean(), down.mean()

    red, blue = (255, 0, 0), (0, 0, 255)
    left, right = middle(views[0], red), middle(views[0], blue)
    assert left[0] < 60 and left[1] < 60 and right[0] > 420 and right[1] > 420   # haut, bas
    assert np.allclose(middle(views[-1], red), right, atol=1)
    assert np.allclose(middle(views[-1], blue), left, atol=1)
    assert left[0] < middle(views[2], red)[0] < middle(views[4], red)[0]


def test_the_film_of_the_map_ends_after_twenty_epochs(capsys):
    """Sinon, celui de quatre cents époques ne tiendrait pas en mémoire."""
    torch.manual_seed(2)
    images = torch.randint(0, 255, (12, 3, 32, 32), dtype=torch.uint8)
    watcher = films.MapWatcher(images, films.lab.settings["task"])
    films.lab.train(images, torch.arange(12), watcher, epochs=400, latent_size=2)
    assert len(watcher.codes) == 1 + 20
    assert "époque 20" in capsys.readouterr().out


def full(path, content=b"", **options):
    raise OSError(errno.ENOSPC, "plein")


def test_a_full_disk_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(films.lab, "results", tmp_path)
    monkeypatch.setattr(films.lab, "write_whole", full)
    with pytest.raises(SystemExit, match="film_carte_VAE_64.gif .le disque est plein"):
        films.keep([Image.new("RGB", (8, 8))], "carte")


def test_a_full_disk_is_said_of_a_figure(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    import figures
    monkeypatch.setattr(films.lab, "results", tmp_path)
    figure = figures.plt.figure()
    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(SystemExit, match="essai.png .le disque est plein"):
        figures.keep(figure, "essai")
    figures.plt.close(figure)


@pytest.mark.slow
def test_the_three_films(kit, trained):
    """Le script tel quel, après un entraînement : trois films, et la phrase d'abord."""
    kit.add_explore().add_demo().add_model(trained)
    text = kit.start("explore/films.py").finish()
    names = [f"film_{kind}_VAE_64.gif" for kind in ("curseur", "chemin", "carte")]
    assert text.index("accord de chacun") < text.index(names[0])
    for name, count in zip(names, (40, 40, 61)):
        with Image.open(kit.folder / "explore/results" / name) as film:
            # Pillow réunit les images égales, comme celles de la fin
            assert film.n_frames == count and film.info["loop"] == 0


@pytest.mark.slow
def test_too_few_sliders_is_said(kit, trained):
    kit.add_explore().add_demo().add_model(trained)
    assert "4 curseurs : baissez slider" in kit.refusal("explore/films.py", slider=5)
