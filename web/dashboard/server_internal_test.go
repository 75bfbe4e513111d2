package dashboard

import (
	"strings"
	"testing"

	"sandpiper/sandbox"
)

func TestRunnersSayWhatIsMissing(t *testing.T) {
	wasm := sandbox.Runner{Name: "local-wasm", Engine: sandbox.EngineWasm, State: "ready"}
	for _, tt := range []struct {
		name    string
		runners []sandbox.Runner
		word    string // of the last row's state
		say     string // what that row says
	}{
		{"containers are off", []sandbox.Runner{wasm}, "Off", "started with --docker off"},
		{"Docker is missing", []sandbox.Runner{wasm, {Engine: sandbox.EngineContainer, State: "unresponsive", Reason: "no engine answers"}}, "Not ready", "sandpiper doctor says what is missing"},
		{"all is there", []sandbox.Runner{wasm, {Engine: sandbox.EngineContainer, State: "ready"}}, "Ready", ""},
	} {
		got := runnerViews(tt.runners)
		last := got[len(got)-1]
		if len(got) != 2 || last.State.Word != tt.word || !strings.Contains(last.Reason+" "+strings.Join(last.Facts, " "), tt.say) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
