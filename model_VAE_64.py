"""Le cœur du kit : un auto-encodeur variationnel (VAE) et sa perte.

train_VAE.py et decode_VAE.py s'en servent ; lui ne fait rien quand on le lance.
Une image est un tenseur (un tableau de torch) de 3 x images_size x images_size
nombres de 0 à 1 : rouge, vert, bleu. N : combien d'images sont traitées ensemble.
Le code d'une image : les quelques nombres qui la résument, ses latents. L'encodeur
va de l'image au code ; le décodeur, du code à l'image. Les poids : les nombres que
l'apprentissage règle ; ils sont rangés par couches.
"""
import math

import outils.prepare_torch    # avant torch, pour le régler
import torch
from torch import nn
from torch.nn import functional as F

basis_size = 32               # combien d'images de base le décodeur sait doser


# %% Le VAE
class TwoPaths(nn.Module):
    """Deux chemins qui s'ajoutent : un petit réseau, et une couche linéaire.

    Le chemin linéaire sait déjà beaucoup au départ (voir start_from) ; le petit
    réseau n'a que le reste à apprendre."""

    def __init__(self, network, linear):
        super().__init__()          # torch prépare la liste des couches
        self.network = network
        self.linear = linear

    def forward(self, x):           # ce que fait TwoPaths(...)(x)
        return self.network(x) + self.linear(x)


class VAE(nn.Module):
    """Auto-encodeur variationnel : image -> latent_size nombres -> image.

    Kingma et Welling, 2013, arXiv:1312.6114. « Variationnel » : l'encodeur ne donne
    pas un code, mais un nuage de codes possibles, de centre mu et de largeur sigma.

    Les couches (à droite, la forme de ce qui sort de la ligne) :
    - Sequential : ses couches, l'une après l'autre ;
    - Linear(a, b) : de a nombres à b, chacun étant une somme pondérée des a, plus une
      constante (sauf bias=False) ;
    - Conv2d(a, b, 4, stride=2, padding=1), une convolution : de a nombres par case à b,
      chacun étant une somme pondérée d'un carré de 4x4 cases, avec les mêmes poids
      partout ; ce carré (un filtre) glisse sur l'image en avançant de deux cases
      (stride), avec un bord de zéros d'une case (padding) ;
    - SiLU laisse passer le positif, presque rien du négatif ; sans elle, toutes ces
      couches n'en feraient à peu près qu'une ;
    - PixelUnshuffle(4) replie : les 16 pixels d'un carré x 3 couleurs font une case de
      48 nombres ; PixelShuffle déplie ; Unflatten range 4096 nombres en 64 x 8 x 8.
    """

    def __init__(self, images_size=64, latent_size=4, decoder="convolution"):
        super().__init__()
        self.latent_size = latent_size
        fold = images_size // 16          # 4, pour 64
        cell_size = 3 * fold**2           # 48 nombres par case
        encoder_network = nn.Sequential(                      # entre : (N, 3, 64, 64)
            nn.PixelUnshuffle(fold),                          # (N, 48, 16, 16)
            nn.Conv2d(cell_size, 32, 4, stride=2, padding=1), # (N, 32, 8, 8)
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),        # (N, 64, 4, 4)
            nn.SiLU(),
            nn.Flatten(),                                     # (N, 1024)
            nn.Linear(64 * 4 * 4, 128),                       # (N, 128)
            nn.SiLU(),
            nn.LayerNorm(128),          # les ramène à la même échelle
            # 2 nombres par latent : mu, et logvar = ln(sigma**2), qui peut être négatif
            nn.Linear(128, 2 * latent_size))
        encoder_linear = nn.Sequential(
            nn.Flatten(),
            nn.Linear(3 * images_size**2, 2 * latent_size, bias=False))
        self.encoder = TwoPaths(encoder_network, encoder_linear)
        if decoder == "convolution":
            self.decoder = ConvolutionDecoder(latent_size, images_size)
        else:
            self.decoder = BroadcastDecoder(latent_size, images_size)
        # pour l'instant, tout est gris ; start_from y mettra la variance des images,
        # leur moyenne, et le fond du dessin
        self.variety = 0
        grey = torch.full((3, images_size, images_size), 0.5)
        self.register_buffer("mean_image", grey)
        self.register_buffer("background", grey.clone())

    def encode(self, x):
        """Le nuage de codes de chaque image : mu et logvar, (N, latents)."""
        # chunk : coupe les 2 * latents nombres de chaque image en deux moitiés
        mu, logvar = self.encoder(x - self.mean_image).chunk(2, dim=1)
        return mu, logvar

    def reparameterize(self, mu, logvar):
        """Tire z au hasard autour de mu, avec l'écart-type sigma.

        Le décodeur ne peut donc pas compter sur un code exact : des codes voisins
        doivent donner des images voisines. En écrivant z ainsi, on met le hasard à
        part : on sait de combien z change quand mu ou sigma change, et on peut donc les
        apprendre (voir learn_batch).
        """
        sigma = torch.exp(logvar / 2)
        # randn_like : des nombres de loi normale, autant que dans mu
        return mu + sigma * torch.randn_like(mu)

    def decode(self, z):
        """L'image de chaque code z, (N, 3, 64, 64)."""
        return self.background + self.decoder(z)

    def forward(self, x, noise=True):
        """Ce que fait model(x) : encoder, tirer z, décoder."""
        mu, logvar = self.encode(x)
        z = mu
        if noise:
            z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    # @... règle la fonction qui suit : ici, torch n'y prépare pas l'apprentissage
    @torch.no_grad()
    def sample(self, count):
        """Des images inventées : des z tirés selon la loi normale, décodés."""
        z = torch.randn(count, self.latent_size, device=self.mean_image.device)
        return self.decode(z)


