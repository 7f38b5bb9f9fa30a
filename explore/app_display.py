"""Ce que montre la page app_VAE.py : des images, des courbes, des curseurs, dans le thème clair comme dans le sombre.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py dans le dossier du kit.
"""
import base64
import functools
import html
import io
import traceback

import altair as alt
import pandas as pd
import streamlit as st

from laboratory import colors
from model_VAE_64 import to_picture

style = """<style>
.vae-images { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--side), 1fr)); gap: 10px; max-width: var(--most) }
.vae-images figure { margin: 0 } .vae-images img { width: 100%; display: block; border-radius: 4px; margin-bottom: 3px }
.vae-images figcaption { font-size: .8rem; line-height: 1.2; text-align: center; opacity: .8; overflow-wrap: anywhere }
.vae-map { position: relative; aspect-ratio: 1; max-width: 560px; border: 1px solid rgba(128, 128, 128, .4); border-radius: 4px; overflow: hidden }
.vae-map img { position: absolute; width: 6.6%; transform: translate(-50%, 50%); border: 2px solid; border-radius: 3px }
.vae-map img:hover { width: 20%; z-index: 1 }
.vae-legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .9rem }
[data-testid=stStatusWidget], [data-testid=stElementToolbar], [data-testid=InputInstructions] { display: none }
[data-testid=stFileUploaderDropzoneInstructions] { display: none }
[data-testid=stFileUploaderDropzone] button p { font-size: 0 }
[data-testid=stFileUploaderDropzone] button p::after { content: "Parcourir"; font-size: 1rem }
[data-testid=stCameraInputButton] { font-size: 0 } [data-testid=stCameraInputButton]::after { content: "Prendre la photo"; font-size: 1rem }
[data-testid=stCameraInput]:has(img) [data-testid=stCameraInputButton]::after { content: "Une autre photo" }
[data-testid=stMainBlockContainer] { padding-top: 2.5rem }
[data-testid=stSidebarHeader] { height: 2.5rem; margin-bottom: 0 }
</style>"""


def careful(view):
    """La même partie de la page, dont un arrêt ou une erreur devient une phrase."""
    @functools.wraps(view)
    def safe(*args):
        try:
            return view(*args)
        except SystemExit as sentence:
            st.error(str(sentence).replace("[", "\\["))         # un nom de fichier ne doit pas devenir un lien ou une image
        except Exception:
            traceback.print_exc()
            st.error("Cette partie de la page a rencontré une erreur : rechargez la page. Le détail est dans la console qui l'a lancée.")
    return safe


def part(view, every=None):
    """Une partie de la page qui se redessine seule, sans le reste ; every : aussi d'elle-même, toutes les every secondes."""
    return st.fragment(careful(view), run_every=every)


# %% Des images
def to_uri(image):
    """Une image du réseau, (3, H, W) de 0 à 1, écrite dans la page elle-même."""
    content = io.BytesIO()
    to_picture(image).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def gallery(columns, captions=None, side=76, most=None):
    """Des images côte à côte, autant par ligne que la page en tient ; une colonne peut en empiler plusieurs, de haut en bas."""
    figures = ""
    for stack, caption in zip(columns, captions or [""] * len(columns)):
        stack = stack if isinstance(stack, (list, tuple)) else [stack]
        figures += "<figure>" + "".join(f'<img src="{to_uri(image)}" alt="{html.escape(caption)}">' for image in stack)
        figures += f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    st.html(f'<div class="vae-images" style="--side: {side}px; --most: {f"{most}px" if most else "none"}">{figures}</div>')


def draw_map(points, images, captions, frames, limit):
    """Les images à la place de leur code, dans un carré de -limit à +limit ; frames : la couleur du cadre de chacune."""
    places = "".join(f'<img src="{to_uri(image)}" alt="" title="{html.escape(caption)}" style="left: {50 + 50 * x / limit:.2f}%; '
                     f'bottom: {50 + 50 * y / limit:.2f}%; border-color: {color}">'
                     for (x, y), image, caption, color in zip(points, images, captions, frames))
    st.html(f'<div class="vae-map">{places}</div>')


