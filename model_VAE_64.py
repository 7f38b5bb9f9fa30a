"""Le cœur du kit : le réseau VAE, sa perte, les images et le fichier .pth.

train_VAE.py et decode_VAE.py s'en servent ; lui ne fait rien quand on le lance.
Une image est un tenseur (un tableau de torch) de 3 x images_size x images_size
nombres : rouge, vert, bleu ; de 0 à 1 pour le réseau, de 0 à 255 (des octets) sur
le disque et en mémoire. N : combien d'images sont traitées ensemble.
Un latent est un des nombres du code qui résume une image. Les poids sont les
nombres du réseau que l'apprentissage règle ; ils sont rangés par couches.
"""
import io
import math
import os
import warnings
import zipfile
from pathlib import Path

# avant torch : un cœur du processeur qui attend laisse sa place aux autres programmes
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import nn
from torch.nn import functional as F

from record_images import is_number, stop, write_whole


# %% Le réseau
class VAE(nn.Module):
    """Auto-encodeur variationnel : image -> latent_size nombres -> image.

    Kingma et Welling, 2013, arXiv:1312.6114. À l'aller comme au retour,
    deux chemins s'ajoutent : un simple, linéaire (look, draw), et un réseau
    de convolutions (encoder, decoder). Une convolution fait glisser le même petit
    filtre sur toute l'image ; stride=2 : en ne s'arrêtant qu'une case sur deux ;
    padding=1 : avec un bord de zéros. (Le décodeur "broadcast" n'a pas de chemin simple.)
    Linear : une matrice W et un décalage b, x @ W.T + b.
    """

    def __init__(self, images_size=64, latent_size=4, decoder="convolution"):
        super().__init__()          # torch prépare la liste des couches
        pixels = 3 * images_size**2
        # pour 64 : un carré de 4x4 pixels, replié, devient une case de 48 nombres
        fold = images_size // 16
        cell_size = 3 * fold**2
        self.encoder = nn.Sequential(                         # (N, 3, 64, 64)
            nn.PixelUnshuffle(fold),                          # (N, 48, 16, 16)
            nn.Conv2d(cell_size, 32, 4, stride=2, padding=1), # (N, 32, 8, 8)
            # SiLU laisse passer le positif, presque rien du négatif ; sans
            # elle, toutes ces couches n'en feraient qu'une, linéaire
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),        # (N, 64, 4, 4)
            nn.SiLU(),
            nn.Flatten(),                                     # (N, 1024)
            nn.Linear(64 * 4 * 4, 128),                       # (N, 128)
            nn.SiLU(),
            nn.LayerNorm(128),    # les ramène à la même échelle
            # 2 nombres par latent : sa moyenne mu et son incertitude logvar
            nn.Linear(128, 2 * latent_size))
        self.look = nn.Linear(pixels, latent_size, bias=False)
        if decoder == "convolution":
            self.decoder = nn.Sequential(                     # (N, latent_size)
                nn.Linear(latent_size, 256),
                nn.SiLU(),
                nn.Linear(256, 64 * 8 * 8),
                nn.SiLU(),
                nn.Unflatten(1, (64, 8, 8)),                  # (N, 64, 8, 8)
                nn.Conv2d(64, 64, 3, padding=1),
                nn.SiLU(),
                # l'inverse de stride=2 : deux fois plus de cases par côté
                nn.ConvTranspose2d(64, cell_size, 4, stride=2, padding=1),
                nn.PixelShuffle(fold))                        # (N, 3, 64, 64)
            self.draw = nn.Linear(latent_size, pixels, bias=False)
        else:
            self.decoder = BroadcastDecoder(latent_size, fold)
            self.draw = None    # ici, tout se dessine case par case
        # les axes du code : une rotation au hasard, car aucun n'est meilleur au
        # départ (turn_axes, dans train_VAE.py, les tournera) ; back : l'inverse
        self.axes = nn.Linear(latent_size, latent_size)
        self.back = nn.Linear(latent_size, latent_size)
        nn.init.orthogonal_(self.axes.weight)
        self.back.weight.data = self.axes.weight.data.T.contiguous()
        nn.init.zeros_(self.axes.bias)
        nn.init.zeros_(self.back.bias)
        grey = torch.full((3, images_size, images_size), 0.5)
        self.register_buffer("mean_image", grey)    # gardée avec les poids

    @torch.no_grad()    # ici, on n'apprend pas : pas de pentes (voir learn_batch)
    def start_from(self, images):
        """Part de l'image moyenne et de l'ACP de ces images (1000 suffisent).

        L'analyse en composantes principales (ACP) trouve les latent_size images
        de base V qui, dosées et ajoutées à la moyenne, redessinent le mieux les
        images : c'est le meilleur résumé linéaire. Le chemin simple commence ainsi ;
        le réseau commence à zéro, et n'a que le reste à apprendre.
        (À la première lecture, on peut sauter le code qui suit.)
        """
        images = images.cpu() / 255
        mean_image = images.mean(0)
        latent_size = self.axes.in_features
        images -= mean_image
        x = images.flatten(1)                                 # (N, pixels)
        q = min(len(x), 2 * latent_size)     # en chercher deux fois trop est plus sûr
        U, S, V = torch.pca_lowrank(x, q, center=False)
        V = V[:, :latent_size]                                # (pixels, latents)
        spread = S[:latent_size] / len(x)**0.5    # écarts-types des coordonnées
        found = len(spread)                       # moins, s'il y a peu d'images
        nn.init.zeros_(self.look.weight)
        # 10 ici, / 10 dans encode et decode : un pas change peu de si grands poids.
        # 0.5 ramène vers 0 les coordonnées faibles, qui coûtent plus (voir KL,
        # dans vae_loss) qu'elles ne disent
        self.look.weight[:found] = 10 * (V * spread / (spread**2 + 0.5)).T
        head = self.encoder[-1]                   # la dernière couche : mu, logvar
        nn.init.zeros_(head.weight[:latent_size])
        nn.init.zeros_(head.bias[:latent_size])
        nn.init.constant_(head.bias[latent_size:], -3)    # sigma part de 0.22 environ
        if self.draw is not None:
            nn.init.zeros_(self.draw.weight)
            self.draw.weight[:, :found] = 10 * V * spread
            nn.init.zeros_(self.decoder[-2].weight)
            nn.init.zeros_(self.decoder[-2].bias)
        self.mean_image.copy_(mean_image)

    def encode(self, x):
        """Le code de chaque image : sa moyenne mu, et logvar = ln(sigma**2)."""
        x = x - self.mean_image
        mu, logvar = self.encoder(x).chunk(2, dim=1)          # coupe en deux
        mu = mu + self.look(x.flatten(1)) / 10                # / 10 : voir start_from
        return self.axes(mu), logvar

    def reparameterize(self, mu, logvar):
        """Tire z au hasard autour de mu, avec l'écart-type sigma.

        Le décodeur ne peut donc pas compter sur un code exact : des codes voisins
        doivent donner des images voisines, et entre deux codes, il n'y a pas de trou.
        """
        sigma = torch.exp(logvar / 2)
        return mu + sigma * torch.randn_like(mu)

    def decode(self, z):
        """L'image de chaque code z."""
        z = self.back(z)
        x = self.decoder(z)                                   # (N, 3, 64, 64)
        if self.draw is None:
            # un fond uni : l'image moyenne, elle, ne suivrait pas la grille
            mean_color = self.mean_image.mean((1, 2), keepdim=True)
            return mean_color + x
        # view_as(x) : remis en (N, 3, 64, 64)
        return self.mean_image + self.draw(z / 10).view_as(x) + x

    def forward(self, x, noise=True):
        """Ce que fait model(x) : encoder, tirer z, décoder."""
        mu, logvar = self.encode(x)
        z = mu
        if noise:
            z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    @torch.no_grad()
    def sample(self, count):
        """Des images inventées : des z tirés selon la loi normale, décodés."""
        z = torch.randn(count, self.axes.in_features, device=self.mean_image.device)
        return self.decode(z)


