"""The part of IPython.display that shows things, over the module sandpiper."""

from sandpiper import Handle as DisplayHandle
from sandpiper import clear_output, display, update_display

__all__ = [
    "display", "update_display", "clear_output", "DisplayHandle",
    "HTML", "Markdown", "Latex", "Math", "SVG", "JSON", "Image", "Pretty", "Code",
]


class _Shown:
    """A thing that is shown as one MIME type."""

    mime = "text/plain"

    def __init__(self, data=None, url=None, filename=None, metadata=None):
        if url is not None:
            raise ValueError("there is no network here; give data or filename, not url")
        if filename is not None:
            data = self._read(filename)
        if data is None:
            raise ValueError("give data or filename")
        self.data, self.metadata = data, metadata or {}

    def _read(self, filename):
        with open(filename, encoding="utf-8") as file:
            return file.read()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self.mime: self.data}, {self.mime: self.metadata} if self.metadata else {}


class HTML(_Shown):
    mime = "text/html"


class Markdown(_Shown):
    mime = "text/markdown"


class Latex(_Shown):
    mime = "text/latex"


class Math(Latex):
    def __init__(self, data=None, url=None, filename=None, metadata=None):
        super().__init__(data, url, filename, metadata)
        self.data = "$\\displaystyle " + self.data.strip("$") + "$"


class SVG(_Shown):
    mime = "image/svg+xml"


class Pretty(_Shown):
    def __repr__(self):
        return self.data


class Code(Pretty):
    def __init__(self, data=None, url=None, filename=None, language=None):
        super().__init__(data, url, filename)


class JSON(_Shown):
    mime = "application/json"

    def __init__(self, data=None, url=None, filename=None, expanded=False, metadata=None):
        super().__init__(data, url, filename, {"expanded": expanded, **(metadata or {})})
        if isinstance(self.data, str):
            from json import loads

            self.data = loads(self.data)


class Image(_Shown):
    """A picture: its bytes, or the name of its file as data or as filename."""

    def __init__(self, data=None, url=None, format=None, embed=True, width=None, height=None, filename=None, metadata=None, alt=None):
        if isinstance(data, str):
            data, filename = None, data
        super().__init__(data, url, filename, metadata)
        self.data = bytes(self.data)
        self.mime = _picture(self.data, format)
        size = {"width": width, "height": height, "alt": alt}
        self.metadata = {**self.metadata, **{k: v for k, v in size.items() if v is not None}}

    def _read(self, filename):
        with open(filename, "rb") as file:
            return file.read()


def _picture(content, format):
    """Return the MIME type of a picture: that of its format, or of how it begins."""
    if format is not None:
        return "image/" + {"jpg": "jpeg"}.get(format.lower(), format.lower())
    for start, mime in [(b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp")]:
        if content.startswith(start):
            return mime
    return "image/png"
