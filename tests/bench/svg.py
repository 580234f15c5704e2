"""A line chart as SVG: small, with no library, readable on light and dark pages."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 60
COLOURS = ("#0b7285", "#e8590c", "#5f3dc4")
STEPS = 5


def _nice(value):
    """The smallest 1, 2 or 5 times a power of ten that is not below the value."""
    power = 10 ** (len(str(int(value))) - 1) if value >= 1 else 10 ** -(len(f"{1 / value:.0f}"))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= value)


class Chart:
    """Lines over the same places of a scale without numbers."""

    def __init__(self, title, below, beside):
        self._title, self._below, self._beside = title, below, beside
        self._lines = []

    def line(self, label, points):
        """`points` are (place, value)."""
        self._lines.append((label, points))

    def svg(self):
        places = [place for place, _ in self._lines[0][1]]
        top = _nice(max(value for _, points in self._lines for _, value in points) / STEPS) * STEPS
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

        def x(place):
            return LEFT + width * (places.index(place) + 0.5) / len(places)

        def y(value):
            return TOP + height * (1 - value / top)

        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
                 f' font-family="sans-serif" font-size="13"><title>{escape(self._title)}</title>'
                 f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
                 _text(WIDTH / 2, 22, self._title, "middle", 15),
                 _text(WIDTH / 2, HEIGHT - 8, self._below, "middle"), _text(LEFT, TOP - 10, self._beside, "middle")]
        for step in range(STEPS + 1):
            value = top * step / STEPS
            parts.append(f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"'
                         ' stroke="#dee2e6"/>')
            parts.append(_text(LEFT - 8, y(value) + 4, f"{value:,.10g}", "end"))
        parts += [_text(x(place), HEIGHT - BOTTOM + 20, place, "middle") for place in places]
        for number, (label, points) in enumerate(self._lines):
            colour = COLOURS[number]
            path = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
            parts += [f'<circle cx="{x(place):.1f}" cy="{y(value):.1f}" r="4" fill="{colour}"/>'
                      for place, value in points]
            parts.append(f'<rect x="{LEFT + 20}" y="{TOP + 8 + 20 * number}" width="12" height="12" fill="{colour}"/>')
            parts.append(_text(LEFT + 40, TOP + 19 + 20 * number, label, "start"))
        return "\n".join(parts) + "\n</svg>\n"


def _text(x, y, text, anchor, size=13):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#212529">{escape(text)}</text>'
