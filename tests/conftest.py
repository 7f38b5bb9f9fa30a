"""Ce que tous les tests partagent.

Une copie du kit, des images dessinées, un écran virtuel, une vraie console de Spyder.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# avant torch, comme le kit : un fil qui attend laisse sa place aux autres programmes
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import pytest
from _pytest.runner import runtestprotocol
from PIL import Image, ImageDraw, ImageGrab

copies = None
if sys.platform.startswith("linux"):    # ailleurs, copier un Python n'est pas sûr
    import copies

root = Path(__file__).resolve().parent.parent
compiled = shutil.ignore_patterns("__pycache__")
scripts = ["model_VAE_64.py", "record_images.py", "train_VAE.py", "decode_VAE.py"]
sys.path.insert(0, str(root))


def pytest_addoption(parser):
    parser.addoption("--tout", action="store_true", help="joue aussi les tests lents")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: lent par nature (une fenêtre, un navigateur, "
                            "une console de Spyder, un long balayage) : joué par --tout")
    config.addinivalue_line("markers", "second_try(raison): a droit à un second essai, "
                            "pour un défaut connu qui n'est pas du kit")


def pytest_collection_modifyitems(config, items):
    """Sans --tout, les tests lents sont laissés de côté."""
    if not config.getoption("tout"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.slow_count = len(slow)
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter, config):
    count = getattr(config, "slow_count", 0)
    if count:
        terminalreporter.write_line(
            f"laissés de côté : {count} tests lents, --tout les lance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Sur le serveur (CI), tout doit pouvoir tourner : un test sauté y est un échec."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"Sauté, et en CI rien ne doit l'être : {report.longrepr}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Les tests marqués second_try, et eux seuls, sont rejoués s'ils échouent.

    Sous Linux, le Qt d'OpenCV perd parfois des événements que l'écran lui a bien
    envoyés (un clic ou une touche manque). Une vraie faute échoue deux fois ; le
    premier échec est signalé à la fin."""
    if item.get_closest_marker("second_try") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failures = [report.longreprtext for report in reports if report.failed]
    if failures:
        reasons = [line for line in failures[0].splitlines() if line.startswith("E ")]
        first = (reasons or [failures[0]])[0]
        item.warn(pytest.PytestWarning("second essai, après : " + first))
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def wait_for(condition, seconds=60, what="l'état attendu"):
    """Attend que condition() soit vraie et rend sa valeur.

    Au bout de quelques secondes, échoue (ou, sans what, rend False)."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            assert what is None, f"{what} : toujours pas après {seconds} s"
            return False
        time.sleep(0.02)


# Le kit de l'élève
class Program:
    """Un script en marche : ce qu'il a écrit jusqu'ici (text), et son code de sortie."""

    def __init__(self, process, log):
        self.process = process          # un subprocess.Popen, ou une copie
        self.log = log

    @property
    def text(self):
        return self.log.read_text("utf-8")

    def wait_text(self, words, seconds=120):
        wait_for(lambda: words in self.text or self.process.poll() is not None, seconds,
                 f"« {words} » dans :\n{self.text}")
        assert words in self.text, f"« {words} » manque dans :\n{self.text}"

    def wait(self, seconds=300):
        """Attend la fin et rend tout ce qui a été écrit."""
        self.process.wait(seconds)
        return self.text

    def stop(self):
        """Le bouton Stop, ou Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def finish(self):
        """La fin, sans erreur ni avertissement : tout ce qui a été écrit."""
        text = self.wait()
        assert self.process.returncode == 0 and "Traceback" not in text, text
        assert "Warning" not in text, text
        return text

    def refuse(self):
        """La fin par une phrase en français, sans erreur Python : tout ce qui a été dit."""
        text = self.wait()
        code = self.process.returncode
        assert code == 1 and "Traceback" not in text, f"code {code} :\n{text}"
        assert text.strip().endswith(".") and "Warning" not in text, text
        return text


