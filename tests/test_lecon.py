"""La leçon : ses nombres viennent des mesures, son site se construit, ses deux scripts marchent."""
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


# %% Les dix questions
def test_ten_questions():
    """Dix questions, trois réponses chacune, une bonne, une explication et l'idée fausse."""
    parts = re.split(r"^## \d+\. ", (lesson / "quiz.md").read_text("utf-8"), flags=re.M)[1:]
    right = []
    for part in parts:
        assert re.findall(r"^- ([A-Z])\. .+", part, re.M) == ["A", "B", "C"], part
        answer, why = re.search(r"\*\*Réponse : ([ABC])\.\*\* (.+)", part, re.S).groups()
        assert len(why) > 80 and "*(Idée fausse : " in why, part
        right.append(answer)
    assert len(right) == 10 and set(right) == {"A", "B", "C"}
    line = ", ".join(f"{number} {letter}" for number, letter in enumerate(right, start=1))
    assert line in (lesson / "reponses.md").read_text("utf-8")


# %% Le site
@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Le site, construit par la ligne du README, sans un avertissement."""
    folder = tmp_path_factory.mktemp("site")
    line = "python -m sphinx -W -b html explore/lecon explore/lecon/_build"
    assert line in (root / "README.md").read_text("utf-8")
    command = line.replace("python", sys.executable, 1).replace("explore/lecon/_build", str(folder))
    done = subprocess.run(command.split(), cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_is_whole_and_needs_no_network(site):
    """Chaque page y est, et rien n'y vient d'ailleurs."""
    built = {page.stem for page in site.glob("*.html")}
    assert built >= {page.stem for page in lesson.glob("*.md")}
    for page in site.glob("*.html"):
        html = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*src=\"(.+?)\"|<link[^>]*href=\"(.+?)\"", html)
        for address in [first or second for first, second in loaded]:
            assert "//" not in address, f"{page.name} : {address}"
    reference = (site / "reference.html").read_text("utf-8")
    for words in ("turn_axes", "analyse\nen composantes indépendantes", "vae_loss", "learn_batch"):
        assert words in reference, words


@pytest.mark.slow
@pytest.mark.parametrize("page, count", [
    ("veille", 1), ("deroule", 2), ("reponses", 1), ("fiche_eleve", 2), ("quiz", 1)])
def test_printed_on_as_many_pages_as_said(site, tmp_path, page, count):
    """Quatre pages pour le professeur, trois pour deux élèves : imprimées par un navigateur."""
    if not shutil.which("chromium"):
        pytest.skip("pas de Chromium ici")
    paper = tmp_path / f"{page}.pdf"
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                    f"--user-data-dir={tmp_path}", "--no-pdf-header-footer",
                    f"--print-to-pdf={paper}", (site / f"{page}.html").as_uri()],
                   capture_output=True, timeout=120)
    assert len(re.findall(rb"/Type */Page\b", paper.read_bytes())) == count


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
            "explore/results/map.png", "explore/results/sweep_beta/x.png", "explore/models/m.pth"]
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
    text = answer_effacer(kit, "oui\n")
    assert f"{len(left)} fichiers effacés." in text
    assert all_files(kit) == clean | {"images/demo/plus/0001.png", "images/aquarium/m1_0100.png"}
    assert not (kit.images / "mains").exists()
    for words in ("corbeille", "nuage", "clé USB", "noyau"):
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
