"""Un film de mouvements dessiné, pour les tests."""
import numpy as np
from PIL import Image, ImageDraw


def draw_movements(counts, seed=0):
    """Un film de mouvements : 1, le disque glisse ; 2, le fond s'éclaire ; {nom: image}."""
    random = np.random.default_rng(seed)
    pictures = {}
    for kind, count in counts.items():
        for number in range(1, count + 1):
            place, light = 32, 90
            if kind in ("m1", "im"):
                place = 32 + 18 * np.sin(number / 5)
            if kind in ("m2", "im"):
                light = 90 + 70 * np.sin(number / 4)
            place += random.normal(0, 0.3)
            light = round(light + random.normal(0, 1.5))
            picture = Image.new("RGB", (64, 64), (light, light, light))
            box = (place - 12, 20, place + 12, 44)
            ImageDraw.Draw(picture).ellipse(box, (220, 50, 40))
            pictures[f"{kind}_{number:04d}.png"] = picture
    return pictures
