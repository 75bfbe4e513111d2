// How fast do sorting algorithms grow? Count comparisons, then draw them.

import * as sp from "sandpiper";

// A small random number generator, so that every run is the same.
let seed = 42;
const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648);

function insertion(list, less) {
  const a = [...list];
  for (let i = 1; i < a.length; i++) {
    for (let j = i; j > 0 && less(a[j], a[j - 1]); j--) [a[j], a[j - 1]] = [a[j - 1], a[j]];
  }
  return a;
}

function merge(list, less) {
  if (list.length < 2) return list;
  const half = list.length >> 1;
  const a = merge(list.slice(0, half), less);
  const b = merge(list.slice(half), less);
  const out = [];
  while (a.length && b.length) out.push(less(b[0], a[0]) ? b.shift() : a.shift());
  return [...out, ...a, ...b];
}

function comparisons(sort, size) {
  let count = 0;
  sort(Array.from({ length: size }, random), (x, y) => (count++, x < y));
  return count;
}

const sizes = [10, 20, 40, 60, 80, 100];
const counts = Object.fromEntries(
  [insertion, merge].map((sort) => [sort.name, sizes.map((size) => comparisons(sort, size))]),
);

sp.line(sizes, counts, { title: "Comparisons", xlabel: "numbers to sort" });
sp.table(sizes.map((size, i) => ({ size, insertion: counts.insertion[i], merge: counts.merge[i] })));
