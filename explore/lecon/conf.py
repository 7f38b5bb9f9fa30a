"""Le site de la leçon et ses diapositives : ce que lit Sphinx. Pour les construire, ouvrez
construire.py. Tout marche sans réseau, et s'imprime.
"""
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes

kit = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(kit))              # reference.md lit les docstrings des quatre scripts

project = "VAE 64 : une heure"
language = "fr"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_revealjs"]
autodoc_member_order = "bysource"
packages = ["torch", "torchvision", "cv2", "PIL", "numpy"]
autodoc_mock_imports = [name for name in packages if find_spec(name) is None]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]
highlight_language = "none"
smartquotes = False                       # les textes ont déjà les guillemets français
html_theme = "basic"
html_title = project
html_static_path = ["dessins"]
html_css_files = ["lecon.css"]
html_sidebars = {"**": ["globaltoc.html", "searchbox.html"]}
html_copy_source = False
html_show_search_summary = False       # il faudrait un serveur pour lire les pages
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
revealjs_style_theme = "white"
revealjs_static_path = ["dessins"]
revealjs_css_files = ["diapos.css"]
revealjs_script_conf = {"hash": True, "slideNumber": "c/t", "width": 1280, "height": 720,
                        "transition": "none", "controls": False}


def keep_lines(app, what, name, thing, options, lines):
    """Une docstring du kit se lit telle quelle : on en garde les lignes et les espaces."""
    lines[:] = ["::", ""] + ["    " + line for line in lines]


def keep_spaces(app, tree, page):
    """Une espace insécable avant : ; ? ! » %, après «, et dans 12 288."""
    for text in list(tree.findall(nodes.Text)):
        if not isinstance(text.parent, (nodes.literal, nodes.literal_block, nodes.raw)):
            fixed = re.sub(r" (?=[:;?!»%])|(?<=«) |(?<=\d) (?=\d{3})", "\u00a0", text)
            text.parent.replace(text, nodes.Text(fixed))


def mark_answers(app, tree, page):
    """Les réponses du quiz ne s'impriment pas : la feuille sert deux fois."""
    for paragraph in tree.findall(nodes.paragraph):
        if page.startswith(("quiz", "imprimer")) and paragraph.astext().startswith("Réponse"):
            paragraph["classes"].append("reponse")


def setup(app):
    app.connect("autodoc-process-docstring", keep_lines)
    app.connect("doctree-resolved", keep_spaces)
    app.connect("doctree-resolved", mark_answers)
