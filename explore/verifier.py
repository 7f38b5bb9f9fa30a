"""Vérifier en vingt secondes que le kit marchera sur cet ordinateur.

Lit     : rien que la machine : versions, fenêtre, webcam, vitesse, place, nuage.
Écrit   : rien.
Ensuite : « Tout va bien », ou la liste de ce qu'il faut faire.
"""
# ******************** zone *** : à vous de modifier ********************
camera = 0       #*** 0 à 99 : numéro de la webcam
seconds = 5      #*** 2 à 60 : combien de temps essayer l'entraînement
# ***********************************************************************
import contextlib
import importlib.metadata
import io
import os
import platform
import shutil
import sys
import time
from pathlib import Path

kit = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(kit))
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


def check_window():
    """Ouvre une vraie fenêtre, un instant."""
    if not tools.screen_works():
        return "aucune fenêtre ne s'ouvre", "Lancez ce script depuis le bureau."
    try:
        tools.open_window("essai", "Essai")
        tools.show("essai", tools.Image.new("RGB", (300, 100), tools.white))
        tools.cv2.waitKey(500)
        works = tools.is_open("essai")
        tools.close_windows()
    except tools.cv2.error:                    # OpenCV sans fenêtres
        works = False
    if works:
        return "elle s'ouvre", None
    return ("elle ne s'ouvre pas", "Dans la console de Spyder, tapez %pip uninstall "
            "-y opencv-python-headless, puis %pip install --force-reinstall "
            '--no-deps "opencv-python<4.12".')


def check_camera():
    """Ouvre la webcam et en lit une image ; sous Linux, le système sait son nom."""
    name = f"webcam {camera}"
    file = Path(f"/sys/class/video4linux/video{camera}/name")
    if file.exists():
        name = f"{name}, {file.read_text().strip()}"
    try:
        with contextlib.redirect_stdout(io.StringIO()):    # ses phrases, pas ici
            capture = tools.open_camera(camera)
    except SystemExit:
        return (f"{name} : absente, ou elle ne répond pas",
                "Sans webcam, l'heure se fait avec les créatures. Sinon : branchez-la, "
                "fermez Teams et Zoom, autorisez Spyder, ou essayez camera = 1.")
    width = capture.get(tools.cv2.CAP_PROP_FRAME_WIDTH)
    height = capture.get(tools.cv2.CAP_PROP_FRAME_HEIGHT)
    capture.release()
    return f"{name} : elle répond ({width:.0f} x {height:.0f} points)", None


def check_speed():
    """Entraîne quelques secondes, sur 1000 images de hasard, et compte ce qui reste."""
    settings = train_VAE.settings
    train_VAE.check_settings(settings)
    side = settings["images_size"]
    images = torch.randint(256, (1000, 3, side, side), dtype=torch.uint8)
    test_index = torch.arange(100)
    train_index = torch.arange(100, 1000)
    model = train_VAE.VAE(side, settings["latent_size"], settings["decoder"])
    model.start_from(images)
    first = None
    for done in train_VAE.learn(model, images, train_index, test_index, settings, []):
        if done > 0 and first is None:         # le premier pas met torch en route
            first = done
            start = time.monotonic()
        if first is not None and time.monotonic() > start + seconds:
            break
    spent = time.monotonic() - start
    whole = spent * settings["epochs"] / (done - first)
    words = (f"environ {whole:.0f} s pour 1000 images et "
             f"{settings['epochs']} époques, ici")
    if whole > 60:
        return words, ("Branchez l'ordinateur sur le secteur et fermez ce qui ne sert "
                       "pas ; sinon, images_size = 32 dans train_VAE.py.")
    return words, None


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
if __name__ == "__main__":
    print("Vingt secondes...")
    checks = {"Versions": check_versions}
    line, advice = check_versions()
    if advice is None:
        import torch
        import record_images as tools
        import train_VAE
        tools.check_number("seconds", seconds, 2, 60)
        checks.update({"Fenêtre": check_window, "Webcam": check_camera,
                       "Entraînement": check_speed})
    checks.update({"Place": check_disk, "Nuage": check_cloud})
    to_do = []
    for name, check in checks.items():
        line, advice = check()
        if advice is None:
            print(f"  bien   {name} : {line}.")
        else:
            print(f"  à voir {name} : {line}.")
            to_do.append(f"{name} : {advice}")
    if to_do:
        print("À faire :\n- " + "\n- ".join(to_do))
    else:
        print("Tout va bien.")
