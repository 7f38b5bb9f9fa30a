"""La porte de la page : tout ce qu'elle prend au kit passe par ici.

Ce fichier ne fait rien quand on le lance : tapez plutôt streamlit run explore/app_VAE.py
"""
import os
import sys
from pathlib import Path

folder = Path(__file__).resolve().parents[2]       # le dossier des quatre scripts
sys.path.insert(0, str(folder))
# avant torch : un cœur par entraînement, car plusieurs élèves entraînent à la fois
os.environ.setdefault("OMP_NUM_THREADS", "1")
# puis celui-ci, qui règle torch avant de l'importer
from model_VAE_64 import (VAE, choices, encode_images, extensions, limits, list_images,
                          load_model, random_codes, read_image, save_model, spoil,
                          to_picture)

from record_images import save_picture, stop, write_whole
from train_VAE import evaluate, measure_latents, reconstruct, split
from train_VAE import settings as usual_settings
from watched import learn
