package message

import (
	"encoding/binary"
	"encoding/json"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// V1 is the name of the subprotocol with binary frames.
const V1 = "v1.kernel.websocket.jupyter.org"

// Framing is how messages travel over a connection: "" for JSON, or V1.
type Framing string

var (
	errText    = sandbox.Errorf(sandbox.KindInvalid, "messages of this subprotocol are binary")
	errOffsets = sandbox.Errorf(sandbox.KindInvalid, "the offsets of a binary message do not fit it")
)

// Decode reads a frame of a client. binary says of which type the frame is. The
// parts of the message may share memory with data.
func (f Framing) Decode(data []byte, binary bool) (Message, error) {
	var m Message
	var err error
	switch {
	case len(data) > MaxBytes:
		return Message{}, sandbox.Errorf(sandbox.KindTooLarge, "a message has at most %d bytes", MaxBytes)
	case f == V1 && !binary:
		return Message{}, errText
	case f == V1:
		m, err = decodeV1(data)
	case binary:
		m, err = decodeBuffered(data)
	default:
		m, err = decodeJSON(data)
	}
	if err != nil {
		return Message{}, err
	}
	return m, m.check()
}

// Encode returns the frame of a message, and whether it is a binary one.
func (f Framing) Encode(m Message) (data []byte, isBinary bool, err error) {
	if f == V1 {
		return encodeV1(m), true, nil
	}
	text, err := encodeJSON(m)
	if err != nil || len(m.Buffers) == 0 {
		return text, false, err
	}
	return encodeBuffered(append([][]byte{text}, m.Buffers...)), true, nil
}

// envelope is a message as JSON. Its buffers are outside.
type envelope struct {
	Channel  Channel           `json:"channel"`
	Header   json.RawMessage   `json:"header"`
	Parent   json.RawMessage   `json:"parent_header"`
	Metadata json.RawMessage   `json:"metadata"`
	Content  json.RawMessage   `json:"content"`
	Buffers  []json.RawMessage `json:"buffers"`
}

func decodeJSON(data []byte) (Message, error) {
	var e envelope
	if err := reply.UnmarshalLenient(data, &e); err != nil {
		return Message{}, err
	}
	return Message{Channel: e.Channel, Header: e.Header, Parent: e.Parent, Metadata: e.Metadata, Content: e.Content}, nil
}

func encodeJSON(m Message) ([]byte, error) {
	return reply.Marshal(envelope{
		Channel: m.Channel, Header: m.Header, Parent: object(m.Parent), Metadata: object(m.Metadata), Content: object(m.Content),
		Buffers: []json.RawMessage{},
	})
}

// object is raw, or an empty object where there is none.
func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// A message with buffers, where the rest is JSON: the number of parts, where
// each begins, and the parts, the JSON first. Numbers are 32 bits, big endian.
func decodeBuffered(data []byte) (Message, error) {
	if len(data) < 4 {
		return Message{}, errOffsets
	}
	n := binary.BigEndian.Uint32(data)
	if n == 0 || n > maxBuffers+1 || len(data) < int(4*(n+1)) {
		return Message{}, errOffsets
	}
	offsets := make([]uint64, n+1)
	for i := range offsets[:n] {
		offsets[i] = uint64(binary.BigEndian.Uint32(data[4*(i+1):]))
	}
	offsets[n] = uint64(len(data))
	parts, err := cut(data, offsets, uint64(4*(n+1)))
	if err != nil {
		return Message{}, err
	}
	m, err := decodeJSON(parts[0])
	m.Buffers = parts[1:]
	return m, err
}

func encodeBuffered(parts [][]byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(len(parts)))
	offset := 4 * (len(parts) + 1)
	for _, part := range parts {
		data = binary.BigEndian.AppendUint32(data, uint32(offset))
		offset += len(part)
	}
	for _, part := range parts {
		data = append(data, part...)
	}
	return data
}

// The parts of a message of V1, before its buffers.
const (
	partChannel = iota
	partHeader
	partParent
	partMetadata
	partContent
	fixedParts
)

// A message of V1: the number of offsets, where each part begins and where the
// last one ends, and the parts. Numbers are 64 bits, little endian.
func decodeV1(data []byte) (Message, error) {
	if len(data) < 8 {
		return Message{}, errOffsets
	}
	n := binary.LittleEndian.Uint64(data)
	if n < fixedParts+1 || n > fixedParts+1+maxBuffers || uint64(len(data)) < 8*(n+1) {
		return Message{}, errOffsets
	}
	offsets := make([]uint64, n)
	for i := range offsets {
		offsets[i] = binary.LittleEndian.Uint64(data[8*(i+1):])
	}
	if offsets[n-1] != uint64(len(data)) {
		return Message{}, errOffsets
	}
	parts, err := cut(data, offsets, 8*(n+1))
	if err != nil {
		return Message{}, err
	}
	for _, part := range parts[partHeader:fixedParts] {
		if err := reply.UnmarshalLenient(part, new(json.RawMessage)); err != nil {
			return Message{}, err
		}
	}
	return Message{
		Channel: Channel(parts[partChannel]), Header: parts[partHeader], Parent: parts[partParent],
		Metadata: parts[partMetadata], Content: parts[partContent], Buffers: parts[fixedParts:],
	}, nil
}

func encodeV1(m Message) []byte {
	parts := append([][]byte{[]byte(m.Channel), m.Header, object(m.Parent), object(m.Metadata), object(m.Content)}, m.Buffers...)
	n := uint64(len(parts) + 1)
	offset := 8 * (n + 1)
	data := make([]byte, 0, int(offset)+len(m.Channel)+m.Size())
	data = binary.LittleEndian.AppendUint64(data, n)
	data = binary.LittleEndian.AppendUint64(data, offset)
	for _, part := range parts {
		offset += uint64(len(part))
		data = binary.LittleEndian.AppendUint64(data, offset)
	}
	for _, part := range parts {
		data = append(data, part...)
	}
	return data
}

// cut returns the parts of data between offsets, which go from start upwards.
func cut(data []byte, offsets []uint64, start uint64) ([][]byte, error) {
	if offsets[0] < start {
		return nil, errOffsets
	}
	parts := make([][]byte, len(offsets)-1)
	for i := range parts {
		from, to := offsets[i], offsets[i+1]
		if from > to || to > uint64(len(data)) {
			return nil, errOffsets
		}
		parts[i] = data[from:to:to]
	}
	return parts, nil
}
