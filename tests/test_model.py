"""Le réseau et sa perte, contre des calculs faits autrement ; le fichier du modèle, contre tout ce qui peut l'abîmer."""
import math
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import root
from torch.distributions import Laplace, Normal, kl_divergence

from model_VAE_64 import VAE, load_model, save_model, spoil, to_picture, vae_loss

settings = {"images_size": 32, "latent_size": 3, "decoder": "convolution"}
results = {"settings": settings, "z_mean": torch.zeros(3), "z_spread": torch.ones(3), "importance": torch.ones(3), "losses": [1.0], "train_names": []}


def random_batch(count=5):
    torch.manual_seed(0)
    return torch.rand(count, 3, 32, 32), torch.rand(count, 3, 32, 32), torch.randn(count, 3), torch.randn(count, 3)


# La perte
def test_loss_by_hand():
    """Deux images de 3 nombres et un latent, calculés à la main."""
    target = torch.zeros(2, 3, 1, 1)
    output = torch.tensor([[1., 2., 0.], [0., 0., 3.]]).reshape(2, 3, 1, 1)
    mu, logvar = torch.tensor([[2.], [0.]]), torch.tensor([[0.], [math.log(4)]])
    # erreur : (1 + 4 + 9) / 2 = 7 ; KL : 4/2 = 2 pour la première, (4 - 1 - ln 4) / 2 pour la seconde
    kl_by_hand = (2 + (3 - math.log(4)) / 2) / 2
    loss, error, kl = vae_loss(output, target, mu, logvar, beta=3)
    assert error.item() == pytest.approx(7)
    assert kl.tolist() == pytest.approx([kl_by_hand])
    assert loss.item() == pytest.approx(7 + 3 * kl_by_hand)
    assert vae_loss(output, target, mu, logvar, reconstruction="l1")[1].item() == pytest.approx(3)      # (1 + 2 + 3) / 2


def test_kl_against_torch_distributions():
    output, target, mu, logvar = random_batch()
    expected = kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(0, 1)).mean(0)
    assert torch.allclose(vae_loss(output, target, mu, logvar)[2], expected, atol=1e-6)


@pytest.mark.parametrize("name, law", [("gaussian", Normal), ("laplace", Laplace)])
def test_sigma_vae_is_the_best_scale(name, law):
    """L'erreur est -log p(x) à la meilleure échelle, trouvée ici en essayant une à une mille échelles."""
    output, target, mu, logvar = random_batch()
    tried = [-law(output, scale).log_prob(target).sum().item() / len(target) for scale in torch.linspace(0.05, 1, 1000)]
    error = vae_loss(output, target, mu, logvar, reconstruction=name)[1].item()
    assert min(tried) - 0.05 < error <= min(tried) + 1e-2


@pytest.mark.parametrize("name", ["mse", "l1", "gaussian", "laplace"])
def test_beta_zero_forgets_the_kl(name):
    output, target, mu, logvar = random_batch()
    loss, error, kl = vae_loss(output, target, mu, logvar * 1000, beta=0, reconstruction=name)       # une KL infinie
    assert loss.item() == error.item() and math.isfinite(loss.item())


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_perfect_reconstruction_stays_finite(name):
    output, target, mu, logvar = random_batch()
    output = target.clone().requires_grad_()
    loss = vae_loss(output, target, mu, logvar, reconstruction=name)[0]
    loss.backward()
    assert math.isfinite(loss.item()) and output.grad.isfinite().all()


# Le réseau
@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
@pytest.mark.parametrize("images_size", [32, 64, 128])
def test_shapes(images_size, decoder):
    for latent_size in (1, 4, 32):
        model = VAE(images_size, latent_size, decoder)
        for count in (1, 3):                       # un lot d'une seule image aussi
            x = torch.rand(count, 3, images_size, images_size)
            output, mu, logvar = model(x)
            assert output.shape == x.shape and mu.shape == logvar.shape == (count, latent_size)
        model.eval()
        assert model.sample(5).shape == (5, 3, images_size, images_size)


@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_any_decoded_picture_can_be_shown(decoder):
    """Même très loin des codes connus : ce qui dépasse s'arrête à 0 ou à 255."""
    torch.manual_seed(0)
    model = VAE(32, 3, decoder).eval()
    with torch.no_grad():
        pictures = model.decode(1000 * torch.randn(20, 3))
    assert pictures.isfinite().all() and pictures.min() < 0 and pictures.max() > 1
    for picture in pictures:
        shown = to_picture(picture)
        expected = np.rint(np.clip(picture.permute(1, 2, 0).numpy(), 0, 1) * 255)
        assert shown.size == (32, 32) and shown.mode == "RGB"
        assert np.array_equal(np.asarray(shown), expected)


