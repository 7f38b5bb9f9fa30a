"""L'affiche à projeter : l'adresse, son carré à viser, le code, et quoi répondre au navigateur.

Ce fichier ne fait rien quand on le lance : ouvrez explore/classe.py.
Elle porte aussi, sans la montrer, la clé du professeur : sur son ordinateur, et là seulement,
un bouton y ouvre son tableau.
"""
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import segno

template = Path(__file__).with_suffix(".html")


def make_poster(address, code, key):
    """L'affiche, en un seul texte : ni réseau, ni script."""
    # le carré ne dit que l'adresse : pour entrer, il faut aussi voir le code
    square = segno.make(address, error="m", micro=False).svg_inline(omitsize=True)
    parts = urlsplit(address)
    page = Template(template.read_text("utf-8"))
    return page.substitute(address=escape(address), host=escape(parts.hostname),
                           host_and_port=escape(parts.netloc), code=escape(code),
                           key=escape(key), square=square)
