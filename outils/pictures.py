"""Les images d'un dossier : les trouver, les lire, écarter celles qui ne vont pas."""
import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from outils.stop import stop

Image.init()                             # remplit Image.OPEN : ce que Pillow sait lire
# seulement ces formats : d'autres lancent un programme ou remplissent la mémoire
formats = [name for name in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "AVIF", "PPM")
           if name in Image.OPEN]
# les fichiers que l'on remarque, même s'il faut ensuite en écarter
extensions = {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".avif",
              ".ppm", ".pgm", ".tif", ".tiff", ".heic"}
max_pixels = 40_000_000                  # au-delà, une image remplirait la mémoire
too_large = f"plus de {max_pixels // 10**6} mégapixels : réduisez-la"
warnings.filterwarnings("ignore", module="PIL")


def list_images(folder):
    """Les noms des images du dossier et de ses sous-dossiers.

    Le kit en contient déjà : les créatures (demo), quand il n'y en a pas d'autres, et
    un film (aquarium), quand c'est ce dossier-là que l'on demande."""
    if not folder.is_dir():
        stop(f"Le dossier {folder} n'existe pas : corrigez dataset_folder dans la "
             "zone ***, ou enregistrez des images avec record_images.py.")
    names = []
    for place, subfolders, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            name = path.relative_to(folder).as_posix()
            hidden = "/." in "/" + name      # un nom commence par un point
            if path.suffix.lower() in extensions and path.is_file() and not hidden:
                names.append(name)
    names = sorted([name for name in names if not name.startswith("aquarium/")])
    if not names:
        stop(f"Aucune image dans {folder} : enregistrez-en avec record_images.py, "
             "ou déposez-y des fichiers .jpg ou .png.")
    own = [name for name in names if not name.startswith("demo/")]
    if own:
        return own
    print("Pas encore d'images à vous : je prends les images de démonstration\n"
          f"({folder.name}/demo).")
    return names


def read_image(file, images_size):
    """Le carré du centre d'une image : (octets (3, H, W), None).

    Ou, si elle ne peut pas servir : (None, pourquoi)."""
    try:
        with Image.open(file, formats=formats) as image:
            # un JPEG peut être lu directement en plus petit
            image.draft("RGB", (images_size, images_size))
            if image.width * image.height > max_pixels:
                return None, too_large
            # une photo prise en tournant l'appareil est remise droite
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode.startswith("I"):        # 16 bits : on garde les 8 premiers
                image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
            if image.has_transparency_data:       # un fond blanc
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA"))
            square = ImageOps.fit(image.convert("RGB"), (images_size, images_size),
                                  Image.Resampling.BILINEAR)
            return np.asarray(square).transpose(2, 0, 1), None
    except PermissionError:
        return None, "lecture interdite"
    except FileNotFoundError:
        return None, "elle vient d'être effacée"
    except UnidentifiedImageError:
        return None, "format inconnu : convertissez-la en JPEG ou en PNG"
    except Image.DecompressionBombError:          # la limite de Pillow
        return None, too_large
    except Exception:    # un fichier abîmé peut lever presque n'importe quelle erreur
        return None, "image abîmée ou incomplète"


def load_images(folder, images_size):
    """Les images lisibles du dossier : des octets (N, 3, H, W), et leurs noms."""
    files = list_images(folder)
    pixels = []
    names = []
    problems = []
    for number, file in enumerate(files, start=1):
        image, problem = read_image(folder / file, images_size)
        # ce qui ne peut pas s'écrire dans un nom devient « ? »
        name = file.encode("utf-8", "replace").decode("utf-8")
        if problem is None:
            pixels.append(image)
            names.append(name)
        else:
            problems.append(f"  écartée : {name} ({problem})")
        if number % 500 == 0:            # \r : récrit la même ligne
            print(f"\rLecture des images : {number} sur {len(files)}", end="")
    print(f"\rImages trouvées : {len(files)}, gardées : {len(names)}.{' ' * 20}")
    for line in problems:
        print(line)
    if not names:
        stop(f"Aucune image lisible dans {folder} : enregistrez-en avec "
             "record_images.py, ou changez dataset_folder.")
    return torch.from_numpy(np.stack(pixels)), names


def to_picture(image):
    """Une image du réseau, (3, H, W) de 0 à 1, devient une image de Pillow."""
    pixels = (image.clamp(0, 1) * 255).round().byte()
    # permute : (H, W, 3), l'ordre de Pillow
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def to_gif(pictures):
    """Un film, les octets d'un GIF : dix images de Pillow par seconde, en boucle."""
    content = io.BytesIO()               # un fichier en mémoire
    fast = Image.Quantize.FASTOCTREE     # 256 couleurs, choisies bien plus vite
    views = [picture.quantize(method=fast) for picture in pictures]
    views[0].save(content, "GIF", save_all=True, append_images=views[1:], duration=100,
                  loop=0)
    return content.getvalue()
