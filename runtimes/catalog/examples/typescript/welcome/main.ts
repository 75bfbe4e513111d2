// The types are for you and your editor: they are gone when the program runs.

import * as sp from "sandpiper";

type Bird = { name: string; steps: number; says?: string };

const flock: Bird[] = [
  { name: "sanderling", steps: 9 },
  { name: "dunlin", steps: 5, says: "treee!" },
  { name: "curlew", steps: 2, says: "cur-lee" },
];

function track({ name, steps, says = "…" }: Bird): string {
  return `${name.padEnd(12)}${" ,'".repeat(steps).padEnd(28)} o>  ${says}`;
}

for (const bird of flock) {
  console.log(track(bird));
}

const total: number = flock.reduce((sum, bird) => sum + bird.steps, 0);
console.log(`\n${total} steps in the sand`);
sp.table(flock.map(({ name, steps }) => ({ name, steps, share: `${Math.round((100 * steps) / total)} %` })));
