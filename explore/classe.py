"""Toute la classe sur un seul ordinateur : la page, ouverte aux tablettes de la salle.

Lit     : ce que chacun enregistre depuis sa tablette, après avoir donné le code.
Écrit   : explore/espaces/ : l'affiche, et un dossier par visiteur (images et modèles).
Ensuite : projetez l'affiche, qui s'ouvre seule. Stop, ou Ctrl-C, termine l'heure.
"""
# ******************** zone *** : à vous de modifier ********************
port = 8443       #*** 1024 à 65000 : le nombre à la fin de l'adresse
address = ""      #*** "" : trouvée seule ; sinon celle de cet ordinateur
# ***********************************************************************
import ipaddress
import json
import secrets
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

explore = Path(__file__).resolve().parent
sys.path[:0] = [str(explore), str(explore.parent)]
from outils.checks import check_number
from outils.files import make_folder
from outils.stop import StopButton, stop

spaces = explore / "espaces"
poster = spaces / "affiche.html"
memory = spaces / "heure.json"                 # les secrets de l'heure, tant qu'elle dure
journal = spaces / "journal.txt"               # ce qu'écrit le serveur
letters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"    # ni 0 ni O, ni 1 ni I ni L
patience = 180     # secondes pour que le serveur finisse
missing = ("Il manque {} : pip install -r requirements.txt -r explore/requirements.txt, dans "
           "le dossier du kit (Python 3.10 ou plus récent).")


# %% Avant d'ouvrir
def find_address():
    """L'adresse de cet ordinateur sur le réseau de la salle."""
    if address:
        try:
            return str(ipaddress.IPv4Address(address))
        except ValueError:
            stop(f'address = {address!r} n\'est pas une adresse comme "192.168.1.23" : '
                 'corrigez-la dans la zone ***, ou laissez "".')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("10.255.255.255", 1))       # rien ne part : dit seulement par où
        except OSError:
            stop("Cet ordinateur n'est sur aucun réseau : rejoignez celui de la salle, puis "
                 "relancez.")
        return way.getsockname()[0]


def check_free(host):
    """Refuse une adresse qui n'est pas celle de cet ordinateur, ou un port déjà pris."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        stop(f"Impossible d'ouvrir {host}:{port} ({error.strerror}) : fermez l'autre "
             "classe.py, ou changez port, ou address, dans la zone ***.")


def open_hour(host):
    """Les secrets de l'heure : ceux d'avant si elle continue, sinon des nouveaux."""
    if memory.exists():
        print("La dernière heure n'a pas été terminée. Est-ce elle qui continue ?")
        if ask("oui : chacun retrouve son espace. Entrée seule : une nouvelle heure. "):
            return json.loads(memory.read_text("utf-8")) | {"host": f"{host}:{port}"}
    put_away()
    code = "".join([secrets.choice(letters) for place in range(6)])
    return {"host": f"{host}:{port}", "code": code, "key": secrets.token_urlsafe(32),
            "teacher": secrets.token_urlsafe(32)}


def ask(question):
    try:
        return input(question).strip().lower() == "oui"
    except EOFError:                           # personne pour répondre
        return False
    except KeyboardInterrupt:
        stop("Arrêt demandé : rien n'a changé.")


def put_away():
    """Les espaces d'avant restent sur le disque, mais plus aucune tablette ne les rouvre."""
    old = [path for path in spaces.iterdir() if path.is_dir() and path.name != "anciens"]
    if old:
        place = spaces / "anciens" / time.strftime("%Y-%m-%d_%H-%M-%S")
        place.mkdir(parents=True)
        for path in old:
            path.rename(place / path.name)


# %% Pendant l'heure
def launch(told):
    """Le serveur, dans un autre Python ; son entrée ouverte le tient en vie."""
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)        # sous Windows seulement
    with open(journal, "ab") as written:
        server = subprocess.Popen(
            # dans explore/, dont le fichier .streamlit/config.toml est ainsi suivi
            [sys.executable, str(explore / "room" / "serving.py")], cwd=explore,
            stdin=subprocess.PIPE, stdout=written, stderr=written,
            # Ctrl-C n'est que pour nous : c'est nous qui le fermons, doucement
            creationflags=hidden, start_new_session=True)
    server.stdin.write(json.dumps(told).encode() + b"\n")
    server.stdin.flush()
    return server


def answers(server, host, button):
    """Attend que le serveur réponde ; faux s'il s'est arrêté avant."""
    while server.poll() is None and not button.pressed:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.2)
    return False


def watch(server, button):
    """Attend la fin : le tableau du professeur, Stop, ou un accident."""
    while server.poll() is None and not button.pressed:
        time.sleep(0.2)
    server.stdin.close()                       # « terminez » : il garde tout, puis s'arrête
    try:
        server.wait(patience)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def teach(host, told, page):
    """Lance le serveur, et le relance s'il tombe, jusqu'à la fin de l'heure."""
    button = StopButton()
    opened = False
    print("Le serveur démarre ; une nouvelle heure, il apprend d'abord les créatures…")
    while not button.pressed:
        server = launch(told)
        try:
            ready = answers(server, host, button)
            if ready and not opened:
                opened = True
                poster.write_text(page, "utf-8")
                webbrowser.open(poster.as_uri())
                print(f"La page est ouverte : https://{host}:{port}, "
                      f"code {told['secret']['code']}. "
                      f"L'affiche à projeter : {poster}\nStop, ou Ctrl-C, termine l'heure.")
            watch(server, button)
        finally:
            server.kill()
        if server.returncode == 0 or button.pressed:       # demandé, sur le tableau ou ici
            break
        if not ready:
            stop(f"Le serveur ne démarre pas : lisez la fin de {journal}.")
        print("Le serveur est tombé : il repart, et chacun retrouve son espace.")
    button.release()


# %% Après
def tell_end():
    """Ce qui reste sur le disque, et comment l'effacer."""
    # ** : aussi ce qui reste des heures d'avant, dans anciens/
    pictures = len(list(spaces.glob("**/images/*.png")))
    models = len(list(spaces.glob("**/modeles/*.pth")))
    print(f"L'heure est finie : plus aucune tablette n'ouvre rien. Restent dans {spaces}, avec "
          f"les heures d'avant :\nImages : {pictures}. Modèles : {models}.\n"
          "Pour tout effacer : python explore/effacer.py")


if __name__ == "__main__":
    check_number("port", port, 1024, 65000)
    host = find_address()
    check_free(host)
    try:
        import streamlit                       # le serveur en a besoin : autant le dire ici
        from room.certificate import find_certificate, write_secret
        from room.poster import make_poster
    except ImportError as error:
        stop(missing.format(error.name))
    make_folder(spaces)
    spaces.chmod(0o700)                        # à lui seul : ce sont les images des élèves
    secret = open_hour(host)
    write_secret(memory, json.dumps(secret).encode())
    write_secret(poster, b"")                  # à lui seul : le code y est
    told = {"secret": secret, "address": host, "port": port,
            "certificate": str(find_certificate(spaces, host))}
    try:
        teach(host, told, make_poster(f"https://{host}:{port}", secret["code"], secret["key"]))
    finally:
        poster.unlink(missing_ok=True)
    memory.unlink(missing_ok=True)
    tell_end()
