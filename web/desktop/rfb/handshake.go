package rfb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	version      = "RFB 003.008\n"
	securityNone = 1
	maxName      = 4 << 10 // of a screen, in bytes
	maxReason    = 1 << 10 // of a refusal, in bytes
	maxTypes     = 255     // of security
	shared       = byte(1) // others keep their connections
	formatSize   = 16      // of a pixel format
	initSize     = 4 + 16  // of what a server says of its screen, before the name
)

// ErrNoScreen is what Join returns where something answers that is no screen we
// can show: no RFB server, an old one, or one with a password.
var ErrNoScreen = errors.New("no RFB server that lets us in")

// Screen is what a server says of itself.
type Screen struct {
	Width, Height uint16
	Format        PixelFormat
	Name          string
}

// PixelFormat is a pixel format as it is on the wire.
type PixelFormat [formatSize]byte

// Plain is the pixel format that noVNC asks for: 32 bits, of which 24 count,
// least significant byte first, in the order red, green, blue.
var Plain = PixelFormat{32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16}

// Join shakes hands with a server as a client that shares the screen with
// others.
func Join(server io.ReadWriter) (Screen, error) {
	if err := joinVersion(server); err != nil {
		return Screen{}, err
	}
	if err := joinSecurity(server); err != nil {
		return Screen{}, err
	}
	if _, err := server.Write([]byte{shared}); err != nil {
		return Screen{}, fmt.Errorf("ask for the screen: %w", err)
	}
	return readScreen(server)
}

func joinVersion(server io.ReadWriter) error {
	var theirs [len(version)]byte
	if _, err := io.ReadFull(server, theirs[:]); err != nil {
		return fmt.Errorf("read the server's version: %w", err)
	}
	if v := string(theirs[:]); v[:8] != version[:8] || v < version || v[11] != '\n' {
		return fmt.Errorf("%w: its version is %q", ErrNoScreen, v)
	}
	if _, err := io.WriteString(server, version); err != nil {
		return fmt.Errorf("answer the server's version: %w", err)
	}
	return nil
}

func joinSecurity(server io.ReadWriter) error {
	var n [1]byte
	if _, err := io.ReadFull(server, n[:]); err != nil {
		return fmt.Errorf("read the kinds of security: %w", err)
	}
	if n[0] == 0 {
		return fmt.Errorf("%w: %s", ErrNoScreen, readReason(server))
	}
	var types [maxTypes]byte
	if _, err := io.ReadFull(server, types[:n[0]]); err != nil {
		return fmt.Errorf("read the kinds of security: %w", err)
	}
	open := false
	for _, t := range types[:n[0]] {
		open = open || t == securityNone
	}
	if !open {
		return fmt.Errorf("%w: it wants a password", ErrNoScreen)
	}
	if _, err := server.Write([]byte{securityNone}); err != nil {
		return fmt.Errorf("choose the kind of security: %w", err)
	}
	var result [4]byte
	if _, err := io.ReadFull(server, result[:]); err != nil {
		return fmt.Errorf("read the result of security: %w", err)
	}
	if binary.BigEndian.Uint32(result[:]) != 0 {
		return fmt.Errorf("%w: %s", ErrNoScreen, readReason(server))
	}
	return nil
}

// readReason reads why a server refuses; whatever it says is cut to a sentence.
func readReason(server io.Reader) string {
	var size [4]byte
	if _, err := io.ReadFull(server, size[:]); err != nil {
		return "it gives no reason"
	}
	text, err := io.ReadAll(io.LimitReader(server, int64(min(binary.BigEndian.Uint32(size[:]), maxReason))))
	if err != nil || len(text) == 0 {
		return "it gives no reason"
	}
	return fmt.Sprintf("%q", text)
}

func readScreen(server io.Reader) (Screen, error) {
	var head [initSize + 4]byte
	if _, err := io.ReadFull(server, head[:]); err != nil {
		return Screen{}, fmt.Errorf("read the screen's size: %w", err)
	}
	size := binary.BigEndian.Uint32(head[initSize:])
	if size > maxName {
		return Screen{}, fmt.Errorf("%w: the screen's name has %d bytes", ErrNoScreen, size)
	}
	name := make([]byte, size)
	if _, err := io.ReadFull(server, name); err != nil {
		return Screen{}, fmt.Errorf("read the screen's name: %w", err)
	}
	return Screen{
		Width:  binary.BigEndian.Uint16(head[0:]),
		Height: binary.BigEndian.Uint16(head[2:]),
		Format: PixelFormat(head[4:initSize]),
		Name:   string(name),
	}, nil
}

// SetPixelFormat asks a server for pixels of a format.
func SetPixelFormat(server io.Writer, f PixelFormat) error {
	if _, err := server.Write(append([]byte{msgSetPixelFormat, 0, 0, 0}, f[:]...)); err != nil {
		return fmt.Errorf("set the pixel format: %w", err)
	}
	return nil
}

// Greet shakes hands with a client in a server's place. That the client wants
// the screen for itself is overheard.
func Greet(client io.ReadWriter, s Screen) error {
	if _, err := io.WriteString(client, version); err != nil {
		return fmt.Errorf("greet the client: %w", err)
	}
	var theirs [len(version)]byte
	if _, err := io.ReadFull(client, theirs[:]); err != nil {
		return fmt.Errorf("read the client's version: %w", err)
	}
	if string(theirs[:]) != version {
		return fmt.Errorf("the client's version is %q, not %q", theirs[:], version)
	}
	var choice [1]byte
	if err := ask(client, []byte{1, securityNone}, choice[:]); err != nil {
		return err
	}
	if choice[0] != securityNone {
		return fmt.Errorf("the client chose security %d, which was not offered", choice[0])
	}
	if err := ask(client, []byte{0, 0, 0, 0}, choice[:]); err != nil { // security is fine; is it shared?
		return err
	}
	b := binary.BigEndian.AppendUint16(nil, s.Width)
	b = binary.BigEndian.AppendUint16(b, s.Height)
	b = append(b, s.Format[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Name)))
	if _, err := client.Write(append(b, s.Name...)); err != nil {
		return fmt.Errorf("tell the client of the screen: %w", err)
	}
	return nil
}

func ask(client io.ReadWriter, question, answer []byte) error {
	if _, err := client.Write(question); err != nil {
		return fmt.Errorf("shake hands with the client: %w", err)
	}
	if _, err := io.ReadFull(client, answer); err != nil {
		return fmt.Errorf("shake hands with the client: %w", err)
	}
	return nil
}