class BroadcastDecoder(nn.Module):
    """Décodeur à recopie spatiale (Watters et al., 2019, arXiv:1901.07017).

    z est recopié dans chaque case d'une grille, à côté des coordonnées de la
    case ; des convolutions sans bord dessinent. Décaler la grille décale l'image.
    """

    def __init__(self, latent_size, fold):
        super().__init__()
        # 22 cases : les 16 de l'image, de -1 à 1, et 3 de chaque côté, car
        # chacun des trois filtres 3x3 sans bord en perd une
        position = torch.arange(-10.5, 11) / 8
        # across, down : la colonne et la ligne de chaque case
        across, down = torch.meshgrid(position, position, indexing="xy")
        self.register_buffer("grid", torch.stack([across, down]))   # (2, 22, 22)
        self.layers = nn.Sequential(
            nn.Conv2d(latent_size + 2, 64, 3),                # (N, 64, 20, 20)
            nn.SiLU(),
            nn.Conv2d(64, 64, 3),                             # (N, 64, 18, 18)
            nn.SiLU(),
            nn.Conv2d(64, 64, 3),                             # (N, 64, 16, 16)
            nn.SiLU(),
            nn.Conv2d(64, 3 * fold**2, 1),                    # (N, 48, 16, 16)
            nn.PixelShuffle(fold))                            # (N, 3, 64, 64)

    def forward(self, z):
        copies = z[:, :, None, None].expand(-1, -1, 22, 22)   # (N, latents, 22, 22)
        grids = self.grid.expand(len(z), -1, -1, -1)
        return self.layers(torch.cat([copies, grids], dim=1))


