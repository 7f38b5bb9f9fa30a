"""L'onglet Comprendre : ce qu'est un VAE, sa perte, ses cousins, et quelques questions.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py dans le dossier du kit.
"""
import streamlit as st

from page.display import show_drawing
blue, orange, green, grey = "#3f90da", "#ffa90e", "#3ba272", "#8a8f98"


# %% Les dessins
def text(x, y, words, size=11, anchor="middle"):
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">{words}</text>'


def creature(x, y, color):
    """Une petite créature ronde, de 44 points de côté."""
    return (f'<rect x="{x}" y="{y}" width="44" height="44" rx="6" fill="#d6ecfa"/><circle cx="{x + 22}" cy="{y + 25}" r="14" fill="{color}"/>'
            f'<circle cx="{x + 17}" cy="{y + 20}" r="3" fill="#1e1e2d"/><circle cx="{x + 27}" cy="{y + 20}" r="3" fill="#1e1e2d"/>'
            f'<ellipse cx="{x + 22}" cy="{y + 30}" rx="7" ry="3" fill="#46101f"/>')


def draw_network():
    """Une image, l'encodeur, le code, le décodeur, l'image redessinée."""
    arrows = "".join(f'<path d="M{x} 60 h14 m-5 -4 l5 4 l-5 4" fill="none" stroke="{grey}" stroke-width="1.6"/>' for x in (56, 136, 252, 332))
    numbers = "".join(f'<rect x="{160 + 24 * i}" y="{60 - height / 2}" width="16" height="{height}" rx="3" fill="{orange}"/>'
                      for i, height in enumerate((50, 22, 38, 30)))
    return (f'<svg viewBox="0 0 410 125" role="img" aria-label="Une image, l\'encodeur, quatre nombres, le décodeur, l\'image redessinée">'
            f'{creature(8, 38, "#eb5f6e")}{creature(356, 38, "#e8707a")}{arrows}{numbers}'
            f'<polygon points="76,22 130,44 130,76 76,98" fill="{blue}"/><polygon points="326,22 272,44 272,76 326,98" fill="{blue}"/>'
            + text(103, 64, "encodeur", 10.5) + text(299, 64, "décodeur", 10.5) + text(30, 116, "image") + text(380, 116, "redessinée")
            + text(204, 116, "le code : latent_size nombres") + "</svg>")


def draw_codes():
    """Où tombent les codes des images, selon la sorte : des points perdus, un nuage sans trou, un nuage resserré."""
    panels = [("auto-encodeur", [(20, 30, 2), (98, 22, 2), (30, 96, 2), (108, 88, 2), (62, 110, 2), (112, 52, 2)], "des points, et des trous"),
              ("VAE", [(45, 45, 15), (80, 46, 14), (48, 80, 15), (82, 82, 14), (64, 62, 15), (64, 96, 12)], "un nuage sans trou"),
              ("bêta-VAE", [(60, 60, 27), (68, 62, 28), (62, 70, 27), (72, 70, 26)], "presque tous pareils")]
    shapes = ""
    for place, (kind, discs, words) in enumerate(panels):
        left = 8 + 136 * place
        shapes += f'<rect x="{left}" y="24" width="124" height="124" rx="8" fill="none" stroke="{grey}"/>' + text(left + 62, 16, kind, 12)
        shapes += f'<circle cx="{left + 62}" cy="86" r="52" fill="none" stroke="{grey}" stroke-dasharray="3 4"/>' + text(left + 62, 164, words, 10.5)
        shapes += "".join(f'<circle cx="{left + x}" cy="{y + 18}" r="{radius}" fill="{color}" fill-opacity="{0.9 if radius < 3 else 0.35}"/>'
                          for (x, y, radius), color in zip(discs, (blue, orange, green, "#bd1f01", "#832db6", "#e76300")))
    return f'<svg viewBox="0 0 416 172" role="img" aria-label="Les codes d\'un auto-encodeur, d\'un VAE et d\'un bêta-VAE">{shapes}</svg>'


