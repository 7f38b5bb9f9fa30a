"""Le réseau et sa perte, contre des calculs faits autrement.

Et le fichier du modèle, contre tout ce qui peut l'abîmer.
"""
import math
import pickle
import signal
import zipfile

import numpy as np
import pytest
import torch
from conftest import root
from torch.distributions import Laplace, Normal, kl_divergence

import train_VAE
from model_VAE_64 import VAE, encode_images, spoil, start_from, vae_loss
from outils.checks import choices, limits
from outils.latents import random_codes
from outils.model_file import load_model, save_model
from outils.pictures import to_picture

both = pytest.mark.parametrize("decoder", ["convolution", "broadcast"])


def results(**changes):
    """Ce qu'un entraînement écrit à côté des poids d'un réseau à 3 latents."""
    settings = {**train_VAE.settings, "images_size": 32, "latent_size": 3, **changes}
    latents = settings["latent_size"]
    return {"settings": settings, "history": [[3.0, 2.0, 1.0, 3.5, 2.5, 1.0]],
            "train_names": ["a.png"], "z_mean": torch.zeros(latents),
            "z_spread": torch.ones(latents), "importance": torch.ones(latents)}


def small_model():
    return VAE(32, 3).eval()


def random_batch(count=5):
    torch.manual_seed(0)
    x, y = torch.rand(2, count, 3, 32, 32)
    mu, logvar = torch.randn(2, count, 3)
    return x, y, mu, logvar


# La perte
def test_loss_by_hand():
    """Deux images de 3 nombres et un latent, calculés à la main."""
    target = torch.zeros(2, 3, 1, 1)
    output = torch.tensor([[1., 2., 0.], [0., 0., 3.]]).reshape(2, 3, 1, 1)
    mu = torch.tensor([[2.], [0.]])
    logvar = torch.tensor([[0.], [math.log(4)]])
    # erreur : (1 + 4 + 9) / 2 = 7
    # KL : 4/2 = 2 pour la première image, (4 - 1 - ln 4) / 2 pour la seconde
    kl_by_hand = (2 + (3 - math.log(4)) / 2) / 2
    loss, error, kl = vae_loss(output, target, mu, logvar, beta=3)
    assert error.item() == pytest.approx(7)
    assert kl.tolist() == pytest.approx([kl_by_hand])
    assert loss.item() == pytest.approx(7 + 3 * kl_by_hand)
    loss, error, kl = vae_loss(output, target, mu, logvar, reconstruction="l1")
    assert error.item() == pytest.approx(3)                       # (1 + 2 + 3) / 2


def test_kl_against_torch_distributions():
    output, target, mu, logvar = random_batch()
    law = Normal(mu, torch.exp(logvar / 2))
    expected = kl_divergence(law, Normal(0, 1)).mean(0)
    assert torch.allclose(vae_loss(output, target, mu, logvar)[2], expected, atol=1e-6)


@pytest.mark.parametrize("name, law", [("gaussian", Normal), ("laplace", Laplace)])
def test_sigma_vae_is_the_best_scale(name, law):
    """L'erreur est -log p(x) à la meilleure échelle, trouvée ici parmi mille échelles."""
    output, target, mu, logvar = random_batch()
    tried = [-law(output, scale).log_prob(target).sum().item() / len(target)
             for scale in torch.linspace(0.05, 1, 1000)]
    error = vae_loss(output, target, mu, logvar, reconstruction=name)[1].item()
    assert min(tried) - 0.05 < error <= min(tried) + 1e-2


@pytest.mark.parametrize("name", choices["reconstruction"])
def test_beta_zero_forgets_the_kl(name):
    """La perte est alors l'erreur, exactement."""
    output, target, mu, logvar = random_batch()
    loss, error, kl = vae_loss(output, target, mu, logvar, 0, name)
    assert kl.sum() > 1
    assert loss.item() == error.item()


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_perfect_reconstruction_stays_finite(name):
    output, target, mu, logvar = random_batch()
    output = target.clone().requires_grad_()
    loss = vae_loss(output, target, mu, logvar, reconstruction=name)[0]
    loss.backward()
    assert math.isfinite(loss.item()) and output.grad.isfinite().all()


