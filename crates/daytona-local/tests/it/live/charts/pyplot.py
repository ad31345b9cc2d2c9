# As much of matplotlib.pyplot as the test of charts draws with: the names and the shapes are matplotlib's.


class Text:
    def __init__(self, text, at=(0, 0)):
        self.text, self.at = text, at

    def get_text(self):
        return self.text

    def get_position(self):
        return self.at


class Artist:
    label = ""

    def get_label(self):
        return self.label


class Line2D(Artist):
    def __init__(self, xs, ys, label=""):
        self.xs, self.ys, self.label = xs, ys, label

    def get_xdata(self, orig=True):
        return self.xs

    def get_ydata(self, orig=True):
        return self.ys


class PathCollection(Artist):
    def __init__(self, pairs, label):
        self.pairs, self.label = pairs, label

    def get_offsets(self):
        return self.pairs


class Rectangle(Artist):
    def __init__(self, width, height):
        self.width, self.height = width, height

    def get_width(self):
        return self.width

    def get_height(self):
        return self.height


class Wedge(Artist):
    def __init__(self, theta1, theta2):
        self.theta1, self.theta2, self.r = theta1, theta2, 1


class PathPatch(Artist):
    def __init__(self, vertices):
        self.vertices = vertices

    def get_path(self):
        return self


class BarContainer(list):
    def __init__(self, bars, label, orientation):
        super().__init__(bars)
        self.label, self.orientation = label, orientation

    def get_label(self):
        return self.label


class Axis:
    def __init__(self):
        self.label, self.ticks, self.labels = "", [0.5, 1.0], ["0.5", "1.0"]

    def get_converter(self):
        return None

    def get_ticklocs(self):
        return self.ticks

    def get_ticklabels(self):
        return [Text(label) for label in self.labels]

    def name(self, names, first=0):
        self.ticks, self.labels = [at + first for at in range(len(names))], list(names)


class Axes:
    def __init__(self):
        self.title, self.xaxis, self.yaxis = "", Axis(), Axis()
        self.lines, self.patches, self.collections, self.containers = [], [], [], []
        self.images, self.tables, self.artists, self.texts = [], [], [], []

    def get_subplotspec(self):
        return object()

    def has_data(self):
        return bool(self.lines or self.patches or self.collections or self.images)

    def get_title(self):
        return self.title

    def get_xlabel(self):
        return self.xaxis.label

    def get_ylabel(self):
        return self.yaxis.label

    def get_xscale(self):
        return "linear"

    get_yscale = get_xscale

    def get_xticklabels(self):
        return self.xaxis.get_ticklabels()

    def get_yticklabels(self):
        return self.yaxis.get_ticklabels()

    def plot(self, xs, ys, label=""):
        self.lines.append(Line2D(xs, ys, label))

    def scatter(self, xs, ys, label=""):
        self.collections.append(PathCollection(list(zip(xs, ys)), label))

    def bar(self, names, values, label=""):
        self.xaxis.name(names)
        bars = [Rectangle(0.8, value) for value in values]
        self.patches += bars
        self.containers.append(BarContainer(bars, label, "vertical"))

    def barh(self, names, values, label=""):
        self.yaxis.name(names)
        bars = [Rectangle(value, 0.8) for value in values]
        self.patches += bars
        self.containers.append(BarContainer(bars, label, "horizontal"))

    def pie(self, values, labels, autopct):
        at = 0
        for value, label in zip(values, labels):
            wide = 360 * value / sum(values)
            self.patches.append(Wedge(at, at + wide))
            self.texts += [Text(label, (1, at)), Text(autopct % (wide / 3.6), (0.5, at / 2))]
            at += wide

    def boxplot(self, sets, patch_artist, tick_labels):
        self.xaxis.name(tick_labels, 1)
        for at, (low, first, middle, third, high, beyond) in enumerate(map(spread, sets), 1):
            left, right = at - 0.25, at + 0.25
            self.patches.append(PathPatch([(left, first), (right, first), (right, third), (left, third)]))
            self.lines += [Line2D([at, at], [first, low]), Line2D([at, at], [third, high])]
            self.lines += [Line2D([left, right], [middle, middle]), Line2D([at] * len(beyond), beyond)]

    def imshow(self, rows):
        self.images.append(Artist())

    def set_title(self, title):
        self.title = title


def spread(values):
    values = sorted(values)
    first, middle, third = (values[len(values) * part // 4] for part in (1, 2, 3))
    reach = 1.5 * (third - first)
    inside = [value for value in values if first - reach <= value <= third + reach]
    return inside[0], first, middle, third, inside[-1], [value for value in values if value not in inside]


class Figure:
    def __init__(self):
        self.axes, self.texts = [], []

    def savefig(self, file, **how):
        drawn = [thing for ax in self.axes for thing in ax.lines + ax.patches + ax.collections + ax.images]
        file.write(b"\x89PNG" + repr([(type(thing).__name__, vars(thing)) for thing in drawn]).encode())

    def suptitle(self, title):
        self.texts.append(Text(title))


open_figures = {}


def figure(number=None):
    number = number or len(open_figures) + 1
    return open_figures.setdefault(number, Figure())


def gca():
    current = figure(max(open_figures, default=1))
    if not current.axes:
        current.axes.append(Axes())
    return current.axes[-1]


def subplots(rows, columns):
    made = figure()
    made.axes += [Axes() for _ in range(rows * columns)]
    return made, made.axes


def xlabel(text):
    gca().xaxis.label = text


def ylabel(text):
    gca().yaxis.label = text


def get_fignums():
    return sorted(open_figures)


def close(which):
    open_figures.clear()


def show():
    pass


def __getattr__(name):
    return getattr(gca(), {"title": "set_title"}.get(name, name))
