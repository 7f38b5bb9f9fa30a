"""L'onglet Comprendre : le cours et les dix questions, tels qu'ils sont dans explore/lecon/."""
import re
from pathlib import Path

import streamlit as st

import train_VAE
from page.display import show_drawing

lesson = Path(train_VAE.__file__).resolve().parent / "explore" / "lecon"
picture = re.compile(r"!\[.*?\]\((dessins/\w+\.svg)\)")       # ![ce qu'il montre](fichier)


def draw(data):
    """Le cours, puis les questions, en lignes courtes."""
    with st.container(width=760):
        draw_course()
        st.header("Dix questions", anchor=False)
        for number, question in enumerate(read_questions(), start=1):
            ask(number, *question)


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


def ask(number, question, answers, right, why):
    chosen = st.radio(f"{number}. {question}", answers, None, key=f"question {number}",
                      persist_state="session")
    if chosen is None:
        return
    if chosen == answers[right]:
        st.success(f"Oui. {why}")
    else:
        st.warning(f"Non. {why}")
