"""La leçon : ses nombres viennent des mesures, son site se construit, ses deux scripts marchent."""
import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for module in ("matplotlib", "sklearn"):
    pytest.importorskip(module)            # ceux de explore/requirements.txt
root = Path(__file__).resolve().parent.parent
lesson = root / "explore" / "lecon"
sys.path.insert(0, str(lesson))
import mesurer

summary = json.loads((lesson / "mesures.json").read_text("utf-8"))
pages = [*sorted(lesson.glob("*.md")), root / "README.md"]
README = (root / "README.md").read_text("utf-8")


# %% Les nombres
@pytest.mark.parametrize("page", pages, ids=lambda page: page.name)
def test_figures_come_from_the_measures(page):
    """Chaque tableau et chaque nombre marqué d'une page est celui de mesures.json."""
    text = page.read_text("utf-8")
    assert mesurer.fill(text, summary) == text


def test_corrige_says_nothing_unmeasured():
    """Hors des tableaux, le corrigé n'a aucun nombre à virgule ni aucun % sans sa marque.

    <!-- constante --> marque un nombre qui se calcule et ne se mesure pas."""
    text = (lesson / "corrige.md").read_text("utf-8")
    marked = re.compile(r"[−\d,.]+( %)?<!-- (constante|[^>]+? : [^>]+?) -->( %)?")
    for line in text.splitlines():
        if not line.startswith(("|", "<!--")):
            rest = re.sub(r"`[^`]*`", "", marked.sub("", line))
            rest = rest.replace("de 0 à 100 %", "")
            assert not re.search(r"\d+,\d|\d+ ?%", rest), line


def test_corrige_answers_each_experiment():
    """Le corrigé a les titres des onze expériences, et un tableau pour chacune."""
    titles = re.findall(r"^## \d+.*", (lesson / "experiences.md").read_text("utf-8"), re.M)
    parts = re.split(r"^(## \d+.*)", (lesson / "corrige.md").read_text("utf-8"), flags=re.M)
    assert len(titles) == 12 and parts[1::2] == titles
    for title, part in zip(parts[1::2], parts[2::2]):
        assert "<!-- tableau : " in part and "**Ce qui varie" in part, title


def test_fill_changes_a_wrong_figure():
    """Un nombre faux, dans une phrase ou dans un tableau, est vu et corrigé."""
    right = summary["départ"]["MIG"]
    text = mesurer.fill("MIG 9,99<!-- départ : MIG -->\n<!-- tableau : axes -->\n| 9,99 |\n\n", summary)
    assert "9,99" not in text
    assert f"MIG {right['median']:.2f}".replace(".", ",") in text
    assert text.count("independent_axes = False") == 1


def test_summary_of_numbers_and_of_answers():
    """La médiane, le plus petit, le plus grand et combien ; ou combien de fois vrai."""
    runs = [{"case": "départ", "measures": {"MIG": value, "place perdue": value > 2}}
            for value in (3, 1, 2, 10)]
    assert mesurer.gather(runs) == {"départ": {
        "MIG": {"median": 2.5, "min": 1, "max": 10, "count": 4},
        "place perdue": {"times": 2, "count": 4}}}
    assert json.loads(mesurer.write_data(summary)) == summary


def test_every_case_was_measured_several_times():
    """Chaque expérience a été refaite dix fois."""
    assert list(summary) == list(mesurer.cases)
    for case, results in summary.items():
        for name, result in results.items():
            assert result["count"] == mesurer.repeats, f"{case}, {name}"


# %% Ce que voit l'élève
def read_launches():
    """Sous « Faites », une ligne est un entraînement : [(expérience, réglages, script)]."""
    launches = []
    parts = re.split(r"(?m)^## ", (lesson / "experiences.md").read_text("utf-8"))[1:]
    for part in parts:
        steps = re.search(r"- Faites :\n((?:  - .+\n)+)", part)[1]
        for line in steps.splitlines():
            found = re.findall(r"`(\w+) = (.+?)`", line)
            settings = {name: ast.literal_eval(value) for name, value in found}
            assert settings or line.startswith("  - rien"), line
            script = re.search(r"puis `(explore/\w+\.py)`", line)
            launches.append((int(part.split(".")[0]), settings, script and script[1]))
    return launches


def find_case(settings):
    """Le nom de l'expérience de mesures.json qui a ces réglages."""
    names = [name for name, changes in mesurer.cases.items() if changes == settings]
    assert len(names) == 1, f"jamais mesuré : {settings}"
    return names[0]


