"""Entraîner le VAE : il apprend seul à résumer chaque image en
latent_size nombres, puis à la redessiner. Stop (ou "q" dans la
fenêtre) arrête avant la fin et garde ce qui a été appris.

Lit     : les images de dataset_folder, ou celles de démonstration.
Écrit   : model_name.pth (le modèle), model_name.png (les courbes).
Ensuite : decode_VAE.py.
"""
# ***************** zone *** : à vous de modifier *****************
images_size = 64            #*** 32, 64 ou 128 : côté, en pixels
latent_size = 4             #*** 1 à 32 : combien de nombres par image
dataset_folder = "images"   #*** un dossier : où sont les images
model_name = "VAE_64"       #*** un nom : un autre garde l'ancien
test_data_proportion = 0.1  #*** 0.05 à 0.5 : part des images de test
batch_size = 24             #*** 1 à 1000 : images par pas
epochs = 10                 #*** 1 à 1000 : passages sur les images
learning_rate = 0.005       #*** 0.0001 à 0.1 : taille des pas
# ----- pour plus tard -----
beta = 1                    #*** 0 à 1000 : grand, il simplifie le résumé
reconstruction = "mse"      #*** "mse", "l1", "gaussian" ou "laplace"
decoder = "convolution"     #*** "convolution" ou "broadcast"
task = "copy"               #*** "copy", "denoise", "super_resolution"
independent_axes = True     #*** True, False : démêler les curseurs ?
augmentation = False        #*** True, False : cadrer au hasard ?
film = False                #*** True, False : garder un film (.gif) ?
# *****************************************************************
import io
import math
import signal
import sys
import time
import zlib

# d'abord celui-ci : il règle torch avant de l'importer
from model_VAE_64 import (VAE, choices, encode_images, limits, load_images,
                          save_model, spoil, to_picture, vae_loss)
import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from record_images import (black, check_choice, check_folder, check_name,
                           check_number, close_windows, font, grey, here, is_open,
                           open_window, quit_keys, screen_works, show, small_font,
                           stop, white, write_whole)

settings = dict(
    images_size=images_size, latent_size=latent_size, dataset_folder=dataset_folder,
    model_name=model_name, test_data_proportion=test_data_proportion,
    batch_size=batch_size, epochs=epochs, learning_rate=learning_rate, beta=beta,
    reconstruction=reconstruction, decoder=decoder, task=task,
    independent_axes=independent_axes, augmentation=augmentation, film=film)


# %% Vérifier et partager
def check_settings(settings):
    """Arrête le script si un réglage ne va pas."""
    for name, values in choices.items():
        check_choice(name, settings[name], values)
    for name, (low, high) in limits.items():
        check_number(name, settings[name], low, high)
    check_folder("dataset_folder", settings["dataset_folder"])
    check_name("model_name", settings["model_name"])


def split(names, proportion):
    """Les numéros des images de test, et ceux des images à apprendre.

    crc32, un nombre calculé sur chaque nom, décide : pour les mêmes images, le partage
    ne change jamais, et ce qui sert au test n'est jamais appris."""
    numbers = [zlib.crc32(name.encode()) for name in names]
    order = torch.tensor(numbers).argsort(stable=True)
    count = max(1, round(proportion * len(names)))
    return order[:count], order[count:]


# %% Apprendre
def learn(model, images, train_index, test_index, settings, history):
    """Toutes les époques, pas à pas ; chacune ajoute une ligne à history.

    Une ligne : perte, erreur et KL, puis les mêmes sur les images de test.
    yield rend la main un instant, avant chaque pas et à la fin, à qui veut dessiner
    ou arrêter, et dit combien d'époques sont faites : 2.5 au milieu de la troisième."""
    # Adam (Kingma et Ba, 2015) règle les poids ; betas : combien il se souvient des
    # pas d'avant ; fused : tous les poids d'un coup, plus rapide dès torch 2.5
    fused = torch.__version__ >= (2, 5)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=fused)
    for epoch in range(settings["epochs"]):
        order = train_index[torch.randperm(len(train_index))]    # mélangées
        batches = order.split(settings["batch_size"])
        measures = []
        for number, batch in enumerate(batches):
            done = epoch + number / len(batches)
            yield done
            # la taille des pas : départ en douceur, arrivée aussi
            progress = done / settings["epochs"]                 # de 0 à 1
            rate = min(1, 0.05 + 10 * progress) * (1 + math.cos(math.pi * progress)) / 2
            optimizer.param_groups[0]["lr"] = settings["learning_rate"] * rate
            measures.append(learn_batch(model, images[batch], optimizer, settings))
        # jamais après la dernière époque : sigma, qui ne tourne pas, est à réapprendre
        if settings["independent_axes"] and epoch + 1 < settings["epochs"]:
            mu, logvar = encode_images(model, images[order[:2000]], settings["task"])
            turn_axes(model, mu.cpu(), logvar.cpu())
        test = evaluate(model, images, test_index, settings)
        check_finite(test)
        history.append(np.mean(measures, axis=0).tolist() + test)
    yield settings["epochs"]


