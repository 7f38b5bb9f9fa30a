"""La porte : quand la classe partage la page, personne n'entre sans le code.

Ce fichier ne fait rien quand on le lance : ouvrez explore/classe.py.
Elle est devant Streamlit : avant le code, elle ne sert que sa propre page, door.html. Le bon
code donne au navigateur un jeton au hasard (un cookie), et au visiteur un dossier, dont le
nom vient du jeton sans le trahir. Le jeton vaut tant que le dossier existe : un serveur
coupé, puis relancé, reconnaît tout le monde.
"""
import asyncio
import collections
import hashlib
import hmac
import re
import secrets
import threading
import time
import urllib.parse
from pathlib import Path

from google.protobuf.message import DecodeError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from page import limits, space

most_spaces = 80           # visiteurs à la fois, au plus...
most_from_one = 40         # ... et d'une même adresse : un seul ne prend pas toutes les places
most_pages = 10            # pages ouvertes à la fois par un visiteur...
pace = 0.05                # ... et secondes entre deux messages, de toutes ses pages ensemble
free_tries = 3             # codes faux sans attendre ; puis 1 s, 2 s, 4 s...
most_tries = 10            # puis la porte se ferme...
closed_seconds = 300       # ... pour ce visiteur, pendant tant de secondes
hours = 12                 # durée du jeton
most_upload = 100_000_000  # octets déposés par visiteur : ils restent en mémoire...
biggest = 31_000_000       # ... et d'un seul fichier (30 Mo, voir serving.py)
# ce que Streamlit sert à un visiteur entré ; le reste n'existe pas
served = re.compile(r"/(|static/.*|favicon\.png|_stcore/(stream|health|host-config"
                    r"|script-health-check|bidi-components/.*|upload_file/.*)|media/.*)")
# ce qu'une page dit à Streamlit ; le reste (vider la mémoire, celle de tous...) ne passe pas
heard = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request",
         "backend_operation_request"}
door_page = (Path(__file__).resolve().parent / "door.html").read_text("utf-8")
present = {}               # {espace: ses pages ouvertes}
ended = threading.Event()  # levé à la fin de l'heure


def name_space(token):
    """Le nom de l'espace de ce jeton, qui ne trahit pas le jeton."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def find_space(token):
    """Le nom de l'espace que ce jeton ouvre ; "" s'il n'en ouvre pas."""
    name = name_space(token)
    return name if token and (space.spaces / name).is_dir() else ""


def end():
    """La fin de l'heure, demandée sur le tableau du professeur."""
    ended.set()


class Tries:
    """Les codes faux de chaque adresse : de plus en plus lents, puis plus rien un moment."""

    def __init__(self):
        self.wrong = {}                # {adresse: (combien, quand on peut réessayer)}

    def seconds_left(self, address):
        return max(0, self.wrong.get(address, (0, 0))[1] - time.monotonic())

    def add(self, address):
        count = self.wrong.get(address, (0, 0))[0] + 1
        wait = 2 ** (count - free_tries - 1) if count > free_tries else 0
        if count >= most_tries:
            count, wait = 0, closed_seconds
        self.wrong[address] = (count, time.monotonic() + wait)

    def forget(self, address):
        self.wrong.pop(address, None)


