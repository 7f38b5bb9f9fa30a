"""Comment emporter son réseau ? Le décodeur et ses curseurs dans une seule
page, qui s'ouvre partout d'un double clic, sans Python et sans Internet.

Lit     : model_name.pth (le modèle).
Écrit   : VAE_64.html (du nom du modèle), à côté de lui.
Ensuite : ouvrez-la dans un navigateur, ou copiez-la sur un téléphone.
"""
# ***************** zone *** : à vous de modifier *****************
model_name = "VAE_64"       #*** un nom : celui de train_VAE.py
slider_names = []           #*** ["place", "ciel"] : de haut en bas
# *****************************************************************
import base64
import copy
import gzip
import json
from pathlib import Path

import laboratory as lab
import numpy as np
import torch

consent = ("Cette page peut redessiner un visage que le réseau a appris : ne la donnez "
           "qu'avec l'accord de chacun.")
template = Path(__file__).with_suffix(".html")     # la page, sans le réseau
reach = 2                       # jusqu'où va un curseur, comme dans decode_VAE.py
# les couches sans poids, et ce que la page doit savoir de chacune
plain_layers = {"SiLU": [], "Sine": [], "PixelShuffle": ["upscale_factor"],
                "Unflatten": ["unflattened_size"]}


# %% Ranger les couches
class Package:
    """Ce que la page emporte : les couches, et leurs poids arrondis.

    Arrondi, un poids est un nombre entier de pas. Le pas vient de ce que la couche fait
    de codes d'essai, x ; precision : l'erreur permise, en part de ce qui en sort."""

    def __init__(self, precision):
        self.precision = precision
        self.numbers = []               # les entiers, couche après couche

    def add(self, layer, x):
        """Range une couche : sa description, et ce que la page fera de x."""
        kind = type(layer).__name__
        if kind == "Sequential":
            parts = []
            for part in layer:
                words, x = self.add(part, x)
                parts.append(words)
            return {"kind": kind, "parts": parts}, x
        if kind == "ConvolutionDecoder":
            basis = torch.nn.Linear(*layer.basis.shape, bias=False)
            basis.weight.copy_(layer.basis.T)
            shape = torch.nn.Unflatten(1, layer.details(x[:1]).shape[1:])
            painting = torch.nn.Sequential(layer.amounts, basis, shape)
            details, y = self.add(layer.details, x)
            drawing, z = self.add(painting, x)
            return {"kind": "TwoPaths", "parts": [details, drawing]}, y + z
        if kind in ("TwoPaths", "FormerDecoder"):
            network, y = self.add(layer.network, x)
            linear, z = self.add(layer.linear, x)
            return {"kind": "TwoPaths", "parts": [network, linear]}, y + z
        if kind == "BroadcastDecoder":
            return self.add_broadcast(layer, x)
        if kind == "Linear":
            return self.add_linear(layer, x)
        if kind in ("Conv2d", "ConvTranspose2d"):
            return self.add_convolution(layer, x)
        if kind not in plain_layers:
            lab.stop(f"La page ne sait pas encore faire la couche {kind} : ajoutez-la "
                     "dans explore/emporter.py et dans explore/emporter.html.")
        values = [getattr(layer, name) for name in plain_layers[kind]]
        return {"kind": kind, "values": values}, layer(x)

    def add_linear(self, layer, x):
        """Une couche linéaire, en deux : les coordonnées de x dans son ACP, puis elle.

        Peu de coordonnées suffisent : moins de poids, et moins de calculs."""
        U, S, V = torch.linalg.svd(x, full_matrices=False)
        spread = S / len(x)**0.5                          # de chaque coordonnée
        after = layer.weight @ V.T * spread               # (sorties, coordonnées)
        # ce que l'on perdrait à s'arrêter avant chacune
        lost = after.square().sum(0).flip(0).cumsum(0).flip(0)
        rank = (lost > (self.precision / 3)**2 * lost[0]).sum().clamp(min=1)
        before = (V.T / (spread + 1e-9))[:, :rank]        # (entrées, coordonnées)
        after = after[:, :rank].T                         # (coordonnées, sorties)
        steps = []
        for matrix in (before, after):
            step = self.find_step(x, x @ matrix, len(matrix), matrix)
            x = x @ self.round(matrix, step)
            steps.append(step)
        sizes = [len(before), len(after), after.shape[1]]
        bias = torch.zeros(sizes[2]) if layer.bias is None else layer.bias
        x = x + self.round(bias, step)
        return {"kind": "Linear", "sizes": sizes, "steps": steps}, x

    def add_convolution(self, layer, x):
        y = layer(x)
        # combien de nombres s'additionnent pour en faire un
        terms = layer.weight[0].numel()
        if isinstance(layer, torch.nn.ConvTranspose2d):
            terms = layer.weight[:, 0].numel() / layer.stride[0]**2
        step = self.find_step(x, y, terms, layer.weight)
        rounded = copy.deepcopy(layer)
        rounded.weight.copy_(self.round(layer.weight, step))
        rounded.bias.copy_(self.round(layer.bias, step))
        words = {"kind": type(layer).__name__, "shape": list(layer.weight.shape),
                 "padding": layer.padding[0], "step": step}
        return words, rounded(x)

    def add_broadcast(self, layer, x):
        """Ce que dit la place, la même pour tous les codes, plus ce que dit le code."""
        places = layer.from_place(layer.grid)             # (64, 20, 20)
        step = self.precision * places.std().item() / 10
        code, y = self.add(layer.from_code, x)
        places = self.round(places, step)
        layers, y = self.add(layer.layers, places + y[:, :, None, None])
        return {"kind": "BroadcastDecoder", "shape": list(places.shape), "step": step,
                "parts": [code, layers]}, y

    def find_step(self, x, y, terms, weight):
        """Le pas : terms erreurs s'ajoutent, chacune d'écart-type pas / racine de 12.

        Là où il y a peu de poids, être plus précis ne coûte presque rien."""
        share = (weight.numel() / 1_000_000)**0.5
        error = self.precision * share * (y.std().item() + 0.001)
        size = x.square().mean().sqrt().item() + 1e-6
        return error * (12 / terms)**0.5 / size

    def round(self, values, step):
        """Note ces valeurs, en pas ; ou leurs différences, si elles sont plus petites."""
        whole = (values / step).round()
        numbers = whole.int().flatten()
        differences = torch.diff(numbers, prepend=numbers[:1] * 0)
        smooth = differences.abs().sum() < numbers.abs().sum()      # comme dans une image
        self.numbers.append(smooth.int()[None])
        self.numbers.append(differences if smooth else numbers)
        return whole * step


