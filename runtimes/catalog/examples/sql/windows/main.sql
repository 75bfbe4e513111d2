-- Window functions look at other rows without grouping them together.

create table sale (day date primary key, amount real);

insert into sale
with recursive days (n) as (select 0 union all select n + 1 from days where n < 13)
select date('2026-03-01', n || ' days'), round(100 + 30 * sin(n) + 4 * n, 2) from days;

select day,
       amount,
       round(amount - lag(amount) over by_day, 2)                       as change,
       round(avg(amount) over (by_day rows between 2 preceding and current row), 2) as mean_of_3,
       round(sum(amount) over by_day, 2)                                as so_far,
       rank() over (order by amount desc)                               as rank
from sale
window by_day as (order by day)
order by day;

select round(avg(amount), 2)            as mean,
       round(median(amount), 2)         as median,
       round(percentile(amount, 90), 2) as top_tenth
from sale;
