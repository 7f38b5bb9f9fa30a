"""Une heure entière : la fenêtre du professeur, et celles de trois élèves, dont une tablette."""
import os
import shutil
import time

import pytest
from conftest import wait_for

for module in ("streamlit", "selenium", "trustme", "segno"):
    pytest.importorskip(module)
from test_classe import own_room
from test_page_browser import Browser, phone

pytestmark = [pytest.mark.slow, pytest.mark.second_try(
    "la page a parfois plus de 90 s de retard, machine surchargée")]
album = os.environ.get("ALBUM")        # un dossier où garder des images de chaque moment


@pytest.fixture
def windows(tmp_path):
    """De quoi ouvrir des fenêtres, fermées à la fin."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("pas de Chromium ici")
    opened = {}

    def make(name, address, **choices):
        opened[name] = Browser(address, tmp_path, **choices)
        return opened[name]

    def look(moment):
        for name, window in opened.items():
            if album:
                window.driver.save_screenshot(f"{album}/{moment}_{name}.png")

    make.look = look
    yield make
    for window in opened.values():
        window.driver.quit()


def pass_warning(window):
    """Le navigateur avertit : on continue, comme l'affiche le dit."""
    window.when(lambda: window.driver.find_element("id", "details-button").click() or True,
                "l'avertissement")
    window.driver.find_element("id", "proceed-link").click()


def enter(window, code):
    window.when(lambda: window.driver.find_element("id", "code").send_keys(code + "\n") or True,
                "la porte")


def space_of(room, window):
    """Le dossier de ce visiteur, par le surnom qu'il lit dans sa page."""
    def find():
        said = window.js("return document.body.textContent")
        for path in room.spaces.glob("*/surnom.txt"):
            if f"Votre espace : {path.read_text('utf-8')}" in said:
                return path.parent
        return None

    return window.when(find, "le surnom de l'espace")


def record(window, space):
    window.open("?source=Ma+webcam&epochs=3")
    window.when(lambda: window.inside(".enregistreur video", "return found.videoWidth"), "la caméra")
    window.wait_calm()
    before = len(list(space.glob("images/*.png")))
    for times in range(3):
        window.hold(".enregistreur button", 2)
        if len(list(space.glob("images/*.png"))) >= before + 12:
            break
    shown = "return Number(found.textContent.split(' ')[0])"
    window.when(lambda: window.inside(".enregistreur p", shown)
                == len(list(space.glob("images/*.png"))) >= before + 12, "les images gardées")


# ce qui, dans le studio, sort de l'écran ou mord sur la colonne d'à côté
overlapping = """
const gap = 24, bad = []
for (const element of found.querySelectorAll("button, img, select, .carte, .piste")) {
    const box = element.getBoundingClientRect(), section = element.closest("section")
    const column = section.getBoundingClientRect()
    const edge = column.width ? Math.min(column.right + gap, innerWidth) : innerWidth
    if (box.width && box.right > edge) bad.push([element.className, element.textContent, box.right, edge])
}
return bad"""


connected = "return document.querySelector('.stApp').dataset.testConnectionState"


def answers(room):
    try:
        return room.ask("/")[0] == 403
    except OSError:
        return False


def board(window):
    return window.js("return document.body.innerText")


