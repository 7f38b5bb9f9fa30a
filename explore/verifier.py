"""Vérifier en vingt secondes que le kit marchera sur cet ordinateur.

Lit     : rien que la machine : versions, fenêtre, webcam, vitesse, place, nuage.
Écrit   : rien.
Ensuite : « Tout va bien », ou la liste de ce qu'il faut faire.
"""
# ******************** zone *** : à vous de modifier ********************
camera = 0       #*** 0 à 99 : numéro de la webcam
seconds = 5      #*** 2 à 60 : combien de temps essayer l'entraînement
# ***********************************************************************
import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

kit = Path(__file__).resolve().parent.parent
packages = ["torch", "torchvision", "opencv-python", "numpy", "pillow"]
clouds = ["onedrive", "icloud", "mobile documents", "cloudstorage", "dropbox",
          "google drive", "googledrive", "nextcloud"]


# %% Chaque vérification renvoie ce qu'elle a vu, et ce qu'il faut faire (ou rien)
def check_versions():
    words = [f"Python {platform.python_version()}"]
    missing = []
    for name in packages:
        try:
            words.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return (f"{', '.join(words)} ; il manque {', '.join(missing)}",
                "Dans la console de Spyder, depuis le dossier du kit, tapez "
                "%pip install -r requirements.txt, puis redémarrez le noyau.")
    return ", ".join(words), None


def check_disk():
    free = shutil.disk_usage(kit).free / 1e9
    if not os.access(kit, os.W_OK):
        return f"on ne peut pas écrire dans {kit}", "Copiez le kit dans un dossier à vous."
    if free < 1:
        return f"{free:.1f} Go libres", "Libérez de la place : 1 Go suffit."
    return f"{free:.1f} Go libres", None


def check_cloud():
    """Le kit est-il dans un dossier que le système recopie sur Internet ?"""
    words = str(kit).lower()
    found = [cloud for cloud in clouds if cloud in words]
    advice = ("Copiez le kit dans un dossier ordinaire (C:\\kit, ou kit dans votre "
              "dossier personnel) : ici, les images partiraient sur Internet.")
    if found:
        return f"{kit} est dans un nuage ({found[0]})", advice
    own = [Path.home() / name for name in ("Desktop", "Documents")]
    if sys.platform == "darwin" and any([folder in kit.parents for folder in own]):
        return f"{kit} : sur un Mac, iCloud recopie peut-être ce dossier", advice
    return f"{kit} n'est dans aucun nuage connu", None


# %% Une ligne par vérification, puis le verdict
def tell(name, check, *values):
    """Fait une vérification et dit ce qu'elle a vu. Renvoie ce qu'il faut faire, ou None."""
    line, advice = check(*values)
    if advice is None:
        print(f"  bien   {name} : {line}.")
        return None
    print(f"  à voir {name} : {line}.")
    return f"{name} : {advice}"


if __name__ == "__main__":
    print("Vingt secondes...")
    advices = [tell("Versions", check_versions)]
    if advices[0] is None:
        # seulement ici : ils demandent les paquets que l'on vient de vérifier
        import laboratory as lab
        import trials
        lab.check_number("seconds", seconds, 2, 60)
        advices.append(tell("Fenêtre", trials.check_window))
        advices.append(tell("Webcam", trials.check_camera, camera))
        advices.append(tell("Entraînement", trials.check_speed, seconds))
    advices.append(tell("Place", check_disk))
    advices.append(tell("Nuage", check_cloud))
    to_do = [advice for advice in advices if advice is not None]
    if to_do:
        print("À faire :\n- " + "\n- ".join(to_do))
    else:
        print("Tout va bien.")