def spoil(x, task):
    """Ce que reçoit l'encodeur : l'image, abîmée (spoil) si la tâche le veut."""
    if task == "denoise":
        return x + 0.2 * torch.randn_like(x)
    if task == "super_resolution":      # réduite 4 fois, puis agrandie
        return F.interpolate(F.avg_pool2d(x, 4), scale_factor=4)
    return x


@torch.no_grad()
def encode_images(model, images, task="copy"):
    """Les codes d'images en octets : mu et logvar, (N, latents)."""
    # par paquets de 100, pour la mémoire
    codes = [model.encode(spoil(batch / 255, task)) for batch in images.split(100)]
    all_mu = torch.cat([mu for mu, logvar in codes])
    all_logvar = torch.cat([logvar for mu, logvar in codes])
    return all_mu, all_logvar


def random_codes(saved, count):
    """Des codes au hasard : selon la loi normale.

    La KL y ramène les codes appris. Si beta = 0, rien ne le fait : on tire alors
    autour de ceux mesurés."""
    z = torch.randn(count, len(saved["z_mean"]))
    if saved["settings"]["beta"] == 0:
        z = saved["z_mean"] + saved["z_spread"] * z
    return z


# %% La perte
def vae_loss(output, target, mu, logvar, beta=1, reconstruction="mse"):
    """Perte = erreur + beta * KL. Renvoie la perte, l'erreur, la KL par latent.

    erreur : l'écart entre l'image redessinée y et la vraie x ; selon reconstruction,
      "mse", "l1"   la somme des (x - y)**2, ou des |x - y|
      "gaussian"    la somme des -ln p(x), petite si p juge la vraie image probable ;
                    p : loi normale autour de y, d'écart-type sigma (sigma-VAE)
      "laplace"     de même ; p = exp(-|x - y| / b) / (2 * b), loi de Laplace
                    (sigma et b : les meilleurs pour ce lot d'images ; l'erreur
                    pèse ainsi d'autant plus qu'elle est petite ;
                    Rybkin et al., 2021, arXiv:2006.13202)
    KL (de Kullback et Leibler) : ce que coûte le code, 0 quand il ne dit rien
      (mu = 0 et sigma = 1) ; elle ramène ainsi les codes vers la loi normale,
      où sample les tirera ;
      0.5 * (mu**2 + sigma**2 - 1 - ln sigma**2), en nats (1 bit = 0.69 nat)
    beta plus grand que 1 : bêta-VAE (Higgins et al., 2017).
    Sommes sur les pixels et les latents, moyennes sur les images.
    """
    if reconstruction in ("l1", "laplace"):
        distance = (output - target).abs()
    else:
        distance = (output - target)**2
    error = distance.sum() / len(target)
    values = target[0].numel()          # 12288, pour 64x64
    if reconstruction == "gaussian":
        variance = distance.mean().clamp(min=1e-6)    # sigma**2 ; jamais log(0)
        # -ln p(x) = (x - y)**2 / (2 * variance) + ln(2 * pi * variance) / 2
        error = error / (2 * variance) + values * torch.log(2 * math.pi * variance) / 2
    if reconstruction == "laplace":
        scale = distance.mean().clamp(min=1e-3)       # b
        # -ln p(x) = |x - y| / b + ln(2 * b)
        error = error / scale + values * torch.log(2 * scale)
    kl = 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar).mean(0)   # (latents,)
    return error + beta * kl.sum(), error, kl


