package jail_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/sandbox"
)

// recorder keeps what a Displays calls back with.
type recorder struct {
	shown   []sandbox.Display
	refused []string
}

func (r *recorder) displays(limits jail.DisplayLimits) *jail.Displays {
	return jail.NewDisplays(limits,
		func(d sandbox.Display) { r.shown = append(r.shown, d) },
		func(err error) { r.refused = append(r.refused, err.Error()) })
}

func TestParseDisplay(t *testing.T) {
	tests := []struct {
		name, line string
		want       sandbox.Display
	}{
		{"text", `{"data":{"text/plain":"hi"}}`, sandbox.Display{Data: map[string]any{"text/plain": "hi"}}},
		{"adds text", `{"data":{"image/svg+xml":"<svg/>"}}`,
			sandbox.Display{Data: map[string]any{"image/svg+xml": "<svg/>", "text/plain": "[image/svg+xml]"}}},
		{"joins lines", `{"data":{"text/plain":["a\n","b"]}}`, sandbox.Display{Data: map[string]any{"text/plain": "a\nb"}}},
		{"lower case", `{"data":{"Text/HTML":"x","text/plain":"x"}}`,
			sandbox.Display{Data: map[string]any{"text/html": "x", "text/plain": "x"}}},
		{"keeps large integers", `{"data":{"application/json":{"id":9007199254740993},"text/plain":""}}`,
			sandbox.Display{Data: map[string]any{"application/json": map[string]any{"id": json.Number("9007199254740993")}, "text/plain": ""}}},
		{"base64 in lines", `{"data":{"image/png":"aGVs\nbG8=\n","text/plain":""}}`,
			sandbox.Display{Data: map[string]any{"image/png": "aGVsbG8=", "text/plain": ""}}},
		{"metadata", ` {"data":{"text/plain":"x"},"metadata":{"width":3}} `,
			sandbox.Display{Data: map[string]any{"text/plain": "x"}, Metadata: map[string]any{"width": json.Number("3")}}},
		{"name", `{"data":{"text/plain":"x"},"display_id":"bar"}`, sandbox.Display{Data: map[string]any{"text/plain": "x"}, ID: "bar"}},
		{"update", `{"data":{"text/plain":"x"},"display_id":"bar","act":"update"}`,
			sandbox.Display{Data: map[string]any{"text/plain": "x"}, ID: "bar", Act: sandbox.DisplayUpdate}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.Metadata == nil {
				tt.want.Metadata = map[string]any{}
			}
			got, err := jail.ParseDisplay([]byte(tt.line))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, tt.want)
			}
		})
	}
}

