"""Mesurer les expériences de la leçon : les refaire, pour que chaque réponse soit vraie.

Lit     : les créatures, leur factors.csv et l'aquarium ; les réglages sont ceux de
          train_VAE.py, changés comme experiences.md le demande à l'élève.
Écrit   : explore/results/lecon.jsonl (une ligne par entraînement), explore/lecon/mesures.json
          (pour chaque mesure : la médiane, la plus petite, la plus grande, combien), les
          tableaux et les nombres marqués dans les pages .md de la leçon et dans README.md,
          et dessins/poissons.png.
Ensuite : relire corrige.md ; les nombres y sont remis à jour, pas les phrases.
C'est long (le temps restant s'affiche) : Stop garde tout, et F5 continue où l'on en était.
"""

# ****************************** zone *** : à vous de modifier ****************
repeats = 10        #*** 1 à 10 : entraînements de chaque sorte
# *****************************************************************************

import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import draw_film
import few_labels
import laboratory as lab
import numpy as np
import torch
from samples import far_share
from scipy.optimize import linear_sum_assignment
from scores import cut, read_factors, score

lesson = Path(__file__).resolve().parent
data_file = lesson / "mesures.json"
pages = [*sorted(lesson.glob("*.md")), lab.kit / "README.md"]

# ce que chaque expérience change aux réglages de départ ; "couleurs" n'est pas un
# réglage : faut-il échanger les couleurs des créatures ?
cases = {
    "départ": {},
    "independent_axes = False": {"independent_axes": False},
    "latent_size = 1": {"latent_size": 1},
    "latent_size = 2": {"latent_size": 2},
    "latent_size = 8": {"latent_size": 8},
    "beta = 0": {"beta": 0},
    "beta = 0, independent_axes = False": {"beta": 0, "independent_axes": False},
    "beta = 8": {"beta": 8},
    "beta = 20": {"beta": 20},
    "beta = 50": {"beta": 50},
    "beta = 100": {"beta": 100},
    'reconstruction = "gaussian"': {"reconstruction": "gaussian"},
    'reconstruction = "laplace"': {"reconstruction": "laplace"},
    'reconstruction = "l1"': {"reconstruction": "l1"},
    'task = "denoise"': {"task": "denoise"},
    'task = "super_resolution"': {"task": "super_resolution"},
    "20 images": {"dataset_folder": "quarante", "test_data_proportion": 0.5, "epochs": 380},
    "50 images": {"dataset_folder": "cent", "test_data_proportion": 0.5, "epochs": 127},
    "200 images": {"dataset_folder": "quatre_cents", "test_data_proportion": 0.5, "epochs": 42},
    "couleurs échangées": {"couleurs": True},
    'decoder = "broadcast"': {"decoder": "broadcast"},
    "aquarium, sans mouvements": {"dataset_folder": "images/aquarium", "epochs": 30,
                                  "independent_axes": False},
    "aquarium, un mouvement à la fois": {"dataset_folder": "images/aquarium", "epochs": 30},
}
# les dossiers que l'élève remplit : combien des premières créatures il y copie
copied = {"quarante": 40, "cent": 100, "quatre_cents": 400}

# les tableaux des pages : les expériences (lignes), puis les mesures (colonnes)
found = ["place trouvée", "couleur trouvée", "bouche trouvée", "ciel trouvé"]
lost = ["place perdue", "couleur perdue", "bouche perdue", "ciel perdu"]
follows = ["z1 suit la place", "z1 suit la couleur", "z1 suit la bouche", "z1 suit le ciel"]
ways = ["codes", "ACP", "pixels"]
betas = ["beta = 0", "départ", "beta = 8", "beta = 20", "beta = 50",
         "beta = 100"]