@torch.no_grad()
def pack(model, saved):
    """Le réseau, arrondi autant que l'image, en octets, reste à 2 près."""
    middle = saved["z_mean"]
    # des essais un peu plus loin que d'habitude, surtout s'ils ont peu de nombres
    far = 1 + len(middle)**-0.5
    codes = middle + far * (lab.random_codes(saved, 300) - middle)
    ends = torch.diag(reach * saved["z_spread"])          # chaque curseur, à fond
    codes = torch.cat([codes, middle + ends, middle - ends])
    expected = model.decode(codes).clamp(0, 1)
    precision = 0.02
    error = 2
    while error > 1.7:
        package = Package(precision)
        layers, pictures = package.add(model.decoder, codes)
        background = package.round(model.background, 1 / 2040)
        pictures = (pictures + background).clamp(0, 1)
        error = 255 * (pictures - expected).abs().max().item()
        precision *= min(1.5 / max(error, 1), 0.9)
    return layers, torch.cat(package.numbers)


def to_text(numbers):
    """Des entiers, en lettres : leurs premiers octets, puis leurs deuxièmes..."""
    numbers = numbers.numpy()
    numbers = (numbers << 1) ^ (numbers >> 31)      # 0, -1, 1, -2 : 0, 1, 2, 3
    octets = numbers.astype("<u4").view(np.uint8).reshape(-1, 4)
    return base64.b64encode(gzip.compress(octets.T.tobytes())).decode()


# %% Écrire la page
def list_sliders(saved, names):
    """Ceux de decode_VAE.py, dans le même ordre ; puis les morts."""
    order = lab.order_sliders(saved)
    given = dict(zip(order, names))
    alive = lab.live_latents(saved)
    live = [i for i in order if i in alive]
    sliders = []
    for i in live + [i for i in order if i not in alive]:
        name = lab.name_axis(saved, i)
        detail = lab.name_latent(saved, i).removeprefix(name).replace(".", ",")
        if i not in alive:
            detail = "mort : il ne change presque rien"
        if given.get(i, "").strip():
            detail = f"{name} {detail}"
            name = given[i].strip()
        sliders.append({"name": name, "detail": detail.strip(), "latent": i,
                        "live": i in alive, "mean": saved["z_mean"][i].item(),
                        "spread": saved["z_spread"][i].item()})
    return sliders


def make_page(model, saved, title, names=()):
    """La page, en un seul texte. names : ceux des curseurs de decode_VAE.py, de haut
    en bas ; un nom vide garde celui du kit."""
    layers, numbers = pack(model, saved)
    settings = saved["settings"]
    content = {"title": title, "side": settings["images_size"], "reach": reach,
               "beta": settings["beta"], "sliders": list_sliders(saved, names),
               "layers": layers, "numbers": to_text(numbers)}
    # \u003c : un < dans un nom ne doit pas pouvoir fermer le script qui le porte
    words = json.dumps(content).replace("<", "\\u003c")
    return template.read_text("utf-8").replace("MODELE", words)


def check_names(names, count):
    texts = type(names) is list and all([type(name) is str for name in names])
    if not texts or len(names) > count:
        lab.stop(f"slider_names doit être une liste de {count} noms au plus, comme "
                 '["place", "ciel"] : corrigez-la dans la zone ***.')


# %% 1. Le modèle : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    model, saved = lab.open_model(model_name)
    check_names(slider_names, len(saved["z_mean"]))
    print(consent)

    # %% 2. La page
    page = make_page(model, saved, model_name, slider_names)
    path = lab.kit / f"{model_name}.html"
    try:
        lab.write_whole(path, page.encode())
    except OSError as error:
        lab.stop(f"Impossible d'écrire {path.name} ({lab.why_not_written(error)}).")
    print(f"Page : {path.name} ({len(page) / 1e6:.1f} Mo). Ouvrez-la d'un double clic, "
          "ici ou sur un téléphone.")