# Le réseau
@both
@pytest.mark.parametrize("images_size", choices["images_size"])
def test_shapes(images_size, decoder):
    for latent_size in (1, 4, 32):
        model = VAE(images_size, latent_size, decoder)
        for count in (1, 3):                       # un lot d'une seule image aussi
            x = torch.rand(count, 3, images_size, images_size)
            output, mu, logvar = model(x)
            assert output.shape == x.shape
            assert mu.shape == logvar.shape == (count, latent_size)
        model.eval()
        assert model.sample(5).shape == (5, 3, images_size, images_size)


@both
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


@both
def test_learning_and_testing_measure_the_same_loss(decoder):
    """En mode train() comme en mode eval() : mêmes images, même code, même perte."""
    model, x = VAE(32, 3, decoder), torch.rand(4, 3, 32, 32)
    found = []
    for learning in (True, False):
        model.train(learning)
        with torch.no_grad():
            output, mu, logvar = model(x, noise=False)
            far = model.decode(100 * torch.ones(1, 3))
        found.append((output, mu, logvar, far, vae_loss(output, x, mu, logvar)[0]))
    assert all(torch.equal(one, other) for one, other in zip(*found))


@both
def test_every_weight_learns(decoder):
    """Chaque poids reçoit un gradient : aucune couche n'est oubliée."""
    model, x = VAE(32, 3, decoder), torch.rand(4, 3, 32, 32)
    output, mu, logvar = model(x)
    vae_loss(output, x, mu, logvar)[0].backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


@both
def test_every_weight_moves_from_the_starting_point(decoder):
    """Le départ met des poids à zéro : quelques pas plus tard, tous ont bougé."""
    torch.manual_seed(0)
    model = VAE(32, 3, decoder)
    images = torch.randint(256, (30, 3, 32, 32), dtype=torch.uint8)
    start_from(model, images)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    before = [weight.detach().clone() for weight in model.parameters()]
    for _ in range(3):
        output, mu, logvar = model(images / 255)
        optimizer.zero_grad()
        vae_loss(output, images / 255, mu, logvar)[0].backward()
        optimizer.step()
    for weight, old in zip(model.parameters(), before):
        assert (weight != old).float().mean() > 0.5


def test_reparameterize_follows_its_normal_law():
    torch.manual_seed(0)
    mu = torch.tensor([[3., -1.]]).expand(100_000, 2)
    logvar = torch.tensor([[0., math.log(0.25)]]).expand(100_000, 2)
    z = VAE(32, 2).reparameterize(mu, logvar)
    assert z.mean(0).tolist() == pytest.approx([3, -1], abs=0.02)
    assert z.std(0).tolist() == pytest.approx([1, 0.5], rel=0.02)
    assert torch.corrcoef(z.T)[0, 1].abs() < 0.02


# Le hasard
def test_sample_draws_from_the_standard_normal_law():
    """Ce que sample donne à décoder : de moyenne 0, d'écart-type 1, sans lien."""
    model, codes = small_model(), []
    model.decode = codes.append
    torch.manual_seed(0)
    model.sample(50_000)
    z, = codes
    assert z.shape == (50_000, 3)
    assert z.mean(0).tolist() == pytest.approx([0, 0, 0], abs=0.02)
    assert torch.allclose(torch.cov(z.T), torch.eye(3), atol=0.03)


@both
def test_an_invented_picture_can_be_shown_as_it_is(decoder):
    """sample ne retient pas de gradient : to_picture(model.sample(1)[0]) marche."""
    model = VAE(32, 3, decoder)
    invented = model.sample(2)
    assert not invented.requires_grad
    assert to_picture(invented[0]).size == (32, 32)


@pytest.mark.parametrize("beta", [1, 0.5, 1000])
def test_random_codes_follow_the_standard_normal_law(beta):
    saved = results(beta=beta)
    saved["z_mean"] = torch.tensor([5., -5., 0.])
    saved["z_spread"] = torch.tensor([10., 0.1, 1.])
    torch.manual_seed(0)
    z = random_codes(saved, 50_000)
    assert z.shape == (50_000, 3)
    assert z.mean(0).tolist() == pytest.approx([0, 0, 0], abs=0.02)
    assert z.std(0).tolist() == pytest.approx([1, 1, 1], rel=0.02)