def learn_batch(model, batch, optimizer, settings):
    """Un pas d'apprentissage sur un lot d'images."""
    target = batch / 255                          # (N, 3, 64, 64), de 0 à 1
    if settings["augmentation"]:
        target = augment(target)
    loss, error, kl = measure(model, target, settings)
    numbers = [loss.item(), error.item(), kl.sum().item()]
    check_finite(numbers)
    optimizer.zero_grad()      # efface les pentes du pas d'avant
    loss.backward()            # pour chaque poids, dans quel sens la perte baisse
    optimizer.step()           # un petit pas dans ce sens
    return numbers


def check_finite(numbers):
    if not np.isfinite(numbers).all():
        stop("La perte n'est plus un nombre : les pas sont trop grands. Divisez "
             "learning_rate par 4, puis relancez. Rien n'est écrit.")


def measure(model, target, settings):
    """La perte, l'erreur et la KL du réseau sur ces images."""
    inputs = spoil(target, settings["task"])
    # sans KL (beta = 0), pas de hasard non plus : c'est un simple auto-encodeur
    output, mu, logvar = model(inputs, noise=settings["beta"] > 0)
    return vae_loss(output, target, mu, logvar, settings["beta"],
                    settings["reconstruction"])


def augment(target):
    """Un cadrage au hasard pour chaque image : 80 à 100 % de sa surface."""
    # importé ici seulement : torchvision met deux secondes à se charger
    from torchvision.transforms import v2
    crop = v2.RandomResizedCrop(target.shape[-1], scale=(0.8, 1), ratio=(1, 1),
                                antialias=True)
    return torch.stack([crop(image) for image in target])


@torch.no_grad()
def turn_axes(model, mu, logvar):
    """Tourne les axes du code pour que chaque nombre varie sans les autres.

    Aucune image ne change : le décodeur tourne dans l'autre sens. C'est l'analyse
    en composantes indépendantes (Hyvärinen et Oja, 2000, FastICA). Elle marche sans
    étiquettes (sans savoir ce que montre l'image) : un mélange de causes sans lien
    entre elles (une place, une couleur) ressemble en général plus à une cloche (la
    loi normale, que donne une somme de hasards) que chacune. On cherche donc les
    axes où les nombres ressemblent le moins à une cloche.
    À la première lecture, on peut sauter la suite.
    1. blanchir : x = (mu - moyenne) @ whiten, d'écart-type 1 dans tous les sens ;
    2. tourner  : y = x @ turn.T, où la rotation turn éloigne le plus la moyenne
                  de y**6 de celle d'une cloche.
    Enfin chaque axe est réduit pour que mu**2 + sigma**2 vaille 1 en moyenne,
    comme pour la loi normale, que demande la KL.
    """
    # les latents vivants : ceux dont mu change d'une image à l'autre
    live = (mu.var(0, correction=0) > 0.5).nonzero().flatten()   # leurs numéros
    mean = mu[:, live].mean(0)
    x = mu[:, live] - mean                           # (N, vivants)
    if len(live) == 0 or not x.isfinite().all():
        return
    # les directions où le nuage des codes s'étire, et sa variance dans chacune
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    if values.min() < 0.001:                         # deux latents disent la même chose
        return
    whiten = vectors @ torch.diag(values**-0.5) @ vectors.T
    x = x @ whiten
    turn = torch.eye(len(live))
    for step in range(100):
        y = x @ turn.T
        # comment changer turn : la formule de FastICA, pour y**6
        slope = (y**5).T @ x / len(x) - 5 * (y**4).mean(0)[:, None] * turn
        U, S, Vt = torch.linalg.svd(slope)
        turn = U @ Vt                                # la rotation la plus proche
    go = turn @ whiten
    noise = go**2 @ logvar[:, live].exp().mean(0)    # sigma**2 sur les nouveaux axes
    go = go / torch.sqrt(1 + noise)[:, None]
    axes, back = model.axes, model.back
    go, mean = go.to(axes.weight.device), mean.to(axes.weight.device)
    axes.weight[live] = go @ axes.weight[live]       # mu devient (mu - moyenne) @ go.T
    axes.bias[live] = go @ (axes.bias[live] - mean)
    back.bias += back.weight[:, live] @ mean         # et le décodeur fait l'inverse
    back.weight[:, live] = back.weight[:, live] @ go.inverse()