class Door:
    """Reçoit chaque demande avant Streamlit.

    secret : {"host": le seul nom servi, "code": celui du tableau, "key": celle du professeur,
    "teacher": son jeton}."""

    def __init__(self, app, secret):
        self.app = app
        self.secret = secret
        self.tries = Tries()
        self.given = collections.Counter()     # {adresse: les espaces qu'elle a reçus}
        self.told = {}                 # {espace: les fichiers dont on lui a donné l'adresse}
        self.sessions = {}             # {espace: les pages de Streamlit qui sont à lui}
        self.uploaded = {}             # {espace: les octets qu'il a déposés}
        self.turns = {}                # {espace: quand passera son message suivant}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request = Request(scope | {"type": "http", "method": scope.get("method", "GET")}, receive)
        name = self.recognise(request)
        if request.headers.get("host") != self.secret["host"]:
            answer = HTMLResponse("Cette adresse n'est pas celle du tableau.", 421)
        elif request.method == "POST" and scope["path"] == "/entrer":
            answer = await self.enter(request)
        elif request.method == "POST" and scope["path"] == "/professeur":
            answer = await self.enter_teacher(request)
        elif request.method == "PUT" and name and not self.may_upload(name, request):
            answer = HTMLResponse("Trop de fichiers déposés.", 413)
        elif scope["type"] == "websocket" and present.get(name, 0) >= most_pages:
            answer = None                      # trop de pages : le socket se ferme, plus bas
        elif name and self.may_have(name, scope["path"]):
            await self.serve(name, scope, receive, send)
            return
        else:
            words = ""
            if request.cookies.get("vae") and not name:
                words = "Votre espace d'avant n'est plus ouvert : entrez de nouveau."
            answer = self.draw(words, 404 if name else 403)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    # %% Entrer
    def recognise(self, request):
        token = request.cookies.get("vae", "")
        if hmac.compare_digest(token.encode(), self.secret["teacher"].encode()):
            return space.teacher
        return find_space(token)

    async def enter(self, request):
        """Le code est-il celui du tableau ? La réponse ne dit rien d'autre."""
        address = request.client.host
        wait = self.tries.seconds_left(address)
        if wait:
            return self.draw(f"Trop de codes faux : réessayez dans {wait + 1:.0f} s.", 429)
        given = (await read_form(request)).get("code", "")
        given = re.sub(r"[\s-]", "", given).upper()
        if not hmac.compare_digest(given.encode(), self.secret["code"].encode()):
            self.tries.add(address)
            return self.draw("Ce n'est pas ce code : regardez le tableau.", 403)
        if len(list(space.spaces.glob("*/images"))) >= most_spaces:
            return self.draw(f"Déjà {most_spaces} visiteurs : le professeur peut effacer "
                             "un espace.", 503)
        if self.given[address] >= most_from_one:
            return self.draw(f"Déjà {most_from_one} visiteurs depuis cet appareil : revenez à "
                             "l'un d'eux.", 503)
        self.tries.forget(address)
        self.given[address] += 1
        token = secrets.token_urlsafe(32)
        (space.spaces / name_space(token) / "images").mkdir(parents=True)
        return self.open(token)

    async def enter_teacher(self, request):
        """Depuis cet ordinateur seulement, avec la clé que l'affiche contient."""
        here = request.client.host == request.scope["server"][0]
        given = (await read_form(request)).get("key", "")
        if not here or not hmac.compare_digest(given.encode(), self.secret["key"].encode()):
            return self.draw("Le tableau du professeur s'ouvre depuis l'affiche, sur son "
                             "ordinateur.", 403)
        return self.open(self.secret["teacher"])

    def open(self, token):
        answer = RedirectResponse("/", 303)
        answer.set_cookie("vae", token, max_age=hours * 3600, secure=True, httponly=True,
                          samesite="lax")
        return answer

    def draw(self, words, status):
        headers = {"Cache-Control": "no-store", "Content-Security-Policy":
                   "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                   "frame-ancestors 'none'"}
        return HTMLResponse(door_page.replace("<!-- phrase -->", words), status, headers)

    # %% Servir
    def may_have(self, name, path):
        """Un fichier n'est que pour celui à qui la page en a donné l'adresse."""
        if path.startswith("/media/"):
            return path in self.told.get(name, [])
        if path.startswith("/_stcore/upload_file/"):
            return path.split("/")[3] in self.sessions.get(name, [])
        return served.fullmatch(path) is not None

    def may_upload(self, name, request):
        size = request.headers.get("content-length", "")
        if not size.isdecimal() or int(size) > biggest:
            return False
        total = self.uploaded.get(name, 0) + int(size)
        if total > most_upload:                # refusé, il ne compte pas
            return False
        self.uploaded[name] = total
        return True

    async def serve(self, name, scope, receive, send):
        """Laisse passer, en disant à Streamlit qui vient, et en retenant ce qu'il lui donne."""
        scope = scope | {"headers": self.sign(name, scope["headers"])}
        if scope["type"] == "http":
            await self.app(scope, receive, send)
            return
        present[name] = present.get(name, 0) + 1

        async def hear():
            while True:
                message = await receive()
                if message.get("bytes"):
                    await self.wait_turn(name)
                if name != space.teacher and not (space.spaces / name).is_dir():
                    return {"type": "websocket.disconnect", "code": 1008}      # espace effacé
                if not message.get("bytes") or may_say(message["bytes"]):
                    return message

        async def tell(message):
            if message.get("bytes"):
                self.remember(name, ForwardMsg.FromString(message["bytes"]))
            await send(message)

        try:
            await self.app(scope, hear, tell)
        finally:
            present[name] -= 1

    async def wait_turn(self, name):
        """Un programme qui demande sans arrêt attend, et les curseurs des autres restent vifs."""
        now = time.monotonic()
        turn = max(now, self.turns.get(name, 0))
        self.turns[name] = turn + pace
        await asyncio.sleep(turn - now)

    def sign(self, name, headers):
        """Le nom de l'espace remplace le jeton ; et l'on ne reprend pas la page d'un autre."""
        kept = []
        for key, value in headers:
            if key == b"cookie":           # sans le jeton : la page n'a pas à le connaître
                value = re.sub(rb"(^|; *)vae=[^;]*", b"", value)
            if key == b"sec-websocket-protocol":
                words = [word.strip() for word in value.decode("latin-1").split(",")]
                if len(words) > 2 and words[2] not in self.sessions.get(name, []):
                    value = ", ".join(words[:2]).encode("latin-1")
            if key != b"x-space":
                kept.append((key, value))
        return [*kept, (b"x-space", name.encode())]

    def remember(self, name, message):
        """Ce que ce message donne à ce visiteur : sa page, l'adresse d'un fichier à lui."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            session = message.new_session.initialize.session_id
            self.sessions.setdefault(name, set()).add(session)
            return
        url = ""
        if kind == "delta":
            url = message.delta.new_element.download_button.url
        elif kind == "backend_operation_response":
            url = message.backend_operation_response.deferred_file.url
        if url:
            self.told.setdefault(name, set()).add(url.partition("?")[0])


async def read_form(request):
    """Les champs d'un formulaire ; rien s'il est trop gros pour en être un."""
    size = request.headers.get("content-length", "")
    if not size.isdecimal() or int(size) > 1000:
        return {}
    return dict(urllib.parse.parse_qsl((await request.body()).decode("latin-1")))


def may_say(data):
    """Vrai pour un message comme ceux d'un navigateur ; un autre peut figer la page de tous."""
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        return False
    names = message.file_urls_request.file_names
    return message.WhichOneof("type") in heard and len(names) <= limits.most_files