def test_random_codes_of_a_plain_autoencoder_are_around_its_own():
    """beta = 0 : rien n'a rapproché ses codes de N(0, 1)."""
    saved = results(beta=0)
    saved["z_mean"] = torch.tensor([5., -5., 0.])
    saved["z_spread"] = torch.tensor([10., 0.1, 1.])
    torch.manual_seed(0)
    z = random_codes(saved, 50_000)
    assert (z.mean(0) / saved["z_spread"]).tolist() == pytest.approx([0.5, -50, 0], abs=0.02)
    assert z.std(0).tolist() == pytest.approx([10, 0.1, 1], rel=0.02)


def test_without_noise_the_network_is_a_plain_autoencoder():
    model, x = small_model(), torch.rand(2, 3, 32, 32)
    assert torch.equal(model(x, noise=False)[0], model.decode(model.encode(x)[0]))
    assert not torch.equal(model(x)[0], model(x)[0])


@pytest.mark.parametrize("images_size", choices["images_size"])
def test_broadcast_decoder_follows_its_grid(images_size):
    """Sa définition : décaler les coordonnées d'une case décale l'image d'une case.

    Une case fait images_size / 16 pixels, et rien d'autre ne change."""
    torch.manual_seed(0)
    model, z = VAE(images_size, 4, "broadcast").eval(), torch.randn(2, 4)
    cell = images_size // 16
    grid = model.decoder.grid
    step = (grid[0, 0, 1] - grid[0, 0, 0]).item()
    with torch.no_grad():
        before = model.decode(z)
        grid[0] += 3 * step                           # 3 cases vers la droite
        moved = model.decode(z)
        assert torch.allclose(moved[..., :-3 * cell], before[..., 3 * cell:], atol=1e-5)
        grid[0] -= 3 * step
        grid[1] += 2 * step                           # 2 cases vers le bas
        moved = model.decode(z)
    assert torch.allclose(moved[:, :, :-2 * cell], before[:, :, 2 * cell:], atol=1e-5)
    assert not torch.allclose(moved, before, atol=1e-3)


# Les tâches
def test_spoil_adds_the_noise_it_says():
    torch.manual_seed(0)
    x = torch.full((8, 3, 64, 64), 0.5)
    noise = spoil(x, "denoise") - x
    assert noise.mean().item() == pytest.approx(0, abs=0.003)
    assert noise.std().item() == pytest.approx(0.2, rel=0.02)


def test_spoil_reduces_the_picture_4_times():
    x = torch.rand(2, 3, 64, 64)
    small = spoil(x, "super_resolution")
    for row, column in ((0, 0), (3, 15), (9, 7)):
        rows = slice(4 * row, 4 * row + 4)
        columns = slice(4 * column, 4 * column + 4)
        mean = x[..., rows, columns].mean((2, 3), keepdim=True)
        assert torch.allclose(small[..., rows, columns], mean.expand(2, 3, 4, 4), atol=1e-6)
    assert torch.equal(spoil(x, "copy"), x)


@pytest.mark.parametrize("task", choices["task"])
def test_all_the_images_are_encoded_in_their_order(task):
    """250 images passent par lots : chacune garde sa ligne, et son code."""
    images = torch.randint(256, (250, 3, 32, 32), dtype=torch.uint8)
    model = small_model()
    start_from(model, images)
    mu, logvar = encode_images(model, images, task)
    assert mu.shape == logvar.shape == (250, 3) and not mu.requires_grad
    torch.manual_seed(0)
    expected = model.encode(spoil(images / 255, task))[0].detach()
    gap = (mu - expected).abs().mean().item()
    assert gap < (0.5 if task == "denoise" else 1e-5) * expected.std().item()


# Le fichier .pth
@both
def test_save_then_load_gives_the_same_network(tmp_path, decoder):
    torch.manual_seed(0)
    path, model = tmp_path / "modèle.pth", VAE(64, 5, decoder).eval()
    z = torch.randn(3, 5)
    kept = results(images_size=64, latent_size=5, decoder=decoder, beta=2.5)
    kept["z_mean"] = torch.randn(5)
    save_model(path, model, kept)
    again, saved = load_model(path, VAE)
    assert torch.equal(again.decode(z), model.decode(z))
    assert set(saved) == {"weights", "movements", *kept}
    assert saved["settings"] == kept["settings"] and saved["history"] == kept["history"]
    assert torch.equal(saved["z_mean"], kept["z_mean"])
    assert [file.name for file in tmp_path.iterdir()] == ["modèle.pth"]


