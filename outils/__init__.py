"""Ce qui se règle avant d'importer torch et OpenCV."""
import os
import sys
from importlib.util import find_spec

from outils.stop import here, stop

for name in ("torch", "torchvision", "cv2", "numpy", "PIL"):
    if find_spec(name) is None:
        stop(f"Il manque {name} : dans la console de Spyder, tapez %cd {here} puis\n"
             "%pip install -r requirements.txt et redémarrez le noyau (menu Consoles).")

os.environ["OPENCV_LOG_LEVEL"] = "OFF"         # OpenCV se taira
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"    # de même
if "OMP_WAIT_POLICY" not in os.environ:
    # un cœur du processeur qui attend laisse sa place aux autres programmes
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    if "torch" in sys.modules:                 # trop tard : un seul cœur, alors,
        sys.modules["torch"].set_num_threads(1)    # n'attend personne
