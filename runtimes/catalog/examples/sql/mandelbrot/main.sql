-- The Mandelbrot set, in one query: recursion as a loop, and again as another.

with recursive
  xs (x) as (select -2.0 union all select x + 0.04 from xs where x < 0.8),
  ys (y) as (select -1.1 union all select y + 0.1 from ys where y < 1.1),
  steps (n, cx, cy, x, y) as (
    select 0, x, y, 0.0, 0.0 from xs, ys
    union all
    select n + 1, cx, cy, x * x - y * y + cx, 2 * x * y + cy
    from steps
    where x * x + y * y < 4 and n < 28
  ),
  points (cx, cy, n) as (select cx, cy, max(n) from steps group by cy, cx),
  lines (cy, line) as (
    select cy, group_concat(substr(' .:-=+*#%@', 1 + n / 3, 1), '' order by cx) from points group by cy
  )
select group_concat(rtrim(line), char(10) order by cy) as mandelbrot
from lines;