def copy_creatures(kit, folder):
    """Copie les créatures comme le demande l'expérience 9 : « 0001 à 0040 dans `quarante` »."""
    text = (lesson / "experiences.md").read_text("utf-8")
    last = re.search(rf"0001 à (\d{{4}})[^,;`]*(?:`images/demo`)?[^,;`]* `{folder}`", text)[1]
    (kit.folder / folder).mkdir()
    for number in range(1, int(last) + 1):
        shutil.copy(kit.images / "demo" / f"{number:04d}.png", kit.folder / folder)


def read_console(text):
    """Les nombres que l'élève lit : ceux du bilan, de samples.py et de few_labels.py."""
    live = re.findall(r"(?m)^  z\d+ : +[\d.]+ (?:bits|%)", text)
    seen = {"latents vivants": len(live),
            "erreur de test": float(re.search(r"images de test : (\d\.\d+)", text)[1]),
            "erreur de l'image moyenne":
                float(re.search(r"image moyenne : (\d\.\d+)", text)[1])}
    bits = re.findall(r"(?m)^  z\d+ : +(\d+\.\d+) bits", text)
    if bits:
        seen["KL en bits"] = sum(map(float, bits))
    learned = re.search(r"qu'il a apprises \((\d\.\d+)\)", text)
    if learned:
        seen["erreur apprise"] = float(learned[1])
    shares = re.findall(r"il prend (\d+) %|mouvement \d \((\d+) %\)", text)
    if shares:
        seen["part dans le bilan"] = sum([int(a or b) for a, b in shares]) / len(shares)
    holes = re.search(r"(\d+) % des tirages selon N\(0, 1\)", text)
    if holes:
        seen["tirages dans un trou"] = float(holes[1])
    for count, *parts in re.findall(r"(\d+) images par classe :" + 3 * r".*? (\d+) ±", text):
        for way, part in zip(mesurer.ways, parts):
            seen[f"{way} ({count})"] = float(part)
    return seen


launches = read_launches()


# une zone *** de chaque sorte : un nombre, un texte, vrai ou faux, plusieurs à la fois
literal = {(tuple(map(type, settings.values())), script): find_case(settings)
           for number, settings, script in launches}


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(set(literal.values())))
def test_what_the_student_sees_is_what_is_announced(kit, case):
    """L'élève suit la fiche : la zone ***, F5 ; sa console dit ce que le corrigé annonce.

    Dix entraînements donnent une étendue ; un onzième peut en sortir, mais de peu : au plus
    d'une fois sa largeur et de 2 % (et d'un demi-chiffre de la console)."""
    settings = mesurer.cases[case]
    scripts = {script for number, same, script in launches if same == settings and script}
    copy_kit(kit)
    shutil.copytree(root / "images" / "aquarium", kit.images / "aquarium")
    if settings.get("dataset_folder") in mesurer.copied:
        copy_creatures(kit, settings["dataset_folder"])
    kit.set("train_VAE.py", **settings)
    text = kit.start("train_VAE.py", OMP_NUM_THREADS="1").finish()
    for script in sorted(scripts):
        text += kit.start(script, OMP_NUM_THREADS="1").finish()
    for name, value in read_console(text).items():
        if name in summary[case]:
            announced = summary[case][name]
            rounded = 0.000005 if name.startswith("erreur") else 0.5
            slack = announced["max"] - announced["min"] + 0.02 * announced["median"] + rounded
            low, high = announced["min"] - slack, announced["max"] + slack
            assert low <= value <= high, f"{case}, {name}"


def test_each_experiment_is_launched_and_measured():
    """Chaque expérience lance au moins un entraînement, et chacun a été mesuré dix fois."""
    assert {number for number, settings, script in launches} == set(range(1, 13))
    for number, settings, script in launches:
        assert find_case(settings) in summary


def test_the_hour_asks_for_measured_settings():
    """Les réglages des rangées, dans chaque déroulé, sont ceux des réponses, et ils sont mesurés."""
    answers = (lesson / "reponses.md").read_text("utf-8")
    for page in ("deroule", "sans_code", "projete"):
        text = (lesson / f"{page}.md").read_text("utf-8")
        rows = re.findall(r"(?m)^\| \d \| (?:`(.+?)`|rien)", text)
        assert len(rows) == 4, page
        for row in filter(None, rows):
            assert row in summary and f"| `{row}` |" in answers, f"{page} : {row}"


