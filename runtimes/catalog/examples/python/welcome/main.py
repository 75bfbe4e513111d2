# A sandpiper follows the edge of the sea. Press Run, then change something.

import math
import sandpiper as sp

hours = range(0, 25, 2)
tide = [round(1.6 + 1.2 * math.sin(h * math.tau / 12.4), 1) for h in hours]

for hour, metres in zip(hours, tide):
    steps = round(30 - 8 * metres)
    print(f"{hour:2}:00 ", (" ,'" * 10)[:steps], "o>", "~" * (32 - steps))

print("\nHigh water is at", max(zip(tide, hours))[1], "o'clock.")
sp.line(list(hours), tide, title="The tide today", xlabel="hour", ylabel="metres")
