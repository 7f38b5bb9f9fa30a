"""Des images : les écrire dans la page, lire celles du navigateur, en montrer plusieurs.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import base64
import html
import io
import math

import streamlit as st
from PIL import Image

from page.kit import to_picture


def write_uri(picture, kind="PNG"):
    """Une image de Pillow, écrite dans la page elle-même."""
    content = io.BytesIO()
    picture.save(content, kind, quality=85)
    letters = base64.b64encode(content.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{letters}"


def to_uri(image):
    """Une image du réseau, (3, H, W) de 0 à 1, écrite dans la page elle-même."""
    return write_uri(to_picture(image))


def read_uri(uri):
    """Les octets d'une image que le navigateur a écrite ainsi."""
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def to_sheet(images, side):
    """Toutes les images en une seule, rangées par dix : la page n'en reçoit qu'une."""
    sheet = Image.new("RGB", (10 * side, math.ceil(len(images) / 10) * side))
    for number, image in enumerate(images):
        small = to_picture(image).resize((side, side), Image.Resampling.BOX)
        sheet.paste(small, (number % 10 * side, number // 10 * side))
    return write_uri(sheet, "JPEG")


def gallery(columns, words, captions=None, side=76, fill=False):
    """Des images côte à côte, autant par ligne que la page en tient.

    fill : sur un grand écran, une seule ligne, qui le remplit.

    Une colonne peut en empiler plusieurs, de haut en bas ; words : ce qu'elles sont, pour
    qui ne les voit pas (un mot par étage) ; captions : ce qui s'écrit sous chaque colonne.
    """
    figures = ""
    for number, stack in enumerate(columns):
        figures += "<figure>"
        for word, image in zip(words, stack):
            figures += f'<img src="{to_uri(image)}" alt="{html.escape(word)} {number + 1}">'
        if captions:
            figures += f"<figcaption>{html.escape(captions[number])}</figcaption>"
        figures += "</figure>"
    least = f"max({side}px, 100% / {max(10, len(columns))} - 8px)" if fill else f"{side}px"
    st.html(f'<div class="vae-images" style="--side: {least}">{figures}</div>')
