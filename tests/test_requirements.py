"""Ce qu'il faut installer : les marqueurs de requirements.txt pour chaque système, sans réseau."""
import os
import subprocess
import sys

from packaging.requirements import Requirement

from conftest import root

systems = {
    "Windows": {"sys_platform": "win32", "platform_machine": "AMD64"},
    "macOS, Apple": {"sys_platform": "darwin", "platform_machine": "arm64"},
    "macOS, Intel": {"sys_platform": "darwin", "platform_machine": "x86_64"},
    "Linux": {"sys_platform": "linux", "platform_machine": "x86_64"}}


def needed(system):
    """Ce que pip installerait sur ce système : {nom: ce qui est demandé}."""
    found = {}
    for line in (root / "requirements.txt").read_text("utf-8").splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(systems[system]):
            assert requirement.name not in found, "demandé deux fois"
            found[requirement.name] = requirement.specifier
    return found


def test_the_five_packages_and_nothing_else():
    """La carte du projet : ces cinq paquets, une fois chacun, sur tous les systèmes.

    Sur un Mac à processeur Intel, le dernier torch est le 2.2.2, qui ne connaît pas numpy 2."""
    for system in systems:
        wanted = needed(system)
        assert set(wanted) == {"torch", "torchvision", "opencv-python", "numpy", "pillow"}
        assert ("2.0.2" in wanted["numpy"]) == (system != "macOS, Intel")
        assert "1.26.4" in wanted["numpy"]
        # sous Windows, torch 2.9 et la suite veulent un Visual C++ qu'Anaconda n'a pas
        windows = system.startswith("Windows")
        assert ("2.2.2" in wanted["torch"], "2.9.1" in wanted["torch"]) == (
            (False, False) if windows else (True, True))


def test_the_readme_command_needs_no_other_package():
    """Sans les paquets de explore/ : des tests sautés, mais aucun qui ne puisse se lire."""
    code = ("import sys, pytest\n"
            "for name in ('matplotlib', 'sklearn', 'streamlit', 'selenium', 'sphinx'):\n"
            "    sys.modules[name] = None\n"
            "sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider']))")
    environment = {name: value for name, value in os.environ.items()
                   if name != "CI" and not name.startswith("PYTEST")}
    tried = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment,
                           capture_output=True, text=True)
    assert tried.returncode == 0, tried.stdout[-2000:]
    assert "test_train.py" in tried.stdout and "test_lecon.py" not in tried.stdout
