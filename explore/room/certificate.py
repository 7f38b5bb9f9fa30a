"""Le certificat : sans lui, pas de https, et sans https, pas de caméra sur une tablette.

Ce fichier ne fait rien quand on le lance : ouvrez explore/classe.py.
Il ne vaut que pour une adresse, et quelques jours. Le navigateur ne connaît pas celui qui
l'a signé (cet ordinateur) : c'est pourquoi il avertit.
"""
import datetime
import os
import time

import trustme

days = 7


def find_certificate(folder, address):
    """Le fichier du certificat de cette adresse, et de sa clé ; refait s'il est trop vieux.

    Le même d'une fois à l'autre : le navigateur qui l'a accepté ne demande plus rien."""
    path = folder / f"certificat_{address}.pem"
    if not path.exists() or time.time() - path.stat().st_mtime > (days - 1) * 24 * 3600:
        now = datetime.datetime.now(datetime.timezone.utc)
        made = trustme.CA(organization_name="Kit VAE").issue_cert(
            address, not_before=now - datetime.timedelta(1),       # une horloge peut retarder
            not_after=now + datetime.timedelta(days))
        write_secret(path, made.private_key_and_cert_chain_pem.bytes())
    return path


def write_secret(path, content):
    """Écrit un fichier que seul le propriétaire de cet ordinateur peut lire."""
    path.unlink(missing_ok=True)
    # 0o600 : lire et écrire, pour lui seul (Windows suit les droits du dossier)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