def launch(command, folder, environment, log):
    """Un vrai programme, lancé comme dans un terminal."""
    with open(log, "wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.STDOUT)
    return Program(process, log)


class Kit:
    """Les scripts copiés dans le dossier d'un élève, au nom plein de surprises."""

    def __init__(self, folder):
        self.folder = folder
        self.images = folder / "images"
        self.started = []
        self.images.mkdir(parents=True)
        for script in scripts:
            shutil.copy(root / script, folder)
        if (root / "outils").exists():
            shutil.copytree(root / "outils", folder / "outils", ignore=compiled)

    def add_demo(self):
        shutil.copytree(root / "images" / "demo", self.images / "demo")
        return self

    def add_explore(self):
        """Le laboratoire : les scripts de explore/."""
        def others(folder, names):
            return [name for name in names if not name.endswith((".py", ".html"))]

        shutil.copytree(root / "explore", self.folder / "explore", ignore=others)
        return self

    def add_drawings(self, count=24):
        for number in range(1, count + 1):
            drawing(number).save(self.images / f"dessin_{number:03d}.png")
        return self

    def add_model(self, kit, name="VAE_64"):
        shutil.copy(kit.folder / f"{name}.pth", self.folder)
        return self

    def set(self, script, **values):
        path = self.folder / script
        for name, value in values.items():
            path.write_text(type_setting(path.read_text("utf-8"), name, repr(value)), "utf-8")
        return self

    def start(self, script, display="", real=False, most_bytes=None, **environment):
        """Lance un script ; most_bytes : un disque qui refuse les fichiers plus gros.

        Dans une copie d'un Python qui a déjà torch (voir copies.py), pour aller vite ;
        real : dans un vrai Python neuf, comme un élève."""
        path = self.folder / script
        log = self.folder.parent / f"sortie_{len(self.started)}.txt"
        log.touch()
        environment = {"DISPLAY": display, **environment}
        if real or not copies:
            command = [sys.executable, "-u", str(path)]
            if most_bytes:
                command = ["prlimit", f"--fsize={most_bytes}", *command]
            program = launch(command, self.folder, {**os.environ, **environment}, log)
        else:
            copy = copies.Copy(path, self.folder, environment, log, most_bytes)
            program = Program(copy, log)
        self.started.append(program)
        return program

    def run(self, script, **values):
        """Lance le script sans écran et attend la fin."""
        return self.set(script, **values).start(script).finish()

    def refusal(self, script, **values):
        return self.set(script, **values).start(script).refuse()

    def written(self):
        """Ce que les scripts ont laissé dans le dossier du kit."""
        files = [path.name for path in self.folder.iterdir() if path.is_file()]
        return sorted(name for name in files if not name.endswith(".py"))

    def close(self):
        for program in self.started:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()


def type_setting(script, name, text):
    """Tape un réglage dans la zone *** : ce qui est à droite de « nom = »."""
    after, count = re.subn(rf"(?m)^{name} = .*?(?=\s*#\*\*\*)",
                           lambda found: f"{name} = {text}", script)
    assert count == 1, f"{name} n'est pas une fois dans la zone ***"
    return after


def drawing(number):
    """Un disque rouge qui change de place et de taille, sur un fond bleu."""
    picture = Image.new("RGB", (64, 64), (40, 60, 160))
    x = 20 + 7 * number % 25
    y = 20 + 11 * number % 25
    radius = 8 + number % 5
    box = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(picture).ellipse(box, (220, 50, 40))
    return picture


@pytest.fixture
def kit(tmp_path):
    """Un dossier d'élève, avec un accent, une espace et un signe dans son nom."""
    kit = Kit(tmp_path / "Élève n°1")
    yield kit
    kit.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Le kit tel que livré, entraîné sur les images de démonstration, sans écran."""
    kit = Kit(tmp_path_factory.mktemp("livré") / "Élève n°1").add_demo()
    kit.start("train_VAE.py", real=True).finish()
    return kit


# L'écran virtuel
class Screen:
    """Un écran de portable que personne ne voit, un clavier et une souris (xdotool)."""

    def __init__(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1366x768x24", "-noreset"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.display = f":{int(self.server.stdout.readline())}"
        self.environment = {**os.environ, "DISPLAY": self.display}
        self.manager = subprocess.Popen(["openbox"], env=self.environment, **quiet)
        wait_for(lambda: self.ask("wmctrl", "-m").returncode == 0, what="openbox")

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def do(self, *command):
        answer = self.ask("xdotool", *map(str, command))
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def windows(self):
        """Les fenêtres ouvertes : {titre: identifiant}."""
        lines = self.ask("wmctrl", "-l").stdout.splitlines()
        rows = [line.split(maxsplit=3) for line in lines]
        return {row[3]: row[0] for row in rows if len(row) == 4}

    def window(self, title):
        """Attend une fenêtre immobile et dessinée, lui donne le clavier : son identifiant.

        Sous Linux, le Qt d'OpenCV manque parfois (une fois sur quarante) l'arrivée de sa
        fenêtre à l'écran et la laisse blanche : on fait alors ce que conseille le README,
        la réduire puis la rouvrir."""
        def settled():
            before = self.area(window)
            time.sleep(0.3)
            return self.area(window) == before

        def drawn():
            left, top, width, height = self.area(window)
            if width <= 100:
                return False
            picture = self.picture((left + 100, top, width - 100, height))
            return any(low < high for low, high in picture.getextrema())

        window = wait_for(lambda: self.windows().get(title), what=f"la fenêtre {title}")
        for attempt in range(5):
            wait_for(settled, what=f"la fenêtre {title} immobile")
            if wait_for(drawn, 5, what=None):
                self.do("windowactivate", "--sync", window)
                return window
            self.do("windowminimize", window, "sleep", 0.5, "windowmap", window)
        raise AssertionError(f"la fenêtre {title} reste blanche")

    def area(self, window):
        """La place du contenu d'une fenêtre : gauche, haut, largeur, hauteur."""
        text = self.ask("xwininfo", "-id", window).stdout
        names = ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
        return tuple(int(re.search(rf"{name}: +(\d+)", text)[1]) for name in names)

    def frame(self, window):
        """La place d'une fenêtre avec son cadre : gauche, haut, droite, bas."""
        left, top, width, height = self.area(window)
        text = self.ask("xprop", "-id", window, "_NET_FRAME_EXTENTS").stdout
        before_x, after_x, before_y, after_y = map(int, text.split("=")[1].split(","))
        return (left - before_x, top - before_y,
                left + width + after_x, top + height + after_y)

    def tap(self, key):
        self.do("keydown", key, "sleep", 0.05, "keyup", key)

    def close_box(self, window):
        self.ask("wmctrl", "-i", "-c", window)

    def picture(self, area):
        left, top, width, height = area
        box = (left, top, left + width, top + height)
        return ImageGrab.grab(box, xdisplay=self.display)

    def drag(self, start, end, steps=20):
        self.do("mousemove", *start, "mousedown", 1)
        for step in range(1, steps + 1):
            x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end))
            self.do("mousemove", x, y)
        self.do("mouseup", 1)