# %% Les images
Image.init()                            # remplit Image.OPEN : ce que Pillow sait lire
# seulement ces formats : d'autres lancent un programme ou remplissent la mémoire
formats = [name for name in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "AVIF", "PPM")
           if name in Image.OPEN]
# les fichiers que l'on remarque, même s'il faut ensuite en écarter
extensions = {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".avif",
              ".ppm", ".pgm", ".tif", ".tiff", ".heic"}
max_pixels = 40_000_000                 # au-delà, une image remplirait la mémoire
Image.MAX_IMAGE_PIXELS = None           # notre limite remplace celle de Pillow
warnings.filterwarnings("ignore", module="PIL")


def list_images(folder):
    """Les noms des images du dossier et de ses sous-dossiers.

    Celles de démonstration (demo), seulement s'il n'y en a pas d'autres."""
    names = []
    for place, subfolders, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            name = path.relative_to(folder).as_posix()
            hidden = "/." in "/" + name     # un nom commence par un point
            if path.suffix.lower() in extensions and path.is_file() and not hidden:
                names.append(name)
    names.sort()
    if not names:
        stop(f"Aucune image dans {folder} : enregistrez-en avec record_images.py, "
             "ou déposez-y des fichiers .jpg ou .png.")
    own = [name for name in names if not name.startswith("demo/")]
    if own:
        return own
    print("Pas encore d'images à vous : je prends les images de démonstration "
          f"({folder.name}/demo).")
    return names


def read_image(path, images_size):
    """Le carré du centre d'une image : (octets (3, H, W), None).

    Ou, si elle ne peut pas servir : (None, pourquoi)."""
    try:
        with Image.open(path, formats=formats) as image:
            # un JPEG peut être lu directement en plus petit
            image.draft("RGB", (images_size, images_size))
            if image.width * image.height > max_pixels:
                return None, f"plus de {max_pixels // 10**6} mégapixels : réduisez-la"
            # une photo prise en tournant l'appareil est remise droite
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode.startswith("I"):       # 16 bits : on garde les 8 premiers
                image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
            if image.has_transparency_data:      # un fond blanc
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA"))
            square = ImageOps.fit(image.convert("RGB"), (images_size, images_size),
                                  Image.Resampling.BILINEAR)
            return np.asarray(square).transpose(2, 0, 1), None
    except PermissionError:
        return None, "lecture interdite"
    except FileNotFoundError:
        return None, "elle vient d'être effacée"
    except UnidentifiedImageError:
        return None, "format inconnu : convertissez-la en JPEG ou en PNG"
    except Exception:    # un fichier abîmé peut lever presque n'importe quelle erreur
        return None, "image abîmée ou incomplète"


def load_images(folder, images_size):
    """Les images lisibles du dossier : des octets (N, 3, H, W), et leurs noms."""
    files = list_images(folder)
    pixels = []
    names = []
    problems = []
    for number, file in enumerate(files, start=1):
        image, problem = read_image(folder / file, images_size)
        # ce qui ne peut pas s'écrire dans un nom devient « ? »
        name = file.encode("utf-8", "replace").decode("utf-8")
        if problem is None:
            pixels.append(image)
            names.append(name)
        else:
            problems.append(f"  écartée : {name} ({problem})")
        if number % 500 == 0:           # \r : récrit la même ligne
            print(f"\rLecture des images : {number} sur {len(files)}", end="")
    print(f"\rImages trouvées : {len(files)}, gardées : {len(names)}.{' ' * 20}")
    for line in problems:
        print(line)
    if not names:
        stop(f"Aucune image lisible dans {folder} : enregistrez-en avec "
             "record_images.py, ou changez dataset_folder.")
    return torch.from_numpy(np.stack(pixels)), names


