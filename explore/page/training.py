"""L'entraînement, à côté de la page pour qu'elle reste utilisable, et qui le regarde.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Tout ce qui apprend est dans train_VAE.py (learn) ; ici, on attend son tour (page/line.py),
on suit, on arrête et on garde.
"""
import copy
import os
import threading
import time
from pathlib import Path

from page import space
from page.folders import creatures, folders, read_folder
from page.kit import (VAE, Movements, encode_images, find_movements, learn, measure_latents,
                      save_model, split, start_from, stop, usual_settings, why_not_written)
from page.line import count_work, line
from page.models import free_path, writing
from page.naming import file_stem
from page.sources import fingerprint
from page.view import View

patience = 30          # secondes sans page ouverte avant d'arrêter l'entraînement
class_patience = 600   # en classe, une tablette s'endort : dix minutes
shown = 200            # images de test que la page montre pendant l'entraînement
filmed = 20            # époques du film de la carte
visits = {}            # {visiteur: son entraînement} : il le retrouve s'il recharge la page
made = {}              # {visiteur: les modèles qu'il a entraînés}
entering = threading.Lock()


def enter(visitor, training):
    """Met l'entraînement dans la file ; rend celui que ce visiteur a déjà, s'il en a un."""
    with entering:
        before = visits.get(visitor)
        if before and before.is_alive():
            if before.place:
                return before
            before.stop_asked.set()                # celui de l'arrivée cède le pas
        if space.shared:
            find_mark(training.folder).touch()
        visits[visitor] = training
        line.join(training)                        # tout de suite : le premier arrivé
        training.start()
    return training


def find_mark(folder):
    """Un fichier vide de l'espace, le temps d'un entraînement : s'il reste, il a été coupé."""
    return folder.with_name("en_cours")


def stop_all(seconds=0):
    """Arrête tous les entraînements, et laisse quelques secondes à chacun pour être gardé."""
    alive = [training for training in visits.values() if training.is_alive()]
    for training in alive:
        training.stop_asked.set()
    end = time.monotonic() + seconds
    for training in alive:
        training.join(max(0, end - time.monotonic()))


def learn_creatures(folder):
    """Apprend les créatures, avant que personne n'entre ; le .pth va dans ce dossier."""
    images, names, reasons = read_folder(folders[creatures], usual_settings["images_size"])
    about = {"source": creatures, "fingerprint": fingerprint(images, names)}
    training = Training(usual_settings | {"film": False}, images, names, about,
                        threading.Event(), folder)
    training.run()
    if training.path:          # un nom que n'aura pas l'élève qui apprend la même chose
        training.path.rename(folder / f"{training.path.stem}_classe.pth")


def drop_folder(names):
    """Les noms dans leur dossier commun : im_0001.png, et non webcam/im_0001.png.

    Ceux de la webcam, ou d'un zip, disent ainsi leur film et leur mouvement."""
    common = os.path.commonpath([os.path.dirname(name) for name in names])
    return [Path(name).relative_to(common).as_posix() for name in names]


