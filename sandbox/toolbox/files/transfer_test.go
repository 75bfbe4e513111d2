package files_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sandpiper/sandbox/toolbox/spectest"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// form is a multipart body of fields, given as name, file name and content.
func form(fields ...[3]string) (io.Reader, http.Header) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range fields {
		var part io.Writer
		if f[1] == "" {
			part, _ = w.CreateFormField(f[0])
		} else {
			part, _ = w.CreateFormFile(f[0], f[1])
		}
		_, _ = io.WriteString(part, f[2])
	}
	_ = w.Close()
	return &body, http.Header{"Content-Type": {w.FormDataContentType()}}
}

// parts reads a multiple download into its parts by file name, as SDKs do.
func (tb *toolbox) parts(r response) map[string]string {
	tb.Helper()
	_, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		tb.Fatal(err)
	}
	got := map[string]string{}
	for mr := multipart.NewReader(bytes.NewReader(r.body), params["boundary"]); ; {
		part, err := mr.NextPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			tb.Fatal(err)
		}
		_, disposition, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if err != nil {
			tb.Fatal(err)
		}
		if part.FormName() == "error" {
			spectest.Check(tb, "ErrorResponse", content)
		} else if l := part.Header.Get("Content-Length"); l != fmt.Sprint(len(content)) && len(content) > 0 {
			tb.Errorf("Content-Length %s of %d bytes", l, len(content))
		}
		got[disposition["filename"]] = part.FormName() + ":" + string(content)
	}
}

