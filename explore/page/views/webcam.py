"""L'onglet Webcam : ce que la caméra voit, et ce que le réseau en redessine, en direct."""
import streamlit as st
import torch

from page.kit import name_axis, read_image, spoil, stop
from page.parts import component
from page.pictures import read_uri, to_uri
from page.state import state

show_live = component("live", """
<div class="direct">
  <button type="button">Démarrer la webcam</button> <span role="status"></span>
  <div class="paire">
    <figure>
      <img class="vue" alt="Ce que le réseau reçoit"><figcaption>ce qu'il reçoit</figcaption>
    </figure>
    <figure>
      <img class="redite" alt="Ce que le réseau en redessine">
      <figcaption>ce qu'il en redessine</figcaption>
    </figure>
    <div class="nombres" role="img" aria-label="Les nombres du code"></div>
  </div>
  <video muted playsinline hidden></video>
</div>""", "camera.js", "live.js")


@torch.no_grad()
def draw(view):
    """Répond à une image de la caméra par sa reconstruction, et ainsi de suite."""
    size = view.saved["settings"]["images_size"]
    frame = (state.get("live") or {}).get("frame")
    names = [name_axis(view.saved, i) for i in view.order]
    data = {"side": size, "asked": 0, "names": names}
    if frame:
        pixels, reason = read_image(read_uri(frame["picture"]), size)
        if reason:
            stop(f"Image de la webcam illisible : {reason}.")
        image = torch.tensor(pixels)[None] / 255
        inputs = spoil(image, view.saved["settings"]["task"])
        mu = view.model.encode(inputs)[0]
        output = view.model.decode(mu)[0]
        values = (mu[0] - view.saved["z_mean"]) / view.saved["z_spread"]
        data |= {"asked": frame["asked"], "seen": to_uri(inputs[0]), "drawn": to_uri(output),
                 "values": values[view.order].tolist()}
    show_live(key="live", data=data, on_frame_change=lambda: None)
    st.caption("Ce réseau ne connaît que les images qu'il a apprises : il vous redessine avec "
               "elles. Chaque barre est un nombre du code, du milieu (la moyenne) à 3 écarts-types "
               "de chaque côté. Rien n'est enregistré.")
