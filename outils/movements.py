"""Les mouvements : les images m1_0001.png, m2_0001.png... et les nombres du code
qui leur sont réservés, z1 au mouvement 1, z2 au mouvement 2..."""
import torch
from torch.nn import functional as F

from outils.names import read_name

enough = 20                              # images, pour apprendre un mouvement


def find_movements(names, latent_size, tell=print):
    """Le mouvement de chaque image, d'après son nom ; dit (tell) ce qu'il en est."""
    numbers = []
    for name in names:
        kind = read_name(name)[0]        # "im", "m1"... ou ""
        numbers.append(int(kind[1:]) if kind[:1] == "m" else 0)
    numbers = torch.tensor(numbers)
    for k in list_movements(numbers):
        count = (numbers == k).sum().item()
        trouble = ""
        if count < enough:
            trouble = f"{count} images, il en faut au moins {enough}"
        if k > latent_size:
            trouble = f"pas de z{k}, puisque latent_size = {latent_size}"
        if trouble:
            tell(f"Mouvement {k} : {trouble}. Appris comme les autres images.")
            numbers[numbers == k] = 0
    found = list_movements(numbers)
    if len(found) == 1:
        tell(f"Un seul mouvement ({found[0]}) : il en faut au moins deux. Appris comme "
             "les autres images.")
        numbers[:] = 0
    if len(found) > 1:
        counts = join([f"{(numbers == k).sum()}" for k in found])
        latents = join([f"z{k}" for k in found])
        tell(f"Mouvements : {len(found)} ({counts} images).\n"
             f"{latents} leur sont réservés.")
    for name in names:
        folder, slash, file = name.rpartition("/")
        if folder != "" and read_name(file)[0].startswith("m"):
            tell("Des mouvements sont dans un sous-dossier : appris comme les "
                 "autres images.\n"
                 "Pour s'en servir, mettez ce sous-dossier dans dataset_folder.")
            break
    return Movements(numbers)


def join(words):
    """« a, b et c »."""
    return ", ".join(words[:-1]) + " et " + words[-1]


def list_movements(movements):
    """Les mouvements présents, dans l'ordre : [1, 2, 3]."""
    return sorted(set(movements.tolist()) - {0})


class Movements:
    """Le mouvement de chaque image, et ce qu'il demande au réseau ; sinon, rien.

    numbers : de chaque image, 1 à 9, ou 0 sans mouvement ; vide : aucun mouvement.
    L'indice donné au réseau : pendant le mouvement 2, seul z2 devrait changer. Ce
    n'est pas une étiquette : personne ne dit ce qui bouge, seulement que c'est une
    seule chose."""

    def __init__(self, numbers=torch.tensor([])):
        self.numbers = numbers
        self.found = list_movements(numbers)         # [1, 2, 3]
        self.reserved = [k - 1 for k in self.found]  # leurs latents : z1 a le numéro 0
        self.means = None                # le code moyen pendant chaque mouvement

    def look(self, mu, index):
        """Retient où est le code, en moyenne, pendant chaque mouvement."""
        self.means = torch.zeros(10, mu.shape[1], device=mu.device)
        for k in self.found:
            seen = self.numbers[index] == k
            if seen.any():
                self.means[k] = mu[seen].mean(0)

    def price(self, mu, logvar, index):
        """Ce que coûtent les latents qui bougent pendant le mouvement d'un autre.

        Chacun paie le carré de son écart à sa moyenne dans ce mouvement, en sigma."""
        if not self.found or self.means is None:
            return 0
        numbers = self.numbers[index]
        # detach : sigma n'apprend rien d'ici
        away = ((mu - self.means[numbers]) / torch.exp(logvar / 2).detach())**2
        # ce que paie chacun : 0.25 (plus, les images nouvelles se dessinent moins
        # bien) ; 1 pour un latent libre, qui prendrait sinon la moitié d'un mouvement
        weights = torch.ones_like(mu)    # (N, latents)
        weights[:, self.reserved] = 0.25
        weights[numbers == 0] = 0        # une image sans mouvement
        for k in self.found:
            weights[numbers == k, k - 1] = 0
        return (weights * away).sum() / len(mu)

    def shift(self, images):
        """Décale un peu ce que voit l'encodeur, mais pas ce qu'il faut redessiner.

        Un petit mouvement se reconnaît ainsi où qu'il soit."""
        if not self.found:
            return images
        size = images.shape[-1]
        reach = size // 32               # 2 pixels, pour 64x64
        i, j = torch.randint(0, 2 * reach + 1, (2,)).tolist()
        padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")
        return padded[:, :, i:i + size, j:j + size]

    def directions(self, images, index):
        """Ce qui change pendant chaque mouvement, et pas pendant les autres.

        {le latent qui lui est réservé: ce qu'il doit regarder, (valeurs,)}. Des
        directions de l'ACP, la combinaison qui varie le plus pendant ce mouvement,
        comparé aux autres (Koles, 1990 : « common spatial patterns »)."""
        if not self.found:
            return {}
        numbers = self.numbers[index]
        # trop peu d'images de l'un, au milieu de milliers d'autres
        if list_movements(numbers) != self.found:
            return {}
        x = (images[index].cpu() / 255).flatten(1)
        x -= x.mean(0)
        U, S, V = torch.pca_lowrank(x, min(60, len(x)), center=False)
        y = x @ V
        covariances = {}                 # comment y varie pendant chaque mouvement
        for k in self.found:
            take = y[numbers == k]
            take = take - take.mean(0)
            covariances[k] = take.T @ take / len(take)
        directions = {}
        for k in self.found:
            others = sum(covariances.values()) - covariances[k] + torch.eye(len(S))
            values, vectors = torch.linalg.eigh(others)
            white = vectors / values.sqrt()    # là, les autres varient autant partout
            best = torch.linalg.eigh(white.T @ covariances[k] @ white)[1][:, -1]
            directions[k - 1] = V @ white @ best
        return directions

    def shares(self, mu, train_index, test_index):
        """Pour chaque mouvement, la part de ce qui change que prend son latent.

        Sur les images de test. Ce qui change : le carré de l'écart au code moyen de
        ce mouvement, sur les images apprises."""
        self.look(mu[train_index], train_index)
        shares = {}
        for k in self.found:
            tested = test_index[self.numbers[test_index] == k]
            if len(tested) > 0:
                away = ((mu[tested] - self.means[k])**2).mean(0)
                shares[k] = (away[k - 1] / away.sum()).item()
        return shares
