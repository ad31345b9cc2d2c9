# Tells the figures that matplotlib shows, as Daytona's server does for code that imports it. `install(tell)` makes
# pyplot.show() call `tell` with the JSON of each figure that was not shown before, and gives the set of what was. All
# coordinates are numbers, as Daytona's document wants them: times are days since 1970 and names count from 0; the
# labels of the marks say more.
import base64, hashlib, importlib.util, io, json, math, sys


def plain(value):
    """A number of JSON, or None."""
    value = float(value)
    return value if math.isfinite(value) else None


def is_a(thing, *names):
    return any(kind.__name__ in names for kind in type(thing).__mro__)


def points(pairs):
    """Without those that JSON has no numbers for: a gap."""
    return [point for point in ([plain(x), plain(y)] for x, y in pairs) if None not in point]


def along(line):
    """The points of a line as matplotlib places them."""
    return points(zip(line.get_xdata(orig=False), line.get_ydata(orig=False)))


def guides(line):
    """Whether it only leads the eye: from one point straight up or across."""
    ends = along(line)
    return len(ends) == 2 and (ends[0][0] == ends[1][0] or ends[0][1] == ends[1][1])


def texts(labels):
    return [label.get_text() for label in labels]


def lines(ax):
    return [{"label": str(line.get_label()), "points": along(line)} for line in ax.lines if not guides(line)], False


def scatter(ax):
    clouds = [cloud for cloud in ax.collections if is_a(cloud, "PathCollection")]
    return [{"label": str(cloud.get_label()), "points": points(cloud.get_offsets())} for cloud in clouds], False


def bars(ax):
    told, lying = [], False
    for group in ax.containers:
        if not all(is_a(bar, "Rectangle") for bar in group):
            continue
        lies = getattr(group, "orientation", "vertical") == "horizontal"
        lying |= lies
        labels = texts(ax.get_yticklabels() if lies else ax.get_xticklabels())
        for label, bar in zip(labels, group):
            length = plain(bar.get_width() if lies else bar.get_height())
            value = None if length is None else str(length)
            told.append({"label": label, "group": str(group.get_label()), "value": value})
    return told, lying


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def pie(ax):
    wedges = [patch for patch in ax.patches if is_a(patch, "Wedge")]
    labels, inside = texts(ax.texts), []
    if len(labels) == 2 * len(wedges) > 0:
        # matplotlib below 3.11 writes what is beside and what is in a slice in turns, later all of one and all of the other
        (ax0, ay0), (ax1, ay1) = (label.get_position() for label in ax.texts[:2])
        turns = len(wedges) == 1 or close(math.atan2(ay0, ax0), math.atan2(ay1, ax1))
        half = len(wedges)
        labels, inside = (labels[::2], labels[1::2]) if turns else (labels[:half], labels[half:])
    told = []
    for at, wedge in enumerate(wedges):
        slice = {"label": labels[at] if at < len(labels) else None}
        slice.update(angle=plain(abs(wedge.theta2 - wedge.theta1)), radius=plain(wedge.r))
        if at < len(inside):
            slice["autopct"] = inside[at]
        told.append(slice)
    return told, False


def boxes(ax):
    found = []
    for patch in ax.patches:
        corners = patch.get_path().vertices
        xs, ys = [float(corner[0]) for corner in corners], [float(corner[1]) for corner in corners]
        found.append((min(xs), max(xs), min(ys), max(ys)))
    strokes = [along(line) for line in ax.lines]

    def within(stroke):
        """The line in the middle of a box."""
        inside = lambda box, end: box[0] <= end[0] <= box[1] and box[2] <= end[1] <= box[3]
        return len(stroke) == 2 and any(all(inside(box, end) for end in stroke) for box in found)

    middles = [stroke for stroke in strokes if within(stroke)]
    lying = bool(middles) and all(close(stroke[0][0], stroke[1][0]) for stroke in middles)
    if lying:
        found = [(low, high, left, right) for left, right, low, high in found]
        strokes = [[(y, x) for x, y in stroke] for stroke in strokes]
    told = []
    for label, (left, right, low, high) in zip(texts(ax.get_yticklabels() if lying else ax.get_xticklabels()), found):
        middle = (left + right) / 2
        box = {"label": label, "min": None, "first_quartile": low, "median": None, "third_quartile": high, "max": None}
        rest = []
        for stroke in strokes:
            values = [value for _, value in stroke]
            upright = bool(stroke) and all(close(at, middle) for at, _ in stroke)
            if upright and len(stroke) == 2 and close(max(values), low):
                box["min"] = min(values)
            elif upright and len(stroke) == 2 and close(min(values), high):
                box["max"] = max(values)
            elif upright:
                rest += values
            elif len(stroke) == 2 and close(*values) and low <= values[0] <= high and left <= stroke[0][0] <= right:
                box["median"] = values[0]
        low = low if box["min"] is None else box["min"]
        high = high if box["max"] is None else box["max"]
        box["outliers"] = [value for value in rest if value < low or value > high]
        told.append(box)
    return told, lying


