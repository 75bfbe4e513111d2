package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// kind is what a message is for.
type kind int

// What clients send. Both protocols put their type in front as a digit.
const (
	kindOther      kind = iota // nothing that a listener needs to know of
	kindClose                  // Engine.IO 1
	kindPing                   // Engine.IO 2
	kindPong                   // Engine.IO 3
	kindConnect                // Socket.IO 0 in Engine.IO 4
	kindDisconnect             // Socket.IO 1 in Engine.IO 4
)

// packet is a message of a client.
type packet struct {
	kind      kind
	namespace string          // "" for the main one
	data      json.RawMessage // of kindConnect: what the client shows to be let in; nil for nothing
	probe     []byte          // of kindPing: what the pong repeats
}

// parse reads a message of a client.
func parse(message []byte) packet {
	if len(message) == 0 {
		return packet{}
	}
	switch rest := message[1:]; message[0] {
	case '1':
		return packet{kind: kindClose}
	case '2':
		return packet{kind: kindPing, probe: rest}
	case '3':
		return packet{kind: kindPong}
	case '4':
		return parseMessage(rest)
	}
	return packet{}
}

func parseMessage(message []byte) packet {
	var p packet
	switch {
	case bytes.HasPrefix(message, []byte("0")):
		p.kind = kindConnect
	case bytes.HasPrefix(message, []byte("1")):
		p.kind = kindDisconnect
	default:
		return p
	}
	rest := message[1:]
	if bytes.HasPrefix(rest, []byte("/")) {
		name, data, _ := bytes.Cut(rest, []byte(","))
		name, _, _ = bytes.Cut(name, []byte("?"))
		if p.namespace, rest = string(name), data; p.namespace == "/" {
			p.namespace = ""
		}
	}
	if json.Valid(rest) {
		p.data = rest
	}
	return p
}

// encodeOpen is the first message of a connection.
func encodeOpen(sid string, t Times) ([]byte, error) {
	return encode("0", map[string]any{
		"sid": sid, "upgrades": []string{}, "maxPayload": maxMessage,
		"pingInterval": t.PingInterval.Milliseconds(), "pingTimeout": t.PingTimeout.Milliseconds(),
	})
}

// encodeEvent is an event with its data.
func encodeEvent(e Event) ([]byte, error) { return encode("42", []any{e.Name, e.Data}) }

func encode(prefix string, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return append([]byte(prefix), data...), nil
}
