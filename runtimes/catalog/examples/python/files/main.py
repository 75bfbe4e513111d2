"""A program of several files: a module of our own, and data to read."""

import csv
from pathlib import Path

from birds import Bird, heaviest

with open("birds.csv", newline="") as file:
    flock = [Bird(row["name"], int(row["grams"]), row["home"]) for row in csv.DictReader(file)]

for bird in sorted(flock):
    print(bird)
print("The heaviest is the", heaviest(flock).name)

# What is written to out/ comes back with the result.
report = Path("out/report.md")
report.parent.mkdir()
report.write_text("# Birds\n\n" + "\n".join(f"- **{b.name}**, {b.grams} g" for b in flock) + "\n")
