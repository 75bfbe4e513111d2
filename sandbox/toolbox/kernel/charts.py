# Describes the figures of matplotlib. It is read only when matplotlib is used.
import base64
import io
import math


def number(v):
    """A finite number, or None."""
    if type(v).__name__ == "MaskedConstant":
        return None
    try:
        v = float(v)
    except (TypeError, ValueError):
        return None
    return v if math.isfinite(v) else None


def is_dates(axis):
    converter = getattr(axis, "get_converter", lambda: getattr(axis, "converter", None))()
    return "Date" in type(converter).__name__


def numbers(axis, values):
    """The values as numbers: dates as seconds since 1970."""
    if is_dates(axis):
        return [None if number(v) is None else number(v) * 86400 for v in values]
    return [number(v) for v in values]


def points(ax, xs, ys):
    pairs = zip(numbers(ax.xaxis, xs), numbers(ax.yaxis, ys))
    return [[x, y] for x, y in pairs if x is not None and y is not None]


def is_data(ax, artist):
    """Whether an artist shows data; lines across the whole axes do not."""
    return artist.get_transform() == ax.transData


def data_lines(ax):
    lines = []
    for line in ax.get_lines():
        if is_data(ax, line):
            lines.append(line)
    return lines


def label_of(artist):
    text = str(artist.get_label() or "")
    return "" if text.startswith("_") else text


def line_elements(ax):
    return [
        {"label": label_of(line), "points": points(ax, line.get_xdata(orig=False), line.get_ydata(orig=False))}
        for line in data_lines(ax)
    ]


def scatters(ax):
    return [c for c in ax.collections if type(c).__name__ == "PathCollection"]


def scatter_elements(ax):
    elements = []
    for c in scatters(ax):
        offsets = [tuple(o) for o in c.get_offsets()]
        elements.append({"label": label_of(c), "points": points(ax, [o[0] for o in offsets], [o[1] for o in offsets])})
    return elements


def bar_groups(ax):
    return [c for c in ax.containers if type(c).__name__ == "BarContainer"]


def tick_names(axis):
    names = {}
    for position, label in zip(axis.get_ticklocs(), axis.get_ticklabels()):
        if label.get_text():
            names[round(float(position), 9)] = label.get_text()
    return names


def bar_elements(ax):
    elements = []
    for group in bar_groups(ax):
        flat = getattr(group, "orientation", None) == "horizontal"
        names = tick_names(ax.yaxis if flat else ax.xaxis)
        for bar in group.patches:
            if flat:
                middle, value = bar.get_y() + bar.get_height() / 2, bar.get_width()
            else:
                middle, value = bar.get_x() + bar.get_width() / 2, bar.get_height()
            name = names.get(round(float(middle), 9), "%g" % middle)
            elements.append({"label": name, "group": label_of(group), "value": "%.12g" % value})
    return elements


def wedges(ax):
    return [p for p in ax.patches if type(p).__name__ == "Wedge"]


def pie_elements(ax):
    slices = wedges(ax)
    texts = [t.get_text() for t in ax.texts]
    if len(texts) == 2 * len(slices):
        texts = texts[::2]  # every other one is a percentage
    elements = []
    for i, w in enumerate(slices):
        label = label_of(w) or (texts[i] if i < len(texts) else "")
        elements.append({"label": label, "angle": abs(float(w.theta2 - w.theta1)), "radius": float(w.r)})
    return elements


def box_elements(ax):
    elements = []
    for i, s in enumerate(ax._sandpiper_boxes):
        elements.append({
            "label": str(s.get("label", i + 1)), "min": number(s["whislo"]), "first_quartile": number(s["q1"]),
            "median": number(s["med"]), "third_quartile": number(s["q3"]), "max": number(s["whishi"]),
            "outliers": [v for v in map(number, s.get("fliers", [])) if v is not None],
        })
    return elements


def kind_of(ax):
    """The chart's type, where it is of one type only, and its elements."""
    if getattr(ax, "_sandpiper_boxes", None):
        return "box_and_whisker", box_elements
    kinds = []
    if wedges(ax):
        kinds.append(("pie", pie_elements))
    if bar_groups(ax):
        kinds.append(("bar", bar_elements))
    if scatters(ax):
        kinds.append(("scatter", scatter_elements))
    if data_lines(ax):
        kinds.append(("line", line_elements))
    return kinds[0] if len(kinds) == 1 else ("unknown", lambda ax: [])


def scale_of(axis):
    if is_dates(axis):
        return "datetime"
    converter = getattr(axis, "get_converter", lambda: getattr(axis, "converter", None))()
    if "Category" in type(converter).__name__:
        return "categorical"
    return axis.get_scale()


def axis_data(name, axis):
    return {
        name + "_label": axis.get_label_text(),
        name + "_ticks": [t for t in numbers(axis, axis.get_ticklocs()) if t is not None],
        name + "_tick_labels": [t.get_text() for t in axis.get_ticklabels()],
        name + "_scale": scale_of(axis),
    }


def axes_data(ax):
    kind, elements = kind_of(ax)
    data = {"type": kind, "title": ax.get_title(), "elements": elements(ax)}
    data.update(axis_data("x", ax.xaxis))
    data.update(axis_data("y", ax.yaxis))
    return data


def title_of(fig):
    text = getattr(fig, "_suptitle", None)
    return text.get_text() if text is not None else ""


def describe(fig):
    """A figure as the toolbox tells it."""
    picture = io.BytesIO()
    fig.savefig(picture, format="png", bbox_inches="tight")
    chart = {"type": "unknown", "title": title_of(fig), "elements": []}
    try:
        shown = [axes_data(ax) for ax in fig.axes if ax.has_data() and ax.get_label() != "<colorbar>"]
        if len(shown) == 1:
            chart = shown[0]
            chart["title"] = chart["title"] or title_of(fig)
        elif shown:
            chart.update(type="composite_chart", elements=shown)
    except Exception:
        pass  # a figure that is like no other still has its picture
    chart["png"] = base64.b64encode(picture.getvalue()).decode()
    return chart


def install(plt, emit):
    """Has plt.show hand over the figures instead of showing them."""
    from matplotlib.axes import Axes

    draw_boxes = Axes.bxp

    def bxp(self, stats, *args, **kwargs):
        stats = list(stats)
        self._sandpiper_boxes = getattr(self, "_sandpiper_boxes", []) + stats
        return draw_boxes(self, stats, *args, **kwargs)

    def show(*args, **kwargs):
        for n in plt.get_fignums():
            emit(describe(plt.figure(n)))
        plt.close("all")

    Axes.bxp = bxp
    plt.show = show
