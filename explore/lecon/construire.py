"""Construire le site de la leçon, ses diapositives, et un PDF de tout ce qui s'imprime.

Lit     : les pages .md de explore/lecon/ ; une fois pour toutes, dans la console de
          Spyder : %pip install -r explore/lecon/requirements.txt.
Écrit   : dans explore/lecon/_build/ : index.html, diapos/diapos.html et a_imprimer.pdf.
Ensuite : ouvrez-les ; aucun n'a besoin du réseau.

Le PDF est imprimé par un navigateur sans fenêtre : Edge, que tout Windows a déjà, Chrome
ou Chromium. Ainsi, rien de plus à installer, et le papier a l'aspect du site.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

lesson = Path(__file__).resolve().parent
site = lesson / "_build"
pages = site / "imprimer.html"
paper = site / "a_imprimer.pdf"
browsers = ["msedge", "microsoft-edge", "google-chrome", "chrome", "chromium", "chromium-browser"]
usual = ["Microsoft/Edge/Application/msedge.exe", "Google/Chrome/Application/chrome.exe"]
macs = ["Google Chrome", "Microsoft Edge", "Chromium"]


def build(kind, folder, *options):
    """Lance Sphinx ; le moindre avertissement arrête tout."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-E", "-b", kind, *options,
               lesson, folder]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}{done.stderr}\nSphinx s'est arrêté. S'il manque un "
                         "module : %pip install -r explore/lecon/requirements.txt")


def find_browser():
    """Le chemin d'un navigateur qui sait imprimer seul, ou None."""
    places = [shutil.which(name) for name in browsers]
    for root in ("ProgramFiles(x86)", "ProgramFiles", "LOCALAPPDATA"):
        places += [Path(os.environ.get(root, "")) / path for path in usual]
    places += [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in macs]
    for place in places:
        if place and Path(place).is_file():
            return str(place)
    return None


def print_pages(browser):
    """Imprime imprimer.html ; renvoie vrai si le PDF est là, entier."""
    paper.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, "--headless=new", "--disable-gpu", "--no-pdf-header-footer",
                   f"--user-data-dir={profile}", f"--print-to-pdf={paper}", pages.as_uri()]
        if sys.platform.startswith("linux"):
            command.insert(1, "--no-sandbox")        # sans lui, rien ne marche dans un conteneur
        try:
            subprocess.run(command, capture_output=True, timeout=180)
        except (OSError, subprocess.TimeoutExpired):       # il refuse de démarrer, ou il est figé
            return False
    return paper.is_file()


if __name__ == "__main__":
    build("html", site)
    print(f"Le site : {site / 'index.html'}")
    build("revealjs", site / "diapos", "-D", "root_doc=diapos", "-D", "include_patterns=diapos.md")
    print(f"Les diapositives : {site / 'diapos' / 'diapos.html'}")
    browser = find_browser()
    if browser and print_pages(browser):
        print(f"À imprimer : {paper}")
    else:
        reason = f"{browser} n'y arrive pas" if browser else "ni Edge, ni Chrome"
        print(f"Pas de PDF : {reason}. Ouvrez {pages} dans votre navigateur, puis "
              "Ctrl+P (Cmd+P sur un Mac) : ce sont les mêmes pages.")
