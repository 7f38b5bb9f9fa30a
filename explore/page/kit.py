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
from model_VAE_64 import VAE, encode_images, spoil, start_from

from outils.checks import choices, limits
from outils.files import make_folder, save_numbered, why_not_written, write_whole
from outils.latents import live_latents, name_axis, order_sliders, random_codes
from outils.model_file import load_model, save_model
from outils.movements import Movements, find_movements
from outils.share import split, stretches
from outils.pictures import extensions, list_images, read_image, to_gif, to_picture
from outils.stop import stop
from emporter import make_page
from films import film_map, film_path, film_slider
from record_images import count_kinds, saved_size
from train_VAE import average_loss, learn, measure_latents, reconstruct
from train_VAE import settings as usual_settings
