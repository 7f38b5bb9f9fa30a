"""Le studio : mon image, son code (mu et sigma), z que l'on tire, l'image redessinée, la carte.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
Les gestes restent dans le navigateur (components/studio*.js) ; ici, le réseau répond à une
seule demande à la fois : {"image": numéro}, {"picture": webcam} ou {"z": les nombres du code}.
"""
import torch
from PIL import Image

from page.kit import (live_latents, name_axis, read_image, spoil, stop,
                      to_picture)
from page.legend import colors
from page.parts import component
from page.pictures import read_uri, to_uri, write_uri
from page.state import state

shown = 150            # images sur la carte
limit = 2.4            # la carte va de -limit à +limit, en écarts-types
steps = 11             # le fond dessiné par le réseau : steps x steps images

show_studio = component("studio", """
<div class="studio">
  <section class="entree">
    <h2>Mon image</h2>
    <div class="recue"><img class="vue" alt="L'image que reçoit le réseau">
      <div class="gestes">
        <button type="button" data-do="other">Une autre image</button>
        <button type="button" data-do="webcam">Webcam en direct</button>
        <span role="status"></span></div></div>
    <h2 class="titre-carte">La carte</h2>
    <div class="carte">
      <div class="fond" role="img"></div><svg viewBox="-1 -1 2 2" aria-hidden="true"></svg>
      <button type="button" class="point"
              aria-label="Point de la carte : flèches pour le déplacer"></button></div>
    <div class="plan">
      <select aria-label="Curseur en largeur"></select>
      <select aria-label="Curseur en hauteur"></select>
      <label><input type="checkbox"> dessinée par le réseau</label></div>
    <div class="legende"></div>
  </section>
  <section class="code">
    <h2><span class="fleche">→</span> Le code : <b>mu</b> et <b>sigma</b></h2>
    <p class="petit">Le réseau résume l'image en quelques nombres : pour chacun une valeur,
       <b>mu</b> (le curseur), et une marge, <b>sigma</b> (la bande). Bougez-les, nommez-les.</p>
    <div class="curseurs"></div>
    <div class="hasard">
      <h2><span class="fleche">→</span> <b>z</b>, tiré autour de mu</h2>
      <div class="tirage">
        <svg class="loupe" viewBox="-3.2 -3.2 6.4 6.4" role="img"
             aria-label="Les z tirés, vus à la loupe"></svg>
        <div class="gestes">
          <button type="button" class="fort" data-do="draw">Tirer z</button>
          <button type="button" data-do="flow">Sans arrêt</button>
          <label class="etirer"><span>sigma × 1</span>
            <input type="range" min="1" max="30" step="1" value="1"
                   aria-label="Multiplier sigma"></label>
          <p class="echelle petit"></p></div></div>
      <details class="prix"><summary></summary><table></table>
        <p>KL : ce que coûte chaque nombre du code, la moitié de mu² + sigma² - 1 - ln sigma².
           Plus sigma est petit, plus le nombre est précis, et plus il coûte.</p></details>
    </div>
    <p class="sans-hasard petit">Un auto-encodeur simple n'a ni sigma ni KL : le décodeur reçoit mu,
       sans hasard.</p>
  </section>
  <section class="sortie">
    <h2><span class="fleche">→</span> L'image redessinée</h2>
    <img class="redite" alt="Image décodée">
    <div class="derniers" aria-hidden="true"></div>
    <div class="gestes">
      <button type="button" data-do="back">Revenir à mon image</button>
      <button type="button" data-do="mean">Image moyenne</button>
      <button type="button" data-do="random">Au hasard</button></div>
  </section>
  <video muted playsinline hidden></video>
</div>""", "camera.js", "studio_map.js", "studio_code.js", "studio.js")


def draw(view):
    """Le studio, qui répond à la dernière demande ; le modèle entier ne part qu'une fois."""
    said = held()
    said.update(state.get("studio") or {})
    asked = last_ask(view, said)
    turn = f"{view.name} {len(view.saved['history'])}"     # change à chaque époque
    data = {"turn": turn, "asked": asked.get("asked"), **answer(view, asked)}
    if asked.get("has") != turn:
        data["base"] = {"turn": turn, **describe(view)}
    show_studio(key="studio", data=data, on_ask_change=lambda: None,
                on_names_change=lambda: None)