others = ("images", "échangées", "aquarium")         # d'autres images que les créatures
kinds = [name for name in cases if not any([word in name for word in others])]
tables = {
    "curseurs": (["latent_size = 1", "latent_size = 2", "départ", "latent_size = 8"],
                 [*found, "MIG", "erreur de test"]),
    "huit": (["départ", "latent_size = 8"], ["latents vivants", "tirages dans un trou"]),
    "z1": (["départ"], [*follows, "z1 monte quand il monte"]),
    "axes": (["départ", "independent_axes = False"], ["MIG", "erreur de test"]),
    "beta": (betas, ["erreur de test", "KL en bits", "latents vivants"]),
    "perdus": (betas, lost),
    "trous": (["beta = 0, independent_axes = False", "beta = 0", "départ",
               "independent_axes = False", 'reconstruction = "gaussian"'],
              ["tirages dans un trou", "erreur de test"]),
    "gaussian": (["départ", 'reconstruction = "gaussian"'],
                 ["perte de test", "erreur de test", "KL en bits"]),
    "broadcast": (["départ", 'decoder = "broadcast"'], [*found, "MIG", "erreur de test"]),
    "bruit": (['task = "denoise"', 'task = "super_resolution"'],
              ["erreur de l'entrée", "erreur de test", "erreur ailleurs"]),
    "images": (["20 images", "50 images", "200 images", "départ"],
               ["erreur apprise", "erreur de test"]),
    "autres": (["départ", "couleurs échangées"], ["erreur de test", "erreur ailleurs"]),
    "étiquettes": (["départ"], [f"{way} ({count})" for count in (2, 5, 100) for way in ways]),
    "film": (["aquarium, sans mouvements", "aquarium, un mouvement à la fois"],
             ["part du curseur", "part sur un nouveau film", "erreur de test",
              "erreur sur un nouveau film"]),
    "réglages": (kinds, ["erreur de test", "KL en bits", "latents vivants", "MIG"]),
}


# %% Un entraînement, et tout ce qu'on y mesure
def recognize(images, codes, mouths):
    """La part des bouches reconnues (4 sortes), en %, comme l'affiche few_labels.py.

    codes (5) : d'après les codes, avec 5 étiquettes de chaque sorte."""
    random = np.random.default_rng(0)
    kept = few_labels.choose_images(mouths, random)
    truth = mouths[kept]
    features = few_labels.describe(images[kept], codes[kept])
    parts = {}
    for count in few_labels.choose_counts(truth):
        shares = {way: [] for way in ways}
        for turn in range(few_labels.draws):
            known, test = few_labels.split_at_random(truth, count, turn, random)
            for way, values in zip(ways, features.values()):
                share, seconds = few_labels.recognize(values, truth, known, test)
                shares[way].append(100 * share)
        for way in ways:
            parts[f"{way} ({count})"] = float(np.mean(shares[way]))
    return parts


def follow(codes, factors):
    """Quel facteur z1 suit, et s'il monte quand ce facteur monte."""
    links = [np.corrcoef(codes[:, 0], column)[0, 1] for column in factors.T]
    best = int(np.argmax(np.abs(links)))
    answers = {name: k == best for k, name in enumerate(follows)}
    answers["z1 monte quand il monte"] = bool(links[best] > 0)
    return answers


def measure(changes, repeat, images, names, factors):
    """Un entraînement. Renvoie ses mesures : des nombres, ou vrai / faux."""
    usual = changes == {}
    changes = dict(changes)
    others = images[:, [2, 0, 1]]           # les mêmes créatures, d'autres couleurs
    if changes.pop("couleurs", False):
        images, others = others, images
    count = copied.get(changes.get("dataset_folder"), len(names))
    settings = lab.settings | changes
    train_index, test_index = lab.split(names[:count], settings["test_data_proportion"])
    torch.manual_seed(repeat)
    model, settings, seconds = lab.train(images, train_index, **changes)
    task = settings["task"]
    mu, logvar = lab.encode_images(model, images, task)
    latents = lab.measure_latents(model, images, train_index, settings)
    live = sorted(lab.live_latents(latents))
    codes = mu.numpy()[:, live]             # un latent mort ne dit rien
    random = np.random.default_rng(repeat)
    drawn = random.standard_normal((1000, len(live)))
    target = images[test_index] / 255
    notes = score(codes, factors)
    results = {
        "erreur apprise": lab.pixel_error(model, images, train_index[:500], task),
        "erreur de test": lab.pixel_error(model, images, test_index[:500], task),
        "erreur ailleurs": lab.pixel_error(model, others, test_index, task),
        "erreur de l'entrée": (lab.spoil(target, task) - target).square().mean().item(),
        "erreur de l'image moyenne": (target - model.mean_image).square().mean().item(),
        "perte de test": lab.average_loss(model, images, test_index, settings)[0],
        "latents vivants": len(live),
        "tirages dans un trou": 100 * far_share(drawn, codes),
        "MIG": notes["MIG"]}
    if settings["beta"]:
        results["KL en bits"] = latents["importance"].sum().item()
        results["sigma"] = (logvar[:, live] / 2).exp().median().item()
    for name, lost_name, part in zip(found, lost, notes["R2"]):
        results[name] = 100 * max(part, 0)
        results[lost_name] = bool(part < 0.5)
    if usual:
        results |= follow(codes, factors)
        results |= recognize(images, codes, cut(factors[:, 2], 4))
    return results


