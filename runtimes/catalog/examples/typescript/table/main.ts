// The planets, as a table that can be sorted and as a chart.

import * as sp from "sandpiper";

interface Planet {
  name: string;
  radius: number; // km
  distance: number; // from the sun, in astronomical units
  moons: number;
}

const planets: Planet[] = [
  { name: "Mercury", radius: 2440, distance: 0.39, moons: 0 },
  { name: "Venus", radius: 6052, distance: 0.72, moons: 0 },
  { name: "Earth", radius: 6371, distance: 1, moons: 1 },
  { name: "Mars", radius: 3390, distance: 1.52, moons: 2 },
  { name: "Jupiter", radius: 69911, distance: 5.2, moons: 95 },
  { name: "Saturn", radius: 58232, distance: 9.58, moons: 146 },
  { name: "Uranus", radius: 25362, distance: 19.2, moons: 28 },
  { name: "Neptune", radius: 24622, distance: 30.1, moons: 16 },
];

/** Kepler's third law: the square of the year is the cube of the distance. */
const year = ({ distance }: Planet): number => Math.sqrt(distance ** 3);

sp.table(planets.map((planet) => ({ ...planet, "year in years": Number(year(planet).toFixed(2)) })));
sp.bar(Object.fromEntries(planets.map((p): [string, number] => [p.name, p.moons])), { title: "Moons" });

const most = planets.reduce((a, b) => (b.moons > a.moons ? b : a));
console.log(`${most.name} has the most moons: ${most.moons}.`);