def test_an_hour_of_four_windows(own_room, windows):
    room = own_room
    teacher = windows("professeur", (room.spaces / "affiche.html").as_uri())
    teacher.open()
    assert room.code in board(teacher)
    teacher.when(lambda: teacher.driver.find_element("css selector", "form button").click() or True,
                 "le lien du professeur")
    teacher.driver.switch_to.window(teacher.driver.window_handles[-1])
    pass_warning(teacher)
    teacher.wait_text("Le tableau du professeur")
    teacher.wait_text("Personne n'est encore entré")
    address = f"https://{room.host}/"
    pupils = [windows("tablette", address, width=820, height=1180),
              windows("telephone", address, width=400, height=850, agent=phone),
              windows("ordinateur", address)]
    windows.look("0_avant")
    for pupil in pupils:
        pupil.open()
        pass_warning(pupil)
    enter(pupils[0], "ZZZZZZ")
    pupils[0].wait_text("Ce n'est pas ce code")
    windows.look("1_porte")
    for pupil in pupils:
        enter(pupil, room.code.lower())
        pupil.wait_text("Enregistrer, entraîner, jouer")
    spaces = [space_of(room, pupil) for pupil in pupils]
    assert len(set(spaces)) == 3
    teacher.wait_text("3 sur 3")
    for pupil in pupils:
        pupil.wait_sliders(4)
        assert pupil.inside(".studio", overlapping) == []
    windows.look("2_entres")
    # chacun enregistre dans son espace
    for pupil, space in zip(pupils[::2], spaces[::2]):
        record(pupil, space)
    assert not list(spaces[1].glob("images/*.png"))
    windows.look("3_enregistrent")
    # le premier entraîne longtemps, le deuxième attend, le professeur arrête le premier
    tablet, third = pupils[0], pupils[2]
    tablet.type("epochs", 1000)
    tablet.click("Entraîner")
    tablet.wait_epochs("VAE", 2)
    third.click("Entraîner")
    if os.cpu_count() <= 2:
        third.wait_text("dans la file")
    windows.look("4_file")
    teacher.wait_text("sur 1000")
    names = [(space / "surnom.txt").read_text("utf-8") for space in spaces]
    assert all(name in board(teacher) for name in names)
    rows = "//button[.//*[normalize-space()='Arrêter']]"
    stops = teacher.visible(rows)
    assert len(stops) == 3
    next(button for button in stops if button.is_enabled()).click()
    tablet.wait_model("Ma webcam")
    third.wait_model("Ma webcam · 3 époques")
    model, = spaces[0].glob("modeles/*.pth")
    # il montre son modèle, un autre l'ouvre, il le reprend
    tablet.click("Atelier")
    tablet.click("Modèles")
    tablet.click("Le montrer à la classe")
    tablet.click("Oui, le montrer")
    wait_for(lambda: list((room.spaces / "montres").glob(f"{model.stem}_*")), 30, "le modèle montré")
    teacher.wait_text("Montrés à la classe")
    windows.look("5_montre")
    shown, = (room.spaces / "montres").glob(f"{model.stem}_*")
    third.open(f"?modele={shown.stem}")
    third.wait_model("montré")
    assert third.slide(0, 1.5)
    third.open(f"?modele={model.stem}")                # celui-là n'est pas montré
    time.sleep(2)
    assert f"modele={model.stem}" not in third.driver.current_url.replace("%20", " ").partition("&")[0] \
        or third.model() != tablet.model()
    tablet.click("Ne plus le montrer à la classe")
    wait_for(lambda: not shown.exists(), 30, "le modèle repris")
    # une tablette rechargée retrouve son espace, sans le code
    tablet.open()
    assert space_of(room, tablet) == spaces[0]
    # le serveur est tué : chacun revient
    os.kill(room.server(), 9)
    wait_for(lambda: "chacun retrouve son espace" in room.program.text, 30, "la chute")
    wait_for(lambda: answers(room), 60, "le serveur revenu")
    teacher.when(lambda: teacher.js(connected) == "CONNECTED", "le tableau revenu")
    teacher.wait_calm()
    teacher.wait_text("3 sur 3")
    windows.look("6_revenus")
    # le professeur supprime un espace : son visiteur retrouve la porte
    deletes = teacher.visible("//button[.//*[normalize-space()='Supprimer']]")
    deletes[names.index(names[1])].click()
    teacher.click("Oui, supprimer cet espace")
    gone = wait_for(lambda: [space for space in spaces if not space.exists()], 30, "l'espace effacé")
    lost = pupils[spaces.index(gone[0])]
    lost.open()
    lost.when(lambda: lost.driver.find_element("id", "code"), "la porte, de nouveau")
    teacher.wait_text("2 sur 2")
    windows.look("7_supprime")
    # la fin de l'heure, sur le tableau
    teacher.click("Finir l'heure")
    teacher.click("Oui, finir l'heure")
    text = room.program.wait(60)
    assert "L'heure est finie" in text and room.program.process.returncode == 0, text
    third.wait_text("Si l'heure est finie, c'est normal")
    windows.look("8_fin")
