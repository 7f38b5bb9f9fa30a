"""Le tableau du professeur : qui est là, qui entraîne, qui attend, et de quoi l'arrêter.

Il n'y a ici ni nom d'élève ni image : chaque espace a un surnom (page/nickname.py), que
l'élève lit aussi dans sa page.
"""
import shutil
import time

import streamlit as st

from page import space
from page.following import describe
from page.limits import count_bytes, count_files
from page.line import line
from page.naming import name_model
from page.nickname import find_nickname
from page.parts import part
from page.training import stop_all, visits
from page.words import comma, count_words, plain

widths = [2, 2.8, 2.6, 1.2, 1.6]       # d'un espace : surnom, travail, contenu, deux boutons


def takes_the_page():
    """Vrai si le tableau est dessiné à la place de la page : c'est le professeur qui vient."""
    if space.name() != space.teacher:
        return False
    title, switch = st.columns([3, 1], vertical_alignment="center")
    if switch.toggle("Voir la page d'un élève", key="pupil", persist_state="session"):
        space.recorded().mkdir(parents=True, exist_ok=True)    # il a aussi un espace
        return False
    title.html('<h1 class="vae-title">Le tableau du professeur</h1>')
    part(draw_board, 2)()
    return True


def draw_board():
    """Tout le tableau, redessiné seul toutes les deux secondes."""
    names = list_spaces()
    trainings = {name: visits[name] for name in [*names, space.teacher]
                 if name in visits and visits[name].is_alive()}
    draw_counts(names, trainings)
    draw_gestures(trainings)
    if not names:
        st.info("Personne n'est encore entré : l'adresse et le code sont sur l'affiche.")
    with st.container(gap="xsmall"):
        for name in names:
            draw_space(name, trainings.get(name))
    draw_shown([*names, space.teacher])


def list_spaces():
    """Les espaces des élèves, dans l'ordre de leur arrivée."""
    names = [path.parent.name for path in space.spaces.glob("*/images")]
    return sorted([name for name in names if name != space.teacher], key=find_arrival)


def find_arrival(name):
    """Quand cet espace a reçu son surnom : à la première page ouverte."""
    find_nickname(name)
    return (space.spaces / name / "surnom.txt").stat().st_mtime


def is_here(name):
    from room import door               # seulement en classe : il y est déjà
    return door.present.get(name, 0) > 0


def draw_counts(names, trainings):
    free = shutil.disk_usage(space.spaces).free / 10**9
    waiting = [one for one in trainings.values() if line.find_place(one)]
    learning = [one for one in trainings.values() if one.turn.is_set()]
    with st.container(horizontal=True):
        st.metric("Élèves présents", f"{sum(map(is_here, names))} sur {len(names)}")
        st.metric("Entraînent", len(learning))
        st.metric("Dans la file", len(waiting))
        st.metric("Libres sur le disque", f"{free:.0f} Go")


def draw_gestures(trainings):
    """Ce qui vaut pour toute la classe."""
    with st.container(horizontal=True):
        st.button("Arrêter tous les entraînements", on_click=stop_all, disabled=not trainings)
        with st.popover("Finir l'heure"):
            st.write("Les entraînements s'arrêtent et sont gardés ; la page se ferme pour "
                     "tous. Les images et les modèles restent sur cet ordinateur, jusqu'à ce "
                     "que vous lanciez explore/effacer.py.")
            if st.button("Oui, finir l'heure", type="primary"):
                from room import door
                door.end()


# %% Un espace
def draw_space(name, training):
    """Une ligne : son surnom, ce qu'il entraîne, ce qu'il contient."""
    who, work, inside, end, delete = st.columns(widths, vertical_alignment="center")
    here = '<span class="vae-here">● </span>' if is_here(name) else "○ "
    who.html(f"{here}<b>{find_nickname(name)}</b>")
    if training:
        work.progress(training.share, describe(training))
    inside.caption(tell_inside(name))
    end.button("Arrêter", key=f"end {name}", disabled=not training, width="stretch",
               on_click=training.stop_asked.set if training else None)
    with delete.popover("Supprimer", width="stretch", key=f"ask {name}"):
        st.write(f"Tout l'espace **{find_nickname(name)}** sera effacé du disque : ses images, "
                 "ses modèles, ceux qu'il montre. Sa page se fermera dès qu'il y touchera.")
        if st.button("Oui, supprimer cet espace", type="primary", key=f"delete {name}"):
            erase(name)
            st.rerun()


def tell_inside(name):
    """Des nombres, jamais une image."""
    images, kept = space.spaces / name / "images", space.spaces / name / "modeles"
    size = sum(weigh(folder, folder.stat().st_mtime_ns)
               for folder in (images, kept) if folder.is_dir())
    since = time.strftime("%H:%M", time.localtime(find_arrival(name)))
    return (f"{count_words(count_files(images), 'image')}, "
            f"{count_words(len(list(kept.glob('*.pth'))), 'modèle')}, "
            f"{comma(size / 10**6, 1)} Mo, depuis {since}")


@st.cache_data(max_entries=200, show_spinner=False)
def weigh(folder, stamp):
    return count_bytes(folder)


def erase(name):
    """Arrête son entraînement, puis efface le dossier : son jeton n'ouvre plus rien.

    Il change d'abord de nom, d'un coup : l'élève peut être en train d'enregistrer."""
    training = visits.pop(name, None)
    if training:
        training.stop_asked.set()
        training.join(10)
    for path in space.shown.glob(f"*_{name[:6]}.pth"):
        path.unlink(missing_ok=True)
    away = space.spaces / "anciens" / name         # là où plus rien ne rouvre un espace
    away.parent.mkdir(exist_ok=True)
    (space.spaces / name).rename(away)
    shutil.rmtree(away)


# %% Ce qui est montré
def draw_shown(names):
    """Les modèles que l'on montre à la classe, et de quoi ne plus les montrer."""
    rows = [(path, name) for name in names for path in space.shown.glob(f"*_{name[:6]}.pth")]
    if rows:
        st.markdown("**Montrés à la classe**")
    for path, name in rows:
        words, button = st.columns([sum(widths[:-2]), sum(widths[-2:])],
                                   vertical_alignment="center")
        words.markdown(f"{find_nickname(name)} : {plain(name_model(path.stem))}")
        button.button("Ne plus le montrer", key=f"hide {path.name}", on_click=path.unlink,
                      args=(True,), width="stretch")
