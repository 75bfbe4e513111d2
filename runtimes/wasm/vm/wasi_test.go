package vm_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

func TestClocks(t *testing.T) {
	read := func(t *testing.T, clock int32) (time.Duration, bool) {
		wasm := Command("", Code(I32(0), I32(clock), I64(1), I32(8), Call(0), Store(), write(1, 1, 0, 16)), clockGet, fdWrite)
		_, out := start(t.Context(), load(t, newHost(t), wasm, vm.LoadOptions{}), vm.RunConfig{})
		b := []byte(out.stdout())
		return time.Duration(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint32(b) == 0
	}
	if now, ok := read(t, 0); !ok || time.Since(time.Unix(0, int64(now))).Abs() > time.Minute {
		t.Errorf("the real time clock says %v", time.Unix(0, int64(now)))
	}
	for clock := int32(1); clock <= 3; clock++ {
		if d, ok := read(t, clock); !ok || d < 0 || d > time.Minute {
			t.Errorf("clock %d says %v, %t", clock, d, ok)
		}
	}
	if _, ok := read(t, 4); ok {
		t.Error("there is a clock 4")
	}
}

func clockSubscription(userdata byte, after time.Duration, absolute bool) string {
	b := make([]byte, 48)
	b[0], b[16] = userdata, 1
	binary.LittleEndian.PutUint64(b[24:], uint64(after))
	if absolute {
		b[40] = 1
	}
	return string(b)
}

func fdSubscription(userdata, kind, fd byte) string {
	b := make([]byte, 48)
	b[0], b[8], b[16] = userdata, kind, fd
	return string(b)
}

func TestPoll(t *testing.T) {
	tests := []struct {
		name          string
		subscriptions []string
		stdin         *sandbox.Stdin
		due           string // userdata of the events
		least         time.Duration
	}{
		{"relative clock", []string{clockSubscription('a', 30*time.Millisecond, false)}, nil, "a", 30 * time.Millisecond},
		{"absolute clock", []string{clockSubscription('a', 40*time.Millisecond, true)}, nil, "a", 30 * time.Millisecond},
		{"clock of the past", []string{clockSubscription('a', 1, true)}, nil, "a", 0},
		{"first of two clocks", []string{clockSubscription('a', time.Hour, false), clockSubscription('b', 20*time.Millisecond, false)}, nil, "b", 20 * time.Millisecond},
		{"input before the clock", []string{clockSubscription('a', time.Hour, false), fdSubscription('b', 1, 0)}, sandbox.StaticStdin([]byte("x")), "b", 0},
		{"end of input", []string{clockSubscription('a', time.Hour, false), fdSubscription('b', 1, 0)}, nil, "b", 0},
		{"clock before the input", []string{clockSubscription('a', 20*time.Millisecond, false), fdSubscription('b', 1, 0)}, sandbox.LiveStdin(), "a", 20 * time.Millisecond},
		{"output is ready", []string{clockSubscription('a', time.Hour, false), fdSubscription('b', 2, 1)}, nil, "b", 0},
		{"unknown kind", []string{clockSubscription('a', time.Hour, false), fdSubscription('b', 9, 1)}, nil, "b", 0},
	}
	h := newHost(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := int32(len(tt.subscriptions))
			wasm := Command(strings.Join(tt.subscriptions, ""), Code(
				I32(0), I32(1024), I32(n), I32(1000), Call(0), Drop(), write(1, 1, 1000, 24+32*n)), pollOneoff, fdWrite)
			m := load(t, h, wasm, vm.LoadOptions{})
			began := time.Now()
			_, out := start(t.Context(), m, vm.RunConfig{Stdin: tt.stdin})
			took := time.Since(began)
			b := []byte(out.stdout())
			var due []byte
			for i := range binary.LittleEndian.Uint32(b) {
				due = append(due, b[24+32*i])
			}
			if string(due) != tt.due || took < tt.least {
				t.Errorf("due %q after %v, want %q after %v", due, took, tt.due, tt.least)
			}
		})
	}
}

func TestPollRefusesBadArguments(t *testing.T) {
	h := newHost(t)
	for name, args := range map[string][]byte{
		"nothing":             Code(I32(0), I32(1024), I32(0), I32(1000)),
		"too many":            Code(I32(0), I32(1024), I32(1<<30), I32(1000)),
		"outside of memory":   Code(I32(-100), I32(1024), I32(1), I32(1000)),
		"events outside":      Code(I32(0), I32(-4), I32(1), I32(1000)),
		"event count outside": Code(I32(0), I32(1024), I32(1), I32(-2)),
	} {
		wasm := Command("", Code(args, Call(0), Op(0x45, 0x04, 0x40, 0x00, 0x0b)), pollOneoff) // trap on success
		if res, out := start(t.Context(), load(t, h, wasm, vm.LoadOptions{}), vm.RunConfig{}); res.Status != sandbox.StatusOK {
			t.Errorf("%s: %s %s", name, res.Message, out.stderr())
		}
	}
}

func echo() []byte {
	return Command("", Forever(
		I32(0), I32(64), Store(), I32(4), I32(1024), Store(),
		I32(0), I32(0), I32(1), I32(8), Call(0), Drop(),
		I32(8), Load(), Op(0x45, 0x04, 0x40), I32(0), Call(2), Op(0x0b), // exit at the end
		I32(4), I32(8), Load(), Store(),
		I32(1), I32(0), I32(1), I32(8), Call(1), Drop()),
		fdRead, fdWrite, procExit)
}

func TestLiveInput(t *testing.T) {
	m := load(t, newHost(t), echo(), vm.LoadOptions{})
	in := sandbox.LiveStdin()
	go func() {
		for _, s := range []string{"one\n", "two\n", strings.Repeat("x", 3000)} {
			_, _ = in.Write([]byte(s))
			time.Sleep(10 * time.Millisecond)
		}
		_ = in.Close()
	}()
	res, out := start(t.Context(), m, vm.RunConfig{Stdin: in})
	if want := "one\ntwo\n" + strings.Repeat("x", 3000); out.stdout() != want || res.Status != sandbox.StatusOK {
		t.Errorf("echoed %d bytes of %d, %+v", len(out.stdout()), len(want), res.Outcome)
	}
}
