"""Les limites de la classe : personne n'y remplit le disque, ni n'y tient la file.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Quand la page n'est que sur cet ordinateur, il n'y en a aucune. Chaque refus est une phrase,
et ne touche à rien de ce qui est déjà écrit.
"""
import contextlib
import os
import shutil

from page import space
from page.kit import stop
from page.line import count_work
from page.sets import is_downloaded
from page.words import count_words

most_pictures = 2000           # images de la webcam par visiteur : 200 suffisent
most_models = 30               # modèles par visiteur
most_bytes = 300_000_000       # octets de ses modèles : un .pth déposé peut être gros
least_free = 1_000_000_000     # octets à laisser libres sur le disque de l'ordinateur
most_files = 2000              # fichiers déposés à la fois par visiteur...
most_dropped = 50_000_000      # ... et leurs octets, que le serveur garde en mémoire
most_learnt = 5000             # images dans un entraînement : elles sont en mémoire aussi
most_work = 60_000             # images vues par un entraînement (page/line.py) : une à trois
                               # minutes, et au moins un passage, quels que soient les réglages


def check_disk(folder):
    """Refuse d'écrire dans un espace supprimé, ou sur un disque presque plein."""
    if not folder.parent.is_dir():
        stop("Votre espace a été fermé par le professeur : rien n'y est plus écrit.")
    if shutil.disk_usage(folder.parent).free < least_free:
        stop("Le disque de l'ordinateur de la classe est presque plein : rien de nouveau n'y "
             "est écrit. Ce qui est déjà gardé le reste ; prévenez le professeur.")


def check_picture(folder):
    """Avant d'enregistrer des images de la webcam dans ce dossier (space.recorded)."""
    if not space.shared:
        return
    check_disk(folder)
    if count_files(folder) >= most_pictures:
        stop(f"Vous avez déjà {most_pictures} images de la webcam, et c'est le maximum : "
             "effacez-en.")


def check_model(folder):
    """Avant d'entraîner un modèle, ou d'en recevoir un, dans ce dossier (space.models)."""
    if not space.shared:
        return
    check_disk(folder)
    if count_files(folder) >= most_models:
        stop(f"Vous avez déjà {most_models} modèles, et c'est le maximum : supprimez-en "
             "dans l'atelier.")
    if count_bytes(folder) > most_bytes:
        stop(f"Vos modèles dépassent {most_bytes // 10**6} Mo : supprimez-en dans l'atelier.")


def check_work(count, settings):
    """Avant d'entraîner sur count images : personne ne tient la file plus de trois minutes."""
    if not space.shared:
        return
    if count > most_learnt:
        stop(f"{count} images : dans la classe, {most_learnt} au plus. Prenez-en moins.")
    epochs = int(most_work / count_work(count, settings | {"epochs": 1}))
    if settings["epochs"] > epochs:
        stop(f"Ce serait trop long pour la classe, qui attend : avec {count} images et ces "
             f"réglages, {count_words(epochs, 'passage')} au plus.")


def check_upload(files):
    """Avant de lire des fichiers déposés."""
    if not space.shared:
        return
    size = sum(file.size for file in files)
    if len(files) > most_files or size > most_dropped:
        stop(f"C'est trop pour la classe : {most_files} fichiers et {most_dropped // 10**6} Mo "
             "au plus. Retirez-en, ou déposez des images plus petites.")


def check_set(source):
    """Avant de télécharger MNIST ou CIFAR-10 : à trente, ce serait le réseau de la salle."""
    if space.shared and not is_downloaded(source):
        stop(f"{source} n'est pas sur l'ordinateur de la classe : le professeur le télécharge "
             "avant l'heure, avec streamlit run explore/app_VAE.py.")


# %% Compter
def count_files(folder):
    """Combien de fichiers dans ce dossier."""
    return len(os.listdir(folder)) if folder.is_dir() else 0


def count_bytes(folder):
    """Les octets des fichiers de ce dossier."""
    if not folder.is_dir():
        return 0
    total = 0
    with os.scandir(folder) as inside:
        for entry in inside:
            # un brouillon a pu prendre son vrai nom à l'instant
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total
