"""Le cœur du kit : le réseau VAE, sa perte, la lecture des images et le fichier du modèle (.pth).

Les autres scripts s'en servent ; celui-ci ne fait rien quand on le lance.
Partout, une image est un tenseur (3, images_size, images_size) de nombres entre 0 et 1 (rouge, vert, bleu).
"""
import contextlib
import io
import json
import math
import os
import sys
import time
import warnings
from functools import partial
from multiprocessing.pool import ThreadPool

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")    # avant torch : un fil qui attend laisse sa place aux autres programmes
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import nn
from torch.nn import functional as F

extensions = {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic", ".avif", ".ppm", ".pgm"}
max_pixels = 80_000_000                    # au-delà, une image prendrait trop de mémoire
Image.MAX_IMAGE_PIXELS = None              # notre limite remplace celle de Pillow
warnings.filterwarnings("ignore", module="PIL")


# %% Le réseau
class VAE(nn.Module):
    """Auto-encodeur variationnel : image -> latent_size nombres -> image.

    Kingma et Welling, 2013, arXiv:1312.6114. Deux chemins s'ajoutent, à l'aller comme
    au retour : un simple, linéaire (look, draw), et un réseau (encoder, decoder).
    """

    def __init__(self, images_size=64, latent_size=4, decoder="convolution"):
        super().__init__()
        fold = images_size // 16    # carrés de pixels repliés en canaux : 4x4 pour 64
        colors = 3 * fold**2
        pixels = 3 * images_size**2
        self.encoder = nn.Sequential(                             # (N, 3, 64, 64)
            nn.PixelUnshuffle(fold),                              # (N, 48, 16, 16)
            nn.Conv2d(colors, 32, 4, stride=2, padding=1),        # (N, 32, 8, 8)
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),            # (N, 64, 4, 4)
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 128),                           # (N, 128)
            nn.SiLU(),
            nn.LayerNorm(128),
            nn.Linear(128, 2 * latent_size))                      # (N, 2 * latent_size)
        self.look = nn.Linear(pixels, latent_size, bias=False)
        if decoder == "convolution":
            self.decoder = nn.Sequential(                         # (N, latent_size)
                nn.Linear(latent_size, 256),
                nn.SiLU(),
                nn.Linear(256, 64 * 8 * 8),
                nn.SiLU(),
                nn.Unflatten(1, (64, 8, 8)),                      # (N, 64, 8, 8)
                nn.Conv2d(64, 64, 3, padding=1),
                nn.SiLU(),
                nn.ConvTranspose2d(64, colors, 4, 2, padding=1),  # (N, 48, 16, 16)
                nn.PixelShuffle(fold))                            # (N, 3, 64, 64)
            self.draw = nn.Linear(latent_size, pixels, bias=False)
        else:
            self.decoder = BroadcastDecoder(latent_size, fold)
            self.draw = None    # ici, tout se dessine case par case
        # les axes du code : tirés au hasard ; turn_axes (train_VAE.py) peut les tourner
        self.axes = nn.Linear(latent_size, latent_size)
        self.back = nn.Linear(latent_size, latent_size)
        nn.init.orthogonal_(self.axes.weight)
        self.back.weight.data = self.axes.weight.data.T.contiguous()
        nn.init.zeros_(self.axes.bias)
        nn.init.zeros_(self.back.bias)
        grey = torch.full((3, images_size, images_size), 0.5)
        self.register_buffer("mean_image", grey)

    @torch.no_grad()
    def start_from(self, images):
        """Le point de départ : l'image moyenne et l'ACP de ces images (1000 suffisent).

        L'analyse en composantes principales (ACP) trouve les latent_size images de base
        V qui, ajoutées à la moyenne, redessinent le mieux toutes les autres. Les poids
        du chemin simple commencent ainsi ; le réseau, lui, commence à zéro. Le 0.5 rétrécit
        les coordonnées trop faibles pour valoir leur KL (celles d'images toutes pareilles).
        """
        images = images.cpu() / 255
        mean_image = images.mean(0)
        latent_size = self.axes.in_features
        x = (images - mean_image).flatten(1)                      # (N, pixels)
        U, S, V = torch.pca_lowrank(x, q=min(len(x), 2 * latent_size))
        V = V[:, :latent_size]                                    # (pixels, latent_size)
        spread = S[:latent_size] / len(x)**0.5    # les écarts-types des coordonnées
        found = len(spread)                       # moins de latent_size s'il y a peu d'images
        nn.init.zeros_(self.look.weight)
        self.look.weight[:found] = 10 * (V * spread / (spread**2 + 0.5)).T
        head = self.encoder[-1]
        nn.init.zeros_(head.weight[:latent_size])
        nn.init.zeros_(head.bias[:latent_size])
        nn.init.constant_(head.bias[latent_size:], -3)            # peu de hasard au début
        if self.draw is not None:
            nn.init.zeros_(self.draw.weight)
            self.draw.weight[:, :found] = 10 * V * spread
            nn.init.zeros_(self.decoder[-2].weight)
            nn.init.zeros_(self.decoder[-2].bias)
        self.mean_image.copy_(mean_image)

    def encode(self, x):
        x = x - self.mean_image
        mu, logvar = self.encoder(x).chunk(2, dim=1)              # (N, latent_size) chacun
        mu = mu + self.look(x.flatten(1)) / 10    # / 10 : ces poids bougent moins vite
        return self.axes(mu), logvar

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(logvar / 2) * torch.randn_like(mu)

    def decode(self, z):
        z = self.back(z)
        x = self.decoder(z)                                       # (N, 3, 64, 64)
        if self.draw is None:
            color = self.mean_image.mean((1, 2), keepdim=True)    # la couleur moyenne
            return color + x
        return self.mean_image + self.draw(z / 10).view_as(x) + x

    def forward(self, x, noise=True):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar) if noise else mu
        return self.decode(z), mu, logvar

    def sample(self, count):
        """Des images inventées : des z tirés au hasard selon N(0, 1), puis décodés."""
        latent_size = self.axes.in_features
        return self.decode(torch.randn(count, latent_size, device=self.mean_image.device))


