"""Ce que dit un .pth de chaque latent : son importance, son rang, son nom."""
import torch


def unit(settings):
    """L'unité de l'importance des latents."""
    if settings["beta"] == 0:
        return "% des changements"
    return "bits"


def live_latents(saved):
    """Les numéros des latents vivants, du plus important au moins important."""
    order = saved["importance"].argsort(descending=True).tolist()
    return [i for i in order if saved["importance"][i] > 0.1]


def order_sliders(saved):
    """Les numéros des latents : ceux des mouvements, puis les plus importants."""
    order = saved["importance"].argsort(descending=True).tolist()
    reserved = [number - 1 for number in saved["movements"]]
    return reserved + [i for i in order if i not in reserved]


def name_axis(saved, i):
    """Le nom d'un latent, en court : « z2 mouvement 2 », ou « z2 »."""
    if i + 1 in saved["movements"]:
        return f"z{i + 1} mouvement {i + 1}"
    return f"z{i + 1}"


def name_latent(saved, i):
    """Le nom d'un curseur : « z2 mouvement 2 », ou « z2 3.1 bits »."""
    if i + 1 in saved["movements"]:
        return name_axis(saved, i)
    amount = saved["importance"][i]
    return f"z{i + 1} {amount:.1f} {unit(saved['settings']).split()[0]}"


def random_codes(saved, count):
    """Des codes au hasard : selon la loi normale, comme dans VAE.sample.

    Si beta = 0, rien n'y ramène les codes : on tire alors autour de ceux mesurés."""
    z = torch.randn(count, len(saved["z_mean"]))
    if saved["settings"]["beta"] == 0:
        z = saved["z_mean"] + saved["z_spread"] * z
    return z
