-- Each query's rows come back as a table. Click a column to sort by it.

create table sighting (bird text, place text, day date, count integer);

insert into sighting values
  ('sanderling', 'north beach', '2026-05-01', 12),
  ('sanderling', 'estuary',     '2026-05-02',  3),
  ('dunlin',     'estuary',     '2026-05-02', 40),
  ('dunlin',     'north beach', '2026-05-03',  7),
  ('curlew',     'salt marsh',  '2026-05-03',  2);

select bird,
       count(*)   as sightings,
       sum(count) as birds,
       printf('%.0f %%', 100.0 * sum(count) / sum(sum(count)) over ()) as share
from sighting
group by bird
order by birds desc;
