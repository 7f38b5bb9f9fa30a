"""Atelier, images redessinées : des images jamais apprises, redessinées, et l'erreur de chacune."""
import streamlit as st
import torch

from page.kit import reconstruct
from page.pictures import gallery
from page.words import comma

orders = ["dans l'ordre", "les mieux redessinées", "les moins bien redessinées"]


def draw(view):
    index = torch.arange(min(200, view.tests))
    rows = reconstruct(view.model, view.images, index, view.saved["settings"]["task"])
    target = view.images[index] / 255
    errors = (rows["sortie"] - target).square().mean((1, 2, 3))
    mean_error = (view.model.mean_image - target).square().mean().item()
    st.markdown(f"Erreur (moyenne des carrés des écarts) sur {len(errors)} images jamais "
                f"apprises : **{comma(errors.mean().item(), 5)}**. En répondant toujours "
                f"l'image moyenne : {comma(mean_error, 5)}.")
    order = st.radio("Lesquelles montrer ?", orders, horizontal=True, key="order",
                     persist_state="session")
    if order != orders[0]:
        index = errors.argsort(descending=order == orders[2])
    st.caption("De haut en bas : " + ", ".join(rows) + ", et l'erreur.")
    few = index[:24]
    columns = zip(*(row[few] for row in rows.values()))
    gallery(list(columns), list(rows), [comma(error.item(), 4) for error in errors[few]])