def sentence_for(path, network=VAE):
    """La phrase avec laquelle load_model refuse ce fichier."""
    with pytest.raises(SystemExit) as refusal:
        load_model(path, network)
    return str(refusal.value)


def check_other_layers(path):
    """Les couches ne sont pas celles de la classe VAE : elle a peut-être changé."""
    assert "n'a pas les couches de la classe VAE" in sentence_for(path)


def check_refusal(path, network=VAE):
    """Toujours la même phrase, quel que soit le défaut."""
    assert sentence_for(path, network) == (
        f"{path.name} n'est pas un modèle de ce kit, ou il est abîmé : "
        "relancez train_VAE.py pour en refaire un.")


def test_a_model_that_is_not_there(tmp_path):
    sentence = sentence_for(tmp_path / "absent.pth")
    assert "absent.pth" in sentence and "train_VAE.py" in sentence


class Trap:
    """Un pickle qui, relu sans précaution, écrit un fichier."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def foreign_files(folder):
    """Des fichiers qui n'ont jamais été un modèle du kit, ou plus depuis un accident."""
    save_model(folder / "entier.pth", small_model(), results())
    whole = (folder / "entier.pth").read_bytes()
    middle = len(whole) // 2
    with zipfile.ZipFile(folder / "archive", "w") as archive:
        archive.writestr("bonjour.txt", "Des photos de vacances.")
    return {"coupé": whole[:middle], "vide": b"", "texte": "Bonjour.".encode(),
            "abîmé": whole[:middle] + bytes(2000) + whole[middle + 2000:],
            "image": (root / "images/demo/0001.png").read_bytes(),
            "pickle": pickle.dumps({"weights": 1}),
            "zip": (folder / "archive").read_bytes(), "tenseur": torch.zeros(3),
            "autre programme": {"state_dict": VAE(32, 4).state_dict(), "epoch": 3}}


@pytest.mark.parametrize("kind", ["coupé", "vide", "texte", "abîmé", "image", "pickle", "zip",
                                  "tenseur", "autre programme"])
def test_load_refuses_what_is_not_a_model(tmp_path, kind, capfd):
    content, path = foreign_files(tmp_path)[kind], tmp_path / f"{kind}.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    check_refusal(path)
    printed = capfd.readouterr()
    assert printed.out.count("\n") == 1 and printed.err == ""      # rien de torch, ni de zip


def test_a_folder_named_like_a_model(tmp_path):
    (tmp_path / "VAE_64.pth").mkdir()
    check_refusal(tmp_path / "VAE_64.pth")


wrong_values = {
    "settings": [None, [], {}, "VAE"],
    "history": [None, [[1.0]], [[1.0] * 6, [1.0]], "perte", [["a"] * 6], [[math.nan] * 6]],
    "train_names": [None, 3, [3], [None]],
    **{name: [None, [0.0] * 3, torch.zeros(4), torch.zeros(1, 3), torch.tensor(0.0),
              torch.zeros(3, dtype=torch.int64), torch.zeros(3, dtype=torch.float64),
              torch.tensor([0, math.nan, 0]), torch.tensor([0, math.inf, 0])]
       for name in ("z_mean", "z_spread", "importance")},
    "weights": [None, [], torch.zeros(3)]}


@pytest.mark.parametrize("name", wrong_values)
def test_each_result_of_the_file_is_checked(tmp_path, name):
    """Absent, ou d'un autre genre, ou d'une autre forme, ou pas un nombre."""
    path = tmp_path / "VAE_64.pth"
    whole = {"weights": small_model().state_dict(), **results()}
    torch.save(whole, path)
    load_model(path, VAE)                           # entier, il se relit
    torch.save({key: value for key, value in whole.items() if key != name}, path)
    check_refusal(path)
    for value in wrong_values[name]:
        torch.save({**whole, name: value}, path)
        check_refusal(path)


# ceux qui n'ont pas de liste ni de bornes sont des noms, vérifiés ailleurs
@pytest.mark.parametrize("name", [*choices, *limits])
def test_each_setting_of_the_file_is_checked_before_anything_is_built(
        tmp_path, name):
    """Un latent_size d'un milliard remplirait la mémoire : rien ne se construit."""
    built = []
    network = lambda *sizes: built.append(sizes)
    path = tmp_path / "VAE_64.pth"
    content = {"weights": small_model().state_dict(), **results()}
    wrong = [None, "abc", "", [1], -1, 10**9, math.nan]
    if name in limits:
        wrong += [torch.tensor(2), limits[name][1] + 1, True]
    for value in wrong:
        content["settings"][name] = value
        torch.save(content, path)
        check_refusal(path, network)
    del content["settings"][name]
    torch.save(content, path)
    check_refusal(path, network)
    assert built == []


