// A program of several files, with data beside it.

import flock from "./flock.json";
import { describe, Bird } from "./bird.js";

const birds = flock.map((data) => new Bird(data));
for (const bird of birds) console.log(describe(bird));

const byHome = Object.groupBy(birds, (bird) => bird.home);
console.log(byHome);
