"""Écrire tout ou rien, et ne jamais écraser une image."""
import errno
import io
import os
import threading

from outils.stop import stop


def write_whole(path, content):
    """Écrit ces octets, même par-dessus un fichier : tout, ou rien.

    Le brouillon porte un autre nom, qui devient le vrai d'un coup."""
    # un brouillon à soi : ni un autre script, ni un autre fil de la page n'y touche
    mine = f"{os.getpid()}_{threading.get_ident()}"
    draft = path.with_name(f"{path.name}.{mine}.incomplet")
    finish(open(draft, "wb"), draft, path, content)


def write_new(path, content):
    """De même, mais lève FileExistsError si ce nom est pris, ou réservé."""
    draft = path.with_name(f"{path.name}.incomplet")
    # "xb" échoue si ce brouillon existe : il réserve le nom pour un seul script
    finish(open(draft, "xb"), draft, path, content, new=True)


def finish(file, draft, path, content, new=False):
    """Remplit le brouillon, puis lui donne son vrai nom ; sinon, l'efface."""
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())      # jusqu'au disque
        if new and path.exists():
            raise FileExistsError
        os.replace(draft, path)
    except BaseException:                # même Stop ; ensuite, ce brouillon n'est
        draft.unlink(missing_ok=True)    # plus à nous : un autre peut le reprendre
        raise


def why_not_written(error):
    """Pourquoi l'écriture a échoué, et que faire : la fin d'une phrase."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "le disque est plein : libérez de la place, puis relancez"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ("écriture interdite : fermez le programme qui se sert de ce fichier, "
                "ou copiez le kit dans un dossier à vous")
    return f"{error.strerror} : essayez dans un autre dossier"


def make_folder(folder):
    """Crée le dossier s'il manque, et vérifie que l'on peut y écrire."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # (sous Windows, tempfile insisterait sans fin dans un dossier protégé)
        trial = folder / f"essai_{os.getpid()}_{threading.get_ident()}.incomplet"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        stop(f"Impossible d'écrire dans {folder} ({why_not_written(error)}).")


def save_picture(picture, folder, prefix):
    """Enregistre en PNG, avec un numéro de plus que le plus grand déjà là."""
    content = io.BytesIO()               # un fichier en mémoire
    picture.save(content, "PNG")
    return save_numbered(content.getvalue(), folder, prefix, "png")


def save_numbered(content, folder, prefix, suffix):
    """De même, pour les octets de n'importe quel fichier."""
    numbers = [0]
    for path in folder.glob(f"{prefix}_*"):
        digits = path.stem[len(prefix) + 1:]    # "0012", pour im_0012.png
        if digits.isdecimal():
            numbers.append(int(digits))
    number = max(numbers) + 1
    while True:
        path = folder / f"{prefix}_{number:04d}.{suffix}"
        try:
            write_new(path, content)
            return path
        except FileExistsError:          # un autre script vient de prendre ce numéro
            number += 1
        except OSError as error:
            stop(f"Impossible d'écrire {path} ({why_not_written(error)}). "
                 "Les images d'avant sont gardées.")
