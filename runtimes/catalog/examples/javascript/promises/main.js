// Three races with timers and promises.

const after = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));
const failAfter = (ms, text) => after(ms).then(() => Promise.reject(new Error(text)));

console.log("race:      ", await Promise.race([after(80, "tortoise"), after(20, "hare")]));
console.log("any:       ", await Promise.any([failAfter(10, "stumbled"), after(30, "tortoise")]));

const results = await Promise.allSettled([after(10, "arrived"), failAfter(20, "took a nap")]);
for (const { status, value, reason } of results) {
  console.log("allSettled:", status, value ?? reason.message);
}

// The order in which things really happen:
setTimeout(() => console.log("4. a timer"), 0);
queueMicrotask(() => console.log("3. a microtask"));
Promise.resolve().then(() => console.log("3. another one"));
console.log("1. the program");
console.log("2. to its end");
