package quickjs_test

import (
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// TestLiveInput answers each question of a program once it is printed.
func TestLiveInput(t *testing.T) {
	const want = "name? Hello, Ada!\nage? In ten years: 46\n"
	for _, tt := range []struct{ name, source string }{
		{"prompt", `
console.log("Hello, " + prompt("name?") + "!");
console.log("In ten years: " + (Number(prompt("age?")) + 10));`},
		{"readline", `
const rl = require("readline").createInterface({ input: process.stdin, output: process.stdout });
rl.question("name? ", (name) => {
  console.log("Hello, " + name + "!");
  rl.question("age? ", (age) => { console.log("In ten years: " + (Number(age) + 10)); rl.close(); });
});`},
		{"readline/promises", `
import { createInterface } from "node:readline/promises";
const rl = createInterface({ input: process.stdin, output: process.stdout });
console.log("Hello, " + await rl.question("name? ") + "!");
console.log("In ten years: " + (Number(await rl.question("age? ")) + 10));
rl.close();`},
		{"lines", `
process.stdout.write("name? ");
const rl = require("readline").createInterface({ input: process.stdin });
let name;
rl.on("line", (line) => {
  if (name === undefined) {
    name = line;
    process.stdout.write("Hello, " + name + "!\nage? ");
  } else {
    console.log("In ten years: " + (Number(line) + 10));
    rl.close();
  }
});`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := script(t, "main.js", tt.source)
			r.stdin = sandbox.LiveStdin()
			r.heard = func(text string) {
				for question, answer := range map[string]string{"name? ": "Ada\n", "age? ": "36\n"} {
					if strings.HasSuffix(text, question) {
						if _, err := r.stdin.Write([]byte(answer)); err != nil {
							t.Error(err)
						}
					}
				}
			}
			r.start(t.Context(), t, drivers.js)
			if r.stdout.String() != want || r.outcome.Status != sandbox.StatusOK {
				t.Errorf("stdout %q, stderr %q, %+v", &r.stdout, &r.stderr, r.outcome)
			}
		})
	}
}

// TestTimersGoOnWhileInputIsAwaited has a timer fire before input comes.
func TestTimersGoOnWhileInputIsAwaited(t *testing.T) {
	r := script(t, "main.js", `
let n = 0;
const interval = setInterval(() => console.log("tick", ++n), 20);
process.stdin.on("data", (data) => { console.log("got", String(data).trim()); clearInterval(interval); process.stdin.pause(); });`)
	r.stdin = sandbox.LiveStdin()
	r.heard = func(text string) {
		if text == "tick 3\n" {
			if _, err := r.stdin.Write([]byte("enough\n")); err != nil {
				t.Error(err)
			}
		}
	}
	r.start(t.Context(), t, drivers.js)
	out := r.stdout.String()
	if !strings.HasPrefix(out, "tick 1\ntick 2\ntick 3\n") || !strings.HasSuffix(out, "got enough\n") || r.outcome.Status != sandbox.StatusOK {
		t.Errorf("stdout %q, stderr %q, %+v", out, &r.stderr, r.outcome)
	}
}

func TestInputInPieces(t *testing.T) {
	r := script(t, "main.js", `
process.stdin.setEncoding("utf8");
console.log("ready");
process.stdin.on("data", (text) => console.log(JSON.stringify(text))).on("end", () => console.log("end"));`)
	r.stdin = sandbox.LiveStdin()
	pieces := []string{"\xe2\x82", "\xac\n"} // the euro sign, cut in two
	r.heard = func(text string) {
		switch {
		case text == "ready\n":
			_, _ = r.stdin.Write([]byte(pieces[0]))
			_, _ = r.stdin.Write([]byte(pieces[1]))
			_ = r.stdin.Close()
		}
	}
	r.start(t.Context(), t, drivers.js)
	if want := "ready\n\"€\\n\"\nend\n"; r.stdout.String() != want {
		t.Errorf("stdout %q, want %q", &r.stdout, want)
	}
}
