"""OpenCV sans fenêtres : opencv-python-headless, ou les deux paquets à la fois."""
import pytest

# un faux cv2, que Python trouve d'abord : le vrai, sans une seule fenêtre
headless = '''import importlib, sys
here = sys.path.pop(0)
del sys.modules["cv2"]
real = importlib.import_module("cv2")
sys.path.insert(0, here)
def missing(*values):
    raise real.error("The function is not implemented. Rebuild the library with Windows")
for name in ("namedWindow", "imshow", "waitKey", "waitKeyEx", "destroyAllWindows",
             "moveWindow", "setWindowTitle", "getWindowProperty", "createTrackbar"):
    setattr(real, name, missing)
sys.modules["cv2"] = real
'''


@pytest.fixture
def without_windows(kit):
    kit.add_drawings()
    (kit.folder / "cv2.py").write_text(headless, "utf-8")
    return kit


def test_a_training_is_not_lost(without_windows):
    kit = without_windows.set("train_VAE.py", epochs=2)
    text = kit.start("train_VAE.py", real=True).finish()
    assert "OpenCV est là sans ses fenêtres" in text and "headless" in text
    assert kit.written() == ["VAE_64.png", "VAE_64.pth"]


@pytest.mark.parametrize("script", ["record_images.py", "decode_VAE.py"])
def test_the_windows_that_are_missing_are_named(without_windows, trained, script):
    kit = without_windows.add_model(trained)
    sentence = kit.start(script, real=True).refuse()
    assert "opencv-python-headless" in kit.started[-1].text and "noyau" in sentence
