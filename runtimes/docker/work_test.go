package docker_test

import (
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestWork measures what a sandbox computes and sends.
func TestWork(t *testing.T) {
	e := newEngine(t)
	s := start(t, e, shellImage, nil)
	work := func() sandbox.Work {
		t.Helper()
		w, err := e.Work(t.Context(), s.spec.ID)
		check(t, err)
		return w
	}
	before := work()
	if got, code := s.execute("i=0; while test $i -lt 300000; do i=$((i+1)); done; echo done"); got != "done\n" {
		t.Fatalf("%q, %d", got, code)
	}
	computed := work()
	if used := computed.CPU - before.CPU; used < 50*time.Millisecond {
		t.Errorf("a loop took %v of the processor", used)
	}
	// Nobody has that address; what asks for it is sent all the same.
	said, _ := s.execute("ip -4 addr show eth0; nc -w 2 192.0.2.1 80 </dev/null 2>&1; cat /proc/net/dev")
	if sent := work().SentBytes - computed.SentBytes; sent <= 0 {
		t.Errorf("%d bytes are counted as sent: %s", sent, said)
	}

	check(t, e.Stop(t.Context(), s.spec.ID, 0))
	for id, kind := range map[string]sandbox.Kind{s.spec.ID: sandbox.KindConflict, sandbox.NewID(): sandbox.KindNotFound} {
		if _, err := e.Work(t.Context(), id); sandbox.KindOf(err) != kind {
			t.Errorf("of a sandbox that is not started: %v, want %s", err, kind)
		}
	}
}
