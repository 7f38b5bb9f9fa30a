"""Les morceaux de la page : ce qui se redessine seul, et nos composants.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Le JavaScript et le CSS des composants sont dans page/components/.
"""
import functools
import traceback
from pathlib import Path

import streamlit as st

from page.words import plain

folder = Path(__file__).resolve().parent / "components"


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
