package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/words"
)

// maxForm is how large a form may be, in bytes: labels and an environment fit.
const maxForm = 256 << 10

// values reads a form.
func values(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, &sandbox.Error{Kind: sandbox.KindTooLarge, Message: "that is more than a form may hold, 256 kB", Err: err}
		}
		return nil, &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the form could not be read", Err: err}
	}
	return r.PostForm, nil
}

// number reads a whole number; an empty field is 0.
func number(v url.Values, name string) (int, error) {
	text := strings.TrimSpace(v.Get(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < -1 || n > 100_000_000 {
		return 0, sandbox.FieldErrorf(name, "%.40q is not a whole number that can be used here", text)
	}
	return n, nil
}

// minutes reads a time in minutes; nil where the field is empty.
func minutes(v url.Values, name string) (*time.Duration, error) {
	if strings.TrimSpace(v.Get(name)) == "" {
		return nil, nil
	}
	n, err := number(v, name)
	d := time.Duration(n) * time.Minute
	return &d, err
}

// resources reads cores, memory and disk.
func resources(v url.Values) (r sandbox.Resources, err error) {
	for name, into := range map[string]*int{"cpu": &r.CPU, "memory": &r.MemoryGiB, "disk": &r.DiskGiB} {
		if *into, err = number(v, name); err != nil {
			return r, err
		}
		if *into < 0 {
			return r, sandbox.FieldErrorf(name, "it must be at least 1")
		}
	}
	return r, nil
}

// pairs reads lines of "name=value".
func pairs(v url.Values, name string) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(strings.ReplaceAll(v.Get(name), "\r\n", "\n")) {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return nil, sandbox.FieldErrorf(name, "write one name=value on each line; %.60q is not like that", line)
		}
		if _, twice := out[key]; twice {
			return nil, sandbox.FieldErrorf(name, "%.60q is there twice", key)
		}
		out[key] = value
	}
	return out, nil
}

// list reads entries with commas or line ends between them.
func list(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == '\n' || c == '\r' || c == ' ' })
}

// wireFields are the fields whose names on the wire are not those of the forms.
var wireFields = map[string]string{
	"autoStopInterval": "autoStop", "autoPauseInterval": "autoPause", "autoArchiveInterval": "autoArchive", "autoDeleteInterval": "autoDelete",
	"ttlMinutes": "ttl", "networkAllowList": "allow", "domainAllowList": "domains", "networkBlockAll": "block", "imageName": "image",
	"gpu": "cpu", "pool": "size", "expiresAt": "days",
}

// blame writes an error beside the field that it is about, and reports whether
// the form has it.
func blame(f *components.Form, e *sandbox.Error) {
	name := e.Field
	if ours, ok := wireFields[name]; ok {
		name = ours
	}
	for g := range f.Groups {
		for i := range f.Groups[g].Fields {
			if field := &f.Groups[g].Fields[i]; name != "" && (field.Name == name || strings.HasPrefix(name, field.Name+"[") || strings.HasPrefix(name, field.Name+".")) {
				field.Error = words.Sentence(e.Message)
				return
			}
		}
	}
	f.Error = words.Sentence(e.Message)
}

// said makes a short message about a thing.
func said(format string, args ...any) string { return fmt.Sprintf(format, args...) }