@torch.no_grad()
def share_of_sliders(model, pictures):
    """La part de ce qui change que prend le curseur de chaque mouvement, en moyenne, en %.

    Sans mouvements, aucun curseur n'est à personne : le meilleur partage possible."""
    images = torch.tensor(pictures).permute(0, 3, 1, 2).contiguous()
    mu = lab.encode_images(model, images)[0]
    spreads = torch.stack([take.var(0) for take in mu.split(draw_film.frames)])
    parts = (spreads / spreads.sum(1, keepdim=True)).numpy()
    lines, columns = linear_sum_assignment(-parts)
    error = (model.decode(mu) - images / 255).square().mean().item()
    return 100 * float(parts[lines, columns].mean()), error


def measure_film(changes, repeat):
    """Un entraînement sur le film de l'aquarium, avec ou sans ses mouvements."""
    settings = lab.settings | changes
    images, names = lab.load_images(lab.kit / settings["dataset_folder"], 64)
    train_index, test_index = lab.split(names, settings["test_data_proportion"])
    movements = None
    if settings["independent_axes"]:        # sinon, train_VAE.py n'en tient pas compte
        movements = lab.find_movements(names, settings["latent_size"])
    torch.manual_seed(repeat)
    model, settings, seconds = lab.train(images, train_index, movements=movements,
                                         **changes)
    share, error = share_of_sliders(model, draw_film.film(0)[0])
    new_share, new_error = share_of_sliders(model, draw_film.film(100 + repeat)[0])
    results = {"part du curseur": share, "part sur un nouveau film": new_share,
               "erreur de test": lab.pixel_error(model, images, test_index, "copy"),
               "erreur sur un nouveau film": new_error}
    if movements is not None:               # ce que dit le bilan, en moyenne
        mu = lab.encode_images(model, images)[0]
        shares = movements.shares(mu, train_index, test_index).values()
        results["part dans le bilan"] = 100 * float(np.mean(list(shares)))
    return results


@torch.no_grad()
def draw_fish(model):
    """Des poissons et, dessous, ce qu'en redessine un réseau qui n'a vu que des créatures."""
    fish, names = lab.load_images(lab.kit / "images" / "aquarium", 64)
    fish = fish[5::40] / 255
    drawn = model.decode(model.encode(fish)[0])
    lines = [torch.cat(list(row), dim=2) for row in (fish, drawn)]
    picture = lab.to_picture(torch.cat(lines, dim=1))
    picture.save(lesson / "dessins" / "poissons.png")


# %% Résumer, écrire
def summarize(values):
    """Des nombres : médiane, le plus petit, le plus grand, combien.

    Des vrai / faux : combien de fois vrai, sur combien."""
    if isinstance(values[0], bool):
        return {"times": sum(values), "count": len(values)}
    return {"median": round(float(np.median(values)), 6), "min": round(min(values), 6),
            "max": round(max(values), 6), "count": len(values)}


def gather(runs):
    """{expérience: {mesure: résumé}}, dans l'ordre de cases."""
    summary = {}
    for case in cases:
        kept = [run["measures"] for run in runs if run["case"] == case]
        if kept:
            summary[case] = {}
            for name in kept[0]:
                summary[case][name] = summarize([one[name] for one in kept])
    return summary


