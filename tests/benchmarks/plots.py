# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lines in an SVG, with nothing but the standard library."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 70, 40, 20, 50
COLOURS = ["#1f6fb2", "#c4541d", "#3b8f3b", "#7d4fa0"]


def nice(value):
    """The next round number above."""
    power = 10 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(power * step for step in (1, 2, 3, 4, 5, 6, 8, 10) if power * step >= value)


def text(x, y, what, anchor="middle", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" {more}>'
            f"{escape(what)}</text>")


def write(path, title, across, up, lines):
    """lines: name -> [(x, y), ...]"""
    points = [point for line in lines.values() for point in line]
    most_x, most_y = max(x for x, _ in points), nice(1.3 * max(y for _, y in points) or 1)

    def place(x, y):
        return (LEFT + (WIDTH - LEFT - RIGHT) * x / most_x,
                HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / most_y)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>',
             text(WIDTH / 2, 20, title, more='font-weight="bold"'),
             text(WIDTH / 2, HEIGHT - 10, across),
             text(18, HEIGHT / 2, up, more=f'transform="rotate(-90 18 {HEIGHT / 2})"')]
    for i in range(6):
        x, y = place(0, most_y * i / 5)
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(x - 6, y + 4, f"{most_y * i / 5:.3g}", "end"))
        x, y = place(most_x * i / 5, 0)
        parts.append(text(x, y + 18, f"{most_x * i / 5:.3g}"))
    for i, (name, line) in enumerate(lines.items()):
        path_data = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path_data}" fill="none" stroke="{COLOURS[i]}" '
                     'stroke-width="2"/>')
        parts.append(text(LEFT + 10, TOP + 14 + 16 * i, name, "start", f'fill="{COLOURS[i]}"'))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts + ["</svg>"]) + "\n")
