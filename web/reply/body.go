package reply

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"sandpiper/sandbox"
)

// Decode reads the request's JSON body into v: see Unmarshal for how strict it
// is. Its errors are *sandbox.Error: KindMediaType when the body is not
// declared as JSON, KindTooLarge over limit bytes, and those of Unmarshal.
func Decode(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	return decodeBody(w, r, limit, v, Unmarshal)
}

// DecodeLenient is Decode that ignores unknown fields, for protocols whose
// clients send more than we know.
func DecodeLenient(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	return decodeBody(w, r, limit, v, UnmarshalLenient)
}

func decodeBody(w http.ResponseWriter, r *http.Request, limit int64, v any, unmarshal func([]byte, any) error) error {
	if err := checkJSONBody(r); err != nil {
		return err
	}
	body, err := ReadBody(w, r, limit)
	if err != nil {
		return err
	}
	return unmarshal(body, v)
}

// ReadBody reads the whole body, of at most limit bytes. Its errors are
// *sandbox.Error.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, Public(&http.MaxBytesError{Limit: limit})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, &tooLarge):
		return nil, Public(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, sandbox.Errorf(sandbox.KindInvalid, "the request body did not arrive in time")
	default:
		return nil, &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the request body ended early", Err: err}
	}
}

// checkJSONBody reports whether the body says that it is JSON that can be read
// as it is.
func checkJSONBody(r *http.Request) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return sandbox.Errorf(sandbox.KindMediaType, "send the body as JSON with the header Content-Type: application/json")
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return sandbox.Errorf(sandbox.KindMediaType, "send the body in UTF-8, not in %.40q", cs)
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return sandbox.Errorf(sandbox.KindMediaType, "send the body without a Content-Encoding, not with %.40q", enc)
	}
	return nil
}