class Sine(nn.Module):
    """Une vague : d'un bout à l'autre d'un curseur, ce qui bouge allume un pixel, puis
    l'éteint ; une somme de vagues le dessine plus vite que des SiLU."""

    def forward(self, x):
        return torch.sin(1.2 * x)


class ConvolutionDecoder(nn.Module):
    """Du code à l'image : quelques images de base, dosées, et des détails.

    Les images de base sont celles de l'ACP (voir start_from) ; elles ne changent plus.
    """

    def __init__(self, latent_size, images_size):
        super().__init__()
        values = 3 * images_size**2       # 12288 nombres par image, pour 64
        fold = images_size // 16          # 4, pour 64
        self.amounts = TwoPaths(                              # entre : (N, latents)
            nn.Sequential(
                nn.Linear(latent_size, 256),
                Sine(),
                nn.Linear(256, 128),
                nn.SiLU(),
                nn.Linear(128, basis_size)),                  # (N, 32) : les doses
            nn.Linear(latent_size, basis_size, bias=False))
        # register_buffer : gardées avec les poids, mais pas apprises. Du hasard pour
        # l'instant ; start_from y mettra les images de l'ACP
        self.register_buffer("basis", torch.randn(basis_size, values) / 100)
        self.details = nn.Sequential(                         # entre : (N, latents)
            nn.Linear(latent_size, 256),
            Sine(),
            nn.Linear(256, 64 * 8 * 8),
            nn.SiLU(),
            nn.Unflatten(1, (64, 8, 8)),                      # (N, 64, 8, 8)
            nn.Conv2d(64, 64, 3, padding=1),                  # (N, 64, 8, 8)
            nn.SiLU(),
            # (N, 48, 16, 16) : l'inverse de stride=2 : deux fois plus de cases par côté
            nn.ConvTranspose2d(64, 3 * fold**2, 4, stride=2, padding=1),
            nn.PixelShuffle(fold))                            # (N, 3, 64, 64)

    def forward(self, z):
        details = self.details(z)
        drawing = self.amounts(z) @ self.basis                # (N, 12288)
        return details + drawing.view_as(details)

    def readers(self):
        """Les couches qui lisent le code (voir turn_axes)."""
        return [self.amounts.network[0], self.amounts.linear, self.details[0]]


