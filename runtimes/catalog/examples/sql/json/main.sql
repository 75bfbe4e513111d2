-- JSON in, rows out, and back again.

with document (text) as (values ('{
  "station": "harbour",
  "readings": [
    {"at": "06:00", "celsius": 11.5, "wind": {"from": "NW", "knots": 14}},
    {"at": "12:00", "celsius": 16.2, "wind": {"from": "W",  "knots": 9}},
    {"at": "18:00", "celsius": 14.8}
  ]
}'))
select text ->> '$.station'             as station,
       reading.value ->> 'at'           as at,
       reading.value ->> 'celsius'      as celsius,
       reading.value ->> '$.wind.from'  as wind,
       reading.value ->> '$.wind.knots' as knots
from document, json_each(text, '$.readings') as reading;

select json_group_array(json_object('n', value, 'square', value * value)) as squares
from json_each('[1, 2, 3, 4]');