def test_each_weight_of_the_file_is_checked(tmp_path):
    """Chaque tenseur : d'un autre genre, pas un nombre ; absent, ou d'une autre forme."""
    path, kept = tmp_path / "VAE_64.pth", results(decoder="broadcast")
    good = VAE(32, 3, "broadcast").state_dict()
    save_model(path, VAE(32, 3, "broadcast"), kept)
    load_model(path, VAE)                            # entier, il se relit
    for name, weight in good.items():
        missing = {other: value for other, value in good.items() if other != name}
        broken = weight.clone()
        broken.view(-1)[-1] = math.nan
        wrong = [weight.double(), broken]
        if name == list(good)[0]:
            wrong += [weight.tolist(), weight.int(), weight * math.inf, None]
        for value in wrong:
            torch.save({"weights": {**good, name: value}, **kept}, path)
            check_refusal(path)
        for weights in (missing, {**good, name: weight.flatten()[:-1]}):
            torch.save({"weights": weights, **kept}, path)
            check_other_layers(path)


def test_a_weight_too_many(tmp_path):
    path = tmp_path / "VAE_64.pth"
    weights = {**small_model().state_dict(), "de trop": torch.zeros(2)}
    torch.save({"weights": weights, **results()}, path)
    check_other_layers(path)
    torch.save({"weights": {}, **results()}, path)
    check_other_layers(path)
    torch.save({"weights": VAE(32, 4).state_dict(), **results()}, path)
    check_other_layers(path)


def test_a_file_too_big_is_not_even_opened(tmp_path, monkeypatch):
    """70 Mo de zéros, tassés en 70 ko : une fois ouverts, ils prendraient la place."""
    opened = []
    monkeypatch.setattr(torch, "load", lambda *path, **ways: opened.append(path))
    path = tmp_path / "VAE_64.pth"
    save_model(path, small_model(), results())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/zéros", bytes(70_000_000))
    assert path.stat().st_size < 10_000_000
    check_refusal(path)
    assert opened == []


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_file_that_would_run_code_runs_nothing(kit, tmp_path, writer):
    """La même attaque réussit avec une lecture naïve : le test sait la voir."""
    path, mark = kit.folder / "VAE_64.pth", tmp_path / "exécuté"
    content = {"weights": {}, "trap": Trap(mark), **results()}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    assert "VAE_64.pth" in kit.refusal("decode_VAE.py")
    assert not mark.exists()
    if writer == "torch":
        torch.load(path, weights_only=False)
    else:
        pickle.loads(path.read_bytes())
    assert mark.exists()


killed_writer = """
import resource, signal
from outils.stop import here
from model_VAE_64 import VAE
from outils.latents import random_codes
from outils.model_file import load_model, save_model
path = here / "VAE_64.pth"
model, saved = load_model(path, VAE)
saved.pop("weights")
signal.signal(signal.SIGXFSZ, signal.{})
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
save_model(path, model, saved)
"""


@pytest.mark.parametrize("way, code", [("SIG_DFL", -signal.SIGXFSZ), ("SIG_IGN", 1)],
                         ids=["tué", "disque plein"])
def test_an_interrupted_write_leaves_the_old_file_whole(kit, way, code):
    """Au 500 000e octet, le système tue le programme net, ou refuse d'écrire plus."""
    path = kit.folder / "VAE_64.pth"
    save_model(path, small_model(), results())
    before = path.read_bytes()
    assert len(before) > 1_000_000
    (kit.folder / "essai.py").write_text(killed_writer.format(way), "utf-8")
    program = kit.start("essai.py")
    program.wait()
    assert program.process.returncode == code, program.text
    assert path.read_bytes() == before and load_model(path, VAE)
    later = results()
    later["history"].append([1.0] * 6)
    save_model(path, small_model(), later)          # un reste d'écriture ne gêne pas
    assert load_model(path, VAE)[1]["history"] == later["history"]
