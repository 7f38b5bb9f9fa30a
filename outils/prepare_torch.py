"""Importer torch, ou dire en français pourquoi il ne vient pas."""
from outils.stop import stop

try:
    import torch
except OSError as error:
    stop(f"torch ne se charge pas ({error}).")
