"""Ce que train_VAE.py dit dans la console : avant d'apprendre, puis le bilan."""
import math

from outils.latents import live_latents, unit
from outils.movements import join
from outils.names import read_name


def announce(model, count, known, unseen, settings):
    """Ce qui va se passer, et ce qui pourrait étonner."""
    weights = sum([weight.numel() for weight in model.parameters()])
    print(f"Images à apprendre : {known}, de test : {unseen}. Poids : {weights}.")
    if count > known + unseen:
        print("Images du film trop proches de celles de test, laissées de côté : "
              f"{count - known - unseen}.")
    if settings["reconstruction"] in ("gaussian", "laplace"):
        print("sigma-VAE : la perte peut devenir négative, c'est normal\n"
              "(c'est -ln p, et la densité p peut dépasser 1).")
    steps = math.ceil(known / settings["batch_size"])
    if steps * settings["epochs"] < 200:
        print(f"{steps * settings['epochs']} pas d'apprentissage, c'est peu : avec si "
              f"peu d'images,\nessayez epochs = {min(200, 400 // steps)}.")


def tell_latents(results):
    """Ce que dit chaque latent, les plus importants d'abord ; puis les morts."""
    importance = results["importance"]
    beta = results["settings"]["beta"]
    live = live_latents(results)
    for i in live:
        bar = "#" * int(40 * importance[i] / importance.max())
        print(f"  z{i + 1} : {importance[i]:5.2f} {unit(results['settings'])} {bar}")
    dead = [f"z{i + 1}" for i in range(len(importance)) if i not in live]
    if not dead:
        return
    if len(dead) == 1:
        print(f"Mort : {dead[0]}, qui n'a pas servi.")
    else:
        print(f"Morts : {join(dead)}, qui n'ont pas servi.")
    if beta > 1:
        print(f"Au prix beta = {beta}, s'en servir aurait coûté trop cher.")
    elif len(live) == 1:
        print("Un seul nombre suffit à ces images.")
    elif live:
        print(f"{len(live)} nombres suffisent à ces images.")


def tell_errors(error, learned, mean_error):
    """Le réseau a-t-il appris ? Trois erreurs (moyennes des carrés des écarts).

    Sur des images de test, sur des images apprises, et de test avec l'image moyenne."""
    print(f"Erreur par pixel sur les images de test : {error:.5f}\n"
          f"(avec l'image moyenne : {mean_error:.5f}).")
    if error > 0.9 * mean_error:
        print("Le réseau n'a rien appris de plus que l'image moyenne : augmentez\n"
              "epochs ou learning_rate, ou baissez beta. Si un bon modèle est\n"
              "maintenant dans _precedent.pth, changez model_name pour le garder.")
        return
    print(f"Il a appris : {mean_error / max(error, 1e-12):.1f} fois mieux que l'image "
          "moyenne,\nsur des images jamais vues à l'entraînement.")
    if error > 1.5 * learned:
        print("Surapprentissage : il fait mieux sur celles qu'il a apprises "
              f"({learned:.5f}).\nDavantage d'images réduiraient cet écart.")


def tell_movements(shares, names):
    """Chaque mouvement a-t-il son curseur, sur des images de test ?"""
    for k, share in shares.items():
        percent = f"{100 * share:.0f} %"
        if share > 0.5:
            print(f"Mouvement {k} : z{k} le suit, il prend {percent} de ce qui change.")
        else:
            print(f"z{k} ne suit pas bien le mouvement {k} ({percent}) : refaites-le "
                  "plus grand,\nsans bouger le reste.")
    filmed = [name for name in names if read_name(name)[0] == "im"]
    if not shares and filmed:
        print("Un curseur change plusieurs choses à la fois ? Enregistrez-les une à "
              "une\n(touches 1, 2, 3... de record_images.py) : chacune aura le sien.")
