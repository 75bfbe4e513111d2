"""Shows one of everything."""

import base64
import datetime
import sandpiper as sp

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Both:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": "<i>both</i>", "text/plain": "both"}


print("before ", end="")
sp.display("plain text", Both())
print("after")
sp.html("<b>grün & <script>alert(1)</script></b>")
sp.svg("<svg xmlns='http://www.w3.org/2000/svg'/>")
sp.markdown("# Title\n\n*text* \u2028 \"quoted\" \\ \t\u0007")
sp.json({"list": [1, -2.5, None, True, "x"], "nested": {"key": {}}, "empty": []})
sp.image(PIXEL)
with open("pixel.png", "wb") as file:
    file.write(PIXEL)
sp.image("pixel.png")
sp.image(b"<?xml version='1.0'?><svg/>")
sp.table([{"name": "Ada", "born": 1815}, {"name": "Grace <Hopper>", "born": 1906, "rank": True}, {"born": None}])
sp.table([[1, "a"], [2.5, "b", 3]], ["number", "letter"])
sp.table({"day": [datetime.date(2026, 11, 22), None], "at": [datetime.datetime(2026, 11, 22, 10, 30), None], "mixed": [1, "one"]})
sp.table([{"name": "Ada", "born": 1815}], ["born"])
sp.table([])
sp.table([[i] for i in range(3000)], ["n"])
chart = sp.line([1, 2, 4], title="Shown")
sp.display(chart)