def to_picture(image):
    """Une image du réseau, (3, H, W) de 0 à 1, devient une image de Pillow."""
    pixels = (image.clamp(0, 1) * 255).round().byte()
    # permute : (H, W, 3), l'ordre de Pillow
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


# %% Les réglages et le fichier du modèle
choices = {                             # les réglages à choisir dans une liste
    "images_size": [32, 64, 128],
    "reconstruction": ["mse", "l1", "gaussian", "laplace"],
    "decoder": ["convolution", "broadcast"],
    "task": ["copy", "denoise", "super_resolution"],
    "independent_axes": [True, False],
    "augmentation": [True, False],
    "film": [True, False]}
limits = {                              # les nombres : du plus petit au plus grand
    "latent_size": (1, 32),
    "test_data_proportion": (0.05, 0.5),
    "batch_size": (1, 1000),
    "epochs": (1, 1000),
    "learning_rate": (0.0001, 0.1),
    "beta": (0.0, 1000.0)}
max_bytes = 50_000_000                  # aucun modèle du kit n'est aussi gros


def save_model(path, model, results):
    """Écrit le .pth : les poids, et les réglages et mesures de results."""
    content = io.BytesIO()
    # state_dict : tous les poids, chacun sous son nom ; ** y ajoute results
    torch.save({"weights": model.state_dict(), **results}, content)
    write_whole(path, content.getvalue())


def load_model(path):
    """Relit le .pth : (le réseau, tout ce que le fichier contient)."""
    if not path.exists():
        stop(f"Pas encore de modèle {path.name} : lancez d'abord train_VAE.py, "
             "ou corrigez model_name dans la zone ***.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_archive(path)
            # weights_only : un fichier venu d'ailleurs ne peut rien exécuter
            saved = torch.load(path, map_location="cpu", weights_only=True)
            check_results(saved)
            settings = saved["settings"]
            model = VAE(settings["images_size"], settings["latent_size"],
                        settings["decoder"])
            check_weights(saved["weights"], model.state_dict())
            model.load_state_dict(saved["weights"])
            return model, saved
    except Exception:    # un fichier étranger peut lever n'importe quelle erreur
        stop(f"{path.name} n'est pas un modèle de ce kit, ou il est abîmé : "
             "relancez train_VAE.py pour en refaire un.")


def check_archive(path):
    """Lève une erreur si le fichier (un zip, en fait) est abîmé, ou trop gros.

    assert ne fait rien si ce qui suit est vrai, et lève une erreur sinon."""
    with zipfile.ZipFile(path) as archive:
        sizes = [member.file_size for member in archive.infolist()]
        assert sum(sizes) < max_bytes
        assert archive.testzip() is None


def check_results(saved):
    """Lève une erreur si ce ne sont pas les résultats d'un entraînement du kit."""
    assert type(saved) is dict
    settings = saved["settings"]
    assert type(settings) is dict
    for name, values in choices.items():
        assert settings[name] in values
    for name, (low, high) in limits.items():
        assert is_number(settings[name], low, high)
    for name in ("z_mean", "z_spread", "importance"):
        assert saved[name].shape == (settings["latent_size"],)
        assert saved[name].dtype == torch.float32
        assert saved[name].abs().max() < 10_000     # faux aussi pour NaN
    for row in saved["history"]:                    # 6 mesures par époque
        assert type(row) is list and len(row) == 6 and np.isfinite(row).all()
    for name in saved["train_names"]:
        assert type(name) is str


def check_weights(weights, expected):
    """Lève une erreur si ces poids ne sont pas ceux que le réseau attend."""
    for name, weight in expected.items():
        assert weights[name].shape == weight.shape
        assert weights[name].dtype == weight.dtype
        assert weights[name].abs().max() < 10_000
