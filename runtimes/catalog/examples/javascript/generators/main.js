// Endless lists that are only computed as far as somebody looks.

function* naturals(from = 1) {
  for (let n = from; ; n++) yield n;
}

function* filter(list, test) {
  for (const item of list) if (test(item)) yield item;
}

function* take(list, count) {
  for (const item of list) {
    if (count-- <= 0) return;
    yield item;
  }
}

// The sieve of Eratosthenes: each prime filters what comes after it.
function* primes(list = naturals(2)) {
  const { value: prime } = list.next();
  yield prime;
  yield* primes(filter(list, (n) => n % prime !== 0));
}

function* fibonacci() {
  for (let [a, b] = [0n, 1n]; ; [a, b] = [b, a + b]) yield a;
}

console.log("primes   ", ...take(primes(), 15));
console.log("fibonacci", [...take(fibonacci(), 15)].join(" "));

const hundredth = [...take(fibonacci(), 101)].at(-1);
console.log(`the 100th Fibonacci number has ${String(hundredth).length} digits: ${hundredth}`);
