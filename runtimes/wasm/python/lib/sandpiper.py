"""Show pictures, tables and charts beside a program's output.

    import sandpiper as sp

    sp.line([3, 1, 4, 1, 5], title="Digits")
    sp.bar({"tea": 12, "coffee": 30}, ylabel="Cups")
    sp.scatter([1, 2, 3], {"a": [2, 4, 3], "b": [1, 1, 5]}).save("out/plot.svg")
    sp.hist([2.1, 2.4, 2.6, 3.9], bins=4)
    sp.table([{"name": "Ada", "born": 1815}, {"name": "Grace", "born": 1906}])
    sp.html("<b>bold</b>")
    sp.image("photo.png")

    bar = sp.display("0 %", display_id=True)
    bar.update("50 %")
    sp.clear_output()

Charts take y values; x and y values; a list of (x, y) pairs; or, for several
series, a dict of names to any of these. A dict of names to numbers gives one
value per name. x values are numbers, dates or text. None and NaN leave a gap.
Each call shows the chart at once and returns it; chart("line", ...) only
makes it.

Everything here is plain Python and draws SVG by itself. Outside Sandpiper the
text form of what is shown is printed instead.
"""

import math
import os
import sys
from _json import encode_basestring_ascii as _quote  # json itself takes longer to import than all of this
from binascii import b2a_base64

__all__ = [
    "display", "update_display", "clear_output", "html", "svg", "markdown", "json", "image", "table",
    "line", "bar", "scatter", "hist", "chart", "Chart",
]

# ---------------------------------------------------------------- display

DEVICE = "/dev/display"  # takes one MIME bundle per line
_device = None
_shown = None  # the last chart that showed itself


def display(*things, display_id=None):
    """Show each thing in the richest form that it has.

    A thing can define _repr_mimebundle_, or _repr_html_, _repr_svg_,
    _repr_markdown_, _repr_latex_, _repr_json_, _repr_png_ and _repr_jpeg_, as
    notebooks know them. With a display_id, a name or True for a new one, the
    result can be updated later: see Handle.
    """
    if display_id is True:
        display_id = os.urandom(8).hex()
    for thing in things:
        _send(*_bundle(thing), display_id=display_id)
    return None if display_id is None else Handle(display_id)


def update_display(thing, *, display_id):
    """Show a thing in the place of what was displayed with the same display_id."""
    _send(*_bundle(thing), display_id=display_id, act="update")


def clear_output(wait=False):
    """Take away what was shown so far; with wait, when there is something new."""
    sys.stdout.flush()
    _write({"act": "clear_next" if wait else "clear"})


class Handle:
    """What was displayed under an id, to be updated."""

    def __init__(self, display_id):
        self.display_id = str(display_id)

    def display(self, thing):
        """Show a thing, under the same id."""
        display(thing, display_id=self.display_id)

    def update(self, thing):
        """Show a thing in the place of those with this id."""
        update_display(thing, display_id=self.display_id)


def html(text):
    """Show HTML, in a frame of its own."""
    _send({"text/html": str(text), "text/plain": str(text)})


def svg(text):
    """Show an SVG picture."""
    _send({"image/svg+xml": str(text), "text/plain": "[SVG picture]"})


def markdown(text):
    """Show Markdown."""
    _send({"text/markdown": str(text), "text/plain": str(text)})


def json(value):
    """Show a value as JSON."""
    from json import dumps, loads

    value = loads(dumps(value, default=str), parse_constant=str)
    _send({"application/json": value, "text/plain": dumps(value, indent=2, ensure_ascii=False)})


_MAGIC = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
]


def image(source):
    """Show a picture: its bytes, or the path of its file."""
    if not isinstance(source, (bytes, bytearray, memoryview)):
        with open(source, "rb") as file:
            source = file.read()
    source = bytes(source)
    if source[:4] == b"RIFF" and source[8:12] == b"WEBP":
        return _send_binary("image/webp", source)
    for magic, mime in _MAGIC:
        if source.startswith(magic):
            return _send_binary(mime, source)
    if b"<svg" in source[:1000]:
        return svg(source.decode("utf-8", "replace"))
    raise ValueError("image: not a PNG, JPEG, GIF, WebP, BMP or SVG picture")


def _send_binary(mime, content):
    _send({mime: _base64(content), "text/plain": f"[{mime}, {len(content)} bytes]"})


def _base64(content):
    return b2a_base64(content, newline=False).decode("ascii")


