package reply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// JSON writes v as the whole answer. It returns an error, and has written
// nothing, when v cannot be encoded; a client that went away is an error too.
func JSON(w http.ResponseWriter, status int, v any) error {
	data, err := Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(append(data, '\n'))
	return err
}

// Marshal encodes v on one line. Unlike json.Marshal it leaves <, > and &
// readable, which is safe wherever the answer is not sniffed as HTML.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
