"""Des mots et des nombres, écrits à la française et sans danger.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import re


def plain(text):
    """Le texte tel quel : un nom de fichier ne doit devenir ni un lien, ni une image."""
    text = re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", str(text))
    return re.sub(r"(://|(?<=www)\.|@)", "\u2060\\1", text)    # u2060 : un blanc invisible


def comma(value, digits):
    """Un nombre écrit en français : 0,25."""
    return f"{value:.{digits}f}".replace(".", ",")


def count_words(count, word):
    """1 image, 2 images."""
    return f"{count} {word}" + "s" * (count > 1)


def number(value):
    """Quatre chiffres, à la française."""
    words = f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return words.replace(".", ",")
