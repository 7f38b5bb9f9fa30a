"""Les fichiers déposés : lus en mémoire, jamais écrits sur le disque, puis oubliés.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import io
import re
import threading
import zipfile
import zlib
from pathlib import Path

from page import limits, space
from page.kit import extensions, stop
from page.reading import add, read_files

# un dépôt : tant de fichiers...
max_files = limits.most_learnt if space.shared else 10_000
max_bytes = 500_000_000           # ... tant d'octets en tout, une fois décompressé...
max_file = 30_000_000             # ... et tant par image
one_by_one = threading.Lock()     # trente zips décompressés ensemble rempliraient la mémoire


class Refused(Exception):
    """Un zip écarté, et pourquoi ; les autres fichiers restent bons."""


def check_zip(members):
    """Refuse un zip piégé avant d'en lire un octet."""
    for member in members:
        if re.search(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^\w:", member.filename):
            raise Refused(f"{member.filename!r} voudrait s'écrire hors de son dossier")
        ordinary = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if member.flag_bits & 1 or not ordinary:
            raise Refused("zip chiffré ou d'un format rare ; refaites un zip ordinaire, "
                          "sans mot de passe")
    if sum(member.file_size for member in members) > max_bytes:
        raise Refused(f"décompressé, il dépasserait {max_bytes // 10**6} Mo")


def unzip(name, content, room):
    """Les images d'un zip, décompressées en mémoire : {nom: octets}. room : les octets permis."""
    if content.count(b"PK\1\2") > max_files:
        raise Refused(f"plus de {max_files} fichiers ; déposez-en moins")
    files = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_zip(archive.infolist())
            for member in archive.infolist():
                hidden = re.search(r"(^|/)(\.|__MACOSX)", member.filename)
                if hidden or Path(member.filename).suffix.lower() not in extensions:
                    continue
                with archive.open(member) as file:
                    picture = file.read(max_file + 1)
                room -= len(picture)
                if room < 0:              # compté à mesure : rien de plus n'est décompressé
                    stop(f"C'est trop : {max_bytes // 10**6} Mo au plus. Déposez-en moins.")
                add(files, f"{Path(name).stem}/{member.filename}", picture)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise Refused("zip illisible ou abîmé ; refaites-le")
    return files


def unpack(uploads):
    """Toutes les images déposées, seules ou dans des zips : {nom: octets} ; les zips refusés."""
    files, refused = {}, {}
    room = max_bytes
    for upload in uploads:
        content = upload.getvalue()
        if upload.name.lower().endswith(".zip"):
            try:
                inside = unzip(upload.name, content, room)
            except Refused as reason:
                inside, refused[upload.name] = {}, str(reason)
        elif len(content) > room:
            stop(f"C'est trop : {max_bytes // 10**6} Mo au plus. Déposez-en moins.")
        else:
            inside = {upload.name: content}
        for name, picture in inside.items():
            add(files, name, picture)
            room -= len(picture)
        if len(files) > max_files:
            stop(f"C'est trop : {max_files} images au plus. Déposez-en moins.")
    return files, refused


def read_uploads(uploads, size):
    """Les images déposées, leurs noms, et {nom: raison} pour celles qui sont écartées."""
    with one_by_one:
        files, refused = unpack(uploads)
        kept = {}
        for name, content in sorted(files.items()):
            if len(content) > max_file:
                refused[name] = f"plus de {max_file // 10**6} Mo"
            else:
                kept[name] = io.BytesIO(content)
        images, names, reasons = read_files(kept, size)
    reasons |= refused
    if not names:
        why = "".join(f" {name} : {reason}." for name, reason in list(reasons.items())[:3])
        stop(f"Aucune image lisible dans ce que vous avez déposé.{why} "
             "Il faut des fichiers .jpg ou .png, ou un zip qui en contient.")
    return images, names, reasons