def test_only_the_fourth_row_leaves_the_noise():
    """Ce que le déroulé fait dire au tableau : les rangées 2 et 3, à peine ; la 4, de très loin."""
    error = {row: summary[row]["erreur de test"] for row in (
        "départ", "independent_axes = False", "latent_size = 8", "beta = 100")}
    noise = error.pop("départ")["max"]
    assert error.pop("beta = 100")["min"] > 10 * noise
    for row in error.values():
        assert row["median"] < 1.4 * noise


# %% Les questions
@pytest.mark.parametrize("quiz, answers, sheet, count", [
    ("quiz", "reponses", "fiche_eleve", 8),
    ("quiz_seconde_heure", "reponses_seconde_heure", "fiche_seconde_heure", 6)])
def test_questions(quiz, answers, sheet, count):
    """Trois réponses, une bonne, une explication et l'idée fausse ; et le corrigé les suit.

    La bonne réponse ne se devine ni à sa lettre, ni à sa longueur, ni à sa prudence."""
    parts = re.split(r"^## \d+\. ", (lesson / f"{quiz}.md").read_text("utf-8"), flags=re.M)[1:]
    right = []
    longest = 0
    for part in parts:
        choices = dict(re.findall(r"^- ([A-Z])\. (.+)", part, re.M))
        assert list(choices) == ["A", "B", "C"], part
        answer, why = re.search(r"\*\*Réponse : ([ABC])\.\*\* (.+)", part, re.S).groups()
        assert len(why) > 80 and "*(Idée fausse : " in why, part
        assert not re.search(r"(?i)peut-être|parfois|souvent|en général", choices[answer]), part
        longest += len(choices[answer]) == max(map(len, choices.values()))
        right.append(answer)
    assert len(right) == count and set(right) == {"A", "B", "C"} and longest <= count / 2
    line = ", ".join(f"{number} {letter}" for number, letter in enumerate(right, start=1))
    assert line + "." in (lesson / f"{answers}.md").read_text("utf-8")
    row = "| | " + " | ".join(map(str, range(1, count + 1))) + " | total |"
    assert row in (lesson / f"{sheet}.md").read_text("utf-8")


# %% Le site, les diapositives, ce qui s'imprime
site = lesson / "_build"


@pytest.fixture(scope="module")
def built():
    """Le site, les diapositives et le PDF, faits par la commande du README."""
    assert "python explore/lecon/construire.py" in README
    shutil.rmtree(site, ignore_errors=True)
    done = subprocess.run([sys.executable, lesson / "construire.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_site_and_the_slides_need_no_network(built):
    """Chaque page y est, dix diapositives aussi, et rien n'y vient d'ailleurs."""
    assert {page.stem for page in site.glob("*.html")} >= {page.stem for page in lesson.glob("*.md")}
    slides = site / "diapos" / "diapos.html"
    assert len(re.findall(r"<h[12]>", slides.read_text("utf-8"))) == 10
    for page in [*site.glob("*.html"), slides]:
        html = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*src=\"(.+?)\"|<link[^>]*href=\"(.+?)\"", html)
        for address in [first or second for first, second in loaded]:
            assert "//" not in address, f"{page.name} : {address}"
    reference = (site / "reference.html").read_text("utf-8")
    for words in ("turn_axes", "analyse\nen composantes indépendantes", "vae_loss", "learn_batch"):
        assert words in reference, words


def read_paper():
    """Les pages de imprimer.md, dans l'ordre, et combien de feuilles, d'après son tableau."""
    text = (lesson / "imprimer.md").read_text("utf-8")
    counts = re.findall(r"(?m)^\| [^|]+ \| ([\d, ]+) \|", text)
    counts = [int(count) for count in ", ".join(counts).split(", ")]
    return list(zip(re.findall(r"{include} (\w+)\.md", text), counts, strict=True))


def count_sheets(paper):
    return len(re.findall(rb"/Type */Page\b", paper.read_bytes()))


@pytest.mark.slow
def test_all_that_is_to_print_is_in_one_file(built):
    """Le PDF est fait, en A4, et a autant de feuilles que le dit sa première."""
    if not shutil.which("chromium"):
        pytest.skip("pas de Chromium ici")
    paper = site / "a_imprimer.pdf"
    assert f"À imprimer : {paper}" in built
    assert count_sheets(paper) == 1 + sum(count for page, count in read_paper())
    assert b"/MediaBox [0 0 594.9" in paper.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("page, count", read_paper())
def test_printed_on_as_many_pages_as_said(built, tmp_path, page, count):
    """Chaque page, imprimée seule par un navigateur, a le nombre de feuilles annoncé."""
    if not shutil.which("chromium"):
        pytest.skip("pas de Chromium ici")
    paper = tmp_path / f"{page}.pdf"
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                    f"--user-data-dir={tmp_path}", "--no-pdf-header-footer",
                    f"--print-to-pdf={paper}", (site / f"{page}.html").as_uri()],
                   capture_output=True, timeout=120)
    assert count_sheets(paper) == count