def kind(ax):
    drawn = [*ax.lines, *ax.patches, *ax.collections, *ax.images, *ax.tables, *ax.artists]
    drawn = [thing for thing in drawn if not is_a(thing, "Shadow")]
    every = lambda *names: all(is_a(thing, *names) for thing in drawn)
    if every("Line2D"):
        return "line", lines
    if every("Line2D", "PathPatch"):
        return "box_and_whisker", boxes
    drawn = [thing for thing in drawn if not (is_a(thing, "Line2D") and guides(thing))]
    if every("PathCollection"):
        return "scatter", scatter
    if every("Rectangle"):
        return "bar", bars
    if every("Wedge"):
        return "pie", pie
    return "unknown", lambda ax: ([], False)


def scale(axis, name, ticks, labels):
    converter = axis.get_converter() if hasattr(axis, "get_converter") else getattr(axis, "converter", None)
    if "Date" in type(converter).__name__:
        return "datetime"
    counted = all(tick == at and label != str(at) for at, (tick, label) in enumerate(zip(ticks, labels)))
    return "categorical" if name == "linear" and counted else name


def plot(ax):
    told = {"title": ax.get_title(), "x_label": ax.get_xlabel(), "y_label": ax.get_ylabel()}
    for name, axis, spread in (("x", ax.xaxis, ax.get_xscale()), ("y", ax.yaxis, ax.get_yscale())):
        ticks, labels = [plain(tick) for tick in axis.get_ticklocs()], texts(axis.get_ticklabels())
        told[name + "_ticks"], told[name + "_tick_labels"] = ticks, labels
        told[name + "_scale"] = scale(axis, spread, ticks, labels)
    told["type"], read = kind(ax)
    told["elements"], lying = read(ax)
    if lying:
        told["x_label"], told["y_label"] = told["y_label"], told["x_label"]
    return told


def picture(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight", dpi=100)
    return png.getvalue()


def chart(figure):
    # neither an empty plot of a grid nor the scale of colours beside a plot
    empty = lambda ax: ax.get_subplotspec() is not None and not ax.has_data()
    plots = [plot(ax) for ax in figure.axes if not empty(ax) and not hasattr(ax, "_colorbar")]
    if len(plots) == 1:
        return plots[0]
    if not plots:
        return {"type": "unknown"}
    title = figure.texts[0].get_text() if figure.texts else None
    return {"type": "composite_chart", "title": title, "elements": plots}


def install(tell):
    seen = set()

    def patch(pyplot):
        shown = pyplot.show

        def show(*args, **kwargs):
            for number in pyplot.get_fignums():
                figure = pyplot.figure(number)
                png = picture(figure)
                mark = hashlib.sha256(png).digest()
                if mark not in seen:
                    seen.add(mark)
                    told = chart(figure)
                    told["png"] = base64.b64encode(png).decode()
                    tell(json.dumps({"type": "chart", "value": told}, allow_nan=False))
            result = shown(*args, **kwargs)
            pyplot.close("all")
            return result

        pyplot.show = show

    class Finder:
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name != "matplotlib.pyplot" or cls not in sys.meta_path:
                return None
            sys.meta_path.remove(cls)
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.loader is not None:
                run = spec.loader.exec_module

                def exec_module(module):
                    run(module)
                    patch(module)

                spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder)
    return seen
