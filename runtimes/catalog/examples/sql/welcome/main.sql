-- Each query's rows come back as a table. Press Run, then change something.

create table sighting (bird text, place text, day date, count integer);

insert into sighting values
  ('sanderling', 'north beach', '2026-05-01', 12),
  ('sanderling', 'estuary',     '2026-05-02',  3),
  ('dunlin',     'estuary',     '2026-05-02', 40),
  ('dunlin',     'north beach', '2026-05-03',  7),
  ('curlew',     'salt marsh',  '2026-05-03',  2);

-- Who was seen, and how often?
select bird,
       count(*)   as sightings,
       sum(count) as birds,
       printf('%.0f %%', 100.0 * sum(count) / sum(sum(count)) over ()) as share
from sighting
group by bird
order by birds desc;

-- The same as a drawing: a sandpiper for every two birds.
select place, replace(printf('%.' || (sum(count) / 2) || 'c', '*'), '*', 'o> ') as birds
from sighting
group by place
order by sum(count);
