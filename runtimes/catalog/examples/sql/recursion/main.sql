-- A family tree is a graph: a recursive query walks along it.
.read people.sql

with recursive tree (id, name, depth, path) as (
  select id, name, 0, name from person where parent is null
  union all
  select p.id, p.name, depth + 1, path || ' / ' || p.name
  from person p join tree on p.parent = tree.id
)
select printf('%.*c', 1 + 3 * depth, ' ') || name as tree, depth as generation, path
from tree
order by path;

-- How are Ira and Lou related? Walk up from both.
with recursive up (start, id, steps) as (
  select name, id, 0 from person where name in ('Ira', 'Lou')
  union all
  select start, p.parent, steps + 1 from up join person p on p.id = up.id where p.parent is not null
)
select person.name as common_ancestor, sum(steps) as steps
from up join person using (id)
group by id
having count(*) = 2
order by steps
limit 1;
