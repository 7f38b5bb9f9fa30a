"""Ce que dit le nom d'une image enregistrée par record_images.py."""
import re


def read_name(name):
    """("m1", 12) pour m1_0012.png, de record_images.py ; ("", 0) pour une autre."""
    found = re.fullmatch(r"(im|m[1-9])_(\d+)\.png", name)
    if found is None:
        return "", 0
    return found[1], int(found[2])
