"""Les images qui sont dans un dossier : les créatures, images/, la webcam.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
from pathlib import Path

from page import kit, space
from page.kit import list_images, stop
from page.reading import add, read_files

pictures = kit.folder / "images"
creatures, webcam = "Créatures (démonstration)", "Ma webcam"
everything = "Dossier images/"
folders = {creatures: pictures / "demo", "Aquarium (quatre mouvements)": pictures / "aquarium",
           everything: pictures}


def find_folder(source):
    """Le dossier de ces images ; None si elles ne sont pas dans un dossier."""
    return space.recorded() if source == webcam else folders.get(source)


def folder_stamp(folder):
    """Change dès qu'un fichier arrive dans le dossier, ou en part ; 0 s'il est vide."""
    inside = [folder, *folder.rglob("*")] if folder.exists() else []
    if len(inside) < 2:
        return 0
    return max(path.stat().st_mtime_ns for path in inside if path.is_dir())


def read_folder(folder, size):
    """Les images du dossier, leurs noms depuis images/, et {nom: raison} des écartées."""
    start = Path("webcam")
    if pictures in [folder, *folder.parents]:
        start = folder.relative_to(pictures)
    files = {}
    for file in list_images(folder):
        # ce qui ne peut pas s'écrire dans un nom devient « ? », comme dans train_VAE.py
        name = file.encode("utf-8", "replace").decode("utf-8")
        add(files, (start / name).as_posix(), folder / file)
    images, names, reasons = read_files(files, size)
    if not names:
        stop(f"Aucune image lisible dans {folder} : enregistrez-en avec la webcam, ou "
             "déposez-y des fichiers .jpg ou .png.")
    return images, names, reasons
