"""La campagne en court : les accidents de campaign.py, moins nombreux."""
import subprocess
import sys
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("la campagne se joue sous Linux", allow_module_level=True)
pytestmark = pytest.mark.slow


def run(part, rows="range(18)", fault=""):
    """Joue des lignes du tableau dans un Python neuf, avec une faute dans le kit."""
    code = ("import campaign, sys, numpy\n"
            "from campaign import files, model_file, pictures\n"
            f"{fault}\n"
            f"sys.exit(0 if campaign.main({part}, {rows}) else 1)")
    end = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent,
                         capture_output=True, text=True)
    return end.returncode, end.stdout + end.stderr


def test_nothing_is_lost_and_nothing_breaks():
    code, text = run(0.005)
    assert code == 0, text
    assert text.count(" 0\n") == 18, text              # dix-huit lignes, sans mauvais


@pytest.mark.parametrize("row, part, fault, words", [
    (7, 0.16, "files.write_new = lambda path, content: path.write_bytes(content)",
     "est abîmée"),
    (6, 0.001, "model_file.load_model = lambda path, network: 1 / 0", "ZeroDivisionError"),
    (4, 0.01, "pictures.read_image = lambda path, size: (numpy.ones((3, 64, 64), 'u1'), "
     "None, bytearray(2**31 * (path.name == 'saine.png')))[:2]", "Mo de mémoire"),
    (15, 0.001, "pictures.formats = None", "le programme gs est lancé")],
    ids=["écrire sur place", "charger sans vérifier", "remplir la mémoire",
         "ouvrir tous les formats"])
def test_the_campaign_sees_a_fault(row, part, fault, words):
    """Une faute mise exprès dans le kit : la campagne la trouve."""
    code, text = run(part, [row], fault)
    assert code == 1 and words in text, text