def vae_loss(output, target, mu, logvar, beta=1, reconstruction="mse"):
    """Perte = erreur + beta * KL. Renvoie la perte, l'erreur, la KL par latent.

    erreur : l'écart entre l'image redessinée et la vraie ; ici la somme des carrés
      des écarts sur ses 12288 nombres (pour les autres choix : other_error).
    KL : ce que coûte le code (voir kl_divergence).
    beta : le prix de l'information ; plus grand que 1 : bêta-VAE (Higgins, 2017).
    L'erreur et la KL sont des moyennes sur les N images.
    """
    if reconstruction == "mse":
        error = ((output - target)**2).sum() / len(target)
    else:
        error = other_error(output, target, reconstruction)
    kl = kl_divergence(mu, logvar).mean(0)                    # (latents,)
    return error + beta * kl.sum(), error, kl


def opening_price(model, done=0):
    """Ce que coûte l'information au début ; done : la part de l'apprentissage, 0 à 1.

    Cher, puis de moins en moins, jusqu'à rien à mi-chemin (beta prend la suite) : le
    réseau n'ouvre un curseur que s'il explique assez de ce qui change. Plus il y en a,
    plus c'est cher : presque tous ceux de trop restent fermés."""
    price = 0.0045 * model.latent_size * model.variety
    return price * max(0, 1 - done / 0.5)**2


def kl_divergence(mu, logvar):
    """Ce que coûte chaque latent de chaque image, (N, latents).

    La divergence de Kullback et Leibler (on admettra sa formule) dit combien le nuage
    d'un latent s'éloigne de la loi normale : 0 s'il ne dit rien de l'image (mu = 0 et
    sigma = 1), plus dès qu'il s'en écarte. Pour mu = 2 et sigma = 0.5 :
    0.5 * (4 + 0.25 - 1 - ln 0.25) = 2.32, où ln 0.25 est logvar. Son unité est le nat
    (1 bit = 0.69 nat). Elle ramène les codes vers la loi normale, que suit sample.
    """
    return 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar)


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


# %% Pour aller plus loin. Qui s'arrête ici a lu un vrai VAE.
class BroadcastDecoder(nn.Module):
    """Décodeur à recopie spatiale (Watters et al., 2019, arXiv:1901.07017).

    Chaque case d'une grille reçoit la même chose du code z, et sait où elle est ; des
    convolutions sans bord dessinent. Décaler la grille décale l'image.
    """

    def __init__(self, latent_size, images_size):
        super().__init__()
        fold = images_size // 16
        # 22 cases : les 16 de l'image, de -1 à 1, et 3 de chaque côté, car
        # chacun des trois filtres 3x3 sans bord en perd une
        position = torch.arange(-10.5, 11) / 8
        # across, down : la colonne et la ligne de chaque case
        across, down = torch.meshgrid(position, position, indexing="xy")
        self.register_buffer("grid", torch.stack([across, down]))   # (2, 22, 22)
        self.from_code = nn.Linear(latent_size, 64)
        self.from_place = nn.Conv2d(2, 64, 3)
        self.layers = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(64, 64, 3),                             # (N, 64, 18, 18)
            nn.SiLU(),
            nn.Conv2d(64, 64, 3),                             # (N, 64, 16, 16)
            nn.SiLU(),
            nn.Conv2d(64, 3 * fold**2, 1),                    # (N, 48, 16, 16)
            nn.PixelShuffle(fold))                            # (N, 3, 64, 64)

    def forward(self, z):
        places = self.from_place(self.grid)                   # (64, 20, 20)
        codes = self.from_code(z)                             # (N, 64)
        # [:, :, None, None] : (N, 64, 1, 1) ; torch répète ces valeurs dans chaque case
        return self.layers(places + codes[:, :, None, None])

    def readers(self):
        return [self.from_code]