# %% Mesurer
@torch.no_grad()
def evaluate(model, images, index, settings):
    """Perte, erreur et KL moyennes sur images[index], sans rien apprendre."""
    total = np.zeros(3)
    for batch in index.split(500):
        loss, error, kl = measure(model, images[batch] / 255, settings)
        total += len(batch) * np.array([loss.item(), error.item(), kl.sum().item()])
    return (total / len(index)).tolist()


@torch.no_grad()
def reconstruct(model, images, index, task):
    """Ce que reçoit le réseau et ce qu'il redessine, sans hasard."""
    target = images[index] / 255
    inputs = spoil(target, task)
    rows = {"entrée": inputs, "sortie": model(inputs, noise=False)[0]}
    if task != "copy":
        rows["cible"] = target                       # l'image nette
    return rows


@torch.no_grad()
def measure_latents(model, images, index, settings):
    """Pour les curseurs : moyenne, écart-type et importance de chaque latent."""
    mu, logvar = encode_images(model, images[index], settings["task"])
    mean = mu.mean(0)
    spread = mu.std(0, correction=0) + 1e-6    # jamais 0 : decode_VAE.py divise par lui
    if settings["beta"] > 0:       # sa KL, en bits
        importance = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0) / math.log(2)
    else:                          # sa part des changements de l'image, en %
        # une ligne par latent, qui bouge seul, d'un écart-type de chaque côté
        steps = torch.diag(spread)
        change = (model.decode(mean + steps) - model.decode(mean - steps))**2
        importance = 100 * change.sum((1, 2, 3)) / (change.sum() + 1e-9)
    return {"z_mean": mean.cpu(), "z_spread": spread.cpu(),
            "importance": importance.cpu()}


def mean_square(model, images, index, task):
    """L'erreur par pixel sur images[index] : moyenne des carrés des écarts."""
    output = reconstruct(model, images, index, task)["sortie"]
    return (output - images[index] / 255).square().mean().item()


# %% Montrer
def draw_all(model, images, examples, settings, history):
    """Les courbes de perte et, dessous, des images de test, redessinées."""
    rows = reconstruct(model, images, examples, settings["task"])
    screen = Image.new("RGB", (900, 300 + 100 * len(rows)), white)
    draw = ImageDraw.Draw(screen)
    draw.text((12, 8), describe(history, settings), black, font)
    draw.line((70, 58, 70, 270, 880, 270), grey)
    if len(history) > 1:
        draw_curves(draw, np.array(history))
    for line, (name, pictures) in enumerate(rows.items()):
        draw.text((12, 342 + 100 * line), name, black, font, anchor="lm")
        for column, picture in enumerate(pictures):
            place = (112 + 96 * column, 294 + 100 * line)
            screen.paste(to_picture(picture).resize((96, 96)), place)
    return screen


