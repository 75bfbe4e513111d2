// The types are for you and your editor; they are gone when the program runs.

type Bird = { name: string; steps: number; sings?: string };

const flock: Bird[] = [
  { name: "sanderling", steps: 9 },
  { name: "dunlin", steps: 5, sings: "treee!" },
  { name: "curlew", steps: 2, sings: "cur-lee" },
];

function track({ name, steps, sings = "…" }: Bird): string {
  return `${name.padEnd(12)}${"· ".repeat(steps).padEnd(20)}ゝo  ${sings}`;
}

for (const bird of flock) {
  console.log(track(bird));
}

const total: number = flock.reduce((sum, bird) => sum + bird.steps, 0);
console.log(`\n${total} steps in the sand`);