def other_error(output, target, reconstruction):
    """L'écart entre l'image redessinée y et la vraie x, mesuré autrement :

    "l1"         la somme des |x - y|
    "gaussian"   la somme des -ln p(x), petite si p juge la vraie image probable ;
                 p : loi normale autour de y, d'écart-type s (sigma-VAE)
    "laplace"    de même ; p : loi de Laplace, exp(-|x - y| / b) / (2 * b)
    s et b sont les meilleurs pour ce lot d'images : l'erreur pèse ainsi d'autant
    plus qu'elle est petite (Rybkin et al., 2021, arXiv:2006.13202).
    """
    values = target[0].numel()          # combien de nombres par image : 12288
    distance = (output - target).abs()
    if reconstruction == "l1":
        return distance.sum() / len(target)
    if reconstruction == "laplace":
        b = distance.mean().clamp(min=1e-3)                   # jamais ln 0
        return distance.sum() / len(target) / b + values * torch.log(2 * b)
    squares = distance**2
    variance = squares.mean().clamp(min=1e-6)                 # s**2
    # -ln p(x) = (x - y)**2 / (2 * variance) + ln(2 * pi * variance) / 2
    error = squares.sum() / len(target) / (2 * variance)
    return error + values * torch.log(2 * math.pi * variance) / 2


