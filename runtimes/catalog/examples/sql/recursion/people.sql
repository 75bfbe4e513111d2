create table person (
  id     integer primary key,
  name   text not null,
  parent integer references person
);

insert into person (id, name, parent) values
  (1, 'Rosa', null),
  (2, 'Hal', 1),
  (3, 'Mina', 1),
  (4, 'Ira', 2),
  (5, 'Bo', 2),
  (6, 'Lou', 3);