def draw_legend(legend):
    """Le nom de chaque couleur : {nom: couleur}."""
    st.html('<div class="vae-legend">' + "".join(f'<span><b style="color: {color}">●</b> {html.escape(name)}</span>'
                                                 for name, color in legend.items()) + "</div>")


# %% Des courbes
def draw_curves(history):
    """La perte et ses deux parties, époque par époque ; la première, énorme, sort du cadre."""
    names = ["apprentissage", "test"]
    draw_legend(dict(zip(names, colors)))
    for place, column in enumerate(st.columns(3)):
        frame = pd.DataFrame([{"époque": epoch, "valeur": row[place + 3 * test], "images": names[test]}
                              for epoch, row in enumerate(history, start=1) for test in (0, 1)])
        seen = frame["valeur"][frame["époque"] > 1] if len(history) > 2 else frame["valeur"]
        chart = alt.Chart(frame, height=190).mark_line(clip=True, point=len(history) < 3).encode(
            alt.X("époque:Q", axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
            alt.Y("valeur:Q", title=None, axis=alt.Axis(format=".6~g"), scale=alt.Scale(domain=[seen.min(), seen.max() + 1e-9], nice=True)),
            alt.Color("images:N", scale=alt.Scale(domain=names, range=colors[:2]), legend=None),
            tooltip=["images", "époque", alt.Tooltip("valeur", format=".6~g")])
        column.markdown(("**Perte**", "**Erreur**", "**KL** (nats)")[place])
        column.altair_chart(chart, width="stretch")


def draw_balance(rows):
    """Chaque modèle à la place de son erreur et de sa KL."""
    axes = {"scale": alt.Scale(zero=False, padding=30), "axis": alt.Axis(format=".3~g", tickCount=6)}
    chart = alt.Chart(pd.DataFrame(rows), height=260).encode(alt.X("KL (bits):Q", **axes), alt.Y("erreur:Q", **axes),
                                                             tooltip=["réglages", "erreur", "KL (bits)"])
    points = chart.mark_circle(size=160, opacity=1).encode(alt.Color("modèle:N", legend=None, scale=alt.Scale(range=colors)))
    st.altair_chart(points + chart.mark_text(dx=14, fontSize=14, color="gray").encode(text="modèle"), width="stretch")


# %% Les curseurs
decoder_style = """
.decodeur { display: flex; flex-wrap: wrap; gap: 24px; font-family: var(--st-font); color: var(--st-text-color) }
.decodeur img { width: 384px; max-width: 100%; aspect-ratio: 1; border-radius: 8px }
.curseurs { flex: 1 1 280px; display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 4px 24px; align-content: start }
.curseurs label { display: grid; grid-template-columns: 1fr auto; font-size: 14px; padding: 4px 0 }
.curseurs input { grid-column: 1 / 3; width: 100%; height: 28px; margin: 0; accent-color: var(--st-primary-color) }"""
decoder_script = """
export default function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector(".curseurs")
    parentElement.querySelector("img").src = data.picture
    const send = () => {            // une seule demande à la fois : la suivante part quand l'image est revenue
        box.late = box.asked > Date.now() - 3000
        if (box.late) return
        box.asked = Date.now()
        setStateValue("codes", { turn: data.turn, asked: box.asked, values: [...box.querySelectorAll("input")].map(input => +input.value) })
    }
    box.send = send
    if (box.dataset.turn !== data.turn) {             // un autre modèle, ou un autre code : les curseurs sont refaits
        box.dataset.turn = data.turn
        box.asked = 0
        box.replaceChildren(...data.labels.map((label, i) => {
            const row = document.createElement("label"), value = document.createElement("span"), input = document.createElement("input")
            const show = () => { value.textContent = (data.middle[i] + data.spread[i] * input.value).toFixed(2) }
            Object.assign(input, { type: "range", min: -3, max: 3, step: 0.01, value: data.values[i], oninput: () => { show(); box.send() } })
            show()
            row.append(label, value, input)
            return row
        }))
    } else if (data.asked === box.asked) {            // la réponse à notre demande
        box.dataset.milliseconds = Date.now() - box.asked
        box.asked = 0
        if (box.late) send()
    }
}"""
decoder = st.components.v2.component("curseurs", html='<div class="decodeur"><img alt="Image décodée"><div class="curseurs"></div></div>',
                                     css=decoder_style, js=decoder_script)