def test_without_a_browser_the_pages_are_said(monkeypatch):
    """Edge est trouvé où Windows le met ; sans navigateur, construire.py le dit (None)."""
    import construire
    monkeypatch.setattr(construire.shutil, "which", lambda name: None)
    monkeypatch.setattr(construire, "macs", [])
    assert construire.find_browser() is None


@pytest.mark.parametrize("trouble", [subprocess.TimeoutExpired("chrome", 180), PermissionError()])
def test_a_browser_that_fails_gives_no_pdf(tmp_path, monkeypatch, trouble):
    """Même s'il en a écrit le début."""
    import construire
    monkeypatch.setattr(construire, "paper", tmp_path / "a_imprimer.pdf")

    def fail(command, **options):
        construire.paper.write_bytes(b"%PDF")
        raise trouble

    monkeypatch.setattr(construire.subprocess, "run", fail)
    assert construire.print_pages("chrome") is False


def test_edge_is_found_where_windows_puts_it(tmp_path, monkeypatch):
    import construire
    monkeypatch.setattr(construire.shutil, "which", lambda name: None)
    edge = tmp_path / "Microsoft" / "Edge" / "Application" / "msedge.exe"
    edge.parent.mkdir(parents=True)
    edge.write_bytes(b"")
    monkeypatch.setenv("ProgramFiles(x86)", str(tmp_path))
    assert construire.find_browser() == str(edge)


def test_what_must_be_read_is_short():
    """Quatre feuilles à lire ; avec l'accueil, la fiche et les questions, 3 000 mots au plus."""
    counts = dict(read_paper())
    assert sum([counts[page] for page in ("veille", "deroule", "reponses")]) == 4
    words = 0
    for page in ("index", "veille", "deroule", "reponses", "fiche_eleve", "quiz"):
        text = (lesson / f"{page}.md").read_text("utf-8")
        hidden = r"(?s)<!--.*?-->|```{toctree}.*?```|\]\(.*?\)|\*\*Réponse.*?\)\*\n"
        text = re.sub(hidden, " ", text)
        words += len(re.findall(r"[^\W_][\w'’-]*", text))
    assert words <= 3000, words


def test_links_of_the_plain_files():
    """Lues telles quelles, les pages ne mènent qu'à des fichiers qui existent."""
    for page in pages:
        for address in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert address.startswith("https://") or (page.parent / address).exists(), f"{page.name} : {address}"


# %% verifier.py
def copy_kit(kit, name=None):
    """Le kit de l'élève avec explore/, dans un dossier d'un autre nom si l'on veut."""
    kit.add_demo().add_explore()
    if name:
        kit.folder = kit.folder.rename(kit.folder.parent / name)
        kit.images = kit.folder / "images"
    return kit


@pytest.mark.slow
def test_verifier_says_each_line(kit, screen):
    """Une ligne par point : une fenêtre s'ouvre ; sans webcam, que faire ; le temps, compté ici."""
    copy_kit(kit).set("train_VAE.py", images_size=32, epochs=40)
    kit.set("explore/verifier.py", seconds=2)
    text = kit.start("explore/verifier.py", display=screen.display).finish()
    assert "bien   Python : " in text and re.search(r"bien   torch : il se charge en \d+ s", text)
    assert re.search(r"bien   Versions : Python 3\.\d+.*torch \d.*pillow \d", text), text
    assert "bien   Fenêtre : elle s'ouvre." in text
    assert re.search(r"à voir Webcam : webcam 0.* : absente", text) and "- Webcam : Sans webcam" in text
    assert re.search(r"Entraînement : environ [1-9]\d* s pour 1000 images et 40 époques, ici\.", text)
    assert re.search(r"bien   Place : \d+\.\d Go libres", text)
    assert "bien   Nuage : " in text and "Tout va bien" not in text
    assert not list(kit.folder.glob("*.pth"))


