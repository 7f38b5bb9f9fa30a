"""Vérifier les réglages des zones *** : ce qui est permis, et la phrase sinon."""
import re

from outils.stop import here, stop

choices = {                              # les réglages à choisir dans une liste
    "images_size": [32, 64, 128],
    "reconstruction": ["mse", "l1", "gaussian", "laplace"],
    "decoder": ["convolution", "broadcast"],
    "task": ["copy", "denoise", "super_resolution"],
    "independent_axes": [True, False],
    "augmentation": [True, False],
    "film": [True, False]}
limits = {                               # les nombres : du plus petit au plus grand
    "latent_size": (1, 32),
    "test_data_proportion": (0.05, 0.5),
    "batch_size": (1, 1000),
    "epochs": (1, 1000),
    "learning_rate": (0.0001, 0.1),
    "beta": (0.0, 1000.0)}


def is_number(value, low, high):
    """Vrai pour un nombre de low à high ; entier, si low est un entier."""
    return type(value) in (int, type(low)) and low <= value <= high


def check_number(name, value, low, high):
    if is_number(value, low, high):
        return
    kind = "nombre"
    if type(low) is int:
        kind = "nombre entier"
    advice = "corrigez-le"
    if isinstance(value, tuple) and kind == "nombre":
        advice = "écrivez-le avec un point (1.5, et non 1,5)"
    stop(f"{name} doit être un {kind} de {low:g} à {high:g} : {advice} "
         "dans la zone ***.")


def is_choice(value, values):
    """Vrai pour une des valeurs ; les types aussi, car pour Python, True == 1."""
    return type(value) is type(values[0]) and value in values


def check_choice(name, value, values):
    if not is_choice(value, values):
        words = ", ".join([repr(choice) for choice in values])
        stop(f"{name} doit être choisi parmi {words} : corrigez-le dans la zone ***.")


def check_name(name, value):
    # \w : une lettre, un chiffre ou _ ; puis au plus 50 autres, ou des -
    if not isinstance(value, str) or not re.fullmatch(r"\w[\w-]{0,50}", value):
        stop(f'{name} doit être un nom entre guillemets, comme "VAE_64" : des lettres, '
             "des chiffres, - ou _, sans espace. Corrigez-le dans la zone ***.")


def check_folder(name, value):
    """Le dossier que nomme ce réglage ; il n'existe peut-être pas encore."""
    named = isinstance(value, str) and value.strip() and value.isprintable()
    if not named:
        stop(f'{name} doit être un nom de dossier entre guillemets, comme "images" : '
             "corrigez-le dans la zone ***.")
    return here / value                  # / : value, rangé dans le dossier here


def check_settings(settings):
    """Les réglages de train_VAE.py, tous à la fois."""
    for name, values in choices.items():
        check_choice(name, settings[name], values)
    for name, (low, high) in limits.items():
        check_number(name, settings[name], low, high)
    check_folder("dataset_folder", settings["dataset_folder"])
    check_name("model_name", settings["model_name"])
