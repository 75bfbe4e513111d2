package message

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

const header = `{"msg_id":"1","msg_type":"execute_request","session":"s","username":"u","date":"","version":"5.4","subshell_id":null}`

// request is a message as a client writes it.
func request() Message {
	return Message{
		Channel: Shell, Head: Header{ID: "1", Type: "execute_request", Session: "s", Username: "u", Version: "5.4"},
		Header: json.RawMessage(header), Parent: json.RawMessage(`{}`), Metadata: json.RawMessage(`{"cellId":"é"}`), Content: json.RawMessage(`{"code":"1 < 2"}`),
	}
}

func TestFramingsRoundTrip(t *testing.T) {
	buffered := request()
	buffered.Buffers = [][]byte{{0, 1, 2}, {}, []byte("more")}
	for _, framing := range []Framing{"", V1} {
		for name, want := range map[string]Message{"plain": request(), "with buffers": buffered} {
			t.Run(string(framing)+"/"+name, func(t *testing.T) {
				data, isBinary, err := framing.Encode(want)
				if err != nil {
					t.Fatal(err)
				}
				if wantBinary := framing == V1 || len(want.Buffers) > 0; isBinary != wantBinary {
					t.Errorf("binary is %v", isBinary)
				}
				got, err := framing.Decode(data, isBinary)
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Buffers) == 0 {
					got.Buffers = nil
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

// A frame as the protocol's description has it, put together by hand.
func TestV1Layout(t *testing.T) {
	var want []byte
	parts := []string{"shell", header, "{}", "{}", `{"a":1}`, "B"}
	offset := uint64(8 * 8)
	for _, n := range []uint64{7, offset} {
		want = binary.LittleEndian.AppendUint64(want, n)
	}
	for _, part := range parts {
		offset += uint64(len(part))
		want = binary.LittleEndian.AppendUint64(want, offset)
	}
	want = append(want, strings.Join(parts, "")...)
	m := Message{Channel: Shell, Header: json.RawMessage(header), Content: json.RawMessage(`{"a":1}`), Buffers: [][]byte{[]byte("B")}}
	got, isBinary, err := Framing(V1).Encode(m)
	if err != nil || !isBinary || !bytes.Equal(got, want) {
		t.Errorf("Encode = %q, %v, %v\nwant %q", got, isBinary, err, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, _, err := Framing(V1).Encode(request())
	if err != nil {
		t.Fatal(err)
	}
	offset := func(i int, v uint64) []byte {
		data := bytes.Clone(good)
		binary.LittleEndian.PutUint64(data[8*i:], v)
		return data
	}
	text := func(channel, header string) []byte {
		return []byte(`{"channel":"` + channel + `","header":` + header + `,"parent_header":{},"metadata":{},"content":{}}`)
	}
	for _, tt := range []struct {
		name    string
		framing Framing
		binary  bool
		data    []byte
		kind    sandbox.Kind
	}{
		{"v1 as text", V1, false, good, sandbox.KindInvalid},
		{"v1 empty", V1, true, nil, sandbox.KindInvalid},
		{"v1 cut", V1, true, good[:20], sandbox.KindInvalid},
		{"v1 cut at its end", V1, true, good[:len(good)-1], sandbox.KindInvalid},
		{"v1 too few offsets", V1, true, offset(0, 5), sandbox.KindInvalid},
		{"v1 a world of offsets", V1, true, offset(0, 1<<63), sandbox.KindInvalid},
		{"v1 offset in the offsets", V1, true, offset(1, 8), sandbox.KindInvalid},
		{"v1 offset before the one before", V1, true, offset(3, 1), sandbox.KindInvalid},
		{"v1 offset behind the end", V1, true, offset(4, 1<<40), sandbox.KindInvalid},
		{"v1 a part that is no JSON", V1, true, bytes.Replace(good, []byte(`"cellId"`), []byte(`"cellId?`), 1), sandbox.KindInvalid},
		{"not JSON", "", false, []byte("{"), sandbox.KindInvalid},
		{"buffers without the number", "", true, []byte{0, 0, 0}, sandbox.KindInvalid},
		{"buffers: none", "", true, []byte{0, 0, 0, 0}, sandbox.KindInvalid},
		{"buffers: a world of them", "", true, []byte{255, 255, 255, 255, 0, 0, 0, 0}, sandbox.KindInvalid},
		{"buffers: offset behind the end", "", true, []byte{0, 0, 0, 1, 0, 0, 0, 99}, sandbox.KindInvalid},
		{"too large", "", false, make([]byte, MaxBytes+1), sandbox.KindTooLarge},
		{"another channel", "", false, text("iopub", header), sandbox.KindUnprocessed},
		{"no header", "", false, []byte(`{"channel":"shell"}`), sandbox.KindUnprocessed},
		{"no id", "", false, text("shell", `{"msg_type":"x"}`), sandbox.KindUnprocessed},
		{"no type", "", false, text("shell", `{"msg_id":"x"}`), sandbox.KindUnprocessed},
		{"a long id", "", false, text("shell", `{"msg_type":"x","msg_id":"`+strings.Repeat("x", 300)+`"}`), sandbox.KindUnprocessed},
		{"a long header", "", false, text("shell", `{"msg_type":"x","msg_id":"1","more":"`+strings.Repeat("x", maxHeader)+`"}`), sandbox.KindUnprocessed},
		{"a header of another type", "", false, text("shell", `[]`), sandbox.KindUnprocessed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := tt.framing.Decode(tt.data, tt.binary); sandbox.KindOf(err) != tt.kind || err == nil {
				t.Errorf("Decode = %+v, %v; want an error of kind %s", m, err, tt.kind)
			}
		})
	}
}

func TestAuthor(t *testing.T) {
	author := Author{Session: "s", Username: "sandpiper"}
	m, err := author.Write(IOPub, "status", json.RawMessage(header), map[string]string{"execution_state": "<idle>"})
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := Framing("").Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Channel      string
		Header       Header
		ParentHeader json.RawMessage `json:"parent_header"`
		Metadata     map[string]any
		Content      map[string]string
		Buffers      []any
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Channel != "iopub" || got.Header != m.Head || got.Header.Version != "5.5" || string(got.ParentHeader) != header || got.Metadata == nil || got.Buffers == nil || got.Content["execution_state"] != "<idle>" {
		t.Errorf("the message is %s", data)
	}
	if _, err := author.Write(IOPub, "x", nil, func() {}); err == nil {
		t.Error("a message without JSON was written")
	}
}

// FuzzDecode checks that no frame harms the decoder, and that what it accepts
// is the same after a round trip.
func FuzzDecode(f *testing.F) {
	buffered := request()
	buffered.Buffers = [][]byte{{1}, {2, 3}}
	for _, m := range []Message{request(), buffered} {
		for _, framing := range []Framing{"", V1} {
			data, isBinary, err := framing.Encode(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, isBinary, framing == V1)
		}
	}
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 8}, true, false)
	f.Fuzz(func(t *testing.T, data []byte, isBinary, v1 bool) {
		framing := Framing("")
		if v1 {
			framing = V1
		}
		m, err := framing.Decode(data, isBinary)
		if err != nil {
			if sandbox.KindOf(err) == sandbox.KindInternal {
				t.Fatalf("an error that blames the server: %v", err)
			}
			return
		}
		again, againBinary, err := Framing(V1).Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Framing(V1).Decode(again, againBinary)
		if err != nil {
			t.Fatalf("what was accepted is refused: %v", err)
		}
		if n.Channel != m.Channel || n.Head != m.Head || len(n.Buffers) != len(m.Buffers) {
			t.Fatalf("%+v became %+v", m, n)
		}
	})
}
