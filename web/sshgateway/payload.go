package sshgateway

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox/toolbox/attach"
)

// Bounds of what a session may ask for.
const (
	maxEnv      = 100       // variables
	maxVariable = 32 << 10  // bytes of a variable
	maxEnvName  = 256       // of its name
	maxTermName = 63        // of a kind of terminal
	maxCommand  = 100 << 10 // bytes: Linux takes 128 KiB for one argument
	maxSide     = 1000      // rows and columns of a terminal
)

// Payloads of requests and channels, as RFC 4254 and OpenSSH's PROTOCOL have them.
type (
	ptyRequest struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	windowChange struct{ Cols, Rows, Width, Height uint32 }
	variable     struct{ Name, Value string }
	text         struct{ Text string } // a command, a subsystem or a signal

	directTCP struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	directSocket struct {
		Path     string
		Reserved string
		Number   uint32
	}
	bound struct { // what tcpip-forward and its cancellation name
		Address string
		Port    uint32
	}
	forwardedTCP struct {
		Address    string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}

	exitStatus struct{ Code uint32 }
	exitSignal struct {
		Name       string
		CoreDumped bool
		Message    string
		Language   string
	}
)

// The lengths are checked apart: counted repetitions make a pattern large, and this
// program, which starts for each shell, compiled these for 3 ms.
var (
	errPayload = errors.New("the request is malformed")
	termName   = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
	envName    = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func parse[T any](payload []byte) (v T, err error) {
	if err := ssh.Unmarshal(payload, &v); err != nil {
		return v, fmt.Errorf("%w: %w", errPayload, err)
	}
	return v, nil
}

// parsePTY reads a request for a terminal: its kind and its size. The modes are
// left alone: those of a new terminal are what people expect.
func parsePTY(payload []byte) (term string, size attach.Size, err error) {
	p, err := parse[ptyRequest](payload)
	if err != nil {
		return "", size, err
	}
	term = p.Term
	if len(term) > maxTermName || !termName().MatchString(term) {
		term = "xterm"
	}
	return term, sizeOf(p.Rows, p.Cols), nil
}

func parseWindow(payload []byte) (attach.Size, error) {
	w, err := parse[windowChange](payload)
	return sizeOf(w.Rows, w.Cols), err
}

// sizeOf is a size that terminals can have; a side of 0 is not known.
func sizeOf(rows, cols uint32) attach.Size {
	side := func(n uint32, usual uint16) uint16 {
		if n == 0 {
			return usual
		}
		return uint16(min(n, maxSide))
	}
	return attach.Size{Rows: side(rows, 24), Cols: side(cols, 80)}
}

// parseEnv reads a variable as KEY=value.
func parseEnv(payload []byte) (string, error) {
	v, err := parse[variable](payload)
	switch {
	case err != nil:
		return "", err
	case len(v.Name) > maxEnvName, !envName().MatchString(v.Name), len(v.Value) > maxVariable, strings.ContainsRune(v.Value, 0):
		return "", errPayload
	}
	return v.Name + "=" + v.Value, nil
}

// parseCommand reads a command line for the shell.
func parseCommand(payload []byte) (string, error) {
	c, err := parse[text](payload)
	if err == nil && (len(c.Text) > maxCommand || strings.ContainsRune(c.Text, 0)) {
		return "", errPayload
	}
	return c.Text, err
}

// signals are those that RFC 4254 names, by their numbers on Linux.
var signals = map[string]byte{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
}

func parseSignal(payload []byte) (byte, error) {
	s, err := parse[text](payload)
	if err != nil {
		return 0, err
	}
	number, ok := signals[s.Text]
	if !ok {
		return 0, errPayload
	}
	return number, nil
}

// signalName is a signal for exit-signal. Those without a name of their own are
// called as OpenSSH calls them.
func signalName(number int) string {
	for name, n := range signals {
		if int(n) == number {
			return name
		}
	}
	return "SIG@openssh.com"
}
