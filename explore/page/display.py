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

import altair as alt
import numpy as np
import pandas as pd
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
french_numbers = alt.Locale(number={"decimal": ",", "thousands": "\u202f", "grouping": [3],
                                    "currency": ["", ""]})


def draw_curves(history, epochs, beta):
    """La perte et ses deux parties, époque par époque ; la KL, seulement si elle compte."""
    names = ["apprentissage", "test"]
    draw_legend(dict(zip(names, colors)))
    parts = ["Perte", "Erreur", "KL (nats)"] if beta else ["Erreur"]
    for part in parts:
        place = ["Perte", "Erreur", "KL (nats)"].index(part)
        values = np.array(history)[:, [place, place + 3]]
        draw_curve(part, values, epochs, names, last=part == parts[-1])


def draw_curve(part, values, epochs, names, last):
    """Une courbe d'apprentissage et une de test ; last : seule la dernière porte les époques.

    L'axe part de 0, sauf si la courbe descend dessous."""
    rows = [{"époque": epoch, "valeur": row[place], "images": names[place]}
            for epoch, row in enumerate(values.tolist(), start=1) for place in (0, 1)]
    low = min(0, values.min())
    across = alt.X("époque:Q", axis=alt.Axis(tickMinStep=1, format="d", grid=False,
                                             labels=last, ticks=last),
                   title="époque" if last else None,
                   scale=alt.Scale(domain=[1, max(2, epochs)]))
    up = alt.Y("valeur:Q", title=None, axis=alt.Axis(format=".4~g", tickCount=4),
               scale=alt.Scale(domain=[low, values.max() + 1e-9], nice=True))
    color = alt.Color("images:N", scale=alt.Scale(domain=names, range=colors[:2]), legend=None)
    chart = alt.Chart(pd.DataFrame(rows), height=78).mark_line(
        point=len(values) < 3).encode(
        across, up, color,
        tooltip=["images", "époque", alt.Tooltip("valeur", format=".4~g")])
    end = " ; ".join(f"{name} {value:.4g}" for name, value in zip(names, values[-1]))
    st.caption(f"{part}, à l'époque {len(values)} : {end}".replace(".", ","))
    st.altair_chart(chart.configure(locale=french_numbers), width="stretch")


def draw_balance(rows):
    """Chaque modèle à la place de son erreur et de sa KL."""
    axes = {"scale": alt.Scale(zero=False, padding=30),
            "axis": alt.Axis(format=".3~g", tickCount=6)}
    chart = alt.Chart(pd.DataFrame(rows), height=220).encode(
        alt.X("KL (bits):Q", **axes), alt.Y("erreur:Q", **axes),
        tooltip=["modèle", "erreur", "KL (bits)"])
    points = chart.mark_circle(size=160, opacity=1).encode(
        alt.Color("lettre:N", legend=None, scale=alt.Scale(range=colors)))
    letters = chart.mark_text(dx=14, fontSize=14, color="gray").encode(text="lettre")
    st.altair_chart((points + letters).configure(locale=french_numbers), width="stretch")
