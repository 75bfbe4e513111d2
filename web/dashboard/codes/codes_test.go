package codes_test

import (
	"os"
	"os/exec"
	"path/filepath"
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
			"Go":           {`Name:             "it's \"x\""`, "autoStopInterval := 5", "AutoStopInterval: &autoStopInterval", `map[string]string{"A": "$(rm)", "B": "2"}`, "use curl"},
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

// TestGoCompiles builds the programs with what stands in for the SDK's module.
func TestGoCompiles(t *testing.T) {
	stand, err := filepath.Abs("../../../static/src/test/testdata/go")
	if err != nil {
		t.Fatal(err)
	}
	minutes := 5 * time.Minute
	dir := t.TempDir()
	const sdk = "github.com/daytonaio/daytona/libs/sdk-go"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module made\n\ngo 1.26\n\nrequire "+sdk+" v0.0.0\n\nreplace "+sdk+" => "+stand+"\n")
	for _, r := range []manager.CreateRequest{
		{Snapshot: "wasm"},
		{Image: "debian:13", Target: "eu", Resources: sandbox.Resources{CPU: 2, DiskGiB: 9}},
		{
			Name: "`\"\\\n", Snapshot: "wasm", User: "root", Env: map[string]string{"A": "1"}, Labels: map[string]string{"a": "b"}, Public: true, AutoStop: &minutes,
			AutoPause: &minutes, AutoArchive: &minutes, AutoDelete: &minutes, TTL: &minutes, Resources: sandbox.Resources{CPU: 2},
			Network: sandbox.Network{BlockAll: true, Allow: []string{"1.1.1.1/32"}, Domains: []string{"a.test"}},
		},
	} {
		text := codes.Go(r, "http://box.test")
		write("main.go", text)
		build := exec.Command("go", "build", "-o", os.DevNull, ".")
		build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, text)
		}
		if r.TTL != nil && !strings.Contains(text, "domainAllowList, autoPauseInterval, ttlMinutes; use curl") {
			t.Errorf("it does not say what is left out:\n%s", text)
		}
	}
}