def draw_balance():
    """Plus la KL est grande, plus l'erreur est petite ; beta choisit où s'arrêter."""
    dots = [(62, 40, "bêta-VAE : beta grand", "#832db6"), (138, 88, "VAE : beta = 1", blue), (262, 113, "sigma-VAE : il règle seul", orange)]
    marks = "".join(f'<circle cx="{x}" cy="{y}" r="6" fill="{color}"/>' + text(x + 12, y - 4, words, 11, "start") for x, y, words, color in dots)
    return (f'<svg viewBox="0 0 416 160" role="img" aria-label="L\'erreur descend quand la KL monte">'
            f'<path d="M40 10 V130 H400" fill="none" stroke="{grey}"/><path d="M52 16 C70 76 112 108 390 120" fill="none" stroke="{grey}" stroke-width="2"/>'
            + marks + text(44, 10, "erreur", 11, "start") + text(398, 148, "KL : ce que retient le code", 11, "end") + "</svg>")


# %% Le cours
idea = """
Un **auto-encodeur** est fait de deux réseaux. L'**encodeur** regarde une image et la résume en quelques nombres : son **code**. Le **décodeur**
ne reçoit que ce code, et redessine l'image. Personne ne leur dit quoi retenir : ils apprennent seulement à ce que l'image redessinée ressemble à
la vraie. Comme le code est tout petit, il doit garder ce qui change d'une image à l'autre.

Un **auto-encodeur variationnel** (VAE) ajoute du hasard : l'encodeur donne pour chaque nombre une valeur moyenne $\\mu$ et une incertitude
$\\sigma$, et le décodeur reçoit un tirage au hasard $z = \\mu + \\sigma\\,\\varepsilon$, avec $\\varepsilon \\sim \\mathcal{N}(0, 1)$. Des codes
voisins doivent donc donner des images voisines : on peut s'y promener, et en inventer."""
loss = """
L'**erreur** mesure ce qui manque à l'image redessinée. La **KL** (divergence de Kullback et Leibler) mesure ce que le code dit de plus que le pur
hasard $\\mathcal{N}(0, 1)$ : c'est le prix de l'information, en nats (divisez par $\\ln 2$ pour des bits). **beta** est le poids de ce prix."""
balance = """
Les deux parties tirent en sens contraire : écrire plus de choses dans le code coûte de la KL, mais fait baisser l'erreur. Un latent qui ne
rapporte pas ce qu'il coûte est abandonné : il **meurt** (moins de 0,1 bit)."""
axes = """
Tourner le code ne coûte presque rien au réseau : le décodeur peut tourner dans l'autre sens. Sans rien de plus, chaque entraînement finit donc
sur des axes que le hasard a choisis, et **un curseur déplace plusieurs choses à la fois**. Mais des causes qui n'ont rien à voir entre elles (une
place, une couleur) se reconnaissent sans étiquette : leur mélange ressemble toujours plus à une cloche (loi normale) que chacune d'elles. À la
fin de chaque époque, le kit cherche les axes où les nombres ressemblent le moins à une cloche (analyse en composantes indépendantes, Hyvärinen
et Oja, 2000), puis y tourne le code : `independent_axes = True`. Avec `False`, les curseurs se mélangent. L'ordre et le sens des curseurs,
eux, restent au hasard : deux entraînements sur les créatures donnent les mêmes curseurs, mais pas le même z1."""
cousins = """
- **auto-encodeur** (années 1980 ; profond : Hinton et Salakhutdinov, 2006) : `beta = 0`, et aucun hasard dans le code. Des images nettes, mais des
  trous entre les codes : tiré au hasard, un code ne donne souvent rien de bon.
- **VAE** (Kingma et Welling, 2013, arXiv:1312.6114) : `beta = 1`. On peut inventer des images ; elles sont un peu plus floues.
- **bêta-VAE** (Higgins et al., 2017) : `beta` plus grand que 1. Un code plus court, et une KL qui fait taire les latents inutiles ; des images plus floues.
- **sigma-VAE** (Rybkin et al., 2021, arXiv:2006.13202) : l'erreur est comparée à sa propre taille (`"gaussian"` ou `"laplace"`). Il règle seul
  l'équilibre, et les détails reviennent ; sa perte peut devenir négative.
- **décodeur à diffusion spatiale** (Watters et al., 2019, arXiv:1901.07017) : `decoder = "broadcast"`, le code est recopié sur une grille de
  coordonnées. Déplacer un objet devient facile à apprendre ; c'est plus lent."""
