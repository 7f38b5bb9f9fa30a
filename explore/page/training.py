"""L'entraînement, à côté de la page pour qu'elle reste utilisable, et qui le regarde.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Tout ce qui apprend est dans train_VAE.py (learn) ; ici, on suit, on arrête et on garde.
"""
import copy
import threading
import time

from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from model_VAE_64 import VAE, save_model
from page.models import View, file_stem, free_path, writing
from record_images import stop
from train_VAE import learn, measure_latents, split

patience = 30          # secondes sans page ouverte avant d'arrêter l'entraînement
shown = 200            # images de test que la page montre pendant l'entraînement
visits = {}            # {visiteur: son entraînement} : il le retrouve s'il recharge la page


class Training(threading.Thread):
    """Un entraînement en marche, et ce que la page en montre."""

    def __init__(self, settings, images, names, about):
        super().__init__(daemon=True)
        if len(names) < 10:
            stop(f"Images : {len(names)}. Il en faut au moins 10 (200 conseillées).")
        self.settings = settings
        self.images = images
        self.names = names
        self.about = about             # de quelles images il s'agit
        self.history = []              # une ligne de mesures par époque
        self.share = 0                 # ce qui est fait, de 0 à 1
        self.view = None               # le réseau tel qu'il est, devant des images de test
        self.path = None               # le .pth, une fois écrit
        self.sentence = ""             # ce que la page dira à la fin
        self.opened = False            # vrai quand la page a montré le modèle
        self.stop_asked = threading.Event()
        self.running = threading.Event()           # baissé par Pause
        self.running.set()
        self.start_time = time.monotonic()
        self.paused_time = 0
        self.seen = time.monotonic()                    # la dernière fois qu'une page le regardait
        self.watch()

    def watch(self):
        """La page de ce visiteur le regarde ; après un rechargement, c'en est une autre."""
        context = get_script_run_ctx()
        self.session = context.session_id if context else None
        self.runtime = get_instance() if context else None

    def run(self):
        test_index, train_index = split(self.names, self.settings["test_data_proportion"])
        try:
            model = VAE(self.settings["images_size"], self.settings["latent_size"],
                        self.settings["decoder"])
            model.start_from(self.images[train_index[:1000]])
            self.publish(model, train_index, test_index)
            self.follow(model, train_index, test_index)
        except SystemExit as sentence:             # une phrase du kit
            self.sentence = str(sentence)
        except Exception as error:                 # un thread n'a personne à qui lever une erreur
            self.sentence = ("L'entraînement s'est arrêté sur une erreur "
                             f"({type(error).__name__}) : essayez d'autres réglages.")
        if not self.sentence and self.history:
            self.keep(train_index)
        elif not self.sentence:
            self.sentence = ("Arrêté avant la fin de la première époque : rien n'est appris, "
                             "et rien n'est gardé.")
        self.images = None                         # rend la mémoire

    def follow(self, model, train_index, test_index):
        """Toutes les époques de train_VAE.py ; à la fin de chacune, la page en voit le réseau."""
        count = 0
        for done in learn(model, self.images, train_index, test_index, self.settings,
                          self.history):
            self.share = done / self.settings["epochs"]
            if len(self.history) > count:
                count = len(self.history)
                self.publish(model, train_index, test_index)
            self.wait()
            if self.must_stop():
                return
        if len(self.history) > count:
            self.publish(model, train_index, test_index)

    def publish(self, model, train_index, test_index):
        """Une copie du réseau, pour la page et pour le .pth, mesurée sur des images."""
        model = copy.deepcopy(model)
        index = train_index[:1000]
        saved = {"settings": self.settings, "history": list(self.history), "data": self.about,
                 "train_names": [], **measure_latents(model, self.images, index, self.settings)}
        test_index = test_index[:shown]
        names = [self.names[i] for i in test_index]
        before = self.view
        view = View("", model, saved, self.images[test_index], names, len(names))
        if before:
            view.order = before.order              # les mêmes axes tout au long
            view.sheet = before.sheet
        self.view = view

    def wait(self):
        """Pause : rien n'avance, tant que la page est ouverte."""
        start = time.monotonic()
        while not self.running.wait(0.2) and not self.must_stop():
            pass
        self.paused_time += time.monotonic() - start

    def must_stop(self):
        """Vrai si on a appuyé sur Arrêter, ou si la page est fermée depuis quelques secondes."""
        if self.is_watched():
            self.seen = time.monotonic()
        return self.stop_asked.is_set() or time.monotonic() > self.seen + patience

    def is_watched(self):
        return self.session is None or self.runtime.is_active_session(self.session)

    def keep(self, train_index):
        """Écrit le .pth de la dernière époque finie, sous un nom que personne n'a pris."""
        saved = dict(self.view.saved)
        epochs = len(saved["history"])
        saved["train_names"] = sorted(self.names[i] for i in train_index)
        try:
            with writing:
                path = free_path(file_stem(self.settings, self.about, epochs))
                saved["settings"] = self.settings | {"model_name": path.stem}
                save_model(path, self.view.model, saved)
            self.path = path
        except OSError as error:
            self.sentence = (f"Impossible d'écrire le modèle ({error.strerror}) : libérez de "
                             "la place, puis recommencez.")

    def seconds_left(self):
        worked = time.monotonic() - self.start_time - self.paused_time
        return worked * (1 / self.share - 1) if self.share else None
