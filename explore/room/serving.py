"""Le serveur de la classe : la page, derrière sa porte. Il est lancé par explore/classe.py.

Ce fichier ne fait rien quand on le lance seul : ouvrez explore/classe.py.
Tout lui est dit par son entrée, sur une ligne : ni le code ni les clés ne sont dans une
commande, qu'un autre programme pourrait lire. Quand cette entrée se ferme, il s'arrête.
"""
import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

explore = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(explore))
from page import space
space.shared = True    # avant le reste de la page, qui se règle dessus
from page import training
from starlette.middleware import Middleware
from streamlit import App

from room.door import Door, ended


def allow_sockets():
    """Trente tablettes en ouvrent ensemble plus de 256, le nombre permis par macOS."""
    try:
        import resource
    except ImportError:                # sous Windows, rien à demander
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))


def wait_input():
    """L'entrée se ferme quand classe.py s'arrête, de lui-même ou non."""
    sys.stdin.read()
    ended.set()


def finish():
    """À la fin, chaque entraînement garde les époques qu'il a finies ; puis tout se ferme."""
    ended.wait()
    training.stop_all(seconds=10)
    signal.raise_signal(signal.SIGINT)
    time.sleep(2)                      # le temps de fermer les pages
    os._exit(0)


def serve(secret, address, port, certificate):
    space.shown.mkdir(parents=True, exist_ok=True)
    if not list(space.shown.iterdir()):
        # le modèle de l'arrivée, le même pour tous : appris avant que la porte ne s'ouvre
        training.learn_creatures(space.shown)
    app = App(explore / "app_VAE.py", middleware=[Middleware(Door, secret=secret)])
    app.run(config={
        "server.address": address, "server.port": port, "server.allowedHosts": [address],
        "server.sslCertFile": certificate, "server.sslKeyFile": certificate,
        "server.maxUploadSize": 30, "server.maxMessageSize": 20,       # Mo
        "server.headless": True, "server.fileWatcherType": "none",
        "logger.hideWelcomeMessage": True})


if __name__ == "__main__":
    told = json.loads(sys.stdin.readline())
    allow_sockets()
    threading.Thread(target=wait_input, daemon=True).start()
    threading.Thread(target=finish, daemon=True).start()
    try:
        serve(**told)
    except KeyboardInterrupt:
        pass                           # uvicorn a tout fermé ; c'est une fin ordinaire