@pytest.fixture(scope="session")
def screen():
    tools = ("Xvfb", "openbox", "xdotool", "wmctrl", "xprop", "xwininfo")
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing or not sys.platform.startswith("linux"):
        pytest.skip(f"pas d'écran virtuel ici : il manque {', '.join(missing) or 'Linux'}")
    screen = Screen()
    yield screen
    screen.manager.terminate()
    screen.server.terminate()


# La console de Spyder
class Console:
    """Un vrai noyau de Spyder : F5, une cellule et Stop y passent comme depuis ses menus."""

    def __init__(self, display, folder):
        from jupyter_client import KernelManager
        from jupyter_client.kernelspec import KernelSpec
        command = [sys.executable, "-m", "spyder_kernels.console", "-f", "{connection_file}"]
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(
            argv=command, display_name="Spyder", language="python", interrupt_mode="signal")
        environment = {**os.environ, "DISPLAY": display, "SPY_UMR_ENABLED": "True"}
        self.manager.start_kernel(cwd=str(folder), env=environment)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.text = ""
        self.errors = ""                # ce qui paraît en rouge
        self.pictures = 0               # celles qui vont dans l'onglet Plots

    def run(self, code, when=None, then=None, seconds=300):
        """Exécute code ; dès que le texte when s'affiche, fait then() une fois.

        Rend ce qui s'est affiché, et le nom de l'erreur."""
        self.text = ""
        self.errors = ""
        self.pictures = 0
        waiting = [then] if when else []

        def listen(message):
            content = message["content"]
            data = content.get("data", {})
            trace = "\n".join(content.get("traceback", []))
            words = content.get("text") or data.get("text/plain") or trace
            self.text += words
            if content.get("name") == "stderr" or trace:
                self.errors += words
            if "image/png" in data:
                self.pictures += 1
            if waiting and when in self.text:
                waiting.pop()()

        reply = self.client.execute_interactive(
            code, timeout=seconds, allow_stdin=False, output_hook=listen)
        return self.text, reply["content"].get("ename")

    def f5(self, path, **moment):
        return self.run(f"%runfile {str(path)!r} --wdir", **moment)

    def value(self, expression):
        text, error = self.run(f"print(repr(({expression})))")
        assert error is None, text
        return text.strip()

    def stop(self):
        self.manager.interrupt_kernel()

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def console(screen, kit):
    console = Console(screen.display, kit.folder)
    yield console
    console.close()
