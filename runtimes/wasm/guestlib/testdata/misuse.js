// Does what cannot be done, and too much of what can.

import * as sp from "sandpiper";

for (const wrong of [
  () => sp.line([1], [1, 2]),
  () => sp.line(["one", "two"]),
  () => sp.line([1], [2], [3]),
  () => sp.line(),
  () => sp.hist([1], [2]),
  () => sp.chart("pie", [1]),
  () => sp.image(new TextEncoder().encode("not a picture")),
  () => sp.image("missing.png"),
]) {
  try {
    wrong();
    console.log("accepted");
  } catch {
    console.log("refused");
  }
}
for (let i = 0; i < 300; i++) {
  sp.markdown(i);
}
console.log("done");
