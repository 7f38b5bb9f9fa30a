"""Ce que montre la page : des phrases, des images, des courbes, en clair comme en sombre.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import base64
import functools
import html
import io
import re
import traceback
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from model_VAE_64 import to_picture

# Dix couleurs que les daltoniens distinguent aussi (Petroff, 2021, arXiv:2107.02270)
colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
          "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]
folder = Path(__file__).resolve().parent / "components"


# %% Des phrases
def plain(text):
    """Le texte tel quel : un nom de fichier ne doit devenir ni un lien, ni une image."""
    text = re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", str(text))
    return re.sub(r"(://|(?<=www)\.|@)", "\u2060\\1", text)    # u2060 : un blanc invisible


def comma(value, digits):
    """Un nombre écrit en français : 0,25."""
    return f"{value:.{digits}f}".replace(".", ",")


def careful(draw):
    """La même partie de la page, dont un arrêt ou une erreur devient une phrase."""
    @functools.wraps(draw)
    def safe(*args):
        try:
            return draw(*args)
        except SystemExit as sentence:
            st.error(plain(sentence))
        except Exception:
            traceback.print_exc()
            st.error("Cette partie de la page a rencontré une erreur : rechargez la page. "
                     "Le détail est dans la console qui l'a lancée.")
    return safe


def part(draw, every=None):
    """Une partie de la page qui se redessine seule ; every : aussi toutes les every secondes."""
    return st.fragment(careful(draw), run_every=every)


# %% Les composants : du JavaScript et du CSS à nous, dans page/components/
def component(name, html, *scripts):
    """Le composant name, fait des fichiers scripts (à défaut name.js) et name.css."""
    style = folder / f"{name}.css"
    return st.components.v2.component(
        name, html=html, css=style.read_text("utf-8") if style.exists() else None,
        js="\n".join((folder / script).read_text("utf-8") for script in scripts or [f"{name}.js"]))


show_drawing = component("drawing", '<div class="dessin"></div>')
show_figures = component("figures", '<div class="dessin"></div>', "drawing.js")
french = component("french", "")
style = f"<style>{(folder / 'page.css').read_text('utf-8')}</style>"


# %% Des images
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
    sheet = Image.new("RGB", (10 * side, -(-len(images) // 10) * side))
    for number, image in enumerate(images):
        small = to_picture(image).resize((side, side), Image.Resampling.BOX)
        sheet.paste(small, (number % 10 * side, number // 10 * side))
    return write_uri(sheet, "JPEG")


def gallery(columns, words, captions=None, side=76, most=None):
    """Des images côte à côte, autant par ligne que la page en tient.

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
    limit = f"{most}px" if most else "none"
    st.html(f'<div class="vae-images" style="--side: {side}px; --most: {limit}">{figures}</div>')


def draw_legend(legend):
    """Le nom de chaque couleur : {nom: couleur}."""
    words = [f'<span><b style="background: {color}"></b> {html.escape(name)}</span>'
             for name, color in legend.items()]
    st.html('<div class="vae-legend">' + "".join(words) + "</div>")


# %% Des courbes
def number(value):
    """Quatre chiffres, à la française."""
    words = f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return words.replace(".", ",")


def frame(words, plot, up, across):
    """Un dessin et ses deux axes ; up, across : ce qui s'écrit aux bouts de chacun."""
    low, high = up
    ends = "".join(f"<span>{end}</span>" for end in across)
    return (f"<figure><figcaption>{words}</figcaption>"
            f'<div class="up"><span>{number(high)}</span><span>{number(low)}</span></div>'
            f'<div class="plot">{plot}</div><div class="across">{ends}</div></figure>')


def draw_curves(history, epochs, beta):
    """La perte et ses deux parties, époque par époque ; la KL, seulement si elle compte."""
    parts = {"Perte": 0, "Erreur": 1, "KL (nats)": 2} if beta else {"Erreur": 1}
    draw_legend(dict(zip(["apprentissage", "test"], colors)))
    history = np.array(history)
    curves = [write_curve(name, history[:, [place, place + 3]], epochs)
              for name, place in parts.items()]
    show_figures(key="curves", data="".join(curves))


def write_curve(name, values, epochs):
    """Une courbe d'apprentissage et une de test, (époques, 2).

    L'axe part de 0, sauf si la courbe descend dessous."""
    low, high = min(0, values.min()), values.max()
    across = 100 * np.arange(len(values)) / max(1, epochs - 1)
    heights = 100 - 100 * (values - low) / max(high - low, 1e-9)
    lines = ""
    for column, color in zip(heights.T, colors):
        points = [f"{x:.2f},{y:.1f}" for x, y in zip(across, column)]
        points.insert(0, points[0])          # une seule époque : un rond
        lines += f'<polyline stroke="{color}" points="{" ".join(points)}"/>'
    learned, unseen = values[-1]
    words = (f"{name}, à l'époque {len(values)} : apprentissage {number(learned)} ; "
             f"test {number(unseen)}")
    plot = (f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
            f"{lines}</svg>")
    return frame(words, plot, (low, high), ("époque 1", f"époque {epochs}"))


def draw_balance(rows):
    """Chaque modèle à la place de son erreur et de sa KL ; les deux axes partent de 0."""
    up = [row["erreur"] for row in rows]
    across = [row["KL (bits)"] for row in rows]
    dots = ""
    for row, color, x, y in zip(rows, colors, share(across), share(up)):
        words = html.escape(row["modèle"])
        dots += (f'<span title="{words}" style="left: {x:.1f}%; bottom: {y:.1f}%">'
                 f'<b style="background: {color}"></b>{row["lettre"]}</span>')
    ends = (0, "KL (bits)", number(max(across)))
    show_figures(key="balance", data='<div class="balance">' + frame(
        "L'erreur de chacun, selon sa KL", dots, (0, max(up)), ends) + "</div>")


def share(values):
    """La place de chaque valeur entre 0 et la plus grande, en %."""
    return [100 * value / max(*values, 1e-9) for value in values]
