"""Les mouvements : les images m1_0001.png, m2_0001.png... et les nombres du code
qui leur sont réservés, z1 au mouvement 1, z2 au mouvement 2..."""
import torch

from outils.names import read_name

enough = 20                              # images, pour apprendre un mouvement


def find_movements(names, latent_size, tell=print):
    """Le mouvement de chaque image : 1 à 9, ou 0 ; dit (tell) ce qu'il en est."""
    numbers = []
    for name in names:
        kind = read_name(name)[0]        # "im", "m1"... ou ""
        numbers.append(int(kind[1:]) if kind[:1] == "m" else 0)
    movements = torch.tensor(numbers)
    for k in list_movements(movements):
        count = numbers.count(k)
        trouble = ""
        if count < enough:
            trouble = f"{count} images, il en faut au moins {enough}"
        if k > latent_size:
            trouble = f"pas de z{k}, puisque latent_size = {latent_size}"
        if trouble:
            tell(f"Mouvement {k} : {trouble}. Appris comme les autres images.")
            movements[movements == k] = 0
    found = list_movements(movements)
    if len(found) == 1:
        tell(f"Un seul mouvement ({found[0]}) : il en faut au moins deux. Appris comme "
             "les autres images.")
        movements[:] = 0
    if len(found) > 1:
        counts = join([f"{numbers.count(k)}" for k in found])
        latents = join([f"z{k}" for k in found])
        tell(f"Mouvements : {len(found)} ({counts} images) : {latents} leur sont "
             "réservés.")
    if any([read_name(name.split("/")[-1])[0][:1] == "m" for name in names if "/" in name]):
        tell("Des mouvements sont dans un sous-dossier : appris comme les autres images.")
    return movements


def join(words):
    """« a, b et c »."""
    return ", ".join(words[:-1]) + " et " + words[-1]


def list_movements(movements):
    """Les mouvements présents, dans l'ordre : [1, 2, 3]."""
    return sorted(set(movements.tolist()) - {0})


def take_means(mu, movements):
    """Le code moyen de chaque mouvement, ligne k pour le mouvement k, (10, latents)."""
    means = torch.zeros(10, mu.shape[1], device=mu.device)
    for k in list_movements(movements):
        means[k] = mu[movements == k].mean(0)
    return means


def movement_directions(images, movements):
    """Pour chaque mouvement, ce qui change pendant lui et pas pendant les autres.

    {le latent qui lui est réservé: ce qu'il doit regarder, (pixels,)}. Des directions
    de l'ACP, on garde la combinaison qui varie le plus pendant ce mouvement, comparé
    aux autres (Koles, 1990 : « common spatial patterns »)."""
    found = list_movements(movements)
    if not found:
        return {}
    x = (images.cpu() / 255).flatten(1)
    x -= x.mean(0)
    U, S, V = torch.pca_lowrank(x, min(60, len(x)), center=False)
    y = x @ V
    spreads = {}                         # comment y varie pendant chaque mouvement
    for k in found:
        take = y[movements == k]
        take = take - take.mean(0)
        spreads[k] = take.T @ take / len(take)
    directions = {}
    for k in found:
        others = sum(spreads.values()) - spreads[k] + torch.eye(len(S))
        values, vectors = torch.linalg.eigh(others)
        white = vectors / values.sqrt()  # là, les autres varient autant partout
        best = torch.linalg.eigh(white.T @ spreads[k] @ white)[1][:, -1]
        directions[k - 1] = V @ white @ best
    return directions


def movement_shares(mu, movements, means):
    """Pour chaque mouvement, la part de ce qui change que prend son latent, de 0 à 1.

    Ce qui change : le carré de l'écart au code moyen de ce mouvement (means)."""
    shares = {}
    for k in list_movements(movements):
        away = ((mu[movements == k] - means[k])**2).mean(0)
        shares[k] = (away[k - 1] / away.sum()).item()
    return shares