def write_data(summary):
    """Le texte de mesures.json : une ligne par mesure."""
    parts = []
    for case, results in summary.items():
        lines = []
        for name, result in results.items():
            lines.append(f'  "{name}": {json.dumps(result)}')
        parts.append(f" {json.dumps(case, ensure_ascii=False)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_number(value, name):
    """Un nombre écrit à la française, avec les décimales qui conviennent à sa mesure."""
    digits = {"erreur": 5, "MIG": 2, "sigma": 2, "KL": 1}.get(name.split()[0], 0)
    return f"{value:.{digits}f}".replace(".", ",").replace("-", "−")


def write_measure(result, name):
    """La médiane et, entre parenthèses, les deux extrêmes ; ou « 3 sur 10 »."""
    if "times" in result:
        return f"{result['times']} sur {result['count']}"
    median, low, high = (write_number(result[key], name) for key in ("median", "min", "max"))
    percents = ("tirages", "part", *ways)
    unit = " %" if name.split()[0] in percents or name in found else ""
    return f"{median}{unit}" if low == high else f"{median}{unit} ({low} à {high})"


def write_table(name, summary):
    """Le tableau Markdown de ce nom."""
    rows, columns = tables[name]
    lines = ["| réglage changé | " + " | ".join([*columns, "entraînements"]) + " |"]
    lines.append("| --- |" + " --- |" * (len(columns) + 1))
    for row in [row for row in rows if row in summary]:    # les autres : pas encore
        label = row
        if row == "départ":
            label = "aucun"
        elif "=" in row:
            label = f"`{row}`"
        cells = [label]
        for column in columns:
            words = "sans objet"
            if column in summary[row]:
                words = write_measure(summary[row][column], column)
            cells.append(words)
        count = summary[row]["erreur de test"]["count"]
        lines.append("| " + " | ".join(cells) + f" | {count} |")
    return "\n".join(lines)


def fill(text, summary):
    """Remet à jour, dans une page, les tableaux et les nombres qui viennent des mesures.

    Un tableau suit la ligne <!-- tableau : beta --> et finit à la première ligne vide.
    Un nombre précède sa marque, sans espace : 0,72<!-- départ : MIG -->, la médiane ;
    ou l'un des deux extrêmes : 0,67<!-- départ : MIG : min -->.
    """
    def table(mark):
        return mark[1] + write_table(mark[2], summary) + "\n"

    def number(mark):
        words, case, name, extreme = mark.groups()
        result = summary[case][name]
        value = result["times"] if "times" in result else result[extreme or "median"]
        return write_number(value, name) + words

    text = re.sub(r"(<!-- tableau : (.+) -->\n)(?:\|.*\n)*", table, text)
    return re.sub(r"[−\d,.]+(<!-- ([^>]+?) : ([^>]+?)(?: : (min|max))? -->)", number, text)


# %% 1. Les images, et ce qui est déjà fait
if __name__ == "__main__":
    lab.check_number("repeats", repeats, 1, 10)
    images, names = lab.load_images(lab.kit / "images" / "demo", 64)
    factors, factor_names = read_factors(lab.kit / "images" / "demo", names)
    lab.results.mkdir(exist_ok=True)
    file = lab.results / "lecon.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    runs = [json.loads(line) for line in lines if line.endswith("}")]
    done = {(run["case"], run["repeat"]) for run in runs}
    plan = []
    for repeat in range(repeats):           # toutes les expériences, puis encore toutes
        plan += [(case, repeat) for case in cases if (case, repeat) not in done]

    # %% 2. Les entraînements
    start = time.time()
    try:
        for number, (case, repeat) in enumerate(plan, start=1):
            if case.startswith("aquarium"):
                results = measure_film(cases[case], repeat)
            else:
                results = measure(cases[case], repeat, images, names, factors)
            runs.append({"case": case, "repeat": repeat, "measures": results})
            with open(file, "a", encoding="utf-8") as lines:
                lines.write(json.dumps(runs[-1], ensure_ascii=False) + "\n")
            left = (time.time() - start) / number * (len(plan) - number) / 60
            print(f"{number}/{len(plan)} {case} : erreur de test "
                  f"{results['erreur de test']:.5f} ; encore {left:.0f} min")
    except KeyboardInterrupt:
        print("Arrêt demandé : ce qui est fait est gardé. Relancez pour continuer.")

    # %% 3. Les mesures, et les pages qui les citent
    summary = gather(runs)
    data_file.write_text(write_data(summary), encoding="utf-8")
    for page in pages:
        page.write_text(fill(page.read_text(encoding="utf-8"), summary), encoding="utf-8")
    train_index, test_index = lab.split(names, lab.settings["test_data_proportion"])
    torch.manual_seed(0)
    draw_fish(lab.train(images, train_index)[0])
    print(f"{len(runs)} entraînements résumés dans {data_file.name} ; pages mises à jour.")
