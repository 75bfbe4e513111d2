"""Draws every case of cases.json into out/<name>.svg."""

import datetime
import json
import sys

sys.path.append("lib")  # where the test puts the module outside Sandpiper
import sandpiper as sp


def wave(n):
    return [(i * 7919 + i * i * 31) % 1000 / 7 - 50 for i in range(n)]


def decode(value):
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    (form, content), = value.items()
    if form == "$date":
        kind = datetime.datetime if "T" in content else datetime.date
        return kind.fromisoformat(content)
    return {
        "$dict": lambda: {name: decode(v) for name, v in content},
        "$number": lambda: float(content),
        "$wave": lambda: wave(content),
        "$labels": lambda: [f"label number {i}" for i in range(content)],
        "$series": lambda: {f"series {i}": [i, i + 1, i * 2] for i in range(content)},
    }[form]()


for case in json.load(open("cases.json", encoding="utf-8")):
    chart = sp.chart(case["kind"], *map(decode, case["data"]), **case["options"])
    chart.save(f"out/{case['name']}.svg")
    print(chart)
