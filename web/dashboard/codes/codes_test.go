package codes_test

import (
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/dashboard/codes"
)

func TestCreate(t *testing.T) {
	minutes := 5 * time.Minute
	whole := manager.CreateRequest{
		Name: `it's "x"`, Snapshot: "wasm", Env: map[string]string{"B": "2", "A": "$(rm)"}, Public: true, AutoStop: &minutes,
		Resources: sandbox.Resources{CPU: 2, MemoryGiB: 4},
	}
	for _, c := range codes.Create(whole, "http://box.test") {
		wants := map[string][]string{
			"curl":         {`"autoStopInterval": 5`, `it'\''s \"x\"`, "http://box.test/api/sandbox", `"memory": 4`},
			"Python":       {`name="it's \"x\""`, "public=True", "auto_stop_interval=5", `env_vars={"A":"$(rm)","B":"2"}`, "use curl"},
			"TypeScript":   {`name: "it's \"x\""`, "public: true", "autoStopInterval: 5", "envVars: {"},
			"Command line": {`--name 'it'\''s "x"'`, "--env 'A=$(rm)'", "--memory '4'", "--public", "--auto-stop '5'"},
		}[c.Title]
		if len(wants) == 0 {
			t.Errorf("what is %s?", c.Title)
		}
		for _, want := range wants {
			if !strings.Contains(c.Text, want) {
				t.Errorf("%s has no %q:\n%s", c.Title, want, c.Text)
			}
		}
	}
	if got := codes.Curl(manager.CreateRequest{}, "http://box.test"); !strings.HasSuffix(got, "-d '{}'") {
		t.Errorf("got %s", got)
	}
	image := manager.CreateRequest{Image: "debian:13", Snapshot: "none", Resources: sandbox.Resources{DiskGiB: 9}}
	if got := codes.Python(image, "http://box.test"); !strings.Contains(got, "Resources(disk=9)") || strings.Contains(got, "none") {
		t.Errorf("got %s", got)
	}
}
