"""La page : la même leçon que les quatre scripts, dans un navigateur, sans toucher au code.

Lancer  : streamlit run explore/app_VAE.py, dans le dossier du kit.
Lit     : les images de démonstration, le dossier images/, des fichiers déposés dans la page, MNIST ou CIFAR-10.
Écrit   : explore/models/ (les modèles, que decode_VAE.py ouvre aussi) et explore/data/ (MNIST et CIFAR-10, si on les demande).
Rien ne quitte cet ordinateur, et lui seul voit la page (voir README.md pour l'ouvrir à la classe).
"""
import math
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")          # avant torch : un cœur par entraînement, plusieurs élèves entraînent à la fois
import numpy as np
import pandas as pd
import streamlit as st
import torch
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

import laboratory as lab                   # en premier : il dit à Python où est le dossier du kit

import app_data
import app_display as show
import app_training
import train_VAE
from app_lesson import lesson
from interpolation import interpolate
from model_VAE_64 import encode_images, load_model, read_image, spoil
from record_images import check
from train_VAE import evaluate, reconstruct, split

here = Path(__file__).resolve().parent
folders = {"Créatures (démonstration)": here.parent / "images" / "demo", "Dossier images/": here.parent / "images"}
uploads = "Mes fichiers"
first = ["beta", "reconstruction", "latent_size", "epochs"]                            # les réglages toujours visibles, puis les autres
others = ["independent_axes", "decoder", "task", "batch_size", "learning_rate", "images_size", "test_data_proportion", "augmentation",
          "kl_warmup"]
state = st.session_state


# %% Les images
class Data(NamedTuple):
    """Les images choisies dans la page ; load les lit (une fois) à la taille voulue."""
    source: str
    count: int
    stamp: object
    files: list

    def load(self, size):
        return load(self.source, size, self.count, self.stamp, self.files)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Lecture des images…")
def load(source, size, count, stamp, _files):
    """Les images, leurs noms (depuis images/ pour les dossiers) et celles qui sont écartées, avec la raison."""
    if source == uploads:
        return app_data.read_uploads(_files, size)
    if source in app_data.sets:
        return app_data.read_set(source, here / "data", count, size)
    images, names, reasons = app_data.read_folder(folders[source], size)
    return images, [(folders[source] / name).relative_to(here.parent / "images").as_posix() for name in names], reasons


def choose_data():
    """Le choix des images, et ce qu'on en voit ; None s'il n'y en a pas encore."""
    source = st.selectbox("**Images**", [*folders, uploads, *app_data.sets], key="source")
    count, stamp, files = 0, None, []
    if source == uploads:
        files = st.file_uploader("Des images, ou un zip qui en contient. Elles ne quittent pas l'ordinateur qui sert cette page.",
                                 [*app_data.extensions, ".zip"], accept_multiple_files=True, key="files")
        stamp = tuple(file.file_id for file in files)
        if not files:
            return None
    elif source in app_data.sets:
        count = st.number_input("Combien d'images (plus il y en a, plus c'est long)", 100, 20_000, 3000, 500, key="count")
        if not app_data.is_downloaded(source, here / "data"):
            st.caption(f"{source} n'est pas encore sur cet ordinateur : {app_data.sets[source][0]} à télécharger, une seule fois.")
            if not st.button(f"Télécharger {source}"):
                return None
            with st.spinner(f"Téléchargement de {source}…"):
                app_data.open_set(source, here / "data", download=True)
    else:
        stamp = app_data.folder_stamp(folders[source])
    data = Data(source, count, stamp, files)
    show_data(*data.load(state.get("images_size", train_VAE.images_size)))
    return data