def test_verifier_without_screen_in_a_cloud(kit):
    """Sans écran, et dans OneDrive : il le dit, et dit quoi faire."""
    copy_kit(kit, "OneDrive - École").set("train_VAE.py", images_size=32)
    kit.set("explore/verifier.py", seconds=2)
    text = kit.start("explore/verifier.py").finish()
    assert "à voir Fenêtre : aucune fenêtre ne s'ouvre." in text
    assert "à voir Nuage" in text and "onedrive" in text and "C:\\kit" in text


def test_verifier_without_the_packages(kit, tmp_path):
    """Sans torch ni OpenCV, il ne plante pas : il dit la ligne à taper."""
    copy_kit(kit)
    script = kit.folder / "explore" / "verifier.py"
    done = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True,
                          encoding="utf-8", env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"})
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "il manque torch" in done.stdout and "%pip install -r requirements.txt" in done.stdout
    assert "Entraînement" not in done.stdout


@pytest.fixture
def verifier(kit, monkeypatch):
    """verifier.py, dans une copie du kit, sans le lancer."""
    copy_kit(kit)
    monkeypatch.syspath_prepend(str(kit.folder / "explore"))
    monkeypatch.delitem(sys.modules, "verifier", raising=False)
    for name in ("OneDrive", "OneDriveCommercial", "http_proxy", "https_proxy", "HTTP_PROXY",
                 "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    import verifier
    yield verifier
    sys.modules.pop("verifier")


@pytest.mark.parametrize("fault, seen, to_type", [
    ("raise OSError('[WinError 1114] DLL initialization failed: ...\\\\c10.dll')",
     "WinError 1114", '%pip install torch==2.8.0 torchvision==0.23.0'),
    ("import os, sys; sys.stderr.write('OMP: Error #15: Initializing libiomp5md.dll, but found "
     "libiomp5md.dll already initialized.\\n'); sys.stderr.flush(); os.abort()",
     "deux OpenMP", "conda create -y -n kit python=3.12 pip spyder-kernels"),
    ("raise ImportError('DLL load failed while importing _C')",
     "il ne démarre pas (ImportError: DLL load failed",
     "%pip install --force-reinstall -r requirements.txt"),
    ("class linalg: inv = abs\nimport time; time.sleep(0.3); eye = int", "à se charger",
     "Add-MpPreference"),
], ids=["WinError 1114", "deux OpenMP", "autre", "antivirus"])
def test_verifier_tells_windows_troubles_apart(verifier, tmp_path, monkeypatch, fault, seen,
                                               to_type):
    """Un faux torch a chacun des ennuis de Windows : le sien est nommé, avec la ligne à taper."""
    (tmp_path / "torch.py").write_text(fault, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(verifier, "patience", 0.2)
    line, advice = verifier.check_torch()
    assert seen in line and to_type in advice, (line, advice)
    if "WinError" in seen or "OpenMP" in seen:
        assert to_type in README                 # la même ligne des deux côtés


def test_verifier_knows_the_store_python(verifier, monkeypatch):
    """Le Python du Microsoft Store est reconnu à son dossier ; les autres, non."""
    assert verifier.check_python()[1] is None
    for path in (r"C:\Users\moi\AppData\Local\Microsoft\WindowsApps\python3.12.exe",
                 r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.12\python.exe"):
        monkeypatch.setattr(verifier.sys, "executable", path)
        assert "conda create" in verifier.check_python()[1]
    for path in (r"C:\Users\moi\anaconda3\python.exe", r"C:\Python312\python.exe"):
        monkeypatch.setattr(verifier.sys, "executable", path)
        assert verifier.check_python()[1] is None


def test_verifier_gives_the_proxy_line(verifier, monkeypatch):
    """S'il manque un paquet, la ligne à taper porte le proxy du réseau, s'il y en a un."""
    monkeypatch.setattr(verifier, "packages", ["torch", "pas-de-tel-paquet"])
    assert "%pip install -r requirements.txt" in verifier.check_versions()[1]
    monkeypatch.setenv("https_proxy", "http://proxy.lycee.fr:3128")
    advice = verifier.check_versions()[1]
    assert "%pip install --proxy http://proxy.lycee.fr:3128 -r requirements.txt" in advice


def test_verifier_knows_a_cloud_by_any_name(verifier, monkeypatch):
    """OneDrive sous un autre nom : la variable du système le dit."""
    assert verifier.check_cloud()[1] is None
    monkeypatch.setenv("OneDriveCommercial", str(verifier.kit.parent))
    assert "C:\\kit" in verifier.check_cloud()[1]


@pytest.mark.slow
def test_verifier_all_is_well(kit, screen):
    """Quand rien ne manque, il finit par « Tout va bien » (une vidéo tient lieu de webcam)."""
    import cv2
    import numpy as np
    copy_kit(kit).set("train_VAE.py", images_size=32)
    film = cv2.VideoWriter(str(kit.folder / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 240))
    for step in range(20):
        film.write(np.full((240, 320, 3), 100 + step, np.uint8))
    film.release()
    kit.set("explore/verifier.py", seconds=2, camera="film.avi")
    text = kit.start("explore/verifier.py", display=screen.display).finish()
    assert "elle répond (320 x 240 points)" in text
    assert text.endswith("Tout va bien.\n"), text


# %% effacer.py
def leave_traces(kit):
    """Ce qu'une séance laisse derrière elle."""
    left = ["VAE_64.pth", "VAE_64_precedent.pth", "VAE_64.png", "VAE_64.gif", "decode_0001.png",
            "decode_0002.gif", "VAE_64.html",
            "images/im_0001.png", "images/m1_0001.png", "images/webcam/m2_0001.png",
            "images/mains/a.jpg", "images/mains/b.heic",
            "explore/results/map.png", "explore/results/sweep_beta/x.png", "explore/models/m.pth",
            "explore/espaces/affiche.html", "explore/espaces/certificat.pem",
            "explore/espaces/0f3a/images/webcam/im_0001.png", "explore/espaces/0f3a/modeles/m.pth",
            "explore/espaces/anciens/77bc/modeles/m.json", "explore/espaces/anciens/77bc/vide"]
    for name in left:
        path = kit.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (kit.images / "demo" / "plus").mkdir()
    (kit.images / "demo" / "plus" / "0001.png").write_bytes(b"x")
    (kit.images / "aquarium").mkdir(exist_ok=True)
    (kit.images / "aquarium" / "m1_0100.png").write_bytes(b"x")
    return left


def answer_effacer(kit, words):
    script = kit.folder / "explore" / "effacer.py"
    done = subprocess.run([sys.executable, script], input=words, capture_output=True, text=True,
                          encoding="utf-8", env={"PYTHONIOENCODING": "utf-8", "PATH": ""})
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def all_files(kit):
    return {path.relative_to(kit.folder).as_posix() for path in kit.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", ["non\n", "\n", "", "ouf\n"])
def test_effacer_asks_first(kit, words):
    """Sans un oui, rien n'est effacé ; la liste, elle, nomme chaque fichier."""
    copy_kit(kit)
    left = leave_traces(kit)
    before = all_files(kit)
    text = answer_effacer(kit, words)
    assert "Rien n'est effacé." in text and all_files(kit) == before
    for name in left:
        assert Path(name).name in text, name


def test_effacer_erases_all_but_the_kit(kit):
    """Un oui efface tout ce que la séance a laissé, et rien du kit ; ses images restent entières."""
    copy_kit(kit)
    clean = all_files(kit)
    left = leave_traces(kit)
    (kit.folder / "explore" / "espaces" / "visiteur sans image" / "images").mkdir(parents=True)
    text = answer_effacer(kit, "oui\n")
    assert f"Fichiers effacés : {len(left)}." in text
    assert all_files(kit) == clean | {"images/demo/plus/0001.png", "images/aquarium/m1_0100.png"}
    assert not (kit.images / "mains").exists()
    assert not (kit.folder / "explore" / "espaces").exists()
    for words in ("corbeille", "nuage", "clé USB", "Plots"):
        assert words in text
    assert "Rien à effacer" in answer_effacer(kit, "oui\n")


def test_effacer_says_what_resists(kit, monkeypatch):
    """Un fichier tenu par un autre programme est nommé, et les autres sont effacés quand même."""
    copy_kit(kit)
    leave_traces(kit)
    monkeypatch.syspath_prepend(str(kit.folder / "explore"))
    monkeypatch.delitem(sys.modules, "effacer", raising=False)
    import effacer
    held = kit.folder / "VAE_64.pth"
    erase_one = Path.unlink

    def unlink(path):
        if path == held:
            raise PermissionError
        erase_one(path)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert effacer.erase(effacer.find_files()) == [held]
    assert effacer.find_files() == [held]
