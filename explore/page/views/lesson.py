"""Comprendre : le cours et les huit questions, tels qu'ils sont dans explore/lecon/."""
import re

import pandas as pd
import streamlit as st

from page import kit
from page.parts import show_drawing
from page.state import state

lesson = kit.folder / "explore" / "lecon"
before, course, after = "Questions, avant", "Le cours", "Questions, après"
picture = re.compile(r"!\[.*?\]\((dessins/\w+\.svg)\)")       # ![ce qu'il montre](fichier)


def draw(data):
    """Le cours, et les mêmes questions avant et après l'avoir lu, en lignes courtes."""
    with st.container(width=760):
        part = st.radio("Le cours, et huit questions à se poser avant, puis après",
                        [before, course, after], key="part", horizontal=True,
                        persist_state="session")
        if part == course:
            st.caption("Le cours cite les scripts. Ici, decode_VAE.py est le lieu Jouer ; sa "
                       "touche h, « Au hasard » ; map_2D.py, sa carte ; record_images.py "
                       "et ses touches 1 à 9, « Ma webcam » et ses boutons.")
            draw_course()
        else:
            draw_questions(part)


def draw_questions(part):
    """Avant, on répond sans correction ; après, chaque réponse est expliquée et comptée."""
    questions = read_questions()
    if part == before:
        st.caption("Répondez sans chercher : se tromper est permis. La correction vient après.")
    for number, question in enumerate(questions, start=1):
        ask(part, number, *question)
    if part == after:
        draw_score(questions)


def draw_score(questions):
    """Les réponses d'avant et d'après, côte à côte, et combien sont justes."""
    rows = []
    for number, (question, answers, right, why) in enumerate(questions, start=1):
        row = {"question": f"{number}. {question}"}
        for part in (before, after):
            chosen = state.get(f"{part} {number}")
            row[part] = "✗"
            if chosen is None:
                row[part] = "–"
            elif chosen == answers[right]:
                row[part] = "✓"
        rows.append(row)
    table = pd.DataFrame(rows).set_index("question")
    st.subheader("Le bilan", anchor=False)
    st.table(table)
    first, second = ((table[part] == "✓").sum() for part in (before, after))
    st.info(f"Avant : {first} sur {len(rows)}. Après : {second} sur {len(rows)}.")


def draw_course():
    """cours.md, un cran plus bas dans les titres, et ses dessins."""
    text = (lesson / "cours.md").read_text("utf-8")
    text = re.sub(r"(?<!!)\[([^\]]*)\]\(\w+\.md\)", r"\1", text)  # des liens vers d'autres pages
    pieces = picture.split(text)           # un texte, un dessin, un texte, un dessin...
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            st.markdown(re.sub(r"(?m)^#", "##", piece))
        else:
            show_drawing(key=piece, data=(lesson / piece).read_text("utf-8"))


def read_questions():
    """Les questions de quiz.md : (question, réponses, la bonne, pourquoi)."""
    text = (lesson / "quiz.md").read_text("utf-8")
    questions = []
    for block in re.split(r"(?m)^## \d+\. ", text)[1:]:
        title, rest = block.split("\n", 1)
        answers = re.findall(r"(?m)^- ([A-Z])\. (.*)$", rest)
        letter, why = re.search(r"(?s)\*\*Réponse : ([A-Z])\.\*\*(.*)", rest).groups()
        words = [answer for mark, answer in answers]
        right = [mark for mark, answer in answers].index(letter)
        questions.append((title, words, right, why.strip()))
    return questions


def ask(part, number, question, answers, right, why):
    chosen = st.radio(f"{number}. {question}", answers, None, key=f"{part} {number}",
                      persist_state="session")
    if part == before or chosen is None:
        return
    if chosen == answers[right]:
        st.success(f"Oui. {why}")
    else:
        st.warning(f"Non. {why}")
