"""Arrêter un script : la phrase qui dit pourquoi, et le bouton Stop de Spyder."""
import signal
import sys
from pathlib import Path

here = Path(__file__).resolve().parent.parent    # le dossier du kit


def stop(sentence):
    """Dit ce qui ne va pas, et arrête le script, sans texte rouge dans Spyder."""
    # un nom de fichier étrange ne s'écrit pas toujours : « ? » à la place
    sentence = sentence.encode("utf-8", "replace").decode("utf-8")
    print(sentence)
    end = SystemExit(sentence)           # qui l'attrape peut montrer la phrase
    end.code = 1                         # pour le système : fini, mais mal
    if "spyder_kernels" in sys.modules:  # 1 s'y afficherait comme une erreur
        end.code = 0
    raise end


class StopButton:
    """Le bouton Stop de Spyder, ou Ctrl-C.

    Tant qu'il est tenu, il ne coupe plus rien : button.pressed dit seulement s'il a été
    pressé. Après button.release(), il coupe de nouveau (et Spyder le fait lui-même au
    lancement suivant, si le script s'est arrêté avant)."""

    def __init__(self):
        self.pressed = False
        # SIGINT : ce qu'envoient Stop et Ctrl-C ; usual : leur effet d'avant
        self.usual = signal.signal(signal.SIGINT, self.press)

    def press(self, number, frame):
        """Python l'appelle avec ces deux valeurs ; elles ne servent pas."""
        self.pressed = True

    def release(self):
        signal.signal(signal.SIGINT, self.usual)