func TestParseDisplayErrors(t *testing.T) {
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf(`"text/x-%d":"x"`, i)
	}
	tests := []struct {
		name, line, want string
	}{
		{"not JSON", `hello`, "must be a JSON object"},
		{"a list", `[]`, "must be a JSON object"},
		{"cut off", `{"data":{"text/plain":"x"`, "must be a JSON object"},
		{"two objects", `{"data":{"text/plain":"x"}} {}`, "nothing after it"},
		{"no data", `{}`, "1 to 16 MIME types"},
		{"too many types", `{"data":{` + strings.Join(many, ",") + `}}`, "1 to 16 MIME types"},
		{"not a type", `{"data":{"picture":"x"}}`, `"picture" is not a MIME type`},
		{"long type", `{"data":{"text/` + strings.Repeat("x", 200) + `":"x"}}`, "is not a MIME type"},
		{"number as text", `{"data":{"text/plain":1}}`, `the value of "text/plain" must be a string`},
		{"mixed lines", `{"data":{"text/plain":["a",1]}}`, `the value of "text/plain" must be a string`},
		{"raw bytes as image", `{"data":{"image/png":"\u0089PNG"}}`, `the value of "image/png" must be base64`},
		{"data is a string", `{"data":"x"}`, "must be a JSON object"},
		{"another act", `{"data":{"text/plain":"x"},"act":"burn"}`, `not "burn"`},
		{"update of nothing", `{"data":{"text/plain":"x"},"act":"update"}`, "needs the display_id"},
		{"long name", `{"data":{"text/plain":"x"},"display_id":"` + strings.Repeat("x", 201) + `"}`, "at most 200 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jail.ParseDisplay([]byte(tt.line)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

// TestDisplayActs counts what adds nothing to see apart from what does.
func TestDisplayActs(t *testing.T) {
	var r recorder
	d := r.displays(jail.DisplayLimits{Count: 1, Acts: 3})
	lines := []string{
		`{"data":{"text/plain":"0 %"},"display_id":"bar"}`, `{"data":{"text/plain":"50 %"},"display_id":"bar","act":"update"}`,
		`{"act":"clear_next","data":{"text/plain":"not looked at"}}`, `{"act":"clear"}`,
	}
	for _, line := range lines {
		if !d.Line([]byte(line)) {
			t.Errorf("%s was refused: %q", line, r.refused)
		}
	}
	if d.Line([]byte(`{"act":"clear"}`)) {
		t.Error("a fourth act was taken")
	}
	var got []string
	for _, d := range r.shown {
		got = append(got, fmt.Sprint(d.Act, d.ID, len(d.Data)))
	}
	if want := []string{"bar1", "updatebar1", "clear_next0", "clear0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("shown %q, want %q", got, want)
	}
}

func TestDisplayDeviceCutsLines(t *testing.T) {
	var r recorder
	h := mustOpen(t, jail.NewDevices(r.displays(jail.DisplayLimits{}), 4), "display", sys.O_WRONLY|sys.O_CREAT|sys.O_TRUNC)
	for _, part := range []string{`{"data":{"text/`, `plain":"one"}}` + "\n" + `{"data":{"text/plain":"two"}}` + "\n\n  \n{", `"data":{"text/plain":"three"}}`} {
		mustWrite(t, h, part)
	}
	if len(r.shown) != 2 {
		t.Errorf("%d lines were shown before the last ended", len(r.shown))
	}
	mustClose(t, h)
	var got []any
	for _, d := range r.shown {
		got = append(got, d.Data["text/plain"])
	}
	if !reflect.DeepEqual(got, []any{"one", "two", "three"}) || r.refused != nil {
		t.Errorf("shown %q, refused %q", got, r.refused)
	}
}

func TestMalformedLinesAreReported(t *testing.T) {
	var r recorder
	h := mustOpen(t, jail.NewDevices(r.displays(jail.DisplayLimits{}), 4), "display", sys.O_WRONLY)
	mustWrite(t, h, "plot!\n{\"data\":{\"text/plain\":\"fine\"}}\n")
	mustClose(t, h)
	want := `display: a line must be a JSON object such as {"data":{"text/plain":"hello"}}`
	if len(r.shown) != 1 || len(r.refused) != 1 || r.refused[0] != want {
		t.Errorf("shown %d, refused %q", len(r.shown), r.refused)
	}
}

func TestDisplayLimits(t *testing.T) {
	const line = `{"data":{"text/plain":"x"}}` + "\n"
	tests := []struct {
		name, write string
		limits      jail.DisplayLimits
		shown       int
		refused     string
	}{
		{"count", line, jail.DisplayLimits{Count: 3}, 3, "a run may display 3 outputs at most; this one was left out"},
		{"bytes", line, jail.DisplayLimits{Bytes: 100}, 3, "a run may display 100 bytes at most; this output was left out"},
		{"bytes without an end", "xxxxxxxxxx", jail.DisplayLimits{Bytes: 1 << 10}, 0, "a run may display 1 KiB at most; this output was left out"},
		{"malformed lines count", "x\n", jail.DisplayLimits{Count: 1}, 0, "a run may display 1 outputs at most; this one was left out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			dev := jail.NewDevices(r.displays(tt.limits), 4)
			handles := []sys.File{mustOpen(t, dev, "display", sys.O_WRONLY), mustOpen(t, dev, "display", sys.O_WRONLY)}
			var last sys.Errno
			for i := range 2000 {
				_, last = handles[i%2].Write([]byte(tt.write))
			}
			wantErrno(t, "the last write", last, sys.EIO)
			if len(r.shown) != tt.shown || len(r.refused) == 0 || r.refused[len(r.refused)-1] != tt.refused || len(r.refused) > 2 {
				t.Errorf("shown %d, refused %q", len(r.shown), r.refused)
			}
		})
	}
}

func TestDevices(t *testing.T) {
	var r recorder
	dev := jail.NewDevices(r.displays(jail.DisplayLimits{}), 3)
	null := mustOpen(t, dev, "null", sys.O_RDWR|sys.O_CREAT)
	mustWrite(t, null, "gone")
	n, errno := null.Read(make([]byte, 4))
	if n != 0 || errno != 0 {
		t.Errorf("null reads %d, %v", n, errno)
	}
	display := mustOpen(t, dev, "display", sys.O_RDWR)
	_, errno = display.Read(make([]byte, 4))
	wantErrno(t, "read of the display", errno, sys.EBADF)
	dir := mustOpen(t, dev, ".", sys.O_DIRECTORY)
	entries, errno := dir.Readdir(-1)
	if got := names(entries); errno != 0 || !reflect.DeepEqual(got, []string{"display", "null"}) {
		t.Errorf("listed %q, %v", got, errno)
	}
	_, errno = dev.OpenFile("null", readOnly, 0)
	wantErrno(t, "one too many", errno, sys.EIO)
	mustClose(t, dir)
	mustClose(t, mustOpen(t, dev, "null", readOnly))
	mustClose(t, null)
	_, errno = null.Write([]byte("x"))
	wantErrno(t, "write after close", errno, sys.EBADF)
	mustClose(t, display)
	wantErrno(t, "close again", display.Close(), sys.EBADF)
}

func TestDevicesCannotBeChanged(t *testing.T) {
	dev := jail.NewDevices((&recorder{}).displays(jail.DisplayLimits{}), 3)
	for what, got := range map[string]sys.Errno{
		"mkdir": dev.Mkdir("x", 0), "unlink": dev.Unlink("null"), "rename": dev.Rename("null", "x"), "rmdir": dev.Rmdir("."),
	} {
		wantErrno(t, what, got, sys.EROFS)
	}
	wantErrno(t, "symlink", dev.Symlink("/etc", "x"), sys.EPERM)
	wantErrno(t, "link", dev.Link("null", "x"), sys.EPERM)
	for path, want := range map[string]sys.Errno{"x": sys.EROFS, "../etc/passwd": sys.EPERM, "null/x": sys.EROFS, "null/": sys.ENOTDIR} {
		_, errno := dev.OpenFile(path, createNew, 0)
		wantErrno(t, "create "+path, errno, want)
	}
	_, errno := dev.Stat("tty")
	wantErrno(t, "stat of what is not there", errno, sys.ENOENT)
}

func FuzzParseDisplay(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"text/plain":"hi"},"metadata":{}}`, `{"data":{"image/png":"aGVsbG8="}}`, `{"data":{"application/json":[[[1e999]]]}}`,
		`{"DATA":{"a/b":["x","y"]}}`, `{"data":{"text/plain;charset=x":"\ud800"}}`, `{"data":null}`, "{\"data\":{\"a/b\":\"\xff\"}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		d, err := jail.ParseDisplay(line)
		if err != nil {
			return
		}
		if _, ok := d.Data["text/plain"]; !ok || d.Metadata == nil {
			t.Fatalf("an incomplete bundle: %#v", d)
		}
		wire, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("a bundle that cannot be sent: %v", err)
		}
		again, err := jail.ParseDisplay(wire)
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Fatalf("%#v came back as %#v, %v", d, again, err)
		}
	})
}
