"""Effacer ce que la séance a laissé : images, modèles et figures.

Lit     : le dossier du kit. Fait la liste, demande, et n'efface que si l'on tape oui.
Écrit   : rien. Ne touche jamais à images/demo, à images/aquarium, ni aux scripts.
Ensuite : ce que ce script ne peut pas atteindre est dit à la fin.
"""
from pathlib import Path

kit = Path(__file__).resolve().parent.parent
made = ["*.pth", "*.png", "*.gif", "*.html", "*.incomplet"]  # à côté des quatre scripts
# avec leurs sous-dossiers ; espaces : ceux de la classe, et leur affiche
whole = ["images", "explore/results", "explore/models", "explore/espaces"]
ours = [kit / "images" / "demo", kit / "images" / "aquarium"]     # viennent avec le kit


def find_files():
    """Tout ce qui serait effacé, dans l'ordre ; jamais les images venues avec le kit."""
    files = []
    for pattern in made:
        files += sorted(kit.glob(pattern))
    for name in whole:
        for path in sorted((kit / name).rglob("*")):
            kept = any([folder in path.parents for folder in ours])
            if not kept and (path.is_file() or path.is_symlink()):
                files.append(path)
    return files


def show_list(files):
    """Une ligne par dossier et par sorte de fichier."""
    groups = {}
    for path in files:
        folder = path.parent.relative_to(kit).as_posix()
        groups.setdefault((folder, path.suffix), []).append(path)
    for (folder, suffix), paths in groups.items():
        names = ", ".join([path.name for path in paths])
        if len(paths) > 6:
            names = f"de {paths[0].name} à {paths[-1].name}"
        if folder == ".":
            folder = "dossier du kit"
        print(f"  {folder} : {len(paths)} {suffix} ({names})")


def erase(files):
    """Efface les fichiers, puis les dossiers devenus vides. Renvoie ce qui résiste."""
    kept = []
    for path in files:
        try:
            path.unlink()
        except OSError:
            kept.append(path)
    for name in whole:
        for folder in sorted([kit / name, *(kit / name).rglob("*")], reverse=True):
            if folder != kit / "images":
                try:
                    folder.rmdir()             # refuse un fichier, un dossier qui n'est pas vide
                except OSError:
                    pass
    return kept


# %% La liste, la question, puis ce qui reste à faire à la main
if __name__ == "__main__":
    files = find_files()
    if not files:
        print("Rien à effacer : ni images, ni modèles, ni figures dans ce dossier.")
    else:
        print(f"Voici ce qui sera effacé pour toujours dans {kit} :")
        show_list(files)
        try:
            answer = input("Tapez oui, puis Entrée, pour effacer : ")
        except (EOFError, KeyboardInterrupt):
            answer = ""
        if answer.strip().lower() != "oui":
            print("Rien n'est effacé.")
        else:
            kept = erase(files)
            print(f"Fichiers effacés : {len(files) - len(kept)}.")
            for path in kept:
                print(f"  resté : {path} (fermez le programme qui s'en sert)")
    print("Ce que ce script ne peut pas atteindre, à faire à la main :\n"
          "- la corbeille, si des images y sont déjà : videz-la ;\n"
          "- un nuage (OneDrive, iCloud...) : effacez-y aussi, corbeille comprise ;\n"
          "- les copies sur une clé USB, un téléphone, un autre ordinateur ou un autre "
          "dossier (dataset_folder, une vidéo) ;\n"
          "- les tablettes de la classe : fermez-y la page, videz-y les téléchargements ;\n"
          "- Spyder : fermez-le (son onglet Plots montre encore les images).")