def show_data(images, names, reasons):
    """Combien d'images, quelques-unes, et celles qui sont écartées."""
    if all(name.startswith("demo/") for name in names) and state.source == "Dossier images/":
        st.caption("Pas encore d'images à vous dans images/ : voici celles de démonstration.")
    st.caption(f"{len(names)} images")
    show.gallery([image / 255 for image in images[::max(1, len(images) // 5)][:5]], side=40)
    if reasons:
        with st.expander(f"{len(reasons)} écartées"):
            st.text("\n".join(f"{name} : {reason}" for name, reason in list(reasons.items())[:50]))


# %% Les réglages
zone = dict(re.findall(r"(?m)^(\w+) = .*?\s+#\*\*\* (.*)$", Path(train_VAE.__file__).read_text("utf-8")))     # {nom: aide}


def ask(name, kind):
    """Un réglage de la zone *** : son aide, ce qu'il accepte et son départ (si la sorte n'en décide pas) viennent de train_VAE.py."""
    allowed, label = train_VAE.allowed[name], f"**{name}** : {zone[name]}"
    start = app_training.kinds[kind].get(name, getattr(train_VAE, name))
    key = f"{name} {kind}" if name in app_training.kinds[kind] else name      # une autre sorte : un autre réglage, avec son départ à lui
    if allowed == (True, False):
        return st.toggle(label, start, key=key)
    if isinstance(allowed, tuple):
        return st.selectbox(label, allowed, allowed.index(start), key=key)
    if isinstance(allowed[0], int):
        return st.number_input(label, *allowed, start, key=key)
    value = st.number_input(label, *allowed, float(start), 0.001 if allowed[1] < 0.5 else 0.1 if allowed[1] < 1 else 1.0, "%g", key=key)
    return int(value) if value == int(value) else value


@show.part
def choose_settings(data):
    """Les réglages, le bouton Entraîner et le bloc à coller dans train_VAE.py."""
    kind = st.radio("**Sorte**", list(app_training.kinds), 1, key="kind", horizontal=True)
    top = st.container()
    settings = {name: ask(name, kind) for name in first}
    with st.expander("Plus de réglages"):
        settings |= {name: ask(name, kind) for name in others}
    for name, value in settings.items():
        check(name, value, train_VAE.allowed[name])
    if top.button("Entraîner", type="primary", disabled=not data or bool(state.get("training")), width="stretch"):
        rest = {name: getattr(train_VAE, name) for name in train_VAE.allowed}
        start_training(rest | settings | {"show_window": False, "go_on": False, "film": False}, data)
        st.rerun()
    if app_training.name_kind(settings) != kind:
        top.caption(f"Avec ces réglages, c'est un {app_training.name_kind(settings)}.")
    with st.expander("Le bloc à coller dans train_VAE.py"):
        lines = [(f"{name} = {settings[name]!r}".replace("'", '"'), help) for name, help in zone.items() if name in settings]
        st.code("\n".join(f"{line:<30}#*** {help}" for line, help in lines), wrap_lines=True)


# %% L'entraînement
def start_training(settings, data):
    """Lance l'entraînement à côté de la page, ou ouvre le modèle s'il existe déjà."""
    images, names, reasons = data.load(settings["images_size"])
    about = {"source": data.source, "fingerprint": app_data.fingerprint(images, names)}
    stem = app_training.file_stem(settings, about, settings["epochs"])
    if (here / "models" / f"{stem}.pth").exists():
        state.opened, state.sentence = stem, "Ce modèle existe déjà (mêmes réglages, mêmes images) : le voici, sans réentraîner."
        return
    session, runtime = get_script_run_ctx().session_id, get_instance()
    state.training = app_training.Training(settings, images, names, about, here / "models", lambda: runtime.is_active_session(session))
    state.training.start()


def follow_training():
    """La barre de progression et Arrêter ; à la fin, la page s'ouvre sur le nouveau modèle."""
    training = state.get("training")
    if not training:
        return
    if not training.is_alive():
        state.training, state.sentence = None, training.sentence
        state.opened = training.path.stem if training.path else None
        st.rerun()
    epochs, left = training.settings["epochs"], training.seconds_left()
    words = f"{app_training.name_kind(training.settings)} : époque {min(epochs, len(training.history) + 1)} sur {epochs}"
    st.progress(training.share, words + (f", encore {left:.0f} s" if left else ", départ…"))
    st.button("Arrêter", on_click=training.stop_asked.set, help="Arrête tout de suite, et garde ce qui est appris.",
              disabled=training.stop_asked.is_set())


def draw_training(view):
    """Les courbes et les reconstructions : celles de l'entraînement en cours, sinon celles du modèle ouvert."""
    training = state.get("training")
    history = training.history if training else view.saved.get("history", []) if view else []
    rows = training.rows if training else reconstruct(view.model, view.images, torch.arange(min(8, view.tests)), view.saved["settings"]["task"])
    if history:
        show.draw_curves(history)
        names = ("perte", "erreur", "KL", "perte de test", "erreur de test", "KL de test")
        st.caption(f"Époque {len(history)} : " + ", ".join(f"{name} {value:.5g}" for name, value in zip(names, history[-1])))
    st.markdown("**Des images jamais apprises**, et dessous ce que le réseau en redessine"
                + (" (avant d'apprendre)" if training and not history else ""))
    show.gallery(list(zip(*rows.values())), most=900)


# %% Le modèle ouvert
class View(NamedTuple):
    """Un modèle et les images de la page : au plus 600, en octets, d'abord les images de test (tests), et leurs codes."""
    name: str
    model: object
    saved: dict
    images: torch.Tensor
    names: list
    tests: int
    codes: torch.Tensor


def list_models():
    """Les noms des modèles gardés, le plus récent d'abord."""
    paths = sorted((here / "models").glob("*.pth"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.stem for path in paths]


@st.cache_resource(max_entries=30, show_spinner=False)
def open_file(path, stamp):
    return load_model(path)


def open_model(stem):
    """Le réseau et ce que contient son fichier, relus si le fichier a changé."""
    path = here / "models" / f"{stem}.pth"
    return open_file(path, path.stat().st_mtime if path.exists() else 0)


@st.cache_resource(max_entries=30, show_spinner="Le réseau regarde les images…")
def look(stem, stamp, source, count, data_stamp, _data):
    """Le modèle devant les images de la page ; les autres paramètres disent quand il faut regarder de nouveau."""
    model, saved = open_model(stem)
    images, names, reasons = _data.load(saved["settings"]["images_size"])
    test_index, train_index = split(names, saved["settings"]["test_data_proportion"], set(saved["train_names"]))
    index = torch.cat([test_index, train_index])[:600]
    codes = encode_images(model, images[index], saved["settings"]["task"])[0]
    return View(stem, model, saved, images[index], [names[i] for i in index], min(len(test_index), 600), codes)


def view_model(stem, data):
    path = here / "models" / f"{stem}.pth"
    return look(stem, path.stat().st_mtime if path.exists() else 0, *data[:3], data)


def name_model(stem):
    """Un nom pour une liste : la sorte, les réglages qui ne sont pas ceux de départ, les images, les époques, l'heure."""
    try:
        saved = open_model(stem)[1]
    except SystemExit:
        return f"{stem} (illisible)"
    settings = saved["settings"]
    changed = [f"{name} {settings[name]}" for name in first + others if name != "epochs" and settings[name] != getattr(train_VAE, name)]
    epochs, source = len(saved["losses"]), saved.get("data", {}).get("source", "train_VAE.py")
    moment = time.strftime("%H:%M", time.localtime((here / "models" / f"{stem}.pth").stat().st_mtime))
    words = " · ".join([app_training.name_kind(settings), *changed, source, f"{epochs} époque{'s' * (epochs > 1)}", moment])
    return re.sub(r"[^\w .:·()/-]", "", words)         # un .pth venu d'ailleurs pourrait glisser ici un lien ou une image


def choose_model():
    """La liste des modèles gardés ; le nom de celui qu'on regarde, ou None."""
    models = list_models()
    if state.get("opened") in models:
        state.model = state.pop("opened")
        state.compared = [*state.get("compared", models[1:4]), state.model]
    if state.get("sentence"):
        st.info(state.pop("sentence"))
    if state.get("model") not in models:
        state.pop("model", None)
    return st.selectbox("**Modèle ouvert**", models, format_func=name_model, key="model") if models else None


# %% Les onglets
def reconstructions(view):
    """Des images jamais apprises, leurs reconstructions, et l'erreur de chacune."""
    rows = reconstruct(view.model, view.images, torch.arange(min(200, view.tests)), view.saved["settings"]["task"])
    target = view.images[:len(rows["sortie"])] / 255
    errors = (rows["sortie"] - target).square().mean((1, 2, 3))
    mean_error = (view.model.mean_image - target).square().mean()
    st.markdown(f"Erreur (moyenne des carrés des écarts) sur {len(errors)} images jamais apprises : **{errors.mean():.5f}**. "
                f"En répondant toujours l'image moyenne : {mean_error:.5f}.")
    order = st.radio("Lesquelles montrer ?", ["dans l'ordre", "les mieux redessinées", "les moins bien redessinées"], horizontal=True, key="order")
    index = errors.argsort(descending=order.startswith("les moins")) if order.startswith("les") else torch.arange(len(errors))
    st.caption("De haut en bas : " + ", ".join(rows) + ", et l'erreur.")
    show.gallery([[row[i] for row in rows.values()] for i in index[:24]], [f"{errors[i]:.4f}" for i in index[:24]])


def start_from(view, code, shown=()):
    """Les curseurs partiront de ce code ; shown : ce que le réseau a reçu, à montrer à côté."""
    state.start = {"model": view.name, "turn": str(random.random()), "code": code, "shown": shown}


def start_from_image(view, image):
    """Le réseau regarde une image (3, H, W) de 0 à 1, et les curseurs prennent son code."""
    with torch.no_grad():
        inputs = spoil(image[None], view.saved["settings"]["task"])
        start_from(view, view.model.encode(inputs)[0][0], [inputs[0]])


def sliders(view):
    """Un départ au choix (image moyenne, hasard, image du jeu, photo), puis les curseurs."""
    saved = view.saved
    if state.get("start", {}).get("model") != view.name:
        start_from(view, saved["z_mean"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Image moyenne", on_click=start_from, args=(view, saved["z_mean"]))
        st.button("Image au hasard", on_click=lambda: start_from(view, draw_codes(view, 1)[0]))
        st.button("Une image du jeu", on_click=lambda: start_from_image(view, view.images[random.randrange(view.tests)] / 255))
        photo = st.toggle("Une photo", key="photo")
    if photo:
        shot = st.camera_input("Le réseau regardera le carré du centre. La photo n'est pas gardée.", key="camera", width=360)
        if shot and state.get("shot") != shot.file_id:
            state.shot = shot.file_id
            pixels, reason = read_image(shot, saved["settings"]["images_size"])
            if reason:
                sys.exit(f"Photo illisible : {reason}.")
            start_from_image(view, torch.tensor(pixels) / 255)
    if state.start["shown"]:
        st.caption("Ce que le réseau a reçu ; dessous, ce qu'il en redessine.")
        show.gallery(state.start["shown"], side=96, most=96)
    draw_sliders(view)


@show.part
def draw_sliders(view):
    """L'image décodée et un curseur par latent, du plus important au moins important, de -3 à +3 écarts-types."""
    saved, start = view.saved, state.start
    mean, spread, order = saved["z_mean"], saved["z_spread"], saved["importance"].argsort(descending=True)
    moved = (state.get("curseurs") or {}).get("codes") or {}
    if moved.get("turn") == start["turn"]:
        code = mean.clone()
        code[order] += spread[order] * torch.tensor(moved["values"])
    else:
        code = start["code"]
    with torch.no_grad():
        picture = view.model.decode(code[None])[0]
    unit = "bits" if saved["settings"]["beta"] else "%"
    show.decoder(key="curseurs", on_codes_change=lambda: None, data={
        "turn": start["turn"], "asked": moved.get("asked"), "picture": show.to_uri(picture),
        "middle": mean[order].tolist(), "spread": spread[order].tolist(),
        "labels": [f"z{i + 1} ({saved['importance'][i]:.1f} {unit})" for i in order], "values": ((code - mean) / spread)[order].tolist()})


def map_2d(view):
    """À gauche ce que le réseau dessine en chaque endroit du plan, à droite les images à la place de leur code."""
    import map_2D                          # importé ici seulement : scikit-learn met deux secondes à se charger
    live, labels = lab.live_latents(view.saved), lab.folder_labels(view.names)
    plane = st.radio("Le plan", ["les deux latents les plus importants", "les deux axes principaux du nuage"], horizontal=True, key="plane")
    directions, axis_names = map_2D.choose_plane("latents" if "latents" in plane else "principal", view.codes, view.saved, live)
    points = ((view.codes - view.saved["z_mean"]) @ torch.linalg.pinv(directions)).numpy()
    if len(directions) == 1:
        st.caption("Un seul latent vivant : la hauteur est tirée au hasard, elle ne veut rien dire.")
        points = np.column_stack([points, np.random.default_rng(0).uniform(-3, 3, len(points))])
        axis_names.append("hauteur au hasard")
    legend, limit = lab.folder_colors(labels), 3.3
    chosen = map_2D.choose_apart(points, limit / 14, 3)
    left, right = st.columns(2)
    with left:
        st.markdown("**Ce que le réseau dessine** à chaque endroit")
        decoded = map_2D.decode_grid(view.model, view.saved["z_mean"], directions, 3, 11)
        show.gallery([torch.cat([torch.cat(list(row), dim=2) for row in decoded], dim=1)], side=280, most=560)
    with right:
        st.markdown("**Les images**, à la place de leur code")
        show.draw_map(points[chosen], [view.images[i] / 255 for i in chosen], [view.names[i] for i in chosen],
                      [legend.get(labels[i], "transparent") if legend else "transparent" for i in chosen], limit)
        show.draw_legend(legend)
    st.caption(f"De gauche à droite : {axis_names[0]}, de bas en haut : {axis_names[-1]}, de -3 à +3 écarts-types. {len(chosen)} images placées sur "
               f"{len(points)} : les autres les recouvriraient, ou sortent du cadre.")


def draw_codes(view, count):
    """Des codes au hasard : selon N(0, 1), ou autour des codes mesurés pour un auto-encodeur, comme dans decode_VAE.py."""
    noise = torch.randn(count, len(view.saved["z_mean"]))
    return noise if view.saved["settings"]["beta"] else view.saved["z_mean"] + view.saved["z_spread"] * noise


def samples(view):
    """Des images que personne n'a dessinées : des codes au hasard, décodés."""
    st.markdown("Aucune de ces images n'existe : le décodeur a reçu des codes tirés au hasard selon N(0, 1)."
                if view.saved["settings"]["beta"] else "Auto-encodeur simple : rien n'a rapproché ses codes de N(0, 1). "
                "Ceux-ci sont tirés autour des codes de ses images ; certains tombent dans un trou.")
    st.button("D'autres images", key="again")
    with torch.no_grad():
        show.gallery(list(view.model.decode(draw_codes(view, 32))))


def interpolation(view):
    """Le chemin d'une image à une autre, par les codes, puis par les pixels."""
    left, right = st.columns(2)
    count = len(view.images)
    pair = [left.number_input("Image A, numéro", 1, count, 1, key="A") - 1,
            right.number_input("Image B, numéro", 1, count, min(count, 2), key="B") - 1]
    st.button("Deux autres images au hasard", on_click=lambda: state.update(A=random.randint(1, count), B=random.randint(1, count)))
    by_codes, by_pixels = interpolate(view.model, view.images, view.codes, pair, 9)
    captions = ["image A", *[f"{12.5 * step:.0f} %" for step in range(9)], "image B"]
    st.markdown("**Par les codes** : le réseau transforme A en B.")
    show.gallery(list(by_codes), captions, side=72)
    st.markdown("**Par les pixels** : un simple fondu superpose A et B.")
    show.gallery(list(by_pixels), captions, side=72)


# %% Comparer, garder
def measure(view, letter, index, data):
    """Une ligne du tableau : les réglages du modèle et ses mesures sur les images index."""
    images, settings = data.load(view.saved["settings"]["images_size"])[0], view.saved["settings"]
    rows = reconstruct(view.model, images, index, settings["task"])
    kl = evaluate(view.model, images, index, settings)[2] / math.log(2)
    return rows, {"modèle": letter, "réglages": name_model(view.name), "erreur": (rows["sortie"] - images[index] / 255).square().mean().item(),
                  "KL (bits)": kl if settings["beta"] else None,
                  "latents vivants": f"{(view.saved['importance'] > 0.1).sum()} sur {settings['latent_size']}"}


@show.part
def compare(data):
    """Plusieurs modèles devant les mêmes images, qu'aucun d'eux n'a apprises s'il en reste."""
    models = [stem for stem in list_models() if not name_model(stem).endswith("(illisible)")]
    state.compared = [stem for stem in dict.fromkeys(state.get("compared", models[:4])) if stem in models][-6:]
    chosen = st.multiselect("Modèles à comparer", models, format_func=name_model, key="compared", max_selections=6,
                            placeholder="Choisissez des modèles")
    if len(chosen) < 2 or not data:
        st.info("Choisissez des images, et au moins deux modèles. Entraînez-en d'autres sortes, sur les mêmes images, pour voir ce qui change.")
        return
    views = [view_model(stem, data) for stem in chosen]
    learned = set().union(*(view.saved["train_names"] for view in views))
    images, names, reasons = data.load(views[0].saved["settings"]["images_size"])
    index = split(names, 0.1, learned)[0][:200]
    rows, table = zip(*(measure(view, letter, index, data) for view, letter in zip(views, "ABCDEF")))
    words = [{"erreur": f"{row['erreur']:.5f}", "KL (bits)": f"{row['KL (bits)']:.1f}" if row["KL (bits)"] is not None else "sans objet"}
             for row in table]
    st.table(pd.DataFrame([row | word for row, word in zip(table, words)]).set_index("modèle"))
    st.caption(f"Erreur : moyenne des carrés des écarts, sur les mêmes {len(index)} images. KL et latents vivants : voir Comprendre.")
    measured = [row for row in table if row["KL (bits)"] is not None]
    if len(measured) > 1:
        show.draw_balance(measured)
    st.markdown("**Les vraies images**")
    show.gallery(list(images[index[:10]] / 255), side=64)
    for row, line, view in zip(rows, table, views):
        with torch.no_grad():
            invented = view.model.decode(draw_codes(view, 10))
        st.markdown(f"**{line['modèle']}** · {line['réglages']}. En haut ce qu'il en redessine, en bas des images au hasard.")
        show.gallery(list(zip(row["sortie"][:10], invented)), side=64)


@show.part
def keep(stem):
    """Le modèle ouvert : le télécharger, le supprimer ; et ouvrir un .pth venu d'ailleurs."""
    if stem:
        path = here / "models" / f"{stem}.pth"
        st.markdown(f"**{name_model(stem)}** est dans `explore/models/{path.name}`. Copié à côté de decode_VAE.py, il s'y ouvre "
                    f'avec `model_name = "{stem}"`.')
        with st.container(horizontal=True):
            st.download_button("Télécharger le .pth", path.read_bytes(), path.name, "application/octet-stream", on_click="ignore")
            with st.popover("Supprimer"):
                st.markdown("Le fichier sera effacé du disque, pour tout le monde.")
                if st.button("Oui, supprimer ce modèle"):
                    path.unlink(missing_ok=True)
                    st.rerun()
    file = st.file_uploader("Ouvrir un modèle .pth (fait par train_VAE.py, ou par cette page ailleurs)", ".pth", key="foreign")
    if file and state.get("received") != file.file_id:
        state.received, state.opened = file.file_id, app_training.receive(file.name, file.getvalue(), here / "models")
        st.rerun()


# %% La page
def page():
    """À gauche les images et les réglages ; à droite le modèle ouvert, l'entraînement en cours et les onglets."""
    st.set_page_config(page_title="VAE : apprendre sans professeur", page_icon="🎨", layout="wide")
    st.html(show.style)
    with st.sidebar:
        data = show.careful(choose_data)()
        choose_settings(data)
    st.subheader("VAE : apprendre sans professeur", anchor=False)
    stem = choose_model()
    running = 1 if state.get("training") else None
    show.part(follow_training, running)()
    view = show.careful(view_model)(stem, data) if stem and data else None
    if not data:
        st.info("Choisissez des images dans le panneau de gauche (sur un téléphone, ouvrez-le avec » en haut à gauche).")
    elif not stem and not running:
        st.info("Dans le panneau de gauche (sur un téléphone : » en haut à gauche), choisissez une sorte, puis Entraîner. "
                "En attendant, l'onglet Comprendre explique ce qui va se passer.")
    draw_tabs(stem, view, data, running)


def draw_tabs(stem, view, data, running):
    """Les onglets ; running : toutes les combien de secondes redessiner l'entraînement, ou None."""
    views = {"Entraînement": draw_training, "Reconstructions": reconstructions, "Curseurs": sliders, "Carte": map_2d, "Hasard": samples,
             "Interpolation": interpolation}
    *tabs, last_but_two, last_but_one, last = st.tabs([*views, "Comparer", "Modèles", "Comprendre"])
    for tab, draw in zip(tabs, views.values()):
        with tab:
            if view or draw is draw_training and running:
                show.part(draw, running if draw is draw_training else None)(view)
            else:
                st.caption("Il faut d'abord un modèle et des images.")
    with last_but_two:
        compare(data)
    with last_but_one:
        keep(stem)
    with last:
        show.part(lesson)()


show.careful(page)()