_HOOKS = [
    ("_repr_html_", "text/html"), ("_repr_svg_", "image/svg+xml"), ("_repr_markdown_", "text/markdown"),
    ("_repr_latex_", "text/latex"), ("_repr_json_", "application/json"), ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"), ("_repr_pdf_", "application/pdf"),
]


def _bundle(thing):
    """Return the MIME bundle of a thing, and its metadata."""
    kind = type(thing)
    if hasattr(kind, "_repr_mimebundle_"):
        data, metadata = _with_metadata(_mimebundle(thing))
        data = {mime: _wire(value) for mime, value in (data or {}).items()}
        return {"text/plain": repr(thing), **data}, metadata
    data, metadata = {"text/plain": thing if isinstance(thing, str) else repr(thing)}, {}
    for name, mime in _HOOKS:
        if not isinstance(thing, type) and hasattr(kind, name):
            value, about = _with_metadata(getattr(thing, name)())
            if value is not None:
                data[mime] = _wire(value)
            if about:
                metadata[mime] = about
    return data, metadata


def _mimebundle(thing):
    try:
        return thing._repr_mimebundle_(include=None, exclude=None)  # as Jupyter calls it
    except TypeError:
        return thing._repr_mimebundle_()


def _with_metadata(value):
    """Take what a method returns apart: a value, or one and its metadata."""
    return value if isinstance(value, tuple) and len(value) == 2 else (value, {})


def _wire(value):
    return _base64(value) if isinstance(value, (bytes, bytearray)) else value


def _send(data, metadata=None, display_id=None, act=None):
    """Write a bundle to the display, after what was printed so far."""
    sys.stdout.flush()
    line = {"data": data, "metadata": metadata or {}}
    if display_id is not None:
        line["display_id"] = str(display_id)
    if act:
        line["act"] = act
    if not _write(line):
        print(data["text/plain"])


def _write(line):
    """Write a line to the display, and report whether there is one."""
    global _device
    if _device is None:
        try:
            _device = os.open(DEVICE, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return False
    rest = _dumps(line).encode("ascii") + b"\n"
    try:
        while rest:
            rest = rest[os.write(_device, rest):]
    except OSError:
        pass  # over the display limits, which Sandpiper says by itself
    return True


def _dumps(value):
    """Return a value as JSON in one line."""
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(str(k))}:{_dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_dumps, value)) + "]"
    if value is None or isinstance(value, float) and not math.isfinite(value):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(value) if isinstance(value, float) else _quote(str(value))


# ---------------------------------------------------------------- tables

MAX_ROWS = 1000  # that a table shows; the others are counted
TABLE = "application/vnd.sandpiper.table+json"


def table(rows, columns=None):
    """Show a table: a list of dicts or of lists, or a dict of columns.

    columns names the columns of lists, or chooses and orders those of dicts.
    """
    columns, rows = _tabulate(rows, columns)
    more = max(0, len(rows) - MAX_ROWS)
    rows = rows[:MAX_ROWS]
    types = [_column_type([row[i] for row in rows]) for i in range(len(columns))]
    text = [[_cell_text(v) for v in row] for row in rows]
    value = {
        "columns": [{"name": n, "type": t} for n, t in zip(columns, types)],
        "rows": [[_cell_value(v, t) for v, t in zip(row, types)] for row in rows],
    }
    note = f"{more:,} more rows" if more else "" if rows else "no rows"
    _send({
        TABLE: value,
        "text/html": _table_html(columns, types, text, note),
        "text/plain": _table_text(columns, types, text, note),
    }, {"more": more} if more else None)


def _tabulate(rows, columns):
    """Bring all forms of input to names and rows of the same length."""
    if isinstance(rows, dict):
        columns = list(columns or rows)
        lists = [list(rows[c]) for c in columns]
        length = max(map(len, lists), default=0)
        rows = [[c[i] if i < len(c) else None for c in lists] for i in range(length)]
    rows = list(rows)
    if rows and all(isinstance(r, dict) for r in rows):
        columns = list(columns or dict.fromkeys(key for r in rows for key in r))
        rows = [[r.get(c) for c in columns] for r in rows]
    rows = [list(r) if isinstance(r, (list, tuple)) else [r] for r in rows]
    width = max([len(columns or [])] + [len(r) for r in rows])
    columns = [str(c) for c in columns or []]
    columns += [f"column {i + 1}" for i in range(len(columns), width)]
    return columns, [r + [None] * (width - len(r)) for r in rows]


