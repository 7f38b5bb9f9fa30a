"""Vérifier en vingt secondes que le kit marchera sur cet ordinateur.

Lit     : rien que la machine : Python, versions, torch, fenêtre, webcam, vitesse, place,
          nuage.
Écrit   : rien.
Ensuite : « Tout va bien », ou la liste de ce qu'il faut faire, avec la ligne à taper.
"""
# ******************** zone *** : à vous de modifier ********************
camera = 0       #*** 0 à 99 : numéro de la webcam
seconds = 5      #*** 2 à 60 : combien de temps essayer l'entraînement
# ***********************************************************************
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

kit = Path(__file__).resolve().parent.parent
packages = ["torch", "torchvision", "opencv-python", "numpy", "pillow"]
clouds = ["onedrive", "icloud", "mobile documents", "cloudstorage", "dropbox",
          "google drive", "googledrive", "nextcloud"]
patience = 30    # secondes : au-delà, charger torch n'est plus normal
# numpy puis torch, chacun avec un calcul : c'est là que deux OpenMP se heurtent
first_steps = ("import numpy; numpy.linalg.inv(numpy.eye(3)); "
               "import torch; torch.linalg.inv(torch.eye(3))")
own_python = ("Dans Anaconda Prompt : conda create -y -n kit python=3.12 pip spyder-kernels, "
              "puis conda activate kit, puis cd C:/kit, puis pip install -r requirements.txt ; "
              "dans Spyder, Préférences, Interpréteur Python : « kit ».")


# %% Chaque vérification renvoie ce qu'elle a vu, et ce qu'il faut faire (ou rien)
def check_python():
    """Celui du Microsoft Store range ses paquets dans un dossier au nom trop long pour torch."""
    if "windowsapps" in sys.executable.lower():
        return "celui du Microsoft Store", own_python
    return sys.executable, None


def check_versions():
    words = [f"Python {platform.python_version()}"]
    missing = []
    for name in packages:
        try:
            words.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        proxies = urllib.request.getproxies()       # sous Windows, ceux de ses réglages
        proxy = proxies.get("https", proxies.get("http"))
        option = f"--proxy {proxy} " if proxy else ""
        return (f"{', '.join(words)} ; il manque {', '.join(missing)}",
                "Dans la console de Spyder, depuis le dossier du kit, tapez "
                f"%pip install {option}-r requirements.txt, puis redémarrez le noyau.")
    return ", ".join(words), None


def check_torch():
    """Charge numpy et torch dans un Python à part : s'il meurt, ce script lui survit."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", first_steps], capture_output=True, text=True,
                          errors="replace")
    elapsed = time.monotonic() - start
    words = done.stdout + done.stderr
    if "OMP: Error #15" in words:
        return "deux OpenMP, celui d'Anaconda et celui de torch", own_python
    if "WinError 1114" in words or "c10.dll" in words:
        return ("WinError 1114 : une bibliothèque de Windows est trop ancienne pour lui",
                "%pip install torch==2.8.0 torchvision==0.23.0, puis Consoles, Redémarrer le "
                "noyau. Sinon, Spyder fermé, dans Anaconda Prompt : conda install -y "
                '"vc14_runtime>=14.44".')
    if done.returncode != 0:
        reason = (words.strip() or f"code {done.returncode}").splitlines()[-1]
        return (f"il ne démarre pas ({reason})",
                "%pip install --force-reinstall -r requirements.txt, puis Consoles, "
                "Redémarrer le noyau.")
    if elapsed > patience:
        return (f"il met {elapsed:.0f} s à se charger",
                "Relancez ce script : la seconde fois est plus rapide, sauf si un antivirus relit "
                "tout. Alors, si la salle vous y autorise, dans PowerShell (administrateur) : "
                f'Add-MpPreference -ExclusionPath "{sys.prefix}".')
    return f"il se charge en {elapsed:.0f} s", None


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
    folders = [Path(os.environ[name]) for name in ("OneDrive", "OneDriveCommercial")
               if os.environ.get(name)]           # il peut porter un autre nom
    if any([folder in kit.parents or folder == kit for folder in folders]):
        return f"{kit} est dans un nuage (OneDrive)", advice
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
    advices = [tell("Python", check_python), tell("Versions", check_versions)]
    if advices[1] is None:
        advices.append(tell("torch", check_torch))
    if advices[1:] == [None, None]:
        # seulement ici : ils demandent les paquets que l'on vient d'essayer
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
