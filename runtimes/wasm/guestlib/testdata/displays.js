// Shows one of everything.

import { writeFileSync } from "fs";
import * as sp from "sandpiper";

const PIXEL = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
  (c) => c.charCodeAt(0),
);

const both = { toMimeBundle: () => ({ "text/html": "<i>both</i>", "text/plain": "both" }) };

process.stdout.write("before ");
sp.display("plain text", both);
console.log("after");
sp.html("<b>grün & <script>alert(1)</script></b>");
sp.svg("<svg xmlns='http://www.w3.org/2000/svg'/>");
sp.markdown("# Title\n\n*text* \u2028 \"quoted\" \\ \t\u0007");
sp.json({ list: [1, -2.5, null, true, "x"], nested: { key: {} }, empty: [] });
sp.image(PIXEL);
writeFileSync("pixel.png", PIXEL);
sp.image("pixel.png");
sp.image(new TextEncoder().encode("<?xml version='1.0'?><svg/>"));
sp.table([{ name: "Ada", born: 1815 }, { name: "Grace <Hopper>", born: 1906, rank: true }, { born: null }]);
sp.table([[1, "a"], [2.5, "b", 3]], ["number", "letter"]);
sp.table({ day: [new Date("2026-11-22"), null], at: [new Date("2026-11-22T10:30:00Z"), null], mixed: [1, "one"] });
sp.table([{ name: "Ada", born: 1815 }], ["born"]);
sp.table([]);
sp.table(Array.from({ length: 3000 }, (_, i) => [i]), ["n"]);
const chart = sp.line([1, 2, 4], { title: "Shown" });
sp.display(chart);