def _column_type(values):
    kinds = {_cell_type(v) for v in values if v is not None}
    return kinds.pop() if len(kinds) == 1 else "text" if kinds else "null"


def _cell_type(value):
    if isinstance(value, bool):
        return "boolean"
    if _is_date(value):
        return "date"
    if _is_number(value) and not (isinstance(value, int) and abs(value) >= 2**53):
        return "number"
    return "text"


def _cell_value(value, kind):
    if value is None:
        return None
    if kind == "number" and not isinstance(value, int):
        value = float(value)
        return value if math.isfinite(value) else None
    return value if kind in ("number", "boolean") else _cell_text(value)


def _cell_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_date(value):
        return value.isoformat()
    return str(value)


def _table_text(columns, types, rows, note):
    cells = [columns] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    right = [t == "number" for t in types]

    def join(row):
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)]
        return "  ".join(padded).rstrip()

    lines = [join(columns), "  ".join("-" * w for w in widths)] if columns else []
    return "\n".join(lines + [join(r) for r in rows] + ([note] if note else []))


def _table_html(columns, types, rows, note):
    align = [' style="text-align:right"' if t == "number" else "" for t in types]

    def cells(tag, row):
        return "<tr>" + "".join(f"<{tag}{a}>{_escape(c)}</{tag}>" for c, a in zip(row, align)) + "</tr>"

    caption = f"<caption>{note}</caption>" if note else ""
    body = "".join(cells("td", r) for r in rows)
    return f"<table>{caption}<thead>{cells('th', columns)}</thead><tbody>{body}</tbody></table>"


# ---------------------------------------------------------------- charts

def line(*data, **options):
    """Show a line chart. Options: title, xlabel, ylabel."""
    return chart("line", *data, **options).show()


def bar(*data, **options):
    """Show a bar chart. Options: title, xlabel, ylabel."""
    return chart("bar", *data, **options).show()


def scatter(*data, **options):
    """Show a scatter chart. Options: title, xlabel, ylabel."""
    return chart("scatter", *data, **options).show()


def hist(*data, **options):
    """Show a histogram of values. Options: title, xlabel, ylabel, bins."""
    return chart("hist", *data, **options).show()


def chart(kind, *data, title="", xlabel="", ylabel="", bins=None):
    """Make a chart without showing it: a "line", "bar", "scatter" or "hist"."""
    return Chart(kind, data, title, xlabel, ylabel, bins)


class Chart:
    """A picture of some series. Its text as SVG is in svg."""

    def __init__(self, kind, data, title="", xlabel="", ylabel="", bins=None):
        if kind not in ("line", "bar", "scatter", "hist"):
            raise ValueError(f'{kind!r} is not a kind of chart: use "line", "bar", "scatter" or "hist"')
        self.kind = kind
        self.title, self.xlabel, self.ylabel = str(title), str(xlabel), str(ylabel)
        self.series = _read_series(kind, data)
        self.description, self.svg = _draw(self, bins)

    def show(self):
        """Show the chart and return it."""
        global _shown
        _shown = self
        _send({"image/svg+xml": self.svg, "text/plain": str(self)})
        return self

    def save(self, path):
        """Write the chart to an SVG file, making its folder, and return the chart."""
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(self.svg)
        return self

    def _repr_svg_(self):
        return self.svg

    def __str__(self):
        return f"[{self.title}: {self.description}]" if self.title else f"[{self.description}]"

    __repr__ = __str__


# The series of a chart are a list of (name, points), points a list of (x, y).
# x stays as it was given until the axis is known; y is a float or None.

def _read_series(kind, data):
    if kind == "hist" and len(data) != 1:
        raise TypeError("hist takes values, or a dict of names to values")
    if not 1 <= len(data) <= 2:
        raise TypeError(f"{kind} takes y values, or x and y values")
    xs = list(data[0]) if len(data) == 2 else None
    ys = data[-1]
    if not isinstance(ys, dict):
        return [("", _read_points(kind, "y", xs, ys))]
    if ys and all(_is_scalar(v) for v in ys.values()):
        return [("", _read_points(kind, "y", list(ys), ys.values()))]
    return [(str(name), _read_points(kind, str(name), xs, values)) for name, values in ys.items()]


def _is_scalar(value):
    return value is None or isinstance(value, str) or _is_number(value)


def _is_number(value):
    return hasattr(type(value), "__float__")  # int, float, bool, Decimal, Fraction