@torch.no_grad()
def start_from(model, images, directions=None, mixed=False):
    """Le réseau part de l'ACP de ces images (1000 suffisent).

    L'analyse en composantes principales (ACP) trouve les images de base V qui,
    dosées et ajoutées à l'image moyenne, redessinent le mieux les images. Les réseaux
    partent de zéro, et n'ont que le reste à apprendre. (Le décodeur "broadcast", sans
    images de base, apprend tout.)
    directions : {latent: ce qu'il regarde, (pixels,)}, s'il y a des mouvements ; le
    code part alors d'eux, au lieu de l'ACP, et les autres latents de zéro.
    mixed : si les curseurs peuvent se mêler.
    """
    size = model.latent_size
    images = images.cpu() / 255
    mean_image = images.mean(0)
    images -= mean_image
    x = images.flatten(1)                                     # (N, pixels)
    model.variety = x.norm().item()**2 / len(x)    # la somme des carrés, par image
    # en chercher quelques-unes de trop est plus sûr
    U, S, V = torch.pca_lowrank(x, min(len(x), basis_size + 8), center=False)
    found = min(len(S), basis_size)
    spread = S[:found] / len(x)**0.5      # écarts-types des doses
    V = V[:, :found]                                          # (pixels, trouvées)
    look = torch.zeros(size, x.shape[1])      # le code est x @ look.T
    amounts = torch.zeros(basis_size, size)   # les doses sont amounts @ code
    if directions:
        for i, direction in directions.items():
            look[i] = direction / (x @ direction).std()
        reserved = list(directions)
        # les meilleures doses, au sens des moindres carrés
        codes = x @ look[reserved].T
        doses = x @ V / (spread + 1e-9)
        amounts[:found, reserved] = torch.linalg.lstsq(codes, doses).solution.T
    else:
        # une image de base par latent, sous un numéro tiré au hasard ; ou (mixed), des
        # axes tournés au hasard
        turn = torch.eye(size)[torch.randperm(size)]
        if mixed:
            nn.init.orthogonal_(turn)
        count = min(found, size)
        turn = turn[:, :count]
        # le prix ramène vers 0 les coordonnées faibles, qui coûtent plus qu'elles ne
        # disent (voir kl_divergence)
        price = max(1, opening_price(model))
        strength = spread / (spread**2 + price / 2)
        look = turn @ (V * strength)[:, :count].T
        amounts[:count] = turn.T
    last = model.encoder.network[-1]
    for layer in (last, model.encoder.linear[-1]):
        nn.init.zeros_(layer.weight)
    nn.init.zeros_(last.bias[:size])
    nn.init.constant_(last.bias[size:], -3)    # sigma part de 0.22 environ
    model.encoder.linear[-1].weight[:size] = look
    model.mean_image.copy_(mean_image)
    model.background.copy_(mean_image)
    if isinstance(model.decoder, ConvolutionDecoder):
        model.decoder.basis[:] = 0
        model.decoder.basis[:found] = (V * spread).T
        model.decoder.amounts.linear.weight.copy_(amounts)
        for layer in (model.decoder.amounts.network[-1], model.decoder.details[-2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    else:    # un fond uni : l'image moyenne, elle, ne suivrait pas la grille
        model.background.copy_(mean_image.mean((1, 2), keepdim=True))


@torch.no_grad()
def turn_axes(model, mu, logvar, reserved=()):
    """Tourne les axes du code pour que chaque latent varie sans les autres.

    Aucune image ne change : le décodeur tourne dans l'autre sens. C'est l'analyse
    en composantes indépendantes (Hyvärinen et Oja, 2000, FastICA), qui se passe
    d'étiquettes : un mélange de causes sans lien entre elles (une place, une couleur)
    ressemble plus à une cloche (la loi normale) que chacune. On cherche donc les axes
    où les latents ressemblent le moins à une cloche. Puis chaque axe vivant est étiré
    pour que la variance de mu, plus sigma**2, vaille 1, ce que demande la KL.
    reserved : ceux qui ne tournent pas. Renvoie les codes tournés. (@ : produit de
    deux matrices.)
    """
    device = mu.device
    mu = mu.cpu()
    sigma2 = logvar.cpu().exp().mean(0)
    variance = mu.var(0, correction=0)
    go = torch.eye(len(variance))             # le nouveau code est code @ go.T
    # les latents vivants : mu varie, d'une image à l'autre, de plus que sigma
    live = [i for i in range(len(variance)) if variance[i] > sigma2[i]]
    free = []
    for i in live:
        if i in reserved:
            go[i, i] = (variance[i] + sigma2[i])**-0.5
        else:
            free.append(i)
    free = torch.tensor(free, dtype=int)
    axes = find_axes(mu[:, free] - mu[:, free].mean(0))
    if axes is not None:
        new_sigma2 = axes**2 @ sigma2[free]   # sigma**2 sur les nouveaux axes
        go[free[:, None], free] = axes / torch.sqrt(1 + new_sigma2)[:, None]
    mu = mu @ go.T
    go = go.to(device)
    size = model.latent_size
    last = model.encoder.network[-1]
    last.bias[:size] = go @ last.bias[:size]
    for layer in (last, model.encoder.linear[-1]):
        layer.weight[:size] = go @ layer.weight[:size]
    for layer in model.decoder.readers():
        layer.weight.copy_(layer.weight @ go.inverse())
    return mu.to(device)


def find_axes(x):
    """La matrice (vivants, vivants) qui démêle les codes x ; None s'il n'y en a pas."""
    if x.shape[1] == 0:
        return None
    covariance = x.T @ x / len(x)
    if not covariance.isfinite().all():
        return None
    # les directions où le nuage des codes s'étire, et sa variance dans chacune
    values, vectors = torch.linalg.eigh(covariance)
    if values.min() < 0.001 * values.max():   # deux latents disent la même chose
        return None
    # 1. blanchir : que le nuage s'étire autant dans tous les sens
    whiten = vectors @ torch.diag(values**-0.5) @ vectors.T
    x = x @ whiten
    # 2. tourner, jusqu'à la rotation où les codes s'éloignent le plus d'une cloche
    turn = torch.eye(x.shape[1])
    for step in range(100):
        y = torch.tanh(x @ turn.T)
        slope = (1 - y**2).mean(0)[:, None] * turn - y.T @ x / len(x)
        U, S, Vt = torch.linalg.svd(slope)
        turn = U @ Vt                         # la rotation la plus proche
    turn[turn.diag() < 0] *= -1    # un axe ou son opposé se valent : on garde le sens
    return turn @ whiten