quiz = [
    ("Que reçoit le décodeur ?", ["L'image", "Le code, et rien d'autre", "Le code et l'étiquette de l'image"], 1,
     "C'est bien pour cela que le code doit tout dire : le décodeur n'a jamais vu l'image, et il n'y a pas d'étiquette."),
    ("La KL d'un latent vaut 0. Que fait son curseur ?", ["Presque rien", "Il change tout", "Il rend l'image floue"], 0,
     "KL nulle : ce nombre est un pur hasard, le même pour toutes les images. Le décodeur a donc appris à l'ignorer : le latent est mort."),
    ("On augmente beta. Que devient l'erreur ?", ["Elle baisse", "Elle ne change pas", "Elle monte"], 2,
     "L'information coûte plus cher : le code en garde moins, et l'image redessinée perd des détails."),
    ("Pourquoi un auto-encodeur simple invente-t-il mal des images ?",
     ["Son décodeur est plus petit", "Rien ne l'a obligé à remplir les trous entre les codes", "Il apprend moins longtemps"], 1,
     "Il n'a appris que les codes exacts de ses images. Un code tiré au hasard tombe souvent dans un trou, où il n'a jamais rien dessiné."),
    ("La perte d'apprentissage descend, celle de test remonte. Que se passe-t-il ?",
     ["Il apprend par cœur : le surapprentissage", "Il n'a pas fini", "beta est trop grand"], 0,
     "Il réussit de mieux en mieux les images apprises, mais pas les autres. Remède : plus d'images, ou moins d'époques."),
    ("Sa perte est négative. Est-ce une panne ?", ["Oui", "Non, c'est un sigma-VAE", "Non, c'est un auto-encodeur"], 1,
     "Son erreur est le logarithme d'une densité, changé de signe. Une densité peut dépasser 1 : le logarithme change alors de signe.")]


def draw(data):
    """Le cours, en cinq pas, puis les questions."""
    st.subheader("Résumer, puis redessiner", anchor=False)
    st.markdown(idea)
    show_drawing(key="réseau", data=draw_network())
    st.subheader("La perte", anchor=False)
    st.latex(r"\text{perte} = \text{erreur} + \beta \times \text{KL}")
    st.latex(r"\text{erreur} = \sum_{\text{pixels}} (x - \hat x)^2")
    st.latex(r"\text{KL} = \tfrac12 \sum_{\text{latents}} \left(\mu^2 + \sigma^2 - 1 - \ln \sigma^2\right)")
    st.markdown(loss)
    show_drawing(key="équilibre", data=draw_balance())
    st.markdown(balance)
    st.subheader("Pourquoi un curseur, une chose ?", anchor=False)
    st.markdown(axes)
    st.subheader("Quatre sortes, et un décodeur", anchor=False)
    show_drawing(key="codes", data=draw_codes())
    st.caption("Chaque disque est le code d'une image ; le cercle pointillé est le pur hasard N(0, 1), où l'on tire les images inventées.")
    st.markdown(cousins)
    st.subheader("Avez-vous compris ?", anchor=False)
    for number, (question, answers, right, why) in enumerate(quiz, start=1):
        answer = st.radio(f"**{number}. {question}**", answers, index=None, key=f"question {number}")
        if answer is not None:
            (st.success if answer == answers[right] else st.warning)(("Oui. " if answer == answers[right] else "Non. ") + why)
