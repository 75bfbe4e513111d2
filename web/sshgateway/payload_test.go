package sshgateway

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox/toolbox/attach"
)

func TestParsePTY(t *testing.T) {
	for name, tt := range map[string]struct {
		request ptyRequest
		term    string
		size    attach.Size
	}{
		"usual":              {ptyRequest{Term: "xterm-256color", Cols: 120, Rows: 40}, "xterm-256color", attach.Size{Rows: 40, Cols: 120}},
		"no size":            {ptyRequest{Term: "vt100"}, "vt100", attach.Size{Rows: 24, Cols: 80}},
		"a huge size":        {ptyRequest{Term: "vt100", Cols: 1 << 31, Rows: 70000}, "vt100", attach.Size{Rows: maxSide, Cols: maxSide}},
		"a long kind":        {ptyRequest{Term: strings.Repeat("x", maxTermName+1), Cols: 1, Rows: 1}, "xterm", attach.Size{Rows: 1, Cols: 1}},
		"a kind with tricks": {ptyRequest{Term: "x\nLD_PRELOAD=/x", Cols: 1, Rows: 1}, "xterm", attach.Size{Rows: 1, Cols: 1}},
	} {
		term, size, err := parsePTY(ssh.Marshal(tt.request))
		if err != nil || term != tt.term || size != tt.size {
			t.Errorf("%s: %q %+v, %v", name, term, size, err)
		}
	}
	if _, _, err := parsePTY([]byte{0, 0, 0, 9, 'x'}); err == nil {
		t.Error("half a request was taken")
	}
}

func TestParseEnv(t *testing.T) {
	for name, tt := range map[string]struct {
		v    variable
		want string
	}{
		"usual": {variable{"LC_ALL", "C.UTF-8"}, "LC_ALL=C.UTF-8"}, "empty": {variable{"A", ""}, "A="}, "an equals sign": {variable{"A=B", "c"}, ""},
		"no name": {variable{"", "c"}, ""}, "a NUL": {variable{"A", "a\x00b"}, ""}, "too long": {variable{"A", strings.Repeat("x", maxVariable+1)}, ""},
		"a long name": {variable{strings.Repeat("A", maxEnvName), "b"}, strings.Repeat("A", maxEnvName) + "=b"}, "a longer one": {variable{strings.Repeat("A", maxEnvName+1), "b"}, ""},
	} {
		if got, err := parseEnv(ssh.Marshal(tt.v)); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSignals(t *testing.T) {
	for name, number := range signals {
		if got, err := parseSignal(ssh.Marshal(text{name})); err != nil || got != number || signalName(int(number)) != name {
			t.Errorf("%s: %d %s, %v", name, got, signalName(int(number)), err)
		}
	}
	if _, err := parseSignal(ssh.Marshal(text{"NONE"})); err == nil || signalName(7) != "SIG@openssh.com" {
		t.Error("a signal that nobody knows")
	}
}

// FuzzPayloads holds that what strangers send is refused or within its bounds.
func FuzzPayloads(f *testing.F) {
	for _, v := range []any{
		ptyRequest{Term: "xterm", Cols: 80, Rows: 24, Modes: "\x00"}, windowChange{Cols: 1, Rows: 2}, variable{"A", "b"}, text{"ls -l"}, text{"TERM"},
		directTCP{"localhost", 80, "127.0.0.1", 9}, directSocket{Path: "/tmp/s"}, bound{"", 8080},
	} {
		f.Add(ssh.Marshal(v))
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		if term, size, err := parsePTY(data); err == nil && (len(term) > maxTermName || !termName().MatchString(term) || size.Rows < 1 || size.Rows > maxSide || size.Cols < 1 || size.Cols > maxSide) {
			t.Errorf("a terminal %q of %+v", term, size)
		}
		if kv, err := parseEnv(data); err == nil && (strings.ContainsRune(kv, 0) || !strings.Contains(kv, "=")) {
			t.Errorf("a variable %q", kv)
		}
		if c, err := parseCommand(data); err == nil && (len(c) > maxCommand || strings.ContainsRune(c, 0)) {
			t.Errorf("a command %q", c)
		}
		if n, err := parseSignal(data); err == nil && (n < 1 || n > 15) {
			t.Errorf("signal %d", n)
		}
		if d, err := parse[directTCP](data); err == nil && !bytes.Equal(ssh.Marshal(d), data) {
			t.Errorf("%+v is not what was sent", d)
		}
		_, _ = parseWindow(data)
		_, _ = parse[directSocket](data)
		_, _ = parse[bound](data)
	})
}

func TestLimits(t *testing.T) {
	l, now := newLimits(), time.Now()
	for range maxPerAddress {
		if !l.connect("a", now) {
			t.Fatal("there is no room for those who may come")
		}
	}
	if l.connect("a", now) || !l.connect("b", now) {
		t.Error("one address has too many connections, or takes another's")
	}
	l.disconnect("a")
	if !l.connect("a", now) {
		t.Error("a connection that ended leaves no room")
	}
	for range failuresAtOnce {
		l.fail("c", now)
	}
	if l.connect("c", now) || !l.connect("c", now.Add(time.Minute)) {
		t.Error("whoever guesses may go on, or may never come back")
	}
	for range maxChannels {
		if !l.openChannel("s") {
			t.Fatal("there is no room for channels")
		}
	}
	if l.openChannel("s") {
		t.Error("a sandbox has too many channels")
	}
	l.closeChannel("s")
	if !l.openChannel("s") {
		t.Error("a channel that ended leaves no room")
	}
	for range maxFailedClient + 10 {
		l.fail(time.Now().String(), now)
	}
	if len(l.failures) > maxFailedClient {
		t.Errorf("%d addresses are remembered", len(l.failures))
	}
}

func TestAddressOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:22": "192.0.2.1", "[::ffff:192.0.2.1]:22": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:22": "2001:db8:1:2::/64",
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := addressOf(a); got != want {
			t.Errorf("%s counts for %s, want %s", address, got, want)
		}
	}
}
