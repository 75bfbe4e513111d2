// Output appears while the program runs. Change something and press Run.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (let step = 0; step < 8; step++) {
  console.log(" ·".repeat(step) + " ゝo");
  await sleep(60);
}

const words = "she sells sea shells on the sea shore".split(" ");
const byLength = Object.groupBy(words, (word) => word.length);
console.log(byLength);
