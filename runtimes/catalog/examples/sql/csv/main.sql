-- Standard input becomes a table; so could a file of the program.
.import - city

select name, people, printf('%,d', round(people * 1.0 / area)) as per_km2
from city
order by people * 1.0 / area desc;

select country,
       count(*)                                    as cities,
       sum(people)                                 as people,
       group_concat(name, ', ' order by people desc) as which
from city
group by country
order by people desc;
