"""Un modèle d'avant s'ouvre, et dessine les mêmes images qu'avant.

L'ancien réseau est recalculé ici, couche par couche, avec les fonctions de torch."""
import pytest
import torch
from torch.nn import functional as F

from model_VAE_64 import VAE
from outils.model_file import load_model

latents = 3


def random_weights(shapes):
    torch.manual_seed(0)
    return {name: torch.randn(shape) / 5 for name, shape in shapes.items()}


def old_encoder_shapes():
    return {"encoder.1.weight": (32, 12, 4, 4), "encoder.1.bias": (32,),
            "encoder.3.weight": (64, 32, 4, 4), "encoder.3.bias": (64,),
            "encoder.6.weight": (128, 1024), "encoder.6.bias": (128,),
            "encoder.8.weight": (128,), "encoder.8.bias": (128,),
            "encoder.9.weight": (2 * latents, 128), "encoder.9.bias": (2 * latents,),
            "look.weight": (latents, 3072), "mean_image": (3, 32, 32),
            "axes.weight": (latents, latents), "axes.bias": (latents,),
            "back.weight": (latents, latents), "back.bias": (latents,)}


def old_weights(decoder):
    shapes = old_encoder_shapes()
    if decoder == "convolution":
        shapes |= {"decoder.0.weight": (256, latents), "decoder.0.bias": (256,),
                   "decoder.2.weight": (4096, 256), "decoder.2.bias": (4096,),
                   "decoder.5.weight": (64, 64, 3, 3), "decoder.5.bias": (64,),
                   "decoder.7.weight": (64, 12, 4, 4), "decoder.7.bias": (12,),
                   "draw.weight": (3072, latents)}
    else:
        shapes |= {"decoder.layers.0.weight": (64, latents + 2, 3, 3),
                   "decoder.layers.0.bias": (64,),
                   "decoder.layers.2.weight": (64, 64, 3, 3), "decoder.layers.2.bias": (64,),
                   "decoder.layers.4.weight": (64, 64, 3, 3), "decoder.layers.4.bias": (64,),
                   "decoder.layers.6.weight": (12, 64, 1, 1), "decoder.layers.6.bias": (12,),
                   "decoder.grid": (2, 22, 22)}
    return random_weights(shapes)


def old_encode(w, x):
    x = x - w["mean_image"]
    h = F.silu(F.conv2d(F.pixel_unshuffle(x, 2), w["encoder.1.weight"], w["encoder.1.bias"], 2, 1))
    h = F.silu(F.conv2d(h, w["encoder.3.weight"], w["encoder.3.bias"], 2, 1)).flatten(1)
    h = F.silu(F.linear(h, w["encoder.6.weight"], w["encoder.6.bias"]))
    h = F.layer_norm(h, (128,), w["encoder.8.weight"], w["encoder.8.bias"])
    mu, logvar = F.linear(h, w["encoder.9.weight"], w["encoder.9.bias"]).chunk(2, 1)
    mu = mu + F.linear(x.flatten(1), w["look.weight"]) / 10
    return F.linear(mu, w["axes.weight"], w["axes.bias"]), logvar


def old_decode(w, z):
    z = F.linear(z, w["back.weight"], w["back.bias"])
    if "draw.weight" in w:
        h = F.silu(F.linear(z, w["decoder.0.weight"], w["decoder.0.bias"]))
        h = F.silu(F.linear(h, w["decoder.2.weight"], w["decoder.2.bias"])).view(-1, 64, 8, 8)
        h = F.silu(F.conv2d(h, w["decoder.5.weight"], w["decoder.5.bias"], padding=1))
        h = F.conv_transpose2d(h, w["decoder.7.weight"], w["decoder.7.bias"], 2, 1)
        drawn = F.linear(z / 10, w["draw.weight"]).view(-1, 3, 32, 32)
        return w["mean_image"] + drawn + F.pixel_shuffle(h, 2)
    grids = w["decoder.grid"].expand(len(z), -1, -1, -1)
    h = torch.cat([z[:, :, None, None].expand(-1, -1, 22, 22), grids], 1)
    for layer in (0, 2, 4):
        h = F.silu(F.conv2d(h, w[f"decoder.layers.{layer}.weight"],
                            w[f"decoder.layers.{layer}.bias"]))
    h = F.conv2d(h, w["decoder.layers.6.weight"], w["decoder.layers.6.bias"])
    return w["mean_image"].mean((1, 2), keepdim=True) + F.pixel_shuffle(h, 2)


