"""Le nom d'un espace, pour en parler sans dire celui de personne : « loutre bleue ».

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
L'élève le voit dans sa page, le professeur sur son tableau. Il est tiré du nom de l'espace,
puis gardé dans son dossier : il ne change plus, même quand d'autres arrivent.
"""
import threading

from page import space
from page.kit import write_whole

animals = ("abeille", "antilope", "belette", "chouette", "cigale", "cigogne", "coccinelle",
           "fourmi", "gazelle", "girafe", "grenouille", "hermine", "hirondelle", "libellule",
           "lionne", "loutre", "luciole", "marmotte", "mésange", "mouette", "otarie", "panthère",
           "souris", "tortue")
colors = ("argentée", "blanche", "bleue", "dorée", "grise", "jaune", "orange", "rose", "rouge",
          "turquoise", "verte", "violette")
all_words = [f"{animal} {color}" for color in colors for animal in animals]
choosing = threading.Lock()


def find_nickname(name):
    """Celui de cet espace ; la première fois, un que personne n'a."""
    if name == space.teacher:
        return name
    path = space.spaces / name / "surnom.txt"
    with choosing:
        if not path.exists():
            write_whole(path, choose(name).encode())
    return path.read_text("utf-8")


def choose(name):
    """Le premier libre, à partir de celui que donne le nom de l'espace."""
    taken = [path.read_text("utf-8") for path in space.spaces.glob("*/surnom.txt")]
    start = int(name, 16) % len(all_words)
    for words in all_words[start:] + all_words[:start]:
        if words not in taken:
            return words
    return name