def draw_curves(draw, history):
    """La perte et la perte de test, dans le cadre de 70 à 880 et de 58 à 270."""
    losses = history[:, [0, 3]]                      # (époques, 2)
    low = losses.min()
    high = losses.max()
    # à l'écran, y descend : 270 est le bas du cadre
    heights = 270 - 212 * (losses - low) / max(high - low, 1e-9)
    across = np.linspace(70, 880, len(losses))
    blue = (40, 90, 200)
    orange = (225, 110, 20)
    draw.line(list(zip(across, heights[:, 0])), blue, 2)
    draw.line(list(zip(across, heights[:, 1])), orange, 2)
    draw.text((70, 34), "perte", blue, font)
    draw.text((130, 34), "perte de test", orange, font)
    draw.text((62, 58), f"{high:.4g}", grey, small_font, anchor="rm")
    draw.text((62, 270), f"{low:.4g}", grey, small_font, anchor="rm")
    draw.text((70, 274), "époque 1", grey, small_font)
    draw.text((880, 274), f"époque {len(losses)}", grey, small_font, anchor="ra")


def describe(history, settings):
    """La dernière ligne de history, en une phrase."""
    if not history:
        return "Avant d'apprendre"
    loss, error, kl, test_loss = history[-1][:4]
    return (f"Époque {len(history)}/{settings['epochs']}  perte {loss:.2f} = erreur "
            f"{error:.2f} + {settings['beta']} x KL {kl:.2f}  test {test_loss:.2f}")


def watch(learning, model, images, examples, settings, history):
    """Fait avancer l'apprentissage et le montre. Renvoie les vues du film."""
    stops = []

    def note_stop(number, frame):
        """Stop ne coupe plus rien : il est noté ici, et regardé à chaque pas.

        Python donne ces deux valeurs ; elles ne servent pas."""
        stops.append("Stop")

    # SIGINT : ce qu'envoient Stop et Ctrl-C ; usual : leur effet d'avant
    usual = signal.signal(signal.SIGINT, note_stop)
    views = []
    every = math.ceil(settings["epochs"] / 100)      # 100 vues au plus, environ
    start = time.monotonic()
    next_look = 0
    try:
        window = screen_works()
        if window:
            close_windows()
            open_window("apprentissage", "Apprentissage")
        else:
            print("Pas d'écran, donc pas de fenêtre : les courbes seront dans le .png.")
        for done in learning:
            if done == len(history):      # le début, ou la fin d'une époque
                screen = draw_all(model, images, examples, settings, history)
                if window:
                    show("apprentissage", screen)
                if settings["film"] and done % every == 0:
                    views.append(screen.quantize())  # 256 couleurs, pour le .gif
                seconds = time.monotonic() - start
                print(f"\r{describe(history, settings)}  {seconds:.0f} s")
            if time.monotonic() > next_look:
                next_look = time.monotonic() + 0.2
                if done > len(history):
                    print(f"\r{100 * done / settings['epochs']:.0f} %", end="")
                window = window and listen(stops)    # fermée, on ne l'écoute plus
            if stops:
                print("\nArrêt demandé : je garde ce qui a été appris.")
                break
    finally:
        signal.signal(signal.SIGINT, usual)
        close_windows()
    return views


def listen(stops):
    """Écoute la fenêtre : "q" est noté dans stops. Faux si elle est fermée."""
    if cv2.waitKeyEx(1) in quit_keys:
        stops.append("q")
    if is_open("apprentissage"):
        return True
    print("\nFenêtre fermée : l'apprentissage continue ; Stop l'arrête.")
    return False


# %% Garder
def keep(path, model, results, screen, views):
    """Écrit le modèle, l'image et le film ; l'ancien modèle devient _precedent."""
    picture = io.BytesIO()
    screen.save(picture, "PNG")
    try:
        write_whole(path.with_suffix(".png"), picture.getvalue())
        if views:
            movie = io.BytesIO()
            views[0].save(movie, "GIF", save_all=True, append_images=views[1:],
                          duration=300, loop=0)
            write_whole(path.with_suffix(".gif"), movie.getvalue())
        if path.exists():
            previous = path.with_name(f"{path.stem}_precedent.pth")
            write_whole(previous, path.read_bytes())
            print(f"L'ancien modèle est gardé : {previous.name}.")
        save_model(path, model, results)
    except OSError as error:
        stop(f"Impossible d'écrire {path.stem} ({error.strerror}) : libérez de la "
             "place, puis relancez la cellule 4 dans Spyder.")
    print(f"Modèle : {path.name}. Courbes et images : {path.stem}.png. Ensuite : "
          "decode_VAE.py")