class BroadcastDecoder(nn.Module):
    """Décodeur à diffusion spatiale (Watters et al., 2019, arXiv:1901.07017) : z est recopié sur toute une grille,
    à côté des coordonnées de chaque case ; des convolutions sans bord font le reste. Décaler la grille décale l'image."""

    def __init__(self, latent_size, fold):
        super().__init__()
        position = torch.arange(-10.5, 11) / 8               # 22 cases : les 16 de l'image et 3 de chaque côté
        self.register_buffer("grid", torch.stack(torch.meshgrid(position, position, indexing="xy")))   # (2, 22, 22)
        self.layers = nn.Sequential(
            nn.Conv2d(latent_size + 2, 64, 3), nn.SiLU(),    # (N, 64, 20, 20)
            nn.Conv2d(64, 64, 3), nn.SiLU(),                 # (N, 64, 18, 18)
            nn.Conv2d(64, 64, 3), nn.SiLU(),                 # (N, 64, 16, 16)
            nn.Conv2d(64, 3 * fold**2, 1),                   # (N, 48, 16, 16)
            nn.PixelShuffle(fold))                           # (N, 3, 64, 64)

    def forward(self, z):
        copies = z[:, :, None, None].expand(-1, -1, 22, 22)
        return self.layers(torch.cat([copies, self.grid.expand(len(z), -1, -1, -1)], dim=1))


def spoil(x, task):
    """Ce que reçoit l'encodeur selon task : l'image, l'image bruitée, ou l'image réduite 4 fois puis agrandie."""
    if task == "denoise":
        return x + 0.2 * torch.randn_like(x)
    if task == "super_resolution":
        return F.interpolate(F.avg_pool2d(x, 4), scale_factor=4)
    return x


# %% La perte
def vae_loss(output, target, mu, logvar, beta=1, reconstruction="mse"):
    """Perte = erreur de reconstruction + beta * KL : somme sur les pixels et sur les latents, moyenne sur les images.

    "mse", "l1"   erreur = somme des (x - y)**2, ou des |x - y|          (beta > 1 : Higgins et al., 2017, beta-VAE)
    "gaussian"    erreur = -log p(x), p normale d'écart-type sigma       (Rybkin et al., 2021, sigma-VAE, arXiv:2006.13202)
    "laplace"     erreur = -log p(x), p de Laplace d'échelle b
                  sigma et b : les meilleurs pour ce lot, sigma**2 = moyenne des (x - y)**2 et b = moyenne des |x - y|
    KL            0.5 * (mu**2 + exp(logvar) - 1 - logvar)               (Kingma et Welling, 2013, annexe B)
    Rend la perte, l'erreur et la KL de chaque latent (latent_size,), en nats.
    """
    distance = (output - target).abs() if reconstruction in ("l1", "laplace") else (output - target)**2
    error = distance.sum() / len(target)
    if reconstruction == "gaussian":
        variance = distance.mean().clamp(min=1e-6)
        error = error / (2 * variance) + target[0].numel() * torch.log(2 * math.pi * variance) / 2
    if reconstruction == "laplace":
        scale = distance.mean().clamp(min=1e-3)
        error = error / scale + target[0].numel() * torch.log(2 * scale)
    kl = 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar).mean(0)
    return error + beta * kl.sum() if beta else error, error, kl


