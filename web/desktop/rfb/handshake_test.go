package rfb

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// side is one end of a conversation: what the other end says, and what was
// answered.
type side struct {
	io.Reader
	said bytes.Buffer
}

func (s *side) Write(p []byte) (int, error) { return s.said.Write(p) }

func says(parts ...string) *side { return &side{Reader: strings.NewReader(strings.Join(parts, ""))} }

const (
	offersNone = "\x02\x02\x01"
	fine       = "\x00\x00\x00\x00"
	screen     = "\x05\x00\x03\x20" + "\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00" + "\x00\x00\x00\x04here"
)

func TestJoin(t *testing.T) {
	server := says(version, offersNone, fine, screen)
	got, err := Join(server)
	if err != nil || got.Width != 1280 || got.Height != 800 || got.Name != "here" || got.Format[0] != 32 || got.Format[10] != 16 {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := version + "\x01\x01"; server.said.String() != want {
		t.Errorf("the server heard %q, want %q", server.said.String(), want)
	}
}

func TestJoinRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server *side
		screen bool // something else than a screen answers
		want   string
	}{
		{"nobody", says(), false, "EOF"},
		{"a web server", says("HTTP/1.1 400 Bad Request\r\n"), true, `version is "HTTP/1.1 400"`},
		{"an old server", says("RFB 003.003\n"), true, "003.003"},
		{"a full server", says(version, "\x00\x00\x00\x00\x09too many!"), true, `"too many!"`},
		{"a server that says no more", says(version, "\x00"), true, "no reason"},
		{"a password", says(version, "\x01\x02"), true, "wants a password"},
		{"a refusal", says(version, offersNone, "\x00\x00\x00\x01\x00\x00\x00\x02no"), true, `"no"`},
		{"an endless reason", says(version, "\x00\xff\xff\xff\xff", strings.Repeat("x", 5000)), true, `"xxx`},
		{"an endless name", says(version, offersNone, fine, screen[:20], "\x7f\xff\xff\xff"), true, "2147483647 bytes"},
		{"cut off in the types", says(version, "\x05\x01"), false, "EOF"},
		{"cut off in the screen", says(version, offersNone, fine, screen[:10]), false, "EOF"},
		{"cut off in the name", says(version, offersNone, fine, screen[:26]), false, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Join(tt.server)
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNoScreen) != tt.screen {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && len(err.Error()) > 2*maxReason {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestGreetIsWhatJoinExpects(t *testing.T) {
	server, client := net.Pipe()
	deadline := time.Now().Add(10 * time.Second)
	for _, c := range []net.Conn{server, client} {
		defer c.Close()
		if err := c.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
	}
	want := Screen{Width: 640, Height: 480, Format: Plain, Name: "Desktop"}
	greeted := make(chan error, 1)
	go func() { greeted <- Greet(server, want) }()
	got, err := Join(client)
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := <-greeted; err != nil {
		t.Error(err)
	}
}

func TestGreetRefuses(t *testing.T) {
	for name, client := range map[string]*side{
		"nobody":            says(),
		"another version":   says("RFB 003.003\n"),
		"no such security":  says(version, "\x02\x00"),
		"gone after that":   says(version, "\x01"),
		"gone before that":  says(version),
		"not an RFB client": says("GET / HTTP/1.1\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := Greet(client, Screen{Format: Plain}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte(version + offersNone + fine + screen))
	f.Add([]byte(version + "\x00\x00\x00\x00\x09too many!"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Join(&side{Reader: bytes.NewReader(in)})
		if err == nil && len(s.Name) > maxName {
			t.Errorf("a name of %d bytes", len(s.Name))
		}
	})
}
