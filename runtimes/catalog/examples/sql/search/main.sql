-- Full-text search: ranked results, with the words that matched.

create virtual table note using fts5(title, body, tokenize = 'porter unicode61');

insert into note values
  ('Sanderling', 'Runs along the edge of the waves, picking at the wet sand before the next wave comes.'),
  ('Dunlin',     'Feeds in flocks on mud flats. In winter it is the commonest small wader of the estuary.'),
  ('Turnstone',  'Turns over stones and weed to find what hides below them.'),
  ('Curlew',     'The long curved bill finds worms deep in the mud.');

select title, snippet(note, 1, '[', ']', '…', 8) as found, round(-bm25(note), 2) as score
from note
where note match 'mud OR wave'
order by rank;

-- Words are found in all their forms, and near each other.
select title from note where note match 'NEAR(turning stone)';
