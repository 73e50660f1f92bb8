"""Draws the pictures of `images/`, the planted faults among them (see ORIGIN.md).

Run `python sample_data/draw_images.py`: the same Pillow draws the same bytes. Captions are
written by hand and stay untouched. Coordinates are pixels of the finished picture; each scene
is drawn at twice its size and reduced, which smooths its edges.
"""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

IMAGES = Path(__file__).parent / "images"
OVERSAMPLING = 2
JADE, RICE, LACQUER, CLAY = "#5f9e85", "#efe9da", "#2b2427", "#a5593b"
GREEN, TEA, AMBER, PINK, WOOD = "#4f8f4a", "#b9b451", "#e08a2e", "#e88fa8", "#b07f52"
DIGITS = {"0": "abcdef", "5": "acdfg", "7": "abc", "8": "abcdefg"}
"""Lit segments of a seven-segment digit: a on top, then clockwise, g in the middle."""

Point = tuple[float, float]
Colour = str | tuple[int, int, int] | tuple[int, int, int, int]


@dataclass
class Scene:
    """A picture that is being drawn."""

    image: Image.Image

    @classmethod
    def new(cls, width: int, height: int, top: str, bottom: str) -> Scene:
        """A sky or a wall: a vertical gradient."""
        ramp = Image.linear_gradient("L").resize((width * OVERSAMPLING, height * OVERSAMPLING))
        upper, lower = (Image.new("RGB", ramp.size, colour) for colour in (top, bottom))
        return cls(Image.composite(lower, upper, ramp))

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """What draws, in oversampled pixels."""
        return ImageDraw.Draw(self.image)

    def shape(self, points: Iterable[Point], fill: Colour) -> None:
        """A filled polygon."""
        self.pen.polygon([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points], fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """A filled ellipse around (x, y)."""
        box = [value * OVERSAMPLING for value in (x - rx, y - ry, x + rx, y + ry)]
        self.pen.ellipse(box, fill=fill)

    def box(self, x: float, y: float, width: float, height: float, fill: Colour) -> None:
        """A filled rectangle with round corners; (x, y) is its upper left one."""
        corners = [value * OVERSAMPLING for value in (x, y, x + width, y + height)]
        self.pen.rounded_rectangle(corners, radius=10 * OVERSAMPLING, fill=fill)

    def stroke(self, points: Iterable[Point], width: float, fill: Colour) -> None:
        """A line through the points."""
        scaled = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
        self.pen.line(scaled, fill=fill, width=round(width * OVERSAMPLING), joint="curve")

    def finished(self) -> Image.Image:
        """The picture at its own size."""
        width, height = self.image.size
        size = (width // OVERSAMPLING, height // OVERSAMPLING)
        return self.image.resize(size, Image.Resampling.BOX)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points on an ellipse, angles in degrees, clockwise from three o'clock."""
    angles = [math.radians(start + (end - start) * step / 40) for step in range(41)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def petal(s: Scene, x: float, y: float, size: float, angle: float, fill: Colour) -> None:
    """A pointed petal or leaf whose stem is at (x, y); angle in degrees, 0 points up."""
    turn = math.radians(angle)
    half = [(math.sin(math.pi * t / 20) * size * 0.22, -t / 20 * size) for t in range(21)]
    outline = half + [(-dx, dy) for dx, dy in reversed(half)]
    cos, sin = math.cos(turn), math.sin(turn)
    s.shape([(x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in outline], fill)


def leaf(s: Scene, x: float, y: float, size: float, angle: float, fill: Colour = GREEN) -> None:
    """A tea leaf with its midrib."""
    petal(s, x, y, size, angle, fill)
    turn = math.radians(angle)
    tip = (x + math.sin(turn) * size * 0.9, y - math.cos(turn) * size * 0.9)
    s.stroke([(x, y), tip], max(1.5, size / 60), "#2f5f34")


def lotus(s: Scene, x: float, y: float, size: float, opening: float = 75) -> None:
    """A flower seen from the side; `opening` is the angle of its outermost petals."""
    for layer, colour in ((1.0, PINK), (0.72, "#f2b3c4"), (0.45, "#f9dbe3")):
        for angle in sorted((-90, -60, -30, 30, 60, 90, 0), key=abs, reverse=True):
            petal(s, x, y, size * (0.72 + layer * 0.28), angle / 90 * opening * layer, colour)
    s.oval(x, y, size * 0.12, size * 0.06, "#d9a93c")


def steam(s: Scene, x: float, y: float, height: float, fill: Colour = "#f4f1ea") -> None:
    """Three plumes that rise from (x, y)."""
    for offset in (-18, 0, 18):
        wave = [(x + offset + 7 * math.sin(t / 5), y - t / 40 * height) for t in range(41)]
        s.stroke(wave, 5, fill)


def table(s: Scene, y: float, fill: Colour = WOOD) -> None:
    """A table top, seen from its edge at `y` down to the lower rim."""
    width, height = (side / OVERSAMPLING for side in s.image.size)
    s.shape([(0, y), (width, y), (width, height), (0, height)], fill)
    s.shape([(0, y), (width, y), (width, y + 6), (0, y + 6)], "#8a5f3b")


def kettle(s: Scene, x: float, y: float, size: float, body: Colour, ring: Colour = RICE) -> None:
    """An electric kettle that stands at (x, y), `size` wide, on its base."""
    handle = arc(x + size * 0.42, y - size * 0.5, size * 0.3, size * 0.33, -90, 90)
    s.stroke(handle, size / 12, "#333")
    spout = [(-0.32, 0.72), (-0.62, 0.78), (-0.4, 0.45)]
    s.shape([(x + size * dx, y - size * dy) for dx, dy in spout], body)
    left = [(x - size * (0.5 - 0.16 * t * t), y - size * 0.12 - size * 0.72 * t)
            for t in (step / 20 for step in range(21))]  # fmt: skip
    s.shape(left + [(2 * x - px, py) for px, py in reversed(left)], body)
    s.oval(x, y - size * 0.84, size * 0.34, size * 0.07, "#8d8d88")
    s.oval(x, y - size * 0.92, size * 0.06, size * 0.05, "#333")
    s.box(x - size * 0.55, y - size * 0.13, size * 1.1, size * 0.13, "#40403e")
    s.box(x - size * 0.5, y - size * 0.1, size, size * 0.04, ring)


def teapot(s: Scene, x: float, y: float, size: float, body: Colour = CLAY) -> None:
    """A round pot that stands at (x, y), `size` wide without spout and handle."""
    handle = arc(x + size * 0.5, y - size * 0.35, size * 0.2, size * 0.2, -100, 100)
    s.stroke(handle, size / 14, body)
    spout = [(-0.35, 0.2), (-0.78, 0.58), (-0.7, 0.6), (-0.3, 0.45)]
    s.shape([(x + size * dx, y - size * dy) for dx, dy in spout], body)
    s.oval(x, y - size * 0.33, size * 0.5, size * 0.33, body)
    s.oval(x, y - size * 0.63, size * 0.22, size * 0.05, "#6f3a26")
    s.oval(x, y - size * 0.7, size * 0.06, size * 0.06, "#6f3a26")


def cup(s: Scene, x: float, y: float, size: float, body: Colour = RICE, tea: Colour = TEA) -> None:
    """A bowl of tea that stands at (x, y), `size` wide."""
    s.shape(arc(x, y - size * 0.55, size * 0.5, size * 0.55, 0, 180), body)
    s.oval(x, y - size * 0.55, size * 0.5, size * 0.13, body)
    s.oval(x, y - size * 0.54, size * 0.44, size * 0.1, tea)


def bloom(s: Scene, x: float, y: float, size: float, lit: int, fill: Colour) -> None:
    """The ring of twenty-four lamps from above, `lit` of them on."""
    s.oval(x, y, size * 1.1, size * 1.1, "#262628")
    for lamp in range(24):
        colour = fill if lamp < lit else "#4a4a4c"
        turn = math.radians(lamp * 15)
        start = (x + math.sin(turn) * size * 0.55, y - math.cos(turn) * size * 0.55)
        petal(s, *start, size * 0.45, lamp * 15, colour)


def digit(s: Scene, x: float, y: float, size: float, number: str) -> None:
    """A seven-segment digit, `size` wide and twice as high."""
    w, h, bar = size, size, size * 0.16
    places = {"a": (0, 0, w, bar), "b": (w - bar, 0, bar, h), "c": (w - bar, h, bar, h),
              "d": (0, 2 * h - bar, w, bar), "e": (0, h, bar, h), "f": (0, 0, bar, h),
              "g": (0, h - bar / 2, w, bar)}  # fmt: skip
    for segment in DIGITS[number]:
        dx, dy, width, height = places[segment]
        s.box(x + dx, y + dy, width, height, "#9be38f")


def moon(s: Scene, x: float, y: float, radius: float) -> None:
    """A full moon, or a pale sun."""
    s.oval(x, y, radius, radius, "#f6edc8")


def pond(s: Scene, y: float, pads: int, seed: int) -> None:
    """Water from `y` down, with lily pads."""
    table(s, y, "#4f8791")
    width, height = (side / OVERSAMPLING for side in s.image.size)
    rng = random.Random(seed)  # noqa: S311 - a picture, not a secret
    for _ in range(pads):
        radius = rng.uniform(28, 60)
        s.oval(rng.uniform(0, width), rng.uniform(y + 20, height), radius, radius / 3, "#3f7550")


Step = tuple[Callable[..., None], *tuple[object, ...]]
DAY, DUSK, NIGHT = ("#fbf4e4", "#dfe9dd"), ("#f0c9a0", "#a97b86"), ("#1d2438", "#3c4a63")
MIST, PAPER, WATER = ("#e9eef0", "#b9cdd0"), ("#faf6ec", "#efe4cf"), ("#bfe0dc", "#4f8791")

SCENES: dict[str, tuple[int, int, tuple[str, str], list[Step]]] = {
    "catalog/kettle-jade.png": (512, 512, DAY, [
        (table, 400), (kettle, 250, 430, 230, JADE), (cup, 420, 450, 90), (steam, 105, 200, 110)]),
    "catalog/kettle-rice-white.jpg": (640, 512, ("#7d9aa8", "#a9c0c6"), [
        (table, 420, "#5b4636"), (kettle, 430, 455, 240, RICE, "#7ed36b"), (leaf, 60, 430, 260, 25),
        (leaf, 80, 430, 200, -8)]),
    "catalog/kettle-lacquer-black.png": (512, 640, NIGHT, [
        (moon, 390, 130, 62), (table, 520, "#3a2c28"), (kettle, 220, 560, 260, LACQUER, AMBER)]),
    "catalog/bloom-half-open.png": (512, 512, ("#8a7765", "#6e5d4d"), [
        (bloom, 256, 256, 190, 12, AMBER), (digit, 205, 210, 40, "7"), (digit, 265, 210, 40, "0")]),
    "catalog/bloom-complete.jpg": (640, 640, ("#cdd6c8", "#aebba8"), [
        (bloom, 230, 400, 170, 24, "#6cc75a"), (cup, 520, 190, 150)]),
    "catalog/teapot-clay.jpg": (640, 512, PAPER, [
        (table, 380), (teapot, 330, 440, 270), (leaf, 560, 470, 90, 70),
        (leaf, 580, 470, 80, 110)]),
    "catalog/cup-green-tea.png": (512, 512, ("#33504a", "#1f332f"), [
        (table, 410, "#6a4a32"), (cup, 256, 440, 260), (steam, 256, 270, 180, "#c9d6cf")]),
    "catalog/cup-from-above.jpg": (512, 512, ("#d8c3a5", "#c4a985"), [
        (Scene.oval, 256, 256, 210, 210, "#f3ede0"), (Scene.oval, 256, 256, 140, 140, "#fbf8f0"),
        (Scene.oval, 256, 256, 122, 122, TEA), (leaf, 235, 300, 80, 40)]),
    "catalog/lotus-pink.png": (640, 640, WATER, [
        (pond, 420, 5, 3), (Scene.oval, 320, 520, 180, 40, "#3f7550"), (lotus, 320, 510, 300)]),
    "catalog/lotus-pond-dusk.jpg": (768, 640, DUSK, [
        (moon, 620, 110, 50), (pond, 300, 14, 8), (lotus, 150, 420, 110), (lotus, 400, 540, 150),
        (lotus, 640, 400, 90, 40)]),
    "catalog/tea-leaves.jpg": (640, 512, PAPER, [
        (leaf, 120, 300, 190, 30), (leaf, 300, 420, 220, -50), (leaf, 420, 330, 160, 10),
        (leaf, 400, 470, 200, 75), (leaf, 190, 470, 150, -100), (leaf, 560, 230, 140, -20)]),
    "catalog/steeper-basket.png": (512, 512, MIST, [
        (Scene.box, 150, 150, 212, 250, "#8f979b"), (Scene.box, 165, 175, 182, 210, "#c3cacd"),
        (Scene.oval, 256, 155, 150, 22, "#6d7478"), (leaf, 230, 370, 130, 20),
        (leaf, 270, 370, 110, -25)]),
    "catalog/tea-tray.jpg": (768, 640, ("#7a5233", "#5f3d25"), [
        (Scene.box, 70, 90, 628, 460, "#a06f45"), (Scene.oval, 270, 320, 130, 130, CLAY),
        (Scene.oval, 270, 320, 45, 45, "#6f3a26"), (Scene.oval, 480, 210, 60, 60, RICE),
        (Scene.oval, 480, 210, 46, 46, TEA), (Scene.oval, 610, 330, 60, 60, RICE),
        (Scene.oval, 610, 330, 46, 46, TEA), (Scene.oval, 480, 450, 60, 60, RICE),
        (Scene.oval, 480, 450, 46, 46, TEA)]),
    "catalog/window-rain.png": (768, 640, ("#4b4038", "#6b5a4b"), [
        (Scene.box, 380, 60, 320, 400, "#8ba3b0"), (Scene.box, 530, 60, 16, 400, "#4b4038"),
        *[(Scene.stroke, [(400 + 37 * n, 90 + 53 * n % 210), (390 + 37 * n, 190 + 53 * n % 210)],
           3, "#d5e2e8") for n in range(8)],
        (table, 500), (kettle, 210, 550, 260, RICE, AMBER)]),
    "catalog/three-kettles.png": (768, 512, ("#e3d3c3", "#cdb8a4"), [
        (table, 400, "#7b5c44"), (kettle, 150, 420, 170, JADE), (kettle, 385, 420, 170, RICE),
        (kettle, 620, 420, 170, LACQUER)]),
    "catalog/tea-hills.jpg": (768, 512, ("#f7dfb5", "#f3efe0"), [
        (moon, 180, 120, 46),
        *[(Scene.oval, 130 + 260 * n, 420 + 40 * (n % 2), 330, 150, f"#{70 - 8 * n}a0{60 - 6 * n}")
          for n in range(4)], (Scene.oval, 384, 560, 520, 130, "#3b6b3d")]),
    "studio/pouring.jpg": (640, 640, ("#f6e7d3", "#e7c9ab"), [
        (table, 530), (kettle, 420, 330, 250, JADE), (cup, 190, 550, 150),
        (Scene.stroke, [(268, 140), (225, 210), (200, 300), (192, 470)], 12, "#c9d9dc")]),
    "studio/ring-updating.png": (512, 512, ("#14141a", "#23232e"), [
        (bloom, 256, 560, 330, 7, "#9a6be0"), (bloom, 256, 560, 150, 0, "#9a6be0")]),
    "studio/cups-in-a-row.jpg": (640, 640, ("#b7c9b4", "#90ab92"), [
        (table, 190, "#d9cbb3"), (cup, 130, 270, 150, "#f5f1e6", TEA),
        (cup, 320, 430, 170, "#c9d8cf", AMBER), (cup, 500, 600, 190, "#5a6e78", "#7b3f22")]),
    "studio/single-leaf.png": (512, 640, PAPER, [(leaf, 150, 560, 520, 28)]),
    "studio/lotus-bud.png": (512, 640, ("#dbe7d4", "#7fa37c"), [
        (Scene.stroke, [(250, 330), (262, 480), (240, 640)], 10, "#3f7550"),
        (lotus, 250, 350, 250, 22), (leaf, 330, 640, 240, 50)]),
    "studio/display-85.png": (640, 512, ("#2a2a2c", "#3a3a3d"), [
        (Scene.box, 120, 110, 400, 290, "#101012"), (digit, 190, 160, 95, "8"),
        (digit, 340, 160, 95, "5")]),
    "studio/garden-breakfast.jpg": (768, 640, ("#bfe3f2", "#e8f4dc"), [
        (Scene.oval, 120, 230, 170, 150, "#5f9a55"), (Scene.oval, 700, 210, 200, 170, "#4c8748"),
        (table, 450, "#e9e2d4"), (kettle, 300, 500, 210, RICE), (teapot, 560, 510, 150),
        (cup, 130, 530, 100)]),
    "studio/kettle-and-cat.png": (640, 512, ("#5d6b86", "#8490a3"), [
        (table, 400, "#49392f"), (kettle, 480, 430, 200, LACQUER),
        (Scene.oval, 210, 390, 150, 60, "#d08a4a"), (Scene.oval, 110, 350, 52, 46, "#d08a4a"),
        (petal, 80, 330, 55, -15, "#d08a4a"), (petal, 140, 330, 55, 15, "#d08a4a")]),
    "studio/moon-teapot.jpg": (512, 512, ("#0f1a33", "#4a5578"), [
        (moon, 256, 190, 150), (table, 430, "#241c22"), (teapot, 270, 450, 180, "#1c1a20")]),
    "web/banner-morning.jpg": (768, 512, ("#ffe9b8", "#f8cf9f"), [
        (Scene.oval, 384, 380, 170, 170, "#fbb862"), (table, 380, "#99603e"),
        (cup, 384, 430, 120, "#4d6f7d", TEA), (steam, 384, 350, 130)]),
    "web/banner-lotus.png": (768, 512, ("#f4e1e6", "#fbf3f0"), [
        (lotus, 130, 460, 190), (lotus, 384, 500, 300), (lotus, 638, 460, 190)]),
    "web/tea-tin.png": (512, 512, ("#c7b7d6", "#a897bd"), [
        (Scene.box, 160, 120, 190, 310, "#3d5d52"), (Scene.box, 150, 100, 210, 50, "#2f473f"),
        (Scene.box, 185, 220, 140, 130, "#efe4c8"), (leaf, 235, 335, 100, 20)]),
    "web/only-steam.jpg": (640, 640, ("#1f2a2c", "#3b5053"), [
        (steam, 200, 560, 420), (steam, 330, 600, 520), (steam, 460, 540, 380)]),
}  # fmt: skip


def drawn(width: int, height: int, sky: tuple[str, str], steps: list[Step]) -> Image.Image:
    """One scene of the table."""
    scene = Scene.new(width, height, *sky)
    for draw, *arguments in steps:
        draw(scene, *arguments)
    return scene.finished()


def save(image: Image.Image, name: str) -> None:
    """Writes under `images/`, in the format that the name says."""
    path = IMAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        image.save(path, quality=85)
    else:
        image.save(path, optimize=True)


def plant_faults() -> None:
    """What a preparation should notice: broken, too small, repeated, located, transparent."""
    icon = drawn(512, 512, DAY, [(kettle, 250, 430, 330, JADE)])
    save(icon.resize((64, 64), Image.Resampling.BOX), "catalog/kettle-icon.png")
    cutout = Scene(Image.new("RGBA", (1024, 1024), (255, 255, 255, 0)))
    lotus(cutout, 256, 380, 235)
    save(cutout.finished(), "catalog/lotus-cutout.png")
    steaming: list[Step] = [(table, 400), (teapot, 240, 440, 220, RICE), (steam, 70, 290, 200)]
    save(drawn(512, 512, DUSK, steaming), "catalog/teapot-steaming.jpg")
    broken = IMAGES / "catalog/teapot-steaming.jpg"
    broken.write_bytes(broken.read_bytes()[:4000])
    shutil.copyfile(IMAGES / "catalog/cup-green-tea.png", IMAGES / "catalog/green-tea-again.png")
    with Image.open(IMAGES / "catalog/lotus-pink.png") as lotus_pink:
        lotus_pink.save(IMAGES / "studio/pond-flower.png", compress_level=4)
    garden = Image.Exif()
    garden.get_ifd(0x8825).update({1: "N", 2: (21.0, 3.0, 30.0), 3: "E", 4: (105.0, 49.0, 5.0)})
    with Image.open(IMAGES / "studio/garden-breakfast.jpg") as breakfast:
        breakfast.save(IMAGES / "studio/garden-breakfast.jpg", quality=85, exif=garden)


if __name__ == "__main__":
    for name, (width, height, sky, steps) in SCENES.items():
        save(drawn(width, height, sky, steps), name)
    plant_faults()
