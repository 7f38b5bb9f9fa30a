"""Un visiteur sans navigateur : il parle à la page comme le ferait un onglet ouvert sur elle.

Un onglet et Streamlit se parlent par une websocket. L'onglet envoie l'état de tous ses champs
(BackMsg) ; la page répond par ce qui change à l'écran (ForwardMsg). Ce fichier fait ce que fait
le JavaScript de Streamlit, message pour message, mais ne dessine rien : trente visiteurs
tiennent ainsi sur un seul ordinateur, où trente navigateurs ne tiendraient pas.
"""
import asyncio
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.WidgetStates_pb2 import WidgetState

fields = {             # ce que dit un champ, et où
    "selectbox": "string_value", "radio": "string_value", "text_input": "string_value",
    "checkbox": "bool_value", "bidi_component": "json_value",
    "file_uploader": "file_uploader_state_value"}
wordy = ("markdown", "alert", "progress", "text")      # ce qui se lit


class Element(NamedTuple):
    """Un morceau de la page ; run : le numéro du dessin qui l'a mis là."""
    kind: str
    widget: object
    fragment: str
    run: str


class Broken(Exception):
    """Un morceau de page arrive avant la boîte où le poser : dans un onglet, tout s'efface."""


class Visitor:
    """Un onglet ouvert sur la page ; cookie : ce que la porte de la classe lui a donné."""

    def __init__(self, address, cookie="", ssl=None):
        self.address = address.rstrip("/")
        self.cookie = cookie
        self.ssl = ssl
        self.xsrf = ""
        self.token = secrets.token_hex(16)     # celui de components/visit.js
        self.query = ""                # l'adresse, après le point d'interrogation
        self.socket = None             # None : pas relié
        self.toasts = []               # les phrases dites une fois
        self.breaks = 0                # combien de fois l'onglet s'est effacé
        self.timers = {}               # {morceau: la tâche qui le redessine}
        self.changed = asyncio.Event()
        self.failure = None
        self.life = None
        self.speaking = None
        self.forget()

    def forget(self):
        """Un onglet que l'on vient d'ouvrir, ou de recharger."""
        self.session = ""
        self.page = ""
        self.run = ""                  # le dessin en cours...
        self.fragments = []            # ... et les morceaux qu'il redessine ; [] : toute la page
        self.running = False
        self.elements = {}             # {place: Element}
        self.states = {}               # {id: ce que dit ce champ}
        self.cached = {}               # {empreinte: (message, à quel dessin)}
        self.runs = 0
        self.answers = {}              # {numéro de demande: réponse}
        self.stop_timers()

    # %% Venir, rester, partir
    async def open(self, query=""):
        """Ouvre la page, s'y fait reconnaître, et attend qu'elle soit dessinée."""
        self.query = query.lstrip("?")
        self.life = asyncio.create_task(self.live())
        await self.until(lambda: self.find("source") and self.heard("visit").get("told"),
                         "la page")
        await self.calm()
        return self

    async def close(self):
        self.life.cancel()
        await asyncio.gather(self.life, return_exceptions=True)
        self.stop_timers()

    async def live(self):
        """Reste relié ; si le serveur s'arrête, le cherche comme le fait un onglet."""
        fresh = True
        try:
            while True:
                await self.find_server()
                async with self.connect() as self.socket:
                    # un onglet revenu ne redemande la page que si elle bougeait
                    if fresh or self.running or self.fragments or self.timers:
                        await self.rerun()
                    if not fresh and self.find("visit"):       # et visit.js, dans tous les cas
                        await self.say("visit", back=time.time_ns() // 10**6)
                    fresh = await self.listen()
                self.socket = None
        except Exception as error:             # une faute de ce fichier, ou un refus
            self.failure = error
        finally:
            self.socket = None
            self.changed.set()

    async def find_server(self):
        """Demande s'il est là, de moins en moins souvent."""
        pause = 0.1
        while True:
            try:
                await self.fetch("/_stcore/health")
                return
            except urllib.error.HTTPError:     # la porte est fermée
                raise
            except OSError:
                await asyncio.sleep(pause * (0.7 + 0.3 * secrets.randbelow(100) / 100))
                pause = min(4, 2 * pause)

    def connect(self):
        address = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        protocols = ["streamlit", self.xsrf, self.session] if self.session else ["streamlit"]
        return websockets.connect(
            address, ssl=self.ssl, origin=self.address, max_size=None, open_timeout=30,
            subprotocols=[name for name in protocols if name],
            additional_headers={"Cookie": self.cookies()})

    def cookies(self):
        known = [self.cookie, f"_streamlit_xsrf={self.xsrf}" if self.xsrf else ""]
        return "; ".join(cookie for cookie in known if cookie)

    async def listen(self):
        """Écoute jusqu'à ce que le serveur s'arrête ; vrai si l'onglet doit se recharger."""
        try:
            async for data in self.socket:
                self.receive(self.recall(ForwardMsg.FromString(data)))
                self.changed.set()
        except websockets.ConnectionClosed:
            pass
        except Broken:                         # visit.js recharge alors la page
            self.breaks += 1
            self.forget()
            return True
        return False

    # %% Ce que dit la page
    def recall(self, message):
        """Un gros message déjà venu n'est pas renvoyé : la page n'en dit que l'empreinte."""
        if message.WhichOneof("type") == "ref_hash":
            known = ForwardMsg()
            known.CopyFrom(self.cached[message.ref_hash][0])
            known.metadata.CopyFrom(message.metadata)
            message = known
        if message.metadata.cacheable:
            self.cached[message.hash] = message, self.runs
        return message

    def receive(self, message):
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.start_run(message.new_session, message.metadata.run)
        elif kind == "delta":
            self.draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "script_finished":
            self.finish(message.script_finished, message.metadata.run)
        elif kind == "session_status_changed":
            self.running = message.session_status_changed.script_is_running
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self.start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self.stop_timers(message.stop_auto_rerun.fragment_ids)
        elif kind == "file_urls_response":
            self.answers[message.file_urls_response.response_id] = message.file_urls_response
        elif kind == "backend_operation_response":
            answer = message.backend_operation_response
            self.answers[answer.request_id] = answer

    def start_run(self, session, run):
        self.session = session.initialize.session_id
        self.page = session.page_script_hash
        self.run, self.fragments = run.script_run_id, list(run.fragment_ids)
        if not self.fragments:
            self.stop_timers()

    def draw(self, place, delta):
        """Pose un élément, ou une boîte, à sa place."""
        kind = delta.WhichOneof("type")
        self.check(place)
        if kind == "add_block":
            before = self.elements.get(place)
            if before and before.kind != "block":
                self.remove([place])
            block = Element("block", delta.add_block, delta.fragment_id, self.run)
            self.elements[place] = block
        elif kind == "new_element":
            self.remove([place])
            kind = delta.new_element.WhichOneof("type")
            widget = getattr(delta.new_element, kind)
            self.elements[place] = Element(kind, widget, delta.fragment_id, self.run)
            if kind == "toast":
                self.toasts.append(widget.body)
            self.mount(kind, widget)
            if kind == "bidi_component" and widget.component_name == "visit":
                self.introduce(widget)

    def check(self, place):
        """Comme un onglet, refuse une place qui n'est ni prise, ni la suivante de sa boîte."""
        for depth in range(2, len(place) + 1):
            here = place[:depth]
            box = self.elements.get(here[:-1])
            inside = [other for other in self.elements
                      if len(other) == depth and other[:-1] == here[:-1]]
            known = depth == 2 or box and box.kind == "block"
            if not known or here[-1] > len(inside):
                raise Broken(f"{place} : rien en {here[:-1]}, ou un trou avant {here}")

    def remove(self, places):
        """Enlève ces places, et ce qui est dedans."""
        for place in places:
            for inside in [other for other in self.elements if other[:len(place)] == place]:
                del self.elements[inside]

    def mount(self, kind, widget):
        """Comme un onglet, dit la valeur d'un champ dès qu'il paraît ou que la page la change."""
        if kind not in ("selectbox", "radio", "text_input", "checkbox", "number_input"):
            return
        if widget.id in self.states and not widget.set_value:
            return
        if kind in ("selectbox", "radio"):
            if widget.set_value:
                value = widget.raw_value
            elif widget.HasField("default"):
                value = widget.options[widget.default]
            else:
                return
        else:
            value = widget.value if widget.set_value else widget.default
        self.put(kind, widget, value)

    def introduce(self, visit):
        """components/visit.js : dit qui il est, tant que la page ne le sait pas."""
        if not json.loads(visit.json)["told"] and visit.id not in self.states:
            self.states[visit.id] = WidgetState(id=visit.id, json_value="{}")
            self.speaking = asyncio.create_task(self.say("visit", token=self.token))

    def finish(self, status, run):
        """Le dessin est fini : ce qu'il n'a pas redessiné disparaît."""
        statuses = ForwardMsg.ScriptFinishedStatus
        if status == statuses.FINISHED_EARLY_FOR_RERUN:
            return
        redrawn = set(run.fragment_ids)
        if redrawn or run.script_run_id == self.run:
            roots = [place for place, element in self.elements.items()
                     if not redrawn or element.fragment in redrawn]
            old = [place for place, element in self.elements.items()
                   if element.run != run.script_run_id
                   and any(place[:len(root)] == root for root in roots)]
            self.remove(old)
            alive = {getattr(element.widget, "id", "") for element in self.elements.values()}
            self.states = {id: state for id, state in self.states.items() if id in alive}
        self.runs += 1
        for name, (message, since) in list(self.cached.items()):
            mine = not redrawn or message.delta.fragment_id in redrawn
            if mine and self.runs - since > 2:
                del self.cached[name]

    def start_timer(self, fragment, seconds):
        """Un morceau de la page demande à être redessiné toutes les seconds secondes."""
        async def beat():
            while True:
                await asyncio.sleep(seconds)
                await self.rerun(fragment, auto=True)

        if fragment not in self.timers:
            self.timers[fragment] = asyncio.create_task(beat())

    def stop_timers(self, fragments=None):
        for fragment in list(self.timers) if fragments is None else fragments:
            if fragment in self.timers:
                self.timers.pop(fragment).cancel()

    # %% Ce qu'il dit à la page
    async def rerun(self, fragment="", auto=False):
        """L'état de tous les champs, et le morceau de page à redessiner ; "" : toute la page."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query
        state.page_script_hash = self.page
        state.widget_states.widgets.extend(self.states.values())
        state.fragment_id = fragment
        state.is_auto_rerun = auto
        state.cached_message_hashes.extend(self.cached)
        state.context_info.timezone = "UTC"
        state.context_info.locale = "fr-FR"
        state.context_info.url = self.address + "/"
        await self.send(message)

    async def send(self, message):
        """Sans serveur, un onglet perd ce qu'on lui fait dire : lui aussi."""
        if self.socket:
            try:
                await self.socket.send(message.SerializeToString())
            except websockets.ConnectionClosed:
                pass

    def put(self, kind, widget, value):
        """Remplit un champ, sans encore le dire."""
        field = fields.get(kind, "string_value")
        if kind == "number_input":
            whole = widget.data_type == NumberInput.DataType.INT
            field, value = ("int_value", int(value)) if whole else ("double_value", value)
        self.states[widget.id] = WidgetState(id=widget.id, **{field: value})

    async def set(self, name, value):
        """Remplit un champ : son nom est celui de la clé, ou ce qui est écrit à côté."""
        element = self.get(name)
        self.put(element.kind, element.widget, value)
        await self.rerun(element.fragment)

    async def press(self, name):
        """Appuie sur un bouton."""
        element = self.get(name)
        assert not element.widget.disabled, f"« {name} » est grisé"
        id = element.widget.id
        self.states[id] = WidgetState(id=id, trigger_value=True)
        await self.rerun(element.fragment)
        del self.states[id]

    async def say(self, name, **values):
        """Ce que dit un de nos composants : setStateValue, dans son JavaScript."""
        element = self.get(name)
        id = element.widget.id
        before = json.loads(self.states[id].json_value) if id in self.states else {}
        self.put(element.kind, element.widget, json.dumps(before | values))
        await self.rerun(element.fragment)

    def heard(self, name):
        """Ce que la page a donné à un de nos composants ; {} s'il n'est pas là."""
        element = self.find(name)
        return json.loads(element.widget.json or "{}") if element else {}

    # %% Regarder
    def find(self, name):
        """Le champ, le bouton ou le composant de ce nom ; None s'il n'y est pas."""
        for element in self.elements.values():
            id = getattr(element.widget, "id", "")
            if id and (id.endswith(f"-{name}") or getattr(element.widget, "label", "") == name):
                return element
        return None

    def get(self, name):
        found = self.find(name)
        assert found, f"« {name} » n'est pas dans la page : {self.text()}"
        return found

    def value(self, name):
        """Ce que dit un champ en ce moment."""
        state = self.states.get(self.get(name).widget.id)
        return getattr(state, state.WhichOneof("value")) if state else None

    def text(self):
        """Tout ce qui se lit."""
        words = []
        for element in self.elements.values():
            if element.kind in wordy:
                words.append(getattr(element.widget, "body", "")
                             or getattr(element.widget, "text", ""))
        return "\n".join(words)

    async def until(self, condition, what, seconds=120):
        """Attend que condition() soit vraie, et rend sa valeur.

        Au bout de tant de secondes, échoue (ou, sans what, rend False)."""
        deadline = time.monotonic() + seconds
        while True:
            if self.failure:
                raise self.failure
            value = condition()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                assert what is None, f"{what} : toujours pas après {seconds} s"
                return False
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 1))
            except asyncio.TimeoutError:
                pass

    async def calm(self):
        """Attend que la page ait fini de se dessiner."""
        await self.until(lambda: not self.running, "la page dessinée")

    # %% Fichiers
    async def fetch(self, path, method="GET", content=None, headers={}):
        """Ce que le serveur rend à cette adresse ; ses cookies sont gardés."""
        address = urllib.parse.urljoin(self.address + "/", path)
        headers = {"Cookie": self.cookies(), "Origin": self.address, **headers}
        request = urllib.request.Request(address, content, headers, method=method)

        def ask():
            with urllib.request.urlopen(request, timeout=60, context=self.ssl) as answer:
                return answer.read(), answer.headers.get_all("Set-Cookie") or []

        data, given = await asyncio.to_thread(ask)
        for cookie in given:
            name, _, value = cookie.partition(";")[0].partition("=")
            if name == "_streamlit_xsrf":
                self.xsrf = value
        return data

    async def upload(self, name, files):
        """Dépose des fichiers, {nom: octets}, dans le champ name ; rend les refus."""
        number = secrets.token_hex(8)
        message = BackMsg()
        message.file_urls_request.request_id = number
        message.file_urls_request.file_names.extend(files)
        message.file_urls_request.session_id = self.session
        await self.send(message)
        answer = await self.until(lambda: self.answers.pop(number, None), "où déposer")
        assert not answer.error_msg, answer.error_msg
        element, refusals = self.get(name), {}
        state = WidgetState(id=element.widget.id)
        state.file_uploader_state_value.SetInParent()
        for (file, content), urls in zip(files.items(), answer.file_urls):
            try:                               # même trop gros, ce qu'un onglet n'enverrait pas
                await self.put_file(urls.upload_url, file, content)
            except OSError as error:           # un refus, ou la ligne coupée avant la fin
                refusals[file] = f"refusé par le serveur : {error}"
                continue
            state.file_uploader_state_value.uploaded_file_info.add(
                name=file, size=len(content), file_id=urls.file_id, file_urls=urls)
        self.states[element.widget.id] = state
        await self.rerun(element.fragment)
        return refusals

    async def put_file(self, address, name, content):
        edge = secrets.token_hex(16)
        head = (f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; '
                f'filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n')
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        await self.fetch(address, "PUT", body, {
            "X-Xsrftoken": self.xsrf, "Content-Type": f"multipart/form-data; boundary={edge}"})

    async def download(self, name):
        """Ce que donne un bouton de téléchargement."""
        button = self.get(name).widget
        address = button.url
        if button.deferred_file_id:            # le fichier n'est fait que si on le demande
            number = secrets.token_hex(8)
            message = BackMsg()
            message.backend_operation_request.request_id = number
            message.backend_operation_request.session_id = self.session
            message.backend_operation_request.deferred_file.file_id = button.deferred_file_id
            await self.send(message)
            answer = await self.until(lambda: self.answers.pop(number, None), "le fichier")
            assert not answer.error_msg, answer.error_msg
            address = answer.deferred_file.url
        return await self.fetch(address)