def last_weights():
    """Un modèle de la version d'après : ni axes ni back, mais pas encore d'images de base."""
    old = old_weights("convolution")
    names = {"encoder": "encoder.network", "decoder": "decoder.network"}
    weights = {"mean_image": old["mean_image"], "background": torch.randn(3, 32, 32) / 5,
               "decoder.linear.0.weight": old["draw.weight"] / 10,
               "encoder.linear.1.weight": torch.randn(2 * latents, 3072) / 50}
    for name, weight in old.items():
        part = name.split(".")[0]
        if part in names:
            weights[name.replace(part, names[part], 1)] = weight
    return weights


def last_decode(w, z):
    d = "decoder.network."
    h = F.silu(F.linear(z, w[d + "0.weight"], w[d + "0.bias"]))
    h = F.silu(F.linear(h, w[d + "2.weight"], w[d + "2.bias"])).view(-1, 64, 8, 8)
    h = F.silu(F.conv2d(h, w[d + "5.weight"], w[d + "5.bias"], padding=1))
    h = F.conv_transpose2d(h, w[d + "7.weight"], w[d + "7.bias"], 2, 1)
    drawn = F.linear(z, w["decoder.linear.0.weight"]).view(-1, 3, 32, 32)
    return w["background"] + drawn + F.pixel_shuffle(h, 2)


def write_model(path, weights, decoder):
    settings = {"images_size": 32, "latent_size": latents, "dataset_folder": "images",
                "model_name": "VAE_64", "test_data_proportion": 0.1, "batch_size": 24,
                "epochs": 10, "learning_rate": 0.005, "beta": 1, "reconstruction": "mse",
                "decoder": decoder, "task": "copy", "independent_axes": True,
                "augmentation": False, "film": False}
    mean = torch.randn(latents)
    torch.save({"weights": weights, "settings": settings, "history": [[1.0] * 6],
                "train_names": ["a.png"], "z_mean": mean, "z_spread": torch.ones(latents),
                "importance": torch.ones(latents)}, path)
    return mean


@pytest.mark.parametrize("decoder", ["convolution", "broadcast"])
def test_a_former_model_draws_what_it_drew(tmp_path, decoder):
    weights = old_weights(decoder)
    mean = write_model(tmp_path / "avant.pth", weights, decoder)
    pictures = torch.rand(5, 3, 32, 32)
    old_mu, old_logvar = old_encode(weights, pictures)
    wanted = old_decode(weights, old_mu)
    model, saved = load_model(tmp_path / "avant.pth", VAE)
    with torch.no_grad():
        mu, logvar = model.encode(pictures)
        assert torch.allclose(logvar, old_logvar, atol=1e-4)
        assert torch.allclose(model.decode(mu), wanted, atol=1e-3)
        # le milieu des curseurs est resté la même image
        middle = model.decode(saved["z_mean"][None])
        assert torch.allclose(middle, old_decode(weights, mean[None]), atol=1e-3)
    assert saved["movements"] == []
    assert wanted.std(0).max() > 0.01                 # des images qui dépendent du code


def test_a_model_without_base_images_draws_what_it_drew(tmp_path):
    weights = last_weights()
    write_model(tmp_path / "avant.pth", weights, "convolution")
    codes = torch.randn(20, latents)
    model, saved = load_model(tmp_path / "avant.pth", VAE)
    with torch.no_grad():
        pictures = model.decode(codes)
    assert torch.allclose(pictures, last_decode(weights, codes), atol=1e-4)
    assert pictures.std(0).max() > 0.01
