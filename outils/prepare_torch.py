"""Importer torch, ou dire en français pourquoi il ne vient pas."""
from outils.stop import stop

try:
    import torch
except (ImportError, OSError) as error:  # Windows, et une de ses bibliothèques
    stop(f"torch ne démarre pas ({error}) : souvent, un Visual C++ trop ancien est\n"
         "déjà chargé. Rien n'est perdu. Menu Consoles, Redémarrer le noyau, puis :\n"
         "    %pip install torch==2.8.0 torchvision==0.23.0\n"
         "Redémarrez encore le noyau, puis F5. Sinon, voyez dans README.md :\n"
         "« Ça ne marche pas ? ».")


def choose_device():
    """La carte graphique s'il y en a une, sinon le processeur."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"
