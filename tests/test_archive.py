"""Un .pth venu d'ailleurs : rien n'y passe que des nombres, même sous python -O."""
import io
import subprocess
import sys
import tarfile
import threading
import warnings
import zipfile

import pytest
import torch
from conftest import root

from model_VAE_64 import VAE
from outils.model_file import load_model, save_model

settings = {"images_size": 32, "latent_size": 2, "dataset_folder": "images",
            "model_name": "VAE_64", "test_data_proportion": 0.1, "batch_size": 24,
            "epochs": 10, "learning_rate": 0.005, "beta": 1, "reconstruction": "mse",
            "decoder": "broadcast", "task": "copy", "independent_axes": True,
            "augmentation": False, "film": False}


@pytest.fixture
def path(tmp_path):
    """Un vrai modèle, tout petit."""
    results = {"settings": settings, "history": [[1.0] * 6], "train_names": ["a.png"],
               "z_mean": torch.zeros(2), "z_spread": torch.ones(2),
               "importance": torch.ones(2), "movements": []}
    save_model(tmp_path / "modèle.pth", VAE(32, 2, "broadcast"), results)
    return tmp_path / "modèle.pth"


def refusal(path, capsys):
    with pytest.raises(SystemExit):
        load_model(path, VAE)
    return capsys.readouterr().out


def test_the_model_itself_is_good(path):
    assert load_model(path, VAE)[1]["settings"] == settings


changes = [
    lambda saved: saved["weights"]["mean_image"].fill_(float("nan")),
    lambda saved: saved.update(history=["un mot"]),
    lambda saved: saved.update(movements=[1, 1]),
    lambda saved: saved.update(movements=[3]),
    lambda saved: saved["settings"].update(images_size=32.0),
    lambda saved: saved.update(z_mean=torch.zeros(3))]
read_all = """import sys, pathlib
from model_VAE_64 import VAE
from outils.model_file import load_model
for name in sys.argv[1:]:
    try:
        load_model(pathlib.Path(name), VAE)
        print("lu :", name)
    except SystemExit:
        pass
"""


def test_without_assert_too_each_thing_is_checked(path, tmp_path):
    """python -O ne fait plus aucun assert : ce qui garde un fichier n'en est pas un."""
    names = []
    for number, change in enumerate(changes):
        saved = torch.load(path, weights_only=True)
        change(saved)
        names.append(str(tmp_path / f"{number}.pth"))
        torch.save(saved, names[-1])
    end = subprocess.run([sys.executable, "-O", "-c", read_all, *names], cwd=root,
                         capture_output=True, text=True)
    assert end.returncode == 0 and end.stderr == "", end
    said = end.stdout.splitlines()
    assert len(said) == len(changes)
    for line in said:
        assert "n'est pas un modèle de ce kit" in line, said


def test_an_archive_that_would_fill_the_memory(path, capsys):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/99", bytes(70_000_000))
    assert "n'est pas un modèle de ce kit" in refusal(path, capsys)


def test_a_file_that_is_both_a_tar_and_a_zip(path, capsys):
    """zipfile y voit le modèle ; torch y verrait l'ancien format, un tar."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo("pickle")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"salut"))
    path.write_bytes(tar.getvalue() + path.read_bytes())
    assert zipfile.is_zipfile(path) and tarfile.is_tarfile(path)
    assert "n'est pas un modèle de ce kit" in refusal(path, capsys)


def test_a_program_disguised_as_a_model(path, capsys):
    """constants.pkl : avant torch 2.6, torch.load lançait alors torch.jit.load."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    assert "n'est pas un modèle de ce kit" in refusal(path, capsys)


def test_a_class_the_student_has_changed_is_named(path, capsys):
    """Le fichier est bon : c'est la classe VAE qui n'a plus les mêmes couches."""
    class Other(VAE):
        def __init__(self, *values):
            super().__init__(*values)
            self.mine = torch.nn.Linear(2, 2)

    with pytest.raises(SystemExit):
        load_model(path, Other)
    said = capsys.readouterr().out
    assert "la classe VAE" in said and "abîmé" not in said


def test_a_mistake_in_the_class_is_shown_as_it_is(path):
    """L'erreur de l'élève, dans son propre code : il doit la voir."""
    class Broken(VAE):
        def __init__(self, *values):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load_model(path, Broken)


def test_four_models_read_at_once_leave_the_warnings_as_they_were(path):
    before = list(warnings.filters)
    threads = [threading.Thread(target=load_model, args=(path, VAE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
