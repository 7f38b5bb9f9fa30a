"""Des courbes, en clair comme en sombre : l'apprentissage, et l'équilibre des modèles.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import html

import numpy as np

from page.legend import colors, draw_legend
from page.parts import show_figures
from page.words import number


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
    dots, places = "", []
    for row, color, x, y in zip(rows, colors, share(across), share(up)):
        words = html.escape(row["modèle"])
        close = sum(abs(x - other) < 4 and abs(y - height) < 12 for other, height in places)
        places.append((x, y))              # deux points si près : leurs lettres côte à côte
        dots += (f'<span title="{words}" style="left: {x:.1f}%; bottom: {y:.1f}%">'
                 f'<b style="background: {color}; margin-right: {4 + 14 * close}px"></b>'
                 f'{row["lettre"]}</span>')
    ends = (0, "KL (bits)", number(max(across)))
    show_figures(key="balance", data='<div class="balance">' + frame(
        "L'erreur de chacun, selon sa KL", dots, (0, max(up)), ends) + "</div>")


def share(values):
    """La place de chaque valeur entre 0 et la plus grande, en %."""
    return [100 * value / max(*values, 1e-9) for value in values]
