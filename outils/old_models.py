"""Les modèles d'avant : leurs poids, rangés comme dans le réseau d'aujourd'hui.

Deux sortes, du plus ancien au plus récent :
- le code passait par deux couches de plus, axes (à la fin de l'encodeur) et back (au
  début du décodeur) : elles entrent ici dans leurs voisines ;
- le décodeur n'avait ni images de base, ni vagues : le voici, tel qu'il était.
Aucune image ne change.
"""
import torch
from torch import nn


class FormerDecoder(nn.Module):
    def __init__(self, latent_size, images_size):
        super().__init__()
        fold = images_size // 16
        self.network = nn.Sequential(
            nn.Linear(latent_size, 256),
            nn.SiLU(),
            nn.Linear(256, 64 * 8 * 8),
            nn.SiLU(),
            nn.Unflatten(1, (64, 8, 8)),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.SiLU(),
            nn.ConvTranspose2d(64, 3 * fold**2, 4, stride=2, padding=1),
            nn.PixelShuffle(fold))
        self.linear = nn.Sequential(
            nn.Linear(latent_size, 3 * images_size**2, bias=False),
            nn.Unflatten(1, (3, images_size, images_size)))

    def forward(self, z):
        return self.network(z) + self.linear(z)


def has_axes(saved):
    return "axes.weight" in saved["weights"]


def has_former_decoder(saved):
    return "decoder.linear.0.weight" in saved["weights"]


def fold_axes(saved):
    """Change saved["weights"] et saved["z_mean"], sur place."""
    old = saved["weights"]
    size = saved["settings"]["latent_size"]
    axes = old.pop("axes.weight")
    back = old.pop("back.weight")
    # le décalage de back passe dans le code lui-même : back @ shift = décalage
    shift = torch.linalg.solve(back, old.pop("back.bias"))
    saved["z_mean"] = saved["z_mean"] + shift
    last = old["encoder.9.weight"]
    last[:size] = axes @ last[:size]
    bias = old["encoder.9.bias"]
    bias[:size] = axes @ bias[:size] + old.pop("axes.bias") + shift
    look = axes @ old.pop("look.weight") / 10
    new = {"encoder.linear.1.weight": torch.cat([look, torch.zeros_like(look)]),
           "mean_image": old.pop("mean_image")}
    new["background"] = new["mean_image"]
    if "draw.weight" in old:
        new["decoder.linear.0.weight"] = old.pop("draw.weight") @ back / 10
        old["decoder.0.weight"] = old["decoder.0.weight"] @ back
        for name, weight in old.items():
            part, rest = name.split(".", 1)
            new[f"{part}.network.{rest}"] = weight
    else:
        color = new["mean_image"].mean((1, 2), keepdim=True)
        new["background"] = color.expand_as(new["mean_image"]).clone()
        convert_broadcast(old, new, size, back)
    saved["weights"] = new


def convert_broadcast(old, new, size, back):
    """Sa première convolution se partage : ce que dit le code, ce que dit la place."""
    first = old.pop("decoder.layers.0.weight")
    new["decoder.from_code.weight"] = first[:, :size].sum((2, 3)) @ back
    new["decoder.from_code.bias"] = old.pop("decoder.layers.0.bias")
    new["decoder.from_place.weight"] = first[:, size:].clone()
    new["decoder.from_place.bias"] = torch.zeros(64)
    new["decoder.grid"] = old.pop("decoder.grid")
    for name, weight in old.items():
        words = name.split(".")
        if words[0] == "encoder":
            new[f"encoder.network.{words[1]}.{words[2]}"] = weight
        else:
            new[f"decoder.layers.{int(words[2]) - 1}.{words[3]}"] = weight
