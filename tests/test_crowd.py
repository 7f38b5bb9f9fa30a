"""Plusieurs visiteurs à la fois, un serveur qui meurt : rien de ce qui est rangé ne se perd."""
import asyncio
import shutil
import time
import urllib.error

import pytest
from conftest import wait_for

for module in ("streamlit", "selenium"):
    pytest.importorskip(module)
import crowd
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from selenium.webdriver import ActionChains
from test_page_browser import Browser

pytestmark = pytest.mark.slow


@pytest.fixture
def classroom(tmp_path):
    """Toute la classe sur un ordinateur."""
    pytest.importorskip("trustme")
    room = crowd.Classroom(tmp_path).start()
    yield room
    room.close()
    assert not room.own_errors()


# %% La classe, sans navigateur
def test_several_visitors_record_and_nothing_is_lost_nor_mixed(classroom):
    measured = crowd.play(crowd.record(classroom, 4, 12, at_once=2))
    assert measured["images"] == 48 and measured["pages effacées"] == 0


def test_a_batch_sent_twice_is_kept_once_even_by_a_server_that_forgot_it(classroom):
    """Reçu, renvoyé, puis renvoyé encore à un serveur qui vient de redémarrer."""
    batch = {"number": 1795724185830, "released": False, "pictures": [
        {"kind": "im", "uri": crowd.to_uri(crowd.draw_number(0, number))} for number in (0, 1)]}

    async def insist():
        visitor, = await crowd.come(classroom, 1, "?source=Ma+webcam")
        await crowd.deliver(visitor, batch)
        await crowd.deliver(visitor, batch)
        session = visitor.session
        classroom.kill()
        await visitor.until(lambda: visitor.session != session and visitor.find("recorder"),
                            "le retour dans l'enregistreur")
        await crowd.deliver(visitor, batch)
        third = {"kind": "im", "uri": crowd.to_uri(crowd.draw_number(0, 2))}
        await crowd.deliver(visitor, batch | {"number": 1795724185930, "pictures": [third]})
        await visitor.close()

    crowd.play(insist())
    assert crowd.check_recorded(classroom, {(0, 0), (0, 1), (0, 2)}) == 3


def test_what_no_browser_says_is_not_heard(classroom):
    """Un élève parle à la page avec son propre programme : les autres ne le sentent pas."""
    async def insist():
        good, evil = await crowd.come(classroom, 2)
        forged = BackMsg(clear_cache=True)
        await evil.send(forged)
        forged = BackMsg()
        forged.file_urls_request.request_id = "inondation"
        forged.file_urls_request.file_names.extend(["a"] * 200_000)
        await evil.send(forged)
        start = time.monotonic()
        await good.fetch("/_stcore/health")
        seconds = time.monotonic() - start
        # le même visiteur est encore là, et il est encore servi
        assert await evil.upload("source", {}) == {}
        assert "inondation" not in evil.answers
        await good.close()
        await evil.close()
        return seconds

    assert crowd.play(insist()) < 2


def test_the_server_dies_while_some_record_and_one_trains(classroom):
    measured = crowd.play(crowd.kills(classroom, 3, times=2, pause=4))
    assert measured["retours"] == 8 and measured["le pire (ms)"] < 40_000


def test_files_that_will_not_do(classroom):
    crowd.play(crowd.uploads(classroom, 3))


def test_they_train_in_the_order_of_their_presses(classroom):
    measured = crowd.play(crowd.line(classroom, 3, pictures=20, epochs=4))
    assert measured["ordre"] == [0, 1, 2]


def test_sliders_while_one_trains(classroom):
    measured = crowd.play(crowd.sliders(classroom, 3, seconds=3, every=1 / 3))
    assert measured["demandes"] > 15 and measured["médiane (ms)"] < 2000


def test_the_identifiers_of_another_open_nothing(classroom):
    """L'adresse d'un de ses fichiers, d'un dépôt, sa page : rien, même à qui a le code."""
    async def steal():
        victim, thief = await crowd.come(classroom, 2, "?source=Ma+webcam&epochs=2", 20)
        await crowd.train(victim)
        await victim.set("lieu", "Atelier")
        await victim.until(lambda: victim.find("Télécharger le .pth"), "son modèle")
        path, = classroom.models()
        assert await victim.download("Télécharger le .pth") == path.read_bytes()
        media = victim.get("Télécharger le .pth").widget.url
        for address in (media, f"/_stcore/upload_file/{victim.session}/abc"):
            for method, content in (("GET", None), ("PUT", b"x"), ("DELETE", None)):
                with pytest.raises(urllib.error.HTTPError) as refused:
                    await thief.fetch(address, method, content)
                assert refused.value.code == 404
        assert await victim.fetch(media) == path.read_bytes()
        # reprendre la page d'un autre, comme après une coupure : c'est la sienne qui s'ouvre
        await thief.close()
        thief.session = victim.session
        async with thief.connect() as thief.socket:
            await thief.rerun()
            first = ForwardMsg.FromString(await asyncio.wait_for(thief.socket.recv(), 30))
            assert first.new_session.initialize.session_id not in ("", victim.session)
        await victim.close()

    crowd.play(steal())


# %% Dans un vrai navigateur
@pytest.fixture
def place(tmp_path):
    """La page ordinaire ; le test la lance, et arrête son serveur."""
    page = crowd.Page(tmp_path)
    yield page
    page.close()
    assert "Traceback" not in page.journal(), page.journal()


@pytest.fixture
def browser(place, tmp_path):
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("pas de Chromium ici")
    browser = Browser(place.address + "/", tmp_path)
    yield browser
    browser.driver.quit()


def test_recording_while_a_training_ends(place, browser):
    """La page se refait alors : un lot qui arrive à ce moment se perd, et doit repartir."""
    # une page lente à se dessiner, comme sur un ordinateur que trente élèves se partagent
    sources = place.kit.folder / "explore" / "page" / "sources.py"
    before = sources.read_text("utf-8")
    slow = before.replace("    few = images[", "    import time; time.sleep(1)\n    few = images[")
    assert slow != before
    sources.write_text(slow, "utf-8")
    place.kit.set("train_VAE.py", epochs=25)
    place.start()
    browser.open("?source=Ma+webcam")
    browser.when(lambda: browser.inside(".enregistreur video", "return found.videoWidth"),
                 "la caméra")
    browser.wait_text("Arrêter")                   # le tout premier entraînement
    button = browser.inside(".enregistreur button", "return found")
    ActionChains(browser.driver).click_and_hold(button).perform()
    browser.when(lambda: browser.model() and "Arrêter" not in browser.text(), "la fin")
    time.sleep(1)
    ActionChains(browser.driver).release().perform()
    said = "return parseInt(found.textContent)"

    def count():
        return len(list((place.kit.images / "webcam").glob("*.png")))

    wait_for(lambda: count() == browser.inside(".enregistreur p", said), 20, "tout rangé")
    time.sleep(1)
    assert count() == browser.inside(".enregistreur p", said) > 20


def test_the_server_dies_and_the_page_lives_again(place, browser):
    """Sans rien toucher : ni recharger la page, ni la rouvrir."""
    place.start()
    browser.open()
    browser.wait_model("Créatures")
    browser.wait_calm()
    place.kill()
    browser.when(lambda: browser.js("return document.querySelector('.stApp')"
                                    ".dataset.testConnectionState") == "CONNECTED", "le retour")
    browser.wait_calm()
    assert browser.slide(0, 0.9) < 5000
