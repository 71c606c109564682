"""A picture of a class's references and generated pictures, framed by how many classifiers they fool."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

TILE, FRAME, GAP, COLUMNS, HEAD = 96, 4, 6, 15, 26
SCALE = ((196, 60, 54), (222, 140, 60), (214, 196, 80), (120, 170, 80), (34, 130, 70))


def contact_sheet(
    title: str,
    references: Sequence[Image.Image],
    generated: Sequence[Image.Image],
    fooled: Sequence[int],
    panel_size: int,
) -> Image.Image:
    """References in a row, generated pictures in a grid; a green frame fools the whole panel, a red none."""
    rows = -(-len(generated) // COLUMNS)
    side = TILE + 2 * FRAME + GAP
    width = GAP + COLUMNS * side
    height = 3 * HEAD + (1 + rows) * side + GAP
    sheet = Image.new("RGB", (width, height), (250, 250, 248))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    pen.text((GAP, 5), title, fill=(20, 20, 20), font=font)
    pen.text((GAP, HEAD + 5), "references trained on", fill=(90, 90, 90), font=font)
    for i, image in enumerate(references[:COLUMNS]):
        _tile(sheet, image, GAP + i * side, 2 * HEAD, SCALE[-1])
    top = 2 * HEAD + side
    legend = "generated; frame: classifiers fooled"
    pen.text((GAP, top + 5), legend, fill=(90, 90, 90), font=font)
    x = GAP + int(pen.textlength(legend, font=font)) + 14
    for n in range(panel_size + 1):
        pen.rectangle((x, top + 7, x + 12, top + 19), fill=_colour(n, panel_size))
        pen.text((x + 16, top + 5), f"{n}", fill=(90, 90, 90), font=font)
        x += 40
    for i, image in enumerate(generated):
        row, column = divmod(i, COLUMNS)
        colour = _colour(fooled[i], panel_size)
        _tile(sheet, image, GAP + column * side, top + HEAD + row * side, colour)
    return sheet


def _tile(
    sheet: Image.Image, image: Image.Image, x: int, y: int, colour: tuple[int, int, int]
) -> None:
    box = (x, y, x + TILE + 2 * FRAME - 1, y + TILE + 2 * FRAME - 1)
    ImageDraw.Draw(sheet).rectangle(box, fill=colour)
    fitted = image.resize((TILE, TILE), Image.Resampling.BICUBIC)
    sheet.paste(fitted, (x + FRAME, y + FRAME))


def _colour(fooled: int, panel_size: int) -> tuple[int, int, int]:
    return SCALE[round(fooled / max(1, panel_size) * (len(SCALE) - 1))]


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """Sheets one below the other, on one of the width of the widest."""
    whole = Image.new("RGB", (max(s.width for s in sheets), sum(s.height for s in sheets)), "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    return whole