@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_learning_and_testing_measure_the_same_loss(decoder):
    """En mode train() comme en mode eval(), les mêmes images, le même code, la même perte."""
    model, x = VAE(32, 3, decoder), torch.rand(4, 3, 32, 32)
    found = []
    for learning in (True, False):
        model.train(learning)
        with torch.no_grad():
            output, mu, logvar = model(x, noise=False)
            far = model.decode(100 * torch.ones(1, 3))
        found.append((output, mu, logvar, far, vae_loss(output, x, mu, logvar)[0]))
    assert all(torch.equal(one, other) for one, other in zip(*found))


def test_every_weight_learns():
    """Chaque poids reçoit un gradient : aucune couche n'est oubliée, et le calcul n'est coupé nulle part."""
    for decoder in ("convolution", "broadcast"):
        model, x = VAE(32, 3, decoder), torch.rand(4, 3, 32, 32)
        vae_loss(model(x)[0], x, *model(x)[1:])[0].backward()
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())


@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_every_weight_moves_from_the_starting_point(decoder):
    """Le départ met des poids à zéro : quelques pas plus tard, tous ont bougé."""
    torch.manual_seed(0)
    model, images = VAE(32, 3, decoder), torch.randint(256, (30, 3, 32, 32), dtype=torch.uint8)
    model.start_from(images)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    before = [weight.detach().clone() for weight in model.parameters()]
    for _ in range(3):
        output, mu, logvar = model(images / 255)
        optimizer.zero_grad()
        vae_loss(output, images / 255, mu, logvar)[0].backward()
        optimizer.step()
    assert all((weight != old).float().mean() > 0.5
               for weight, old in zip(model.parameters(), before))


def test_reparameterize_follows_its_normal_law():
    torch.manual_seed(0)
    model = VAE(32, 2)
    mu, logvar = torch.tensor([[3., -1.]]).expand(100_000, 2), torch.tensor([[0., math.log(0.25)]]).expand(100_000, 2)
    z = model.reparameterize(mu, logvar)
    assert z.mean(0).tolist() == pytest.approx([3, -1], abs=0.02)
    assert z.std(0).tolist() == pytest.approx([1, 0.5], rel=0.02)
    assert torch.corrcoef(z.T)[0, 1].abs() < 0.02


def test_sample_draws_from_the_standard_normal_law():
    model = VAE(32, 3).eval()
    torch.manual_seed(4)
    invented = model.sample(6)
    torch.manual_seed(4)
    assert torch.equal(invented, model.decode(torch.randn(6, 3)))


def test_without_noise_the_network_is_a_plain_autoencoder():
    model, x = VAE(32, 3).eval(), torch.rand(2, 3, 32, 32)
    assert torch.equal(model(x, noise=False)[0], model.decode(model.encode(x)[0]))
    assert not torch.equal(model(x)[0], model(x)[0])


@pytest.mark.parametrize("images_size", [32, 64, 128])
def test_broadcast_decoder_follows_its_grid(images_size):
    """Sa définition : décaler les coordonnées d'une case décale l'image d'une case (images_size / 16 pixels), sans rien changer d'autre."""
    torch.manual_seed(0)
    model, z, cell = VAE(images_size, 4, "broadcast").eval(), torch.randn(2, 4), images_size // 16
    with torch.no_grad():
        before = model.decode(z)
        grid = model.decoder.grid
        step = (grid[0, 0, 1] - grid[0, 0, 0]).item()
        grid[0] += 3 * step                           # la première coordonnée : 3 cases vers la droite
        assert torch.allclose(model.decode(z)[..., :-3 * cell], before[..., 3 * cell:], atol=1e-5)
        grid[0] -= 3 * step
        grid[1] += 2 * step                           # la seconde : 2 cases vers le bas
        moved = model.decode(z)
    assert torch.allclose(moved[:, :, :-2 * cell], before[:, :, 2 * cell:], atol=1e-5)
    assert not torch.allclose(moved, before, atol=1e-3)


# Les tâches
def test_spoil_adds_the_noise_it_says():
    torch.manual_seed(0)
    x = torch.full((8, 3, 64, 64), 0.5)
    noise = spoil(x, "denoise") - x
    assert noise.mean().item() == pytest.approx(0, abs=0.003) and noise.std().item() == pytest.approx(0.2, rel=0.02)