func TestUpload(t *testing.T) {
	for _, route := range []string{"/files/upload", "/files/upload-v2"} {
		t.Run(route, func(t *testing.T) {
			tb := newToolbox(t)
			check := func(r response, name string) {
				t.Helper()
				if route == "/files/upload" {
					r.wantStatus(t, 200, "")
					return
				}
				want := toolboxtype.UploadedFile{Name: filepath.Base(name), Path: filepath.Join(tb.dir, name), Type: "file"}
				if got := decode[toolboxtype.UploadedFile](t, r, "UploadedFile"); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			body, header := form([3]string{"other", "", "x"}, [3]string{"file", "any name", "from a form"})
			check(tb.do("POST", route, body, header, "path", "new/folder/f"), "new/folder/f")
			tb.want("new/folder/f", "from a form")
			check(tb.do("POST", route, strings.NewReader("raw"), http.Header{"Content-Type": {"application/octet-stream"}}, "path", "new/folder/f"), "new/folder/f")
			tb.want("new/folder/f", "raw")
			check(tb.do("POST", route, nil, nil, "path", "empty"), "empty")
			tb.want("empty", "")
			tb.wantEntries(".", "empty", "new")
			tb.wantEntries("new/folder", "f")
		})
	}
}

func TestUploadErrors(t *testing.T) {
	tb := newToolbox(t)
	tb.put("file", "kept")
	if err := os.Mkdir(filepath.Join(tb.dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(tb.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"loop1": "loop2", "loop2": "loop1"} {
		if err := os.Symlink(target, filepath.Join(tb.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	noFile, noFileHeader := form([3]string{"other", "", "x"})
	tests := []struct {
		name, path string
		body       io.Reader
		header     http.Header
		status     int
	}{
		{"onto a folder", "dir", strings.NewReader("x"), nil, 400},
		{"onto a pipe", "pipe", strings.NewReader("x"), nil, 400},
		{"below a file", "file/x", strings.NewReader("x"), nil, 404},
		{"through links that go round", "loop1", strings.NewReader("x"), nil, 400},
		{"no file in the form", "new", noFile, noFileHeader, 400},
		{"no boundary", "new", strings.NewReader("x"), http.Header{"Content-Type": {"multipart/form-data"}}, 400},
		{"not a form", "new", strings.NewReader("x"), http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tb.do("POST", "/files/upload-v2", tt.body, tt.header, "path", tt.path)
			r.wantStatus(t, tt.status, "")
			spectest.Check(t, "ErrorResponse", r.body)
		})
	}
	tb.wantEntries(".", "dir", "file", "loop1", "loop2", "pipe")
	tb.want("file", "kept")
}

func TestUploadKeepsModeAndLinks(t *testing.T) {
	tb := newToolbox(t)
	tb.put("d/run.sh", "old")
	if err := os.Chmod(filepath.Join(tb.dir, "d/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"abs": filepath.Join(tb.dir, "rel"), "rel": "./d/../d/run.sh", "fresh": "d/new"} {
		if err := os.Symlink(target, filepath.Join(tb.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	tb.do("POST", "/files/upload", strings.NewReader("new"), nil, "path", "abs").wantStatus(t, 200, "")
	tb.do("POST", "/files/upload", strings.NewReader("made"), nil, "path", "fresh").wantStatus(t, 200, "")
	tb.want("d/run.sh", "new")
	tb.want("d/new", "made")
	if info, err := os.Lstat(filepath.Join(tb.dir, "d/run.sh")); err != nil || info.Mode() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	tb.wantEntries(".", "abs", "d", "fresh", "rel")
}

// An upload that is cut off leaves the old file, no half one and no folders.
func TestCutOffUpload(t *testing.T) {
	for _, tt := range []struct{ name, route, head, body string }{
		{"raw", "/files/upload-v2?path=new/f", "Content-Length: 100\r\n", "half"},
		{"raw over a file", "/files/upload-v2?path=old", "Content-Length: 100\r\n", "half"},
		{"chunks", "/files/upload?path=new/f", "Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n"},
		{"form", "/files/upload?path=new/f", "Content-Length: 1000\r\nContent-Type: multipart/form-data; boundary=b\r\n",
			"--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\nhalf"},
		{"second of two", "/files/bulk-upload", "Content-Length: 1000\r\nContent-Type: multipart/form-data; boundary=b\r\n",
			"--b\r\nContent-Disposition: form-data; name=files[0].path\r\n\r\nold\r\n--b\r\nContent-Disposition: form-data; name=files[0].file; filename=f\r\n\r\nwhole\r\n" +
				"--b\r\nContent-Disposition: form-data; name=files[1].path\r\n\r\nnew/f\r\n--b\r\nContent-Disposition: form-data; name=files[1].file; filename=f\r\n\r\nhalf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tb := newToolbox(t)
			tb.put("old", "kept")
			conn, err := net.Dial("tcp", strings.TrimPrefix(tb.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", tt.route, tt.head, tt.body)
			_ = conn.(*net.TCPConn).CloseWrite()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			response{resp.StatusCode, resp.Header, body}.wantStatus(t, 400, "INVALID_REQUEST_BODY")
			tb.wantEntries(".", "old")
			tb.want("old", "kept")
		})
	}
}

func TestUploadThatStops(t *testing.T) {
	tb := newToolbox(t)
	tb.h.LimitIdle(50 * time.Millisecond)
	conn, err := net.Dial("tcp", strings.TrimPrefix(tb.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /files/upload?path=f HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	response{resp.StatusCode, resp.Header, body}.wantStatus(t, 408, "REQUEST_TIMEOUT")
	tb.wantEntries(".")
}

// What a killed server left of an upload goes with the next upload of the file.
func TestUploadClearsAwayLeftovers(t *testing.T) {
	tb := newToolbox(t)
	pr, pw := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		tb.do("POST", "/files/upload", pr, nil, "path", "f").wantStatus(t, 200, "")
	})
	_, _ = io.WriteString(pw, "first")
	var part string
	for part == "" {
		if entries, _ := os.ReadDir(tb.dir); len(entries) > 0 {
			part = entries[0].Name()
		}
	}
	tb.do("POST", "/files/upload", strings.NewReader("second"), nil, "path", "f").wantStatus(t, 200, "") // beside the first
	_ = pw.Close()
	wg.Wait()
	tb.want("f", "first")
	tb.put(part, "left over")
	tb.do("POST", "/files/upload", strings.NewReader("third"), nil, "path", "f").wantStatus(t, 200, "")
	tb.want("f", "third")
	tb.wantEntries(".", "f")
}

func TestBulkUpload(t *testing.T) {
	tb := newToolbox(t)
	body, header := form(
		[3]string{"files[0].path", "", "d/a.txt"}, [3]string{"files[0].file", "d/a.txt", "a"},
		[3]string{"ignored", "", "x"},
		[3]string{"files[1].path", "", tb.dir + "/b é.txt"}, [3]string{"files[1].file", "b", "b"},
		[3]string{"files[7].path", "", "c"}, [3]string{"files[7].file", "c", ""},
	)
	tb.do("POST", "/files/bulk-upload", body, header).wantStatus(t, 200, "")
	tb.want("d/a.txt", "a")
	tb.want("b é.txt", "b")
	tb.want("c", "")
	tb.wantEntries(".", "b é.txt", "c", "d")
}

func TestBulkUploadIsAllOrNothing(t *testing.T) {
	tb := newToolbox(t)
	tb.put("file", "kept")
	good := []([3]string){{"files[0].path", "", "new/a"}, {"files[0].file", "a", "a"}}
	for name, bad := range map[string][][3]string{
		"no path":      {{"files[1].file", "b", "b"}},
		"path after":   {{"files[1].file", "b", "b"}, {"files[1].path", "", "b"}},
		"empty path":   {{"files[1].path", "", ""}, {"files[1].file", "b", "b"}},
		"long path":    {{"files[1].path", "", strings.Repeat("x/", 3000)}, {"files[1].file", "b", "b"}},
		"below a file": {{"files[1].path", "", "file/b"}, {"files[1].file", "b", "b"}},
		"a folder":     {{"files[1].path", "", "."}, {"files[1].file", "b", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			body, header := form(append(good[:2:2], bad...)...)
			r := tb.do("POST", "/files/bulk-upload", body, header)
			if r.status != 400 && r.status != 404 {
				t.Errorf("status %d: %s", r.status, r.body)
			}
			tb.wantEntries(".", "file")
		})
	}
	body, header := form([3]string{"file", "x", "x"})
	tb.do("POST", "/files/bulk-upload", body, header).wantStatus(t, 400, "BAD_REQUEST")
	tb.do("POST", "/files/bulk-upload", strings.NewReader("x"), nil).wantStatus(t, 400, "BAD_REQUEST")
	tb.h.LimitFiles(1)
	body, header = form(append(good, [3]string{"files[1].path", "", "b"}, [3]string{"files[1].file", "b", "b"})...)
	tb.do("POST", "/files/bulk-upload", body, header).wantStatus(t, 400, "BAD_REQUEST")
	tb.wantEntries(".", "file")
}

func TestDownload(t *testing.T) {
	tb := newToolbox(t)
	tb.put("d/ü.bin", "0123456789")
	r := tb.get("/files/download", "path", "d/ü.bin")
	r.wantStatus(t, 200, "")
	if _, p, err := mime.ParseMediaType(r.header.Get("Content-Disposition")); string(r.body) != "0123456789" || err != nil || p["filename"] != "ü.bin" || r.header.Get("Content-Length") != "10" {
		t.Errorf("%q %v", r.body, r.header)
	}
	for want, h := range map[string]http.Header{
		"234":        {"Range": {"bytes=2-4"}},
		"89":         {"Range": {"bytes=-2"}},
		"6789":       {"Range": {"bytes=6-"}, "If-Range": {r.header.Get("ETag")}},
		"0123456789": {"Range": {"bytes=6-"}, "If-Range": {`"other"`}},
	} {
		if r := tb.do("GET", "/files/download", nil, h, "path", "d/ü.bin"); string(r.body) != want {
			t.Errorf("%v: %d %q", h, r.status, r.body)
		}
	}
	if r := tb.do("GET", "/files/download", nil, http.Header{"Range": {"bytes=20-"}}, "path", "d/ü.bin"); r.status != 416 {
		t.Errorf("range outside: %d", r.status)
	}
	if r := tb.get("/files/download", "path", "/proc/self/status"); !strings.HasPrefix(string(r.body), "Name:") {
		t.Errorf("a file that does not know its size: %d %.100q", r.status, r.body)
	}
	tb.get("/files/download", "path", "nowhere").wantStatus(t, 404, "FILE_NOT_FOUND")
	tb.get("/files/download", "path", "d").wantStatus(t, 400, "BAD_REQUEST")
	tb.get("/files/download", "path", "/dev/zero").wantStatus(t, 400, "BAD_REQUEST")
}

func TestBulkDownload(t *testing.T) {
	tb := newToolbox(t)
	names := []string{"plain.txt", "d/é ü.txt", `quote".txt`, `back\slash`, "semi;colon", "new\nline", "empty"}
	for _, name := range names[:6] {
		tb.put(name, "content of "+name)
	}
	tb.put("empty", "")
	r := tb.postJSON("/files/bulk-download", toolboxtype.FilesDownloadRequest{Paths: append(names, "nowhere", "d", "")})
	r.wantStatus(t, 200, "")
	got := tb.parts(r)
	for _, name := range names[:6] {
		if got[name] != "file:content of "+name {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	if got["empty"] != "file:" {
		t.Errorf("empty: %q", got["empty"])
	}
	for name, code := range map[string]string{"nowhere": "FILE_NOT_FOUND", "d": "BAD_REQUEST", "": "BAD_REQUEST"} {
		text, ok := strings.CutPrefix(got[name], "error:")
		var e struct{ Code, Message string }
		if err := json.Unmarshal([]byte(text), &e); !ok || err != nil || e.Code != code || e.Message == "" {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	tb.postJSON("/files/bulk-download", map[string]any{}).wantStatus(t, 400, "BAD_REQUEST")
	tb.h.LimitFiles(1)
	tb.postJSON("/files/bulk-download", toolboxtype.FilesDownloadRequest{Paths: names}).wantStatus(t, 400, "BAD_REQUEST")
}

// zeros is n bytes that take no memory.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.n)
	if n == 0 {
		return 0, io.EOF
	}
	z.n -= n
	clear(p[:n])
	return int(n), nil
}

// peak runs f and returns by how many bytes the heap grew at most meanwhile.
func peak(f func()) uint64 {
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return most - min(most, before.HeapAlloc)
}

// A large file passes in both directions without being in memory. The size is
// that of SANDPIPER_LARGE_FILE in MiB where that is set, for measurements.
func TestLargeFiles(t *testing.T) {
	size := int64(128 << 20)
	if s := os.Getenv("SANDPIPER_LARGE_FILE"); s != "" {
		if _, err := fmt.Sscan(s, &size); err != nil {
			t.Fatal(err)
		}
		size <<= 20
	}
	tb := newToolbox(t)
	grown := peak(func() {
		pr, pw := io.Pipe()
		form := multipart.NewWriter(pw)
		go func() {
			path, _ := form.CreateFormField("files[0].path")
			_, _ = io.WriteString(path, "large")
			part, _ := form.CreateFormFile("files[0].file", "large")
			_, _ = io.Copy(part, &zeros{size})
			_ = pw.CloseWithError(form.Close())
		}()
		start := time.Now()
		tb.do("POST", "/files/bulk-upload", pr, http.Header{"Content-Type": {form.FormDataContentType()}}).wantStatus(t, 200, "")
		t.Logf("up in %v", time.Since(start))
		start = time.Now()
		resp, err := http.Get(tb.url + "/files/download?path=" + url.QueryEscape("large"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
			t.Errorf("%d bytes, %v", n, err)
		}
		t.Logf("down in %v", time.Since(start))
	})
	t.Logf("%d MiB with %.1f MiB of heap", size>>20, float64(grown)/(1<<20))
	if grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// A file that becomes shorter while it is read must not look whole.
func TestDownloadOfAFileThatShrinks(t *testing.T) {
	tb := newToolbox(t)
	if err := os.Truncate(newFile(t, filepath.Join(tb.dir, "f")), 64<<20); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(tb.url+"/files/bulk-download", "application/json", strings.NewReader(`{"paths":["f"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := os.Truncate(filepath.Join(tb.dir, "f"), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the answer ended as if it were whole")
	}
}

func newFile(t *testing.T, name string) string {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// FuzzBulkUpload sends any bytes as a form: whatever they are, nothing is
// written outside and nothing is left of uploads that failed.
func FuzzBulkUpload(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=files[0].path\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; name=files[0].file; filename=a\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=files[-1].file\r\n\r\n"))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=files[99999999999999999999].path\r\n\r\n\x00\r\n--b--"))
	f.Add([]byte("--b--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("/")) || bytes.Contains(body, []byte("..")) {
			t.Skip() // stay in the folder
		}
		tb := newToolbox(t)
		r := tb.do("POST", "/files/bulk-upload", bytes.NewReader(body), http.Header{"Content-Type": {"multipart/form-data; boundary=b"}})
		if r.status >= 500 {
			t.Fatalf("%d: %s", r.status, r.body)
		}
		entries, _ := os.ReadDir(tb.dir)
		if r.status != 200 && len(entries) > 0 {
			t.Fatalf("%d left %v", r.status, entries)
		}
	})
}
