"""Mesurer la classe entière : python tests/measure_crowd.py, ou une scène : ... kills

Trente visiteurs sans navigateur (visitor.py), sur cet ordinateur seulement : vingt minutes.
Chaque scène a sa propre classe, neuve, et s'arrête seule.
"""
import os
import sys
import tempfile
from pathlib import Path

import crowd

visitors = 30
scenes = {             # nom : (la scène, ses nombres, ce que l'on vise)
    "record": (crowd.record, (visitors, 200, 6), "rien de perdu, rien de mêlé"),
    "line": (crowd.line, (visitors, 200, 10), "dans l'ordre, l'attente annoncée à 25 % près"),
    "sliders": (crowd.sliders, (10, 60, 1 / 3), "médiane 200 ms, 95 % : 500 ms"),
    "closed": (crowd.sliders, (10, 60, 0), "les mêmes, sans une pause entre deux demandes"),
    "memory": (crowd.memory, (visitors,), "moins de 4 Go"),
    "kills": (crowd.kills, (visitors, 20, 60), "de retour en 10 s, rien d'accepté perdu"),
    "uploads": (crowd.uploads, (visitors,), "une phrase par fichier, rien de perdu")}


def measure(name):
    scene, numbers, aim = scenes[name]
    with tempfile.TemporaryDirectory() as folder:
        room = crowd.Classroom(Path(folder)).start()
        try:
            print(f"{name} (vise : {aim})", crowd.play(scene(room, *numbers), 3600),
                  f"serveur : {crowd.measure_memory(room)} Mo,",
                  f"charge de l'ordinateur : {os.getloadavg()[0]:.1f}", flush=True)
        finally:
            room.close()


if __name__ == "__main__":
    for name in sys.argv[1:] or scenes:
        measure(name)