# %% Les images
def list_images(folder):
    """Les images du dossier et de ses sous-dossiers ; s'il n'y en a pas, celles de démonstration (folder/demo)."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in extensions and path.is_file()
             and not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        sys.exit(f"Aucune image dans {folder} : enregistrez-en avec record_images.py, ou déposez-y des fichiers .jpg ou .png.")
    own = [path for path in files if path.relative_to(folder).parts[0] != "demo"]
    if not own:
        print(f"Pas encore d'images à vous : je prends les images de démonstration ({folder.name}/demo).")
    return own or files


def read_image(path, images_size):
    """Le carré du centre d'une image : (pixels (3, images_size, images_size) en octets, None), ou (None, raison)."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > max_pixels:
                return None, f"{image.width * image.height // 10**6} mégapixels : réduisez-la à {max_pixels // 10**6} au plus"
            image.draft("RGB", (images_size, images_size))             # JPEG : décodé directement en plus petit
            ImageOps.exif_transpose(image, in_place=True)              # photo prise de côté : remise droite
            if image.mode.startswith("I"):                             # 16 bits : on garde les 8 bits de poids fort
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            image = image if image.mode == "RGB" else image.convert("RGB")
            square = ImageOps.fit(image, (images_size, images_size), Image.Resampling.BILINEAR)
            return np.asarray(square).transpose(2, 0, 1), None
    except PermissionError:
        return None, "lecture interdite"
    except UnidentifiedImageError:
        return None, "format inconnu : convertissez-la en JPEG ou en PNG"
    except Exception:                                                  # un fichier abîmé peut lever presque n'importe quoi
        return None, "image abîmée ou incomplète"


def load_images(folder, images_size):
    """Toutes les images lisibles du dossier : un tenseur d'octets (N, 3, images_size, images_size) et leurs noms.

    Une longue lecture est gardée dans folder/cache_64.npz, qui sert tant que les noms, les tailles et les dates
    des fichiers restent les mêmes ; on peut l'effacer sans rien perdre."""
    files = list_images(folder)
    names = [path.relative_to(folder).as_posix() for path in files]
    key = json.dumps([(name, path.stat().st_size, path.stat().st_mtime_ns) for name, path in zip(names, files)])
    cache, start, pixels, reasons = folder / f"cache_{images_size}.npz", time.time(), None, {}
    try:
        with np.load(cache) as saved:
            if str(saved["key"]) == key:
                pixels, reasons = saved["pixels"], json.loads(str(saved["reasons"]))
    except Exception:                                                  # pas de cache, ou abîmé : on lira les images
        pass
    if pixels is None:
        pixels = np.empty((len(files), 3, images_size, images_size), np.uint8)
        with ThreadPool() as pool:                                     # chaque cœur lit 8 images à la fois
            for i, (image, reason) in enumerate(pool.imap(partial(read_image, images_size=images_size), files, 8)):
                if reason:
                    reasons[names[i]] = reason
                else:
                    pixels[i - len(reasons)] = image
                if i % 1000 == 999:
                    print(f"\rLecture des images : {i + 1} sur {len(files)}", end="")
        pixels = pixels[:len(files) - len(reasons)]
        if time.time() > start + 5:
            with contextlib.suppress(OSError):                         # dossier protégé ou disque plein : pas de cache
                write_whole(cache, lambda file: np.savez(file, key=key, pixels=pixels, reasons=json.dumps(reasons)))
    print(f"\r{len(files)} images trouvées, {len(pixels)} gardées.{' ' * 20}")
    for name, reason in reasons.items():
        print(f"  écartée : {name} ({reason})")
    if not len(pixels):
        sys.exit(f"Aucune image lisible dans {folder} : enregistrez-en avec record_images.py, ou changez dataset_folder.")
    return torch.from_numpy(pixels), [name for name in names if name not in reasons]


def to_picture(image):
    """Une image du réseau, (3, H, W) de 0 à 1, devient une image de Pillow."""
    return Image.fromarray((image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy())


# %% Le fichier du modèle
def write_whole(path, write):
    """Écrit tout ou rien : d'abord à côté, puis un changement de nom, que rien ne peut couper en deux."""
    beside = path.with_name(path.name + ".tmp")
    try:
        with open(beside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def save_model(path, model, **results):
    """Écrit le .pth : les poids et, dans results, tous les réglages et tous les résultats de l'entraînement."""
    content = io.BytesIO()
    torch.save({"weights": model.state_dict(), **results}, content)
    write_whole(path, lambda file: file.write(content.getvalue()))


def load_model(path, device="cpu"):
    """Relit le .pth : (le réseau, tout ce que le fichier contient). Un fichier étranger ne peut rien exécuter."""
    if not path.exists():
        sys.exit(f"Pas encore de modèle {path.name} : lancez d'abord train_VAE.py (ou corrigez model_name dans la zone ***).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            saved = torch.load(path, map_location=device, weights_only=True)
            settings, *_ = (saved[name] for name in ("settings", "z_mean", "z_spread", "importance", "losses", "train_names"))
        model = VAE(settings["images_size"], settings["latent_size"], settings["decoder"]).to(device)
        model.load_state_dict(saved["weights"])
        return model.eval(), saved
    except Exception:
        sys.exit(f"{path.name} n'est pas un modèle de ce kit, ou il est abîmé : relancez train_VAE.py pour en refaire un.")


@torch.no_grad()
def encode_images(model, images, task="copy"):
    """Les codes de toutes les images (un tenseur d'octets) : mu et logvar, chacun (N, latent_size)."""
    model.eval()
    codes = [model.encode(spoil(batch / 255, task)) for batch in images.split(100)]
    return torch.cat([mu for mu, logvar in codes]), torch.cat([logvar for mu, logvar in codes])