def test_spoil_reduces_the_picture_4_times():
    x = torch.rand(2, 3, 64, 64)
    small = spoil(x, "super_resolution")
    for row, column in ((0, 0), (3, 15), (9, 7)):
        block = (..., slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4))
        mean = x[block].mean((2, 3), keepdim=True)
        assert torch.allclose(small[block], mean.expand(2, 3, 4, 4), atol=1e-6)
    assert torch.equal(spoil(x, "copy"), x)


# Le fichier .pth
@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_save_then_load_gives_the_same_network(tmp_path, decoder):
    torch.manual_seed(0)
    path, model, z = tmp_path / "modèle.pth", VAE(64, 5, decoder).eval(), torch.randn(3, 5)
    kept = results | {"settings": {"images_size": 64, "latent_size": 5, "decoder": decoder, "beta": 2.5}, "losses": [3.5, 1.25],
                      "z_mean": torch.randn(5)}
    save_model(path, model, **kept)
    again, saved = load_model(path)
    assert torch.equal(again.decode(z), model.decode(z)) and not again.training
    assert saved["settings"] == kept["settings"] and saved["losses"] == kept["losses"] and torch.equal(saved["z_mean"], kept["z_mean"])
    assert [file.name for file in tmp_path.iterdir()] == ["modèle.pth"]


class Trap:
    """Un pickle qui, relu sans précaution, écrit un fichier."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def bad_files(folder):
    save_model(folder / "entier.pth", VAE(**settings), **results)
    whole = (folder / "entier.pth").read_bytes()
    other = VAE(32, 4).state_dict()
    return {"coupé": whole[:len(whole) // 2], "vide": b"", "texte": "Bonjour, je ne suis pas un modèle.".encode(),
            "image": (root / "images/demo/0001.png").read_bytes(), "pickle": pickle.dumps({"weights": 1}),
            "autre programme": {"state_dict": other, "epoch": 3}, "autre réseau": {"weights": other, **results},
            "sans réglages": {"weights": VAE(**settings).state_dict()}, "tenseur": torch.zeros(3)}


@pytest.mark.parametrize("kind", ["coupé", "vide", "texte", "image", "pickle", "autre programme", "autre réseau", "sans réglages", "tenseur"])
def test_load_refuses_what_is_not_a_model(tmp_path, kind):
    content, path = bad_files(tmp_path)[kind], tmp_path / f"{kind}.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(SystemExit) as refusal:
        load_model(path)
    sentence = str(refusal.value)
    assert path.name in sentence and "train_VAE.py" in sentence and sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("writer", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))], ids=["torch", "pickle"])
def test_a_file_that_would_run_code_runs_nothing(kit, tmp_path, writer):
    """La même attaque réussit avec une lecture naïve : le test sait la voir."""
    path, mark = kit.folder / "VAE_64.pth", tmp_path / "exécuté"
    writer({"weights": {}, "settings": settings, "trap": Trap(mark)}, path)
    assert "VAE_64.pth" in kit.start("decode_VAE.py").refuse()
    assert not mark.exists()
    if writer is torch.save:
        torch.load(path, weights_only=False)
    else:
        pickle.loads(path.read_bytes())
    assert mark.exists()


@pytest.mark.parametrize("death", ["tué", "disque plein"])
def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, death):
    """Au 500 000e octet, le système tue le programme net (comme kill -9), ou refuse d'écrire plus : l'ancien modèle reste entier."""
    path = tmp_path / "VAE_64.pth"
    save_model(path, VAE(**settings), **results)
    before = path.read_bytes()
    assert len(before) > 1_000_000
    code = ("import resource, signal, sys; from pathlib import Path; from model_VAE_64 import VAE, save_model\n"
            f"signal.signal(signal.SIGXFSZ, signal.{'SIG_DFL' if death == 'tué' else 'SIG_IGN'})\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
            "save_model(Path(sys.argv[1]), VAE(32, 3), settings={}, losses=[2.0])")
    writer = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, capture_output=True)
    assert writer.returncode == (-signal.SIGXFSZ if death == "tué" else 1)
    assert path.read_bytes() == before and load_model(path)[1]["losses"] == [1.0]
    save_model(path, VAE(**settings), **results | {"losses": [3.0]})
    assert load_model(path)[1]["losses"] == [3.0]                # et un reste d'écriture ne gêne pas la suite