class Training(threading.Thread):
    """Un entraînement en marche, et ce que la page en montre.

    learn le prévient : must_stop avant chaque pas, show à la fin de chaque époque."""

    def __init__(self, settings, images, names, about, closing, folder, place=None):
        super().__init__(daemon=True)
        if len(names) < 10:
            stop(f"Images : {len(names)}. Il en faut au moins 10 (200 conseillées).")
        self.settings = settings
        self.images = images
        self.names = names
        self.about = about             # de quelles images il s'agit
        self.folder = folder           # où ira le .pth
        self.place = place             # le lieu où aller à la fin ; None : celui de l'arrivée
        plain = drop_folder(names)
        self.train_index, self.test_index = split(plain, settings["test_data_proportion"])
        self.told = []                 # ce qu'il dit des mouvements
        self.movements = Movements()          # aucun
        if settings["independent_axes"]:
            self.movements = find_movements(plain, settings["latent_size"], self.told.append)
        self.history = []              # une ligne de mesures par époque
        self.amount = count_work(len(names), settings)
        self.share = 0                 # ce qui est fait, de 0 à 1
        self.turn = threading.Event()  # levé quand c'est son tour
        self.view = None               # le réseau tel qu'il est, devant des images de test
        self.codes = []                # ceux de ces images, avant et après chaque époque filmée
        self.path = None               # le .pth, une fois écrit
        self.sentence = ""             # ce que la page dira à la fin
        self.opened = False            # vrai quand la page a montré le modèle
        self.stop_asked = threading.Event()
        self.running = threading.Event()           # baissé par Pause
        self.running.set()
        self.closing = closing                     # levé quand la page qui le regarde se ferme
        self.seen = time.monotonic()               # la dernière fois qu'une page le regardait

    def run(self):
        """Attend son tour, apprend, garde, et rend sa place."""
        self.take_turn()
        if self.turn.is_set():
            self.learn_and_keep()
        else:
            self.sentence = "Sorti de la file avant son tour : rien n'est appris."
        line.leave(self)
        find_mark(self.folder).unlink(missing_ok=True)
        self.images = None                         # rend la mémoire

    def learn_and_keep(self):
        """Ce qui l'empêche devient la phrase que la page dira."""
        try:
            model = VAE(self.settings["images_size"], self.settings["latent_size"],
                        self.settings["decoder"])
            first = self.train_index[:1000]
            directions = self.movements.directions(self.images, first)
            start_from(model, self.images[first], directions,
                       mixed=not self.settings["independent_axes"])
            learn(model, self.images, self.train_index, self.test_index, self.settings, self,
                  self.movements)
            self.keep()
        except SystemExit as sentence:             # une phrase du kit
            self.sentence = str(sentence)
        except Exception as error:                 # un thread n'a personne à qui lever une erreur
            self.sentence = ("L'entraînement s'est arrêté sur une erreur "
                             f"({type(error).__name__}) : essayez d'autres réglages.")

    # %% Ce que learn demande
    def must_stop(self, done):
        """Attend pendant une pause ; vrai s'il faut arrêter. done : les époques faites."""
        self.share = done / self.settings["epochs"]
        if not self.running.is_set():
            self.wait()
        return self.is_over()

    def show(self, model, history):
        """Une copie du réseau, pour la page et pour le .pth, mesurée sur des images."""
        self.history = list(history)
        self.share = len(history) / self.settings["epochs"]
        model = copy.deepcopy(model)
        index = self.train_index[:1000]
        saved = {"settings": self.settings, "history": self.history, "data": self.about,
                 "train_names": [], "movements": self.movements.found,
                 "told": self.told, **measure_latents(model, self.images, index, self.settings)}
        test_index = self.test_index[:shown]
        names = [self.names[i] for i in test_index]
        view = View("", model, saved, self.images[test_index], names, len(names))
        if self.view:
            view.order = self.view.order           # les mêmes axes tout au long
            view.sheet = self.view.sheet
        self.view = view
        if len(self.codes) <= filmed:
            self.codes.append(view.mu)

    # %% Attendre, arrêter, garder
    def take_turn(self):
        """Prend sa place dans la file, et attend son tour."""
        line.join(self)
        while not self.turn.wait(0.2) and not self.is_over():
            pass

    def wait(self):
        """Pause : la place est à d'autres ; ensuite, il reprend son tour."""
        line.leave(self)
        while not self.running.wait(0.2) and not self.is_over():
            pass
        if not self.is_over():
            self.take_turn()

    def is_over(self):
        """Vrai si on a appuyé sur Arrêter, ou si la page est fermée depuis trop longtemps."""
        if not self.closing.is_set():
            self.seen = time.monotonic()
        most = class_patience if space.shared else patience
        return self.stop_asked.is_set() or time.monotonic() > self.seen + most

    def keep(self):
        """Écrit le .pth de la dernière époque finie, sous un nom que personne n'a pris."""
        if not self.history:
            self.sentence = ("Arrêté avant la fin de la première époque : rien n'est appris, "
                             "et rien n'est gardé.")
            return
        saved = dict(self.view.saved)
        epochs = len(saved["history"])
        # les bouts des tranches du test, si semblables à ce qui est appris, comptent avec
        tests = set(self.test_index.tolist())
        saved["train_names"] = [name for i, name in enumerate(self.names) if i not in tests]
        self.judge()
        try:
            with writing:
                path = free_path(self.folder, file_stem(self.settings, self.about, epochs))
                saved["settings"] = self.settings | {"model_name": path.stem}
                save_model(path, self.view.model, saved)
            self.path = path
        except OSError as error:
            self.sentence = f"Impossible d'écrire le modèle ({why_not_written(error)})."

    def judge(self):
        """Chaque mouvement a-t-il son curseur ? Sur des images de test, comme train_VAE.py."""
        mu = encode_images(self.view.model, self.images, self.settings["task"])[0]
        shares = self.movements.shares(mu, self.train_index, self.test_index)
        for k, share in shares.items():
            words = f"Mouvement {k} : z{k} prend {100 * share:.0f} % de ce qui change."
            if share <= 0.5:
                words += " Il ne le suit pas bien : refaites-le plus grand, sans bouger le reste."
            self.told.append(words)