def report(model, images, train_index, test_index, results):
    """Le bilan : ce que dit chaque latent, puis si le réseau a appris."""
    settings = results["settings"]
    importance = results["importance"]
    unit = "bits"
    if settings["beta"] == 0:
        unit = "% des changements"
    for i in importance.argsort(descending=True).tolist():
        bar = "#" * int(40 * importance[i] / (importance.max() + 1e-9))
        if importance[i] < 0.1:
            bar = "mort : il ne change presque rien"
        print(f"  z{i + 1} : {importance[i]:5.2f} {unit} {bar}")
    learned = mean_square(model, images, train_index[:500], settings["task"])
    error = mean_square(model, images, test_index[:500], settings["task"])
    target = images[test_index[:500]] / 255
    mean_error = (target - model.mean_image).square().mean().item()
    print(f"Erreur par pixel sur les images de test : {error:.5f} "
          f"(avec l'image moyenne : {mean_error:.5f}).")
    if error > 0.9 * mean_error:
        print("Le réseau n'a rien appris de plus que l'image moyenne : augmentez epochs "
              "ou learning_rate, ou baissez beta. Si un bon modèle est maintenant "
              "dans _precedent.pth, changez model_name pour ne pas le perdre.")
    elif error > 1.5 * learned:
        print(f"Surapprentissage : {learned:.5f} seulement sur les images apprises. "
              "Il faut plus d'images, ou moins d'époques.")
    else:
        print(f"Il a appris : {mean_error / max(error, 1e-12):.1f} fois mieux que "
              "l'image moyenne, sur des images jamais vues à l'entraînement.")


# %% Préparer
def choose_device():
    """La carte graphique s'il y en a une, sinon le processeur."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def announce(model, known, unseen, settings):
    """Ce qui va se passer, et ce qui pourrait étonner."""
    weights = sum([weight.numel() for weight in model.parameters()])
    print(f"Images à apprendre : {known}, de test : {unseen}. Poids : {weights}.")
    if settings["reconstruction"] in ("gaussian", "laplace"):
        print("sigma-VAE : la perte peut devenir négative, c'est normal "
              "(c'est -ln p, et la densité p peut dépasser 1).")
    steps = math.ceil(known / settings["batch_size"])
    if steps * settings["epochs"] < 200:
        print(f"{steps * settings['epochs']} pas d'apprentissage, c'est peu : avec si "
              f"peu d'images, essayez epochs = {min(200, 400 // steps)}.")


# %% 1. Les images : le programme commence ici quand on appuie sur F5
if __name__ == "__main__":
    check_settings(settings)
    # peut-on écrire dans le dossier du kit ?
    check_folder("model_name", ".", written=True)
    try:
        images, names = load_images(here / dataset_folder, images_size)
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'est écrit.")
    if len(names) < 10:
        stop(f"Images : {len(names)}. Il en faut au moins 10 (200 conseillées) : "
             "enregistrez-en avec record_images.py.")
    test_index, train_index = split(names, test_data_proportion)

    # %% 2. Le réseau
    images = images.to(choose_device())
    model = VAE(images_size, latent_size, decoder).to(images.device)
    try:
        model.start_from(images[train_index[:1000]])
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'est écrit.")
    announce(model, len(train_index), len(test_index), settings)

    # %% 3. Apprendre
    history = []
    # à cause de yield, rien n'avance encore : watch demandera chaque pas
    learning = learn(model, images, train_index, test_index, settings, history)
    views = watch(learning, model, images, test_index[:8], settings, history)
    if not history:
        stop("Arrêt avant la fin de la première époque : rien n'est écrit, "
             "l'ancien modèle reste le même.")

    # %% 4. Le modèle et le bilan
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Stop est ignoré
    try:
        results = {"settings": settings, "history": history,
                   "train_names": [names[i] for i in train_index]}
        results.update(measure_latents(model, images, train_index, settings))
        screen = draw_all(model, images, test_index[:8], settings, history)
        if film:                  # la dernière vue
            views.append(screen.quantize())
        keep(here / f"{model_name}.pth", model, results, screen, views)
        report(model, images, train_index, test_index, results)
        if "spyder_kernels" in sys.modules:
            from IPython.display import display
            display(screen)       # dans l'onglet Plots de Spyder
            print("À taper ici : history[-1], puis to_picture(model.sample(1)[0])")
    finally:
        signal.signal(signal.SIGINT, usual)
