"""Does what cannot be done, and too much of what can."""

import sandpiper as sp

for wrong in [
    lambda: sp.line([1], [1, 2]),
    lambda: sp.line(["one", "two"]),
    lambda: sp.line([1], [2], [3]),
    lambda: sp.line(),
    lambda: sp.hist([1], [2]),
    lambda: sp.chart("pie", [1]),
    lambda: sp.image(b"not a picture"),
    lambda: sp.image("missing.png"),
]:
    try:
        wrong()
        print("accepted")
    except (TypeError, ValueError, OSError):
        print("refused")
for i in range(300):
    sp.markdown(str(i))
print("done")