def _read_points(kind, name, xs, values):
    values = list(values)
    if xs is None and kind != "hist" and values and all(isinstance(v, (list, tuple)) and len(v) == 2 for v in values):
        xs, values = [v[0] for v in values], [v[1] for v in values]
    if xs is None:
        xs = range(len(values))
    if len(xs) != len(values):
        raise ValueError(f"x has {len(xs)} values, {name} has {len(values)}")
    return [(x, _number(y)) for x, y in zip(xs, values)]


LARGEST, SMALLEST = 1e300, 1e-300  # beyond are gaps and zero: differences would overflow or vanish


def _number(value):
    """Return a value as a float, None where it cannot be drawn."""
    if value is None:
        return None
    if not _is_number(value):
        raise TypeError(f"{value!r} is not a number")
    try:
        value = float(value)
    except OverflowError:
        return None
    if not abs(value) <= LARGEST:
        return None
    return value if abs(value) >= SMALLEST else 0.0


# Numbers are written by arithmetic that is the same in every language, so that
# the same data gives the same picture in each.

def _split(value):
    """Return (f, e) with value = f * 10**e and 1 <= f < 10, for value > 0."""
    e = 0
    while value >= 10:
        value /= 10
        e += 1
    while value < 1:
        value *= 10
        e -= 1
    return value, e


def _decimal(n, e):
    """Write the integer n times 10**e."""
    if n == 0:
        return "0"
    sign, digits = "−" if n < 0 else "", str(abs(n))
    short = digits.rstrip("0")
    e += len(digits) - len(short)
    leading = len(short) + e - 1  # the exponent of the first digit
    if not -5 < leading < 9:
        return f"{sign}{short[0]}{'.' + short[1:] if short[1:] else ''}e{leading}"
    whole = short + "0" * e if e >= 0 else short[:e] if leading >= 0 else "0"
    part = short[e:].rjust(-e, "0") if e < 0 else ""
    if len(whole) > 4:
        whole = f"{int(whole):,}"
    return sign + whole + ("." + part if part else "")


def _text(value):
    """Write a number with six significant digits."""
    if value == math.floor(value) and abs(value) < 1e9:
        return _decimal(int(value), 0)
    f, e = _split(abs(value))
    n = math.floor(f * 100000 + 0.5)
    return _decimal(n if value > 0 else -n, e - 5)


def _px(value):
    """Write a coordinate with two decimals at most."""
    n = math.floor(value * 100 + 0.5)
    text = f"{abs(n) // 100}.{abs(n) % 100:02d}".rstrip("0").rstrip(".")
    return "-" + text if n < 0 else text


def _width(text, size):
    """Estimate the width of a text in pixels: wide characters count double."""
    return sum(11 if ord(c) >= 0x1100 else 6 for c in text) * size / 10


def _fit(text, size, room):
    """Shorten a text so that it fits."""
    if _width(text, size) <= room:
        return text
    while text and _width(text + "…", size) > room:
        text = text[:-1]
    return text + "…"


def _escape(text):
    """Escape a text for HTML and XML, which has no place for control characters."""
    text = "".join(c if c in "\t\n" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "�" for c in text)
    for c, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"):
        text = text.replace(c, entity)
    return text


# An axis has a range and ticks. Times are seconds since 1970, UTC; categories
# are numbered.

class _Axis:
    def __init__(self, low, high, ticks, name=_text, labels=None):
        self.low, self.high, self.ticks = low, high, ticks  # ticks: (value, label)
        self.name = name  # writes a value for people
        self.labels = labels  # of categories


def _nice(f):
    return 1 if f <= 1 else 2 if f <= 2 else 5 if f <= 5 else 10


def _nice_steps(low, high, count, whole=False):
    """Return a step of 1, 2 or 5 times a power of ten, as (mantissa, exponent),
    and the first and last of its multiples around the range. The step is at
    least 1 if whole."""
    f, e = _split((high - low) / count)
    m = _nice(f)
    if whole and e < 0:
        m, e = 1, 0
    first, last = math.floor(low / _multiple(m, e) + 1e-9), math.ceil(high / _multiple(m, e) - 1e-9)
    return m, e, first, last


def _multiple(n, e):
    """Return n * 10**e with one rounding only."""
    power = 1.0
    for _ in range(abs(e)):
        power *= 10
    return n * power if e >= 0 else n / power


def _range(values):
    """Return the smallest and largest value, apart from each other."""
    values = list(values) or [0.0, 1.0]
    low, high = min(values), max(values)
    if high - low <= max(abs(low), abs(high)) * 1e-9:
        pad = abs(low) / 10 or 1.0
        return low - pad, high + pad
    return low, high