def held():
    """Ce que le studio a dit en dernier ; un fichier que l'on emporte le lit plus tard."""
    return state.setdefault("held", {})


def last_ask(view, said):
    """Ce que l'on a demandé à ce modèle ; sinon, sa première image."""
    asked = said.get("ask") or {}
    if asked.get("model") == view.name:
        return asked
    return {"image": 0, "asked": asked.get("asked")}       # le studio reconnaît la réponse


def describe(view):
    """Ce que le studio garde d'un modèle : ses curseurs, et ses images sur la carte."""
    saved, order = view.saved, view.order
    live = live_latents(saved) + [number - 1 for number in saved["movements"]]
    legend = find_colors(view.names[:shown])
    return {"model": view.name, "beta": view.beta, "limit": limit,
            "names": [name_axis(saved, i) for i in order],
            "dead": [i not in live for i in order],
            "middle": saved["z_mean"][order].tolist(),
            "spread": saved["z_spread"][order].tolist(),
            "codes": view.mu[:shown, order].round(decimals=3).tolist(),
            "count": len(view.images),
            "size": saved["settings"]["images_size"], "sheet": view.get_sheet(shown),
            "legend": legend,
            "frames": [legend.get(folder_of(name), "") for name in view.names[:shown]]}


@torch.no_grad()
def answer(view, asked):
    """Le code d'une image et ce qu'il redessine, ou l'image du code demandé."""
    order, (code, out) = view.order, find_code(view, asked)
    if asked.get("ground"):
        out["ground"] = draw_grid(view, [order[place] for place in asked["ground"]])
    return out | {"picture": to_uri(view.model.decode(code[None])[0])}


@torch.no_grad()
def find_code(view, asked):
    """Le code demandé ; si c'est celui d'une image, aussi ce qu'en dit l'encodeur."""
    order = view.order
    if "z" in asked and len(asked["z"]) == len(order):
        code = torch.zeros(len(order))
        code[order] = torch.tensor(asked["z"], dtype=torch.float32)
        return code, {}
    inputs = spoil(find_image(view, asked)[None], view.saved["settings"]["task"])
    mu, logvar = view.model.encode(inputs)
    return mu[0], {"seen": to_uri(inputs[0]), "mu": mu[0, order].tolist(),
                   "sigma": torch.exp(logvar[0, order] / 2).tolist()}


def find_image(view, asked):
    """Une image du dossier, ou ce que voit la webcam ; (3, H, W) de 0 à 1."""
    if "picture" not in asked:
        return view.images[asked.get("image", 0) % len(view.images)] / 255
    pixels, reason = read_image(read_uri(asked["picture"]), view.saved["settings"]["images_size"])
    if reason:
        stop(f"Image de la webcam illisible : {reason}.")
    return torch.tensor(pixels) / 255


@torch.no_grad()
def draw_grid(view, plane):
    """Ce que le réseau dessine à chaque endroit de la carte, gardé pour la fois suivante."""
    key = tuple(plane)
    if key not in view.grids:
        reach = limit * (steps - 1) / steps
        values = torch.linspace(-reach, reach, steps)
        codes = []
        for up in values.flip(0):
            for across in values:
                code = view.saved["z_mean"].clone()
                code[plane] += torch.stack([across, up]) * view.saved["z_spread"][plane]
                codes.append(code)
        pictures = view.model.decode(torch.stack(codes))
        rows = [torch.cat(list(row), dim=2) for row in pictures.split(steps)]
        sheet = to_picture(torch.cat(rows, dim=1)).resize((660, 660), Image.Resampling.BOX)
        view.grids[key] = write_uri(sheet, "JPEG")
    return view.grids[key]


def folder_of(name):
    return name.rpartition("/")[0] or "sans dossier"


def find_colors(names):
    """Une couleur par sous-dossier : {dossier: couleur} ; rien s'il y en a un, ou plus de dix."""
    folders = sorted({folder_of(name) for name in names})
    return dict(zip(folders, colors)) if 1 < len(folders) <= len(colors) else {}
