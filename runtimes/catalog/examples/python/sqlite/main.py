"""A database in memory: SQL from Python."""

import sqlite3
import sandpiper as sp

db = sqlite3.connect(":memory:")
db.row_factory = sqlite3.Row
db.execute("create table reading (station text, day text, celsius real)")
db.executemany(
    "insert into reading values (?, ?, ?)",
    [
        ("harbour", "2026-07-01", 18.2), ("harbour", "2026-07-02", 19.6), ("harbour", "2026-07-03", 17.9),
        ("cliff", "2026-07-01", 15.1), ("cliff", "2026-07-02", 16.4), ("cliff", "2026-07-03", 14.8),
    ],
)

rows = db.execute(
    """
    select station, day, celsius,
           round(celsius - lag(celsius) over (partition by station order by day), 1) as change
    from reading order by station, day
    """
).fetchall()

sp.table([dict(row) for row in rows])
for station, mean in db.execute("select station, avg(celsius) from reading group by station"):
    print(f"{station:<8} {mean:.1f} °C on average")
