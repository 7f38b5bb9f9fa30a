"""L'entraînement derrière la page app_VAE.py, à côté d'elle pour qu'elle reste utilisable, et les modèles gardés.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py dans le dossier du kit.
Ce sont les fonctions de train_VAE.py ; seul le tour est d'ici : où il en est, et ce qui l'arrête.
"""
import copy
import hashlib
import io
import json
import math
import re
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np

from model_VAE_64 import VAE, load_model, save_model, write_whole
from train_VAE import evaluate, measure_latents, new_optimizer, reconstruct, split, train_epoch

kinds = {                                  # les quatre sortes, et ce qui les distingue dans la zone *** de train_VAE.py
    "auto-encodeur": {"beta": 0, "reconstruction": "mse"}, "VAE": {"beta": 1, "reconstruction": "mse"},
    "bêta-VAE": {"beta": 4, "reconstruction": "mse"}, "sigma-VAE": {"beta": 1, "reconstruction": "gaussian"}}
patience = 10                              # secondes sans page ouverte avant d'arrêter l'entraînement
max_model = 200_000_000                    # octets d'un .pth, une fois décompressé
writing = threading.Lock()


def name_kind(settings):
    """La sorte que donnent ces réglages."""
    if not settings["beta"]:
        return "auto-encodeur"
    if settings["reconstruction"] in ("gaussian", "laplace"):
        return "sigma-VAE"
    return "VAE" if settings["beta"] <= 1 else "bêta-VAE"


def file_stem(settings, data, epochs):
    """Le nom du fichier : la sorte, et quelques lettres qui changent avec les réglages et avec les images."""
    key = json.dumps([{name: value for name, value in settings.items() if name != "model_name"}, data["fingerprint"]], sort_keys=True)
    return f"{name_kind(settings).replace('ê', 'e')}_{hashlib.blake2b(key.encode(), digest_size=3).hexdigest()}_{epochs}"


class Training(threading.Thread):
    """Un entraînement en marche. watched() dit si quelqu'un le regarde encore ; data dit de quelles images il s'agit."""

    def __init__(self, settings, images, names, data, folder, watched):
        super().__init__(daemon=True)
        if len(names) < 10:
            sys.exit(f"{len(names)} images ne suffisent pas : il en faut au moins 10 (200 conseillées).")
        self.settings, self.images, self.names, self.data, self.folder, self.watched = settings, images, names, data, folder, watched
        self.history, self.rows, self.share, self.sentence, self.path = [], {}, 0, "", None
        self.stop_asked, self.start_time, self.seen = threading.Event(), time.time(), time.time()

    def run(self):
        test_index, train_index = split(self.names, self.settings["test_data_proportion"])
        model = VAE(*(self.settings[name] for name in ("images_size", "latent_size", "decoder")))
        model.start_from(self.images[train_index[:1000]])
        try:
            self.learn(model, test_index, train_index)
            self.keep(model, train_index)
        except OSError as error:
            self.sentence = f"Impossible d'écrire le modèle ({error.strerror}) : libérez de la place, puis recommencez."
        except Exception as error:         # un thread n'a personne à qui lever une erreur : la page la dira
            self.sentence = f"L'entraînement s'est arrêté sur une erreur ({type(error).__name__}) : essayez d'autres réglages."

    def learn(self, model, test_index, train_index):
        """Toutes les époques, comme dans la cellule 3 de train_VAE.py ; les mesures et les images vont dans history et rows."""
        settings, good = self.settings, None
        optimizer = new_optimizer(model)
        steps = math.ceil(len(train_index) / settings["batch_size"])
        try:
            for epoch in range(1, settings["epochs"] + 1):
                self.rows = reconstruct(model, self.images, test_index[:8], settings["task"])
                parts = []
                for part in train_epoch(model, self.images, train_index, optimizer, epoch, settings):
                    parts.append(part)
                    self.share = (epoch - 1 + len(parts) / steps) / settings["epochs"]
                    if self.must_stop():
                        return
                measures = evaluate(model, self.images, test_index, settings)
                if not math.isfinite(measures[0]):
                    raise FloatingPointError
                self.history.append([*np.mean(parts, axis=0).tolist(), *measures])
                good = copy.deepcopy(model.state_dict())
        except FloatingPointError:
            self.sentence = "La perte n'est plus un nombre : les pas sont trop grands. Divisez learning_rate par 4, puis recommencez."
            if good:
                model.load_state_dict(good)

    def must_stop(self):
        """Vrai si on a appuyé sur Arrêter, ou si la page est fermée depuis quelques secondes."""
        if self.watched():
            self.seen = time.time()
        return self.stop_asked.is_set() or time.time() > self.seen + patience

    def keep(self, model, train_index):
        """Écrit le .pth, comme dans la cellule 4 de train_VAE.py, sous un nom que personne n'a pris."""
        if not self.share or self.sentence and not self.history:
            return
        stem = file_stem(self.settings, self.data, len(self.history))
        latents = measure_latents(model, self.images, train_index, self.settings)
        with writing:
            self.folder.mkdir(exist_ok=True)
            taken = {path.stem for path in self.folder.glob(f"{stem}*.pth")}
            stem = next(name for name in [stem, *(f"{stem}_{number}" for number in range(2, 9999))] if name not in taken)
            path = self.folder / f"{stem}.pth"
            save_model(path, model, settings=self.settings | {"model_name": stem}, losses=[row[0] for row in self.history],
                       test_losses=[row[3] for row in self.history], train_names=sorted(self.names[i] for i in train_index),
                       history=self.history, data=self.data, **latents)
        self.path = path

    def seconds_left(self):
        return (time.time() - self.start_time) * (1 / self.share - 1) if self.share else None


def receive(name, content, folder):
    """Range parmi les modèles un .pth venu d'ailleurs, s'il en est un ; rend son nom. load_model n'exécute rien de ce qu'il contient."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:          # un .pth est un zip
            if sum(member.file_size for member in archive.infolist()) > max_model:
                sys.exit(f"{name} est trop gros pour être un modèle de ce kit.")
    except zipfile.BadZipFile:
        sys.exit(f"{name} n'est pas un modèle de ce kit, ou il est abîmé.")
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside) / (re.sub(r"[^\w-]", "_", Path(name).stem) + ".pth")
        path.write_bytes(content)
        load_model(path)
    folder.mkdir(exist_ok=True)
    write_whole(folder / path.name, lambda file: file.write(content))
    return path.stem
