"""Throw darts at a square to estimate pi, and look at how close it gets."""

import random
import sandpiper as sp

random.seed(4)
darts = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(1000)]
inside = [(x, y) for x, y in darts if x * x + y * y <= 1]
outside = [(x, y) for x, y in darts if x * x + y * y > 1]

sp.scatter({"inside": inside, "outside": outside}, title="1,000 darts")

hits, estimates = 0, []
for n, (x, y) in enumerate(darts, start=1):
    hits += x * x + y * y <= 1
    estimates.append(4 * hits / n)

sp.line(estimates, title="The estimate of pi", xlabel="darts")
sp.table([{"darts": n, "estimate": round(estimates[n - 1], 4)} for n in (10, 100, 1000)])
print("pi is about", estimates[-1])
