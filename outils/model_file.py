"""Le fichier .pth : l'écrire, le relire, refuser ce qui n'est pas un modèle du kit."""
import io
import math
import warnings
import zipfile

import torch

from outils.checks import choices, is_choice, is_number, limits
from outils.files import why_not_written, write_whole
from outils.old_models import FormerDecoder, fold_axes, has_axes, has_former_decoder
from outils.stop import stop

max_bytes = 50_000_000                   # aucun modèle du kit n'est aussi gros
warnings.filterwarnings("ignore", module="torch")


def to_bytes(model, results):
    """Ce qui va dans le .pth : les poids, et les réglages et mesures de results."""
    saved = dict(results)
    saved["weights"] = model.state_dict()    # tous les poids, chacun sous son nom
    content = io.BytesIO()
    torch.save(saved, content)
    return content.getvalue()


def save_model(path, model, results):
    write_whole(path, to_bytes(model, results))


def load_model(path, network):
    """Relit le .pth : (le réseau, tout ce que le fichier contient).

    network : la classe du réseau, VAE."""
    if not path.exists():
        stop(f"Pas encore de modèle {path.name} : lancez d'abord train_VAE.py, "
             "ou corrigez model_name dans la zone ***.")
    try:
        check_archive(path)
        # weights_only : torch n'y lit que des nombres et des textes, et ne lance rien
        # (avant torch 2.10, un fichier fait exprès pouvait encore le tromper :
        # n'ouvrez pas le .pth d'un inconnu ; la page, elle, le refuse)
        saved = torch.load(path, map_location="cpu", weights_only=True)
        check_results(saved)
        check_weights(saved["weights"])
        if has_axes(saved):
            fold_axes(saved)
    except Exception:    # un fichier étranger peut lever n'importe quelle erreur
        stop(f"{path.name} n'est pas un modèle de ce kit, ou il est abîmé : "
             "relancez train_VAE.py pour en refaire un.")
    settings = saved["settings"]
    model = network(settings["images_size"], settings["latent_size"],
                    settings["decoder"])
    if has_former_decoder(saved):
        model.decoder = FormerDecoder(settings["latent_size"], settings["images_size"])
    try:
        model.load_state_dict(saved["weights"])
    except RuntimeError:                 # une couche manque, ou a une autre forme
        stop(f"{path.name} n'a pas les couches de la classe VAE de model_VAE_64.py : "
             "si vous l'avez changée, relancez train_VAE.py.")
    return model, saved


def require(condition):
    if not condition:
        raise ValueError


def check_archive(path):
    """Lève une erreur si le fichier (un zip, en fait) est abîmé, ou trop gros."""
    with open(path, "rb") as file:       # dès le début : sinon, torch le lirait comme
        require(file.read(4) == b"PK\3\4")    # autre chose, par ses anciens chemins
    with zipfile.ZipFile(path) as archive:
        sizes = [member.file_size for member in archive.infolist()]
        require(sum(sizes) < max_bytes)
        require(archive.testzip() is None)
        # ce fichier-là, avant torch 2.6, ferait lire le .pth comme un programme
        for name in archive.namelist():
            require(not name.endswith("constants.pkl"))


def check_results(saved):
    """Lève une erreur si ce ne sont pas les résultats d'un entraînement du kit."""
    require(type(saved) is dict)
    settings = saved["settings"]
    require(type(settings) is dict)
    for name, values in choices.items():
        require(is_choice(settings[name], values))
    for name, (low, high) in limits.items():
        require(is_number(settings[name], low, high))
    for value in settings.values():      # d'une liste piégée, le texte n'a pas de fin
        require(type(value) in (str, bool, int, float))
    for name in ("z_mean", "z_spread", "importance"):
        require(saved[name].shape == (settings["latent_size"],))
        check_numbers(saved[name])
    for row in saved["history"]:         # 6 mesures par époque
        require(type(row) is list and len(row) == 6)
        for value in row:
            require(math.isfinite(value))
    movements = saved.setdefault("movements", [])    # absents des anciens modèles
    for number in movements:
        require(is_number(number, 1, settings["latent_size"]))
    require(len(set(movements)) == len(movements))
    for name in saved["train_names"]:
        require(type(name) is str)


def check_weights(weights):
    require(isinstance(weights, dict))
    for name, weight in weights.items():
        require(type(name) is str)
        check_numbers(weight)


def check_numbers(values):
    """De vrais nombres, ni infinis ni trop grands, écrits dans le fichier lui-même."""
    require(values.dtype == torch.float32 and values.is_contiguous())
    require(values.abs().max() < 10_000)      # faux aussi pour NaN


def keep(path, model, results, screen, views):
    """Écrit le modèle, puis l'image et le film ; l'ancien modèle devient _precedent."""
    try:
        check_results(results)
        check_weights(model.state_dict())
    except Exception:                    # load_model le refuserait
        stop("Les pas sont trop grands, le réseau s'est perdu : divisez learning_rate\n"
             "par 4, puis relancez. Rien n'est écrit.")
    content = to_bytes(model, results)
    picture = io.BytesIO()
    screen.save(picture, "PNG")
    try:
        # déjà écrit, si l'on relance la cellule : l'ancien est alors déjà gardé
        if path.exists() and path.read_bytes() != content:
            previous = path.with_name(f"{path.stem}_precedent.pth")
            write_whole(previous, path.read_bytes())
            print(f"L'ancien modèle est gardé : {previous.name}.")
        write_whole(path, content)
        print(f"Modèle : {path.name}.")
        write_whole(path.with_suffix(".png"), picture.getvalue())
        if views:
            movie = io.BytesIO()
            views[0].save(movie, "GIF", save_all=True, duration=300, loop=0,
                          append_images=views[1:] + [screen.quantize()])
            write_whole(path.with_suffix(".gif"), movie.getvalue())
    except OSError as error:
        stop(f"Impossible d'écrire {path.stem} ({why_not_written(error)}).\n"
             "Ensuite, dans Spyder, relancez la cellule 4 : rien n'est à réapprendre.")
    print(f"Courbes et images : {path.stem}.png. Ensuite : decode_VAE.py")
