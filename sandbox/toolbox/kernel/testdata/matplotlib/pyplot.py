figures = {}


class Figure:
    def __init__(self, name):
        self.axes = []
        self._suptitle = type("Text", (), {"get_text": lambda _: name})()
        self.name = name

    def savefig(self, file, **options):
        file.write(b"png of " + self.name.encode())


def figure(name):
    return figures.setdefault(name, Figure(name))


def get_fignums():
    return list(figures)


def close(which):
    figures.clear()


def show():
    raise RuntimeError("this machine has no screen")