def _number_axis(values, count, widen=True, whole=False):
    """Make an axis of numbers; widen extends it to the ticks around its range."""
    low, high = _range(values)
    m, e, first, last = _nice_steps(low, high, count, whole)
    ticks = [(_multiple(i * m, e), _decimal(i * m, e)) for i in range(first, last + 1)]
    if widen:
        return _Axis(ticks[0][0], ticks[-1][0], ticks)
    slack = (high - low) * 1e-9
    return _Axis(low, high, [t for t in ticks if low - slack <= t[0] <= high + slack])


def _air(values):
    """Add values beside the range, so that no mark lies on its end."""
    if not values:
        return values
    low, high = min(values), max(values)
    air = (high - low) * 0.03
    return [*values, low if low >= 0 and low < air else low - air, high + air]


def _category_axis(labels):
    ticks = list(enumerate(labels))
    return _Axis(-0.5, max(len(labels), 1) - 0.5, ticks, lambda i: labels[int(i)], labels)


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
MINUTE, HOUR, DAY, MONTH, YEAR = 60, 3600, 86400, 2629746, 31556952
STEPS = [
    1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
]


def _is_date(value):
    datetime = sys.modules.get("datetime")  # who has a date has imported it
    return datetime is not None and isinstance(value, datetime.date)


