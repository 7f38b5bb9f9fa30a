"""Lancer un script dans la copie (fork) d'un Python qui a déjà chargé torch.

Un vrai démarrage met trois secondes, presque toutes pour torch ; une copie, un cinquième
de seconde. Le Python copié est un serveur à part (multiprocessing, forkserver), qui n'a
rien calculé : après un calcul sur plusieurs cœurs, une copie se bloquerait.
"""
import multiprocessing
import os
import resource
import runpy
import signal
import subprocess
import sys
import traceback
import types
from pathlib import Path

root = Path(__file__).resolve().parent.parent
context = multiprocessing.get_context("forkserver")
# torch._dynamo : ce que torch charge à son premier Adam. Rien du kit, ni cv2, que le kit
# règle avant de l'importer
context.set_forkserver_preload(["numpy", "PIL.Image", "torch", "torch._dynamo", "torchvision",
                                "matplotlib.pyplot", "scipy.stats", "sklearn.mixture",
                                "sklearn.cluster", "sklearn.linear_model"])


class Copy:
    """Un script lancé dans une copie, qui se tient comme un subprocess.Popen."""

    def __init__(self, script, folder, environment, log, most_bytes):
        values = (str(script), str(folder), environment, str(log), most_bytes)
        self.process = context.Process(target=play, args=values, daemon=True)
        # une copie relirait le programme de ce test-ci (__main__) : rien ne doit y être lu
        usual = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        self.process.start()
        sys.modules["__main__"] = usual

    @property
    def returncode(self):
        return self.process.exitcode

    def poll(self):
        return self.process.exitcode

    def wait(self, seconds=None):
        self.process.join(seconds)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.process.name, seconds)

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.process.kill()


def play(script, folder, environment, log, most_bytes):
    """Dans la copie : tout est comme après « python script », puis le script se joue."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", write_through=True)
    os.chdir(folder)
    os.environ.update(environment)
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    sys.argv = [script]
    sys.path = [path for path in sys.path if not Path(path).is_relative_to(root)]
    sys.path.insert(0, str(Path(script).parent))
    try:
        runpy.run_path(script, run_name="__main__")
    except KeyboardInterrupt:
        traceback.print_exc()
        # le code de sortie d'un Python arrêté par Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
