"""La file : les entraînements passent à leur tour, le premier arrivé d'abord.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Trente à la fois n'avanceraient pas, et figeraient la page de tous. Un cœur lui reste donc.
Les autres voient leur place et une durée, calculée sur la vitesse mesurée ici.
"""
import math
import os
import threading
import time
from collections import deque

places = max(1, (os.cpu_count() or 1) - 1)         # entraînements à la fois
usual_pace = 0.0015    # secondes par image vue, tant que rien n'est mesuré


def count_work(count, settings):
    """Ce qu'il y a à faire, en images de 64 x 64 vues : plus grandes, elles comptent plus."""
    picture = 0.3 + 0.7 * (settings["images_size"] / 64)**2
    if settings["decoder"] == "broadcast":
        picture *= 1.6
    steps = math.ceil(count / settings["batch_size"])
    return settings["epochs"] * (count * picture + 5 * steps)      # un pas : 5 images


class Line:
    """Ceux qui travaillent et ceux qui attendent.

    Chacun a amount (ce qu'il a à faire), share (la part faite, de 0 à 1) et turn (un
    signal, levé quand c'est son tour)."""

    def __init__(self, places, clock=time.monotonic):
        self.places = places
        self.clock = clock
        self.waiting = []
        self.turns = {}                            # {qui travaille: (depuis quand, sa part)}
        self.measured = deque(maxlen=10)           # les derniers tours : (secondes, travail)
        self.lock = threading.RLock()

    def join(self, work):
        """Se met au bout de la file, s'il n'y est pas déjà."""
        with self.lock:
            if work not in self.waiting and work not in self.turns:
                self.waiting.append(work)
            self.call()

    def leave(self, work):
        """Quitte la file, ou rend sa place : fini, arrêté ou en pause."""
        with self.lock:
            if work in self.waiting:
                self.waiting.remove(work)
            if work in self.turns:
                seconds, done = self.measure(work)
                if done:
                    self.measured.append((seconds, done))
                del self.turns[work]
            work.turn.clear()
            self.call()

    def call(self):
        """Appelle les premiers, tant qu'il y a de la place."""
        while self.waiting and len(self.turns) < self.places:
            work = self.waiting.pop(0)
            self.turns[work] = self.clock(), work.share
            work.turn.set()

    # %% Ce qu'on annonce
    def find_place(self, work):
        """1 pour le prochain ; 0 s'il n'attend pas."""
        with self.lock:
            return self.waiting.index(work) + 1 if work in self.waiting else 0

    def find_wait(self, work):
        """Dans combien de secondes viendra son tour."""
        with self.lock:
            ends = [self.find_left(other) for other in self.turns]   # quand chacun finira
            for other in self.waiting:
                start = min(ends)
                if other is work:
                    return start
                ends.remove(start)
                ends.append(start + self.find_left(other))
        return 0

    def find_left(self, work):
        """Combien de secondes de travail il lui reste."""
        with self.lock:
            whole = work.amount * self.find_pace()
            if work in self.turns:
                seconds, done = self.measure(work)
                if done:                           # sa propre vitesse, dès qu'on la connaît
                    whole = seconds / done * work.amount
        return whole * (1 - work.share)

    def find_pace(self):
        """Secondes par image vue : celle des derniers tours, et de ceux en cours."""
        measures = [*self.measured, *map(self.measure, self.turns)]
        seconds = sum(seconds for seconds, done in measures)
        done = sum(done for seconds, done in measures)
        return seconds / done if done else usual_pace

    def measure(self, work):
        """Les secondes de son tour, et le travail fait ; 0 et 0 au début, qui est plus lent."""
        start, share = self.turns[work]
        seconds, done = self.clock() - start, work.share - share
        if done < 0.1 and seconds < 5 or done == 0:
            return 0, 0
        return seconds, done * work.amount


line = Line(places)


def tell_place(place, seconds):
    """La place et la durée, arrondies comme on les dirait."""
    moment = f"{max(5, 5 * round(seconds / 5))} s"
    if seconds >= 150:
        moment = f"{seconds / 60:.0f} min"
    return f"place {place} dans la file : votre tour dans {moment} environ"