def _seconds(value):
    """Return a date as seconds since 1970. Without a time zone it is taken as UTC."""
    from datetime import datetime, timezone

    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return (value - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()


def _civil(seconds):
    """Return year, month and day of a time, and the second of the day."""
    from datetime import date, timedelta

    days = math.floor(seconds / DAY)
    day = date(1970, 1, 1) + timedelta(days=days)
    return day.year, day.month, day.day, math.floor(seconds) - days * DAY


def _date_text(seconds):
    y, m, d, s = _civil(seconds)
    date = f"{y:04d}-{m:02d}-{d:02d}"
    if s == 0:
        return date
    return f"{date} {s // HOUR:02d}:{s // MINUTE % 60:02d}" + (f":{s % 60:02d}" if s % 60 else "")


def _time_axis(values, count):
    low, high = min(values), max(values)
    if high - low < 1:
        high = low + DAY
    step = next((s for s in STEPS if (high - low) / count <= s), None)
    if step is None:
        ticks = _month_ticks(low, high, count)
    else:
        shift = 4 * DAY if step == 7 * DAY else 0  # weeks begin on Monday
        first, last = math.ceil((low - shift) / step), math.floor((high - shift) / step)
        times = [i * step + shift for i in range(first, last + 1)]
        ticks = [(t, _time_label(t, step)) for t in times]
    return _Axis(low, high, ticks, _date_text)


def _time_label(seconds, step):
    _, m, d, s = _civil(seconds)
    if step >= DAY or s == 0:
        return f"{MONTHS[m - 1]} {d}"
    label = f"{s // HOUR:02d}:{s // MINUTE % 60:02d}"
    return label if step >= MINUTE else f"{label}:{s % 60:02d}"


def _month_ticks(low, high, count):
    """Make ticks at the beginnings of months or years."""
    from datetime import date

    span = (high - low) / count
    months = next((n for n in (1, 2, 3, 6) if span <= n * MONTH), None)
    if months is None:
        f, e = _split(max(span / YEAR, 1))
        months = int(_multiple(_nice(f), e)) * 12
    y, m, _, _ = _civil(low)
    ticks = []
    month = -(-(y * 12 + m - 1) // months) * months
    while len(ticks) < 100:
        y, m = divmod(month, 12)
        if not 1 <= y <= 9999:
            break
        seconds = _seconds(date(y, m + 1, 1))
        if seconds > high:
            break
        if seconds >= low:
            ticks.append((seconds, str(y) if months >= 12 else f"{MONTHS[m]} {y}"))
        month += months
    return ticks


# ---------------------------------------------------------------- drawing

WIDTH, HEIGHT = 640, 360
LIGHT = ["#0b6aa8", "#c8500a", "#0b7a5a", "#a0478a", "#8a6500", "#3d8fb5", "#8f2d2d", "#5b6360"]
DARK = ["#5eb3ec", "#ff9a5c", "#45c79b", "#e295cb", "#e8bd3f", "#a5dcf5", "#f0857f", "#b9c0bb"]
KINDS = {"line": "Line chart", "bar": "Bar chart", "scatter": "Scatter chart", "hist": "Histogram"}
NAMED_MARKS = 200  # so many marks get a name that appears under the pointer


def _draw(chart, bins):
    """Return the description and the SVG text of a chart."""
    series, x, kind = chart.series, None, chart.kind
    if kind == "hist":
        series, x = _count(series, bins)
    else:
        series, x = _place(series, kind)
    ys = [y for _, points in series for _, y in points if y is not None]
    if kind == "scatter":
        y = _number_axis(_air(ys), 7, widen=False)
    else:
        y = _number_axis(ys + [0.0] if ys and kind != "line" else ys, 5, whole=kind == "hist")
    description = _describe(kind, series, x)
    ylabel = chart.ylabel or ("Count" if kind == "hist" else "")
    canvas = _Canvas(x, y)
    canvas.frame(chart.title, chart.xlabel, ylabel, series if series[1:] else [], kind)
    if not ys:
        canvas.label((canvas.left + canvas.right) / 2, (canvas.top + canvas.bottom) / 2, "No data", "middle")
    named = sum(len(points) for _, points in series) <= NAMED_MARKS
    for i, (name, points) in enumerate(series):
        draw = {"line": canvas.line, "bar": canvas.bars, "scatter": canvas.dots, "hist": canvas.boxes}[kind]
        draw(i, len(series), name, points, named)
    return description, canvas.finish(chart.title or KINDS[kind], description, len(series))


def _place(series, kind):
    """Turn the x values into numbers and make their axis."""
    xs = [x for _, points in series for x, _ in points if x is not None]
    if kind != "bar" and all(_is_date(x) for x in xs) and xs:
        series, values = _convert(series, _seconds)
        return series, _time_axis(values, 7)
    if kind != "bar" and all(_is_number(x) for x in xs):
        series, values = _convert(series, _number)
        whole = all(x == math.floor(x) for x in values)
        return series, _number_axis(_air(values) if kind == "scatter" else values, 8, widen=False, whole=whole)
    labels = list(dict.fromkeys(_label(x) for x in xs))
    index = {label: float(i) for i, label in enumerate(labels)}
    series, _ = _convert(series, lambda x: index[_label(x)])
    return series, _category_axis(labels)


def _convert(series, convert):
    """Return the series with converted x values, without the points that have
    none, and all the x values."""
    series = [(name, [(convert(x), y) for x, y in points if x is not None]) for name, points in series]
    series = [(name, [p for p in points if p[0] is not None]) for name, points in series]
    return series, [x for _, points in series for x, _ in points]


def _label(x):
    """Write an x value as a category."""
    if _is_date(x):
        return _date_text(_seconds(x))
    if _is_number(x):
        x = _number(x)
        return "" if x is None else _text(x)
    return "" if x is None else str(x)


def _count(series, bins):
    """Count the values of each series in bins of equal width. The points of the
    result are the bins: their lower edges and counts."""
    values = [y for _, points in series for _, y in points if y is not None]
    low, high = _range(values)
    if bins is not None:
        bins = max(1, min(int(bins), 1000))
        edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    else:
        wanted = 1
        while 1 << (wanted - 1) < len(values):
            wanted += 1
        m, e, first, last = _nice_steps(low, high, wanted)
        edges = [_multiple(i * m, e) for i in range(first, last + 1)]
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    counted = []
    for name, points in series:
        counts = [0] * (len(edges) - 1)
        for _, y in points:
            if y is not None:
                counts[max(0, min(math.floor((y - edges[0]) / width), len(counts) - 1))] += 1
        counted.append((name, [(e, float(c)) for e, c in zip(edges, counts)] if values else []))
    axis = _number_axis([edges[0], edges[-1]], 8, widen=False)
    axis.bin = width
    return counted, axis


def _describe(kind, series, x):
    """Say in words what the chart shows."""
    parts = [KINDS[kind] + (f" with {len(series)} series" if series[1:] else "")]
    xs = [p[0] for _, points in series for p in points]
    if xs and x.labels:
        parts.append("x: " + _between(x.labels[0], x.labels[-1]))
    elif xs:
        last = max(xs) + (x.bin if kind == "hist" else 0)
        parts.append("x: " + _between(x.name(min(xs)), x.name(last)))
    for name, points in series[:8]:
        ys = [y for _, y in points if y is not None]
        found = f"{len(ys)} {'bin' if kind == 'hist' else 'value'}{'' if len(ys) == 1 else 's'}"
        if ys:
            found += ", " + _between(_text(min(ys)), _text(max(ys)))
        parts.append(f"{name}: {found}" if name else found)
    return ". ".join(parts)


def _between(first, last):
    return first if first == last else f"{first} to {last}"


class _Canvas:
    """An SVG picture with a plot between left, right, top and bottom."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.out = []
        self.left = min(20 + max(_width(label, 12) for _, label in y.ticks), 160)
        self.right, self.top, self.bottom = WIDTH - 20, 20, HEIGHT - 30

    def at_x(self, value):
        return self.left + (value - self.x.low) / (self.x.high - self.x.low) * (self.right - self.left)

    def at_y(self, value):
        return self.bottom - (value - self.y.low) / (self.y.high - self.y.low) * (self.bottom - self.top)

    def add(self, text):
        self.out.append(text)

    def label(self, x, y, text, anchor="start", style='class="dim" fill="#565d57"'):
        self.add(f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}" {style}>{_escape(text)}</text>')

    def frame(self, title, xlabel, ylabel, legend, kind):
        """Draw everything around the data and leave room for it."""
        if title:
            style = 'class="ink" fill="#1d2320" font-size="16" font-weight="600"'
            self.label(20, 30, _fit(title, 17, WIDTH - 40), style=style)
            self.top += 26
        if legend:
            self.legend(legend, kind)
        if ylabel:
            self.label(20, self.top + 6, _fit(ylabel, 12, WIDTH - 40))
            self.top += 24
        if xlabel:
            self.bottom -= 20
            self.label((self.left + self.right) / 2, HEIGHT - 12, _fit(xlabel, 12, self.right - self.left), "middle")
        self.grid(kind)

    def legend(self, series, kind):
        x, rows = 20, 0
        for i, (name, _) in enumerate(series):
            name = _fit(name, 12, 150)
            if x > 20 and x + 18 + _width(name, 12) > WIDTH - (90 if rows == 2 else 20):
                x, rows = 20, rows + 1
            if rows == 3:
                self.label(WIDTH - 20, last + 8, f"{len(series) - i} more", "end")
                break
            y = self.top + rows * 18
            self.mark(i, x + 5, y + 4, 5, "") if kind in ("line", "scatter") else self.add(
                f'<rect class="f{i % 8}" fill="{LIGHT[i % 8]}" x="{_px(x)}" y="{_px(y - 1)}" width="10" height="10" rx="2"/>')
            self.label(x + 16, y + 8, name)
            x += 34 + _width(name, 12)
            last = y
        self.top = last + 24

    def grid(self, kind):
        for value, label in self.y.ticks:
            y = self.at_y(value)
            zero = value == 0 or value == self.y.low and self.y.low > 0
            style = 'class="axis" stroke="#8b867a"' if zero else 'class="grid" stroke="#e4dfd3"'
            self.add(f'<path {style} d="M{_px(self.left)} {_px(y)}H{_px(self.right)}"/>')
            self.label(self.left - 8, y + 4, label, "end")
        if self.x.labels is not None:
            return self.categories()
        for value, label in self.x.ticks:
            x = self.at_x(value)
            if kind == "scatter":
                self.add(f'<path class="grid" stroke="#e4dfd3" d="M{_px(x)} {_px(self.top)}V{_px(self.bottom)}"/>')
            self.tick(x, label)

    def categories(self):
        """Label as many categories as there is room for."""
        band = (self.right - self.left) / max(len(self.x.labels), 1)
        widest = min(max([_width(label, 12) for label in self.x.labels] or [0]), 90)
        every = max(1, math.ceil((widest + 8) / band))
        for i, label in self.x.ticks[::every]:
            self.tick(self.at_x(i), _fit(label, 12, band * every - 8))

    def tick(self, x, label):
        """Write a label below the plot, inside the picture."""
        room = _width(label, 12) / 2 + 4
        self.label(max(room, min(x, WIDTH - room)), self.bottom + 18, label, "middle")

    def mark(self, i, x, y, r, title):
        """Draw the mark of series i: colour and shape tell it from the others."""
        shape = i % 4
        if shape == 0:
            d = f"M{_px(x - r)} {_px(y)}a{_px(r)} {_px(r)} 0 1 0 {_px(2 * r)} 0a{_px(r)} {_px(r)} 0 1 0 {_px(-2 * r)} 0z"
        elif shape == 1:
            d = f"M{_px(x - r)} {_px(y - r)}h{_px(2 * r)}v{_px(2 * r)}h{_px(-2 * r)}z"
        elif shape == 2:
            d = f"M{_px(x)} {_px(y - r * 1.25)}l{_px(r * 1.25)} {_px(r * 2.25)}h{_px(r * -2.5)}z"
        else:
            d = f"M{_px(x)} {_px(y - r * 1.5)}l{_px(r * 1.5)} {_px(r * 1.5)}l{_px(r * -1.5)} {_px(r * 1.5)}l{_px(r * -1.5)} {_px(r * -1.5)}z"
        self.filled(i, f'd="{d}"', "path", title)

    def filled(self, i, shape, tag, title):
        close = f"><title>{_escape(title)}</title></{tag}>" if title else "/>"
        self.add(f'<{tag} class="f{i % 8}" fill="{LIGHT[i % 8]}" {shape}{close}')

    def name(self, series, x, y):
        """Write a mark's name: its series, x and y."""
        return f"{series + ', ' if series else ''}{self.x.name(x)}: {_text(y)}"

    def line(self, i, count, name, points, named):
        for run in _runs(points):
            at = [f"{_px(self.at_x(x))} {_px(self.at_y(y))}" for x, y in _thin(run)]
            if at[1:]:
                self.add(f'<path class="s{i % 8}" stroke="{LIGHT[i % 8]}" fill="none" stroke-width="2" '
                         f'stroke-linejoin="round" stroke-linecap="round" d="M{"L".join(at)}"/>')
            if len(points) <= 30 or not at[1:]:
                self.dots(i, count, name, run, named, 3)

    def dots(self, i, count, name, points, named, radius=4):
        seen = set()
        for x, y in points:
            if y is None:
                continue
            at = (_px(self.at_x(x)), _px(self.at_y(y)))
            if at not in seen:
                seen.add(at)
                self.mark(i, self.at_x(x), self.at_y(y), radius, self.name(name, x, y) if named else "")

    def bars(self, i, count, name, points, named):
        band = (self.right - self.left) / max(len(self.x.labels), 1)
        width = band * 0.8 / count
        for x, y in points:
            if y is not None:
                left = self.at_x(x) - band * 0.4 + width * i
                self.box(i, left, max(width - min(2, width / 4), 0.5), y, self.name(name, x, y) if named else "")

    def boxes(self, i, count, name, points, named):
        faint = 0.6 if count > 1 else 1
        for x, y in points:
            if y:
                left, right = self.at_x(x), self.at_x(x + self.x.bin)
                title = f"{name + ', ' if name else ''}{_text(x)} to {_text(x + self.x.bin)}: {_text(y)}"
                self.box(i, left + 0.5, max(right - left - 1, 0.5), y, title if named else "", faint)

    def box(self, i, left, width, y, title, faint=1):
        top, bottom = sorted([self.at_y(y), self.at_y(0)])
        shape = f'x="{_px(left)}" y="{_px(top)}" width="{_px(width)}" height="{_px(bottom - top)}"'
        shape += ' rx="2"' if width >= 8 and bottom - top >= 4 else ""
        self.filled(i, shape + (f' fill-opacity="{_px(faint)}"' if faint < 1 else ""), "rect", title)

    def finish(self, title, description, count):
        """Return the whole picture, with the colours for dark pages."""
        dark = ".bg{fill:#1a1e1d}.ink{fill:#e9e7e0}.dim{fill:#a6ada7}.grid{stroke:#2e3532}.axis{stroke:#747d78}"
        for i in range(min(count, 8)):
            dark += f".f{i}{{fill:{DARK[i]}}}.s{i}{{stroke:{DARK[i]}}}"
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            'role="img" font-family="system-ui,sans-serif" font-size="12">',
            f"<title>{_escape(title)}</title>",
            f"<desc>{_escape(description)}</desc>",
            f"<style>@media (prefers-color-scheme:dark){{{dark}}}</style>",
            f'<rect class="bg" fill="#fffdf9" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            *self.out,
            "</svg>",
        ]) + "\n"


def _runs(points):
    """Split points where a value is missing."""
    runs = [[]]
    for point in points:
        if point[1] is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _thin(points):
    """Keep the shape of a line with very many points: of each group the lowest
    and the highest, in order, beside the first and the last of all."""
    if len(points) <= 2000:
        return points
    size = math.ceil(len(points) / 600)
    kept = [points[0]]
    for start in range(1, len(points) - 1, size):
        group = range(start, min(start + size, len(points) - 1))
        low, high = min(group, key=lambda i: points[i][1]), max(group, key=lambda i: points[i][1])
        kept += [points[i] for i in sorted({low, high})]
    return kept + [points[-1]]
