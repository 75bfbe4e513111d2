package process

import (
	"encoding/json"
	"strings"
	"testing"

	"sandpiper/sandbox/toolbox/toolboxtype"
)

func TestCapture(t *testing.T) {
	for _, size := range []int{1, 3, 7, 100} {
		c := newCapture(10)
		all := "abcdefghijklmnopqrstuvwxyz"
		for rest := all; rest != ""; {
			n := min(size, len(rest))
			_, _ = c.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if got := c.String(); got != "abcde"+droppedNote(16)+"vwxyz" {
			t.Errorf("%d at a time: %q", size, got)
		}
	}
	c := newCapture(10)
	_, _ = c.Write([]byte("abcdefgh"))
	if got := c.String(); got != "abcdefgh" {
		t.Errorf("got %q", got)
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]bool{
		"0.166.9": true, "0.1.0": true, "v0.12.3-rc.1": true, "0.158": true,
		"0.167.0": false, "0.200.1": false, "1.0.0": false, "v2.3": false, "0.0.0-dev": false, "dev": false, "": false, "0.x.1": false, "-1.2.3": false,
	} {
		v, ok := parseVersion(text)
		if got := ok && v.before(multiplexedUntil); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("0.167.0")
	f.Fuzz(func(t *testing.T, text string) {
		if v, ok := parseVersion(text); ok && (v.major < 0 || v.minor < 0) {
			t.Errorf("%q: %+v", text, v)
		}
	})
}

func TestExitTextFits(t *testing.T) {
	for _, reason := range []string{"short", strings.Repeat("x", 500), strings.Repeat("\"", 500), strings.Repeat("é", 500), strings.Repeat("\x00", 300)} {
		code := 1
		text := exitText(toolboxtype.PtyExit{ExitCode: &code, ExitReason: reason, Error: reason})
		var back toolboxtype.PtyExit
		if err := json.Unmarshal([]byte(text), &back); err != nil || len(text) > maxReason || *back.ExitCode != 1 {
			t.Errorf("%.10q: %q, %v", reason, text, err)
		}
	}
}
