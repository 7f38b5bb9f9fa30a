"""Le partage des images : celles à apprendre, et celles de test."""
import zlib

import torch

from outils.names import read_name

# une tranche de film, et à chaque bout sa marge, ni apprise ni testée ; en images, à 10
# par seconde : pendant un mouvement, l'image change plus vite
stretches = {"im": (20, 4)}
for k in range(1, 10):
    stretches[f"m{k}"] = (10, 2)


def split(names, proportion):
    """Les numéros des images à apprendre, et ceux des images de test.

    crc32, un nombre calculé sur chaque nom, décide : pour les mêmes images, le partage
    ne change jamais, et ce qui sert au test n'est jamais appris.

    Celles de record_images.py forment un film : d'une image à la suivante, presque rien
    ne change. Le test en prend donc des tranches entières, sans leurs deux bouts, qui
    ressemblent trop à ce qui est appris : eux ne servent à rien. Un sous-dossier a
    ses films à lui.
    """
    names = [name.removeprefix("demo/") for name in names]  # dans demo/ ou non
    kinds = {}                           # les images de chaque film
    for i, name in enumerate(names):
        kinds.setdefault(read_film(name)[0], []).append(i)
    others = kinds.pop("", [])
    for kind in list(kinds):
        if len(kinds[kind]) < 3 * find_stretch(kind)[0]:  # trop court, sans tranches
            others += kinds.pop(kind)
    kinds[""] = others
    train = []
    test = []
    for kind, members in kinds.items():
        groups = {}                      # ce qui va ensemble, au test ou ailleurs
        for i in members:
            group = names[i]
            if kind != "":
                group = f"{kind} {read_film(names[i])[1] // find_stretch(kind)[0]}"
            groups.setdefault(group, []).append(i)
        wanted = max(1, round(proportion * len(members)))
        count = 0
        for group in sorted(groups, key=checksum):
            middle = groups[group]
            if kind != "":
                middle = [i for i in middle if in_middle(names[i])]
            if count < wanted and middle:
                count += len(groups[group])
                test += middle
            else:
                train += groups[group]
    if not test:                         # un film dont il ne reste que des bouts
        test.append(train.pop())
    # un ordre quelconque, toujours le même : les mille premières ressemblent au reste
    order = torch.tensor([checksum(name) for name in names])
    train = torch.tensor(train)
    test = torch.tensor(test)
    return train[order[train].argsort()], test[order[test].argsort()]


def read_film(name):
    """("webcam/im", 12) pour webcam/im_0012.png ; ("", 0) hors d'un film."""
    folder, slash, file = name.rpartition("/")
    kind, number = read_name(file)
    if kind == "":
        return "", 0
    return folder + slash + kind, number


def find_stretch(kind):
    """La longueur d'une tranche de ce film ("im", "webcam/im"...), et sa marge."""
    return stretches[kind.rpartition("/")[2]]


def in_middle(name):
    """Vrai si l'image n'est pas à l'un des deux bouts de sa tranche."""
    kind, number = read_film(name)
    length, margin = find_stretch(kind)
    return margin <= number % length < length - margin


def checksum(text):
    return zlib.crc32(text.encode())
