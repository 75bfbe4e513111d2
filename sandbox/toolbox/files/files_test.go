package files_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/files"
	"sandpiper/sandbox/toolbox/spectest"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// toolbox is a server of files over a temporary folder.
type toolbox struct {
	*testing.T
	h   *files.Handler
	url string
	dir string
}

func newToolbox(t *testing.T) *toolbox {
	t.Helper()
	return newToolboxAs(t, "")
}

// newToolboxAs serves a guest whose programs run as a user, the tests' own when
// it is empty.
func newToolboxAs(t *testing.T, user string) *toolbox {
	t.Helper()
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{User: user, Home: dir, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	h := files.New(g)
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &toolbox{T: t, h: h, url: server.URL, dir: g.Info().WorkDir}
}

// put writes a file of the guest.
func (tb *toolbox) put(name, content string) {
	tb.Helper()
	p := filepath.Join(tb.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// want fails when a file of the guest has not this content.
func (tb *toolbox) want(name, content string) {
	tb.Helper()
	if got, err := os.ReadFile(filepath.Join(tb.dir, name)); err != nil || string(got) != content {
		tb.Errorf("%s is %.100q, %v, want %.100q", name, got, err, content)
	}
}

// wantNothing fails when the folder has anything but these entries.
func (tb *toolbox) wantEntries(dir string, names ...string) {
	tb.Helper()
	entries, err := os.ReadDir(filepath.Join(tb.dir, dir))
	if err != nil {
		tb.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		tb.Errorf("%s has %q, want %q", dir, got, names)
	}
}

type response struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request whose query is given as pairs.
func (tb *toolbox) do(method, path string, body io.Reader, header http.Header, query ...string) response {
	tb.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, tb.url+path+"?"+q.Encode(), body)
	if err != nil {
		tb.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, got}
}

func (tb *toolbox) get(path string, query ...string) response {
	tb.Helper()
	return tb.do("GET", path, nil, nil, query...)
}

func (tb *toolbox) post(path string, query ...string) response {
	tb.Helper()
	return tb.do("POST", path, nil, nil, query...)
}

func (tb *toolbox) postJSON(path string, v any) response {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return tb.do("POST", path, bytes.NewReader(data), http.Header{"Content-Type": {"application/json"}})
}

// wantStatus fails when an answer has another status, or when it is an error of
// another shape or code.
func (r response) wantStatus(t testing.TB, status int, code string) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if code == "" {
		return
	}
	spectest.Check(t, "ErrorResponse", r.body)
	var e struct{ Code, Source string }
	if err := json.Unmarshal(r.body, &e); err != nil || e.Code != code || e.Source != "DAYTONA_DAEMON" {
		t.Errorf("error %+v, %v, want code %s", e, err, code)
	}
}

// decode reads an answer of a type of the specification.
func decode[T any](t testing.TB, r response, definition string) (v T) {
	t.Helper()
	r.wantStatus(t, http.StatusOK, "")
	spectest.Check(t, definition, r.body)
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestList(t *testing.T) {
	tb := newToolbox(t)
	tb.put("a.txt", "12345")
	tb.put("d/b.txt", "")
	tb.put("d/e/c.txt", "")
	if err := os.Symlink("..", filepath.Join(tb.dir, "d/up")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		query []string
		want  []string
	}{
		{"the working folder", nil, []string{"a.txt", "d"}},
		{"a relative path", []string{"path", "d"}, []string{"d/b.txt", "d/e", "d/up"}},
		{"an absolute path", []string{"path", tb.dir + "/d/e"}, []string{"d/e/c.txt"}},
		{"two levels", []string{"depth", "2"}, []string{"a.txt", "d", "d/b.txt", "d/e", "d/up"}},
		{"all levels, links not followed", []string{"depth", "99"}, []string{"a.txt", "d", "d/b.txt", "d/e", "d/e/c.txt", "d/up"}},
		{"through a link", []string{"path", "d/up"}, []string{"d/up/a.txt", "d/up/d"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range decode[[]toolboxtype.FileInfo](t, tb.get("/files", tt.query...), "[]FileInfo") {
				got = append(got, strings.TrimPrefix(f.Path, tb.dir+"/"))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	tb.get("/files", "depth", "0").wantStatus(t, 400, "BAD_REQUEST")
	tb.get("/files", "depth", "x").wantStatus(t, 400, "BAD_REQUEST")
	tb.get("/files", "path", "nowhere").wantStatus(t, 404, "FILE_NOT_FOUND")
	tb.get("/files", "path", "a.txt").wantStatus(t, 400, "BAD_REQUEST")
	tb.h.LimitEntries(3)
	tb.get("/files", "depth", "9").wantStatus(t, 400, "BAD_REQUEST")
}

func TestInfo(t *testing.T) {
	tb := newToolbox(t)
	tb.put("d/script.sh", "12345")
	if err := os.Chmod(filepath.Join(tb.dir, "d/script.sh"), 0o750|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "d/script.sh", "dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(tb.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "d/script.sh"), "FileInfo")
	if f.Name != "script.sh" || f.Path != tb.dir+"/d/script.sh" || f.IsDir || f.Size != 5 || f.Permissions != "2750" || f.Mode != "grwxr-x---" || f.Owner == "" || f.Group == "" {
		t.Errorf("file: %+v", f)
	}
	if f := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "d/"), "FileInfo"); f.Name != "d" || !f.IsDir || f.Permissions != "0755" {
		t.Errorf("folder: %+v", f)
	}
	if f := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "link"), "FileInfo"); f.Name != "link" || f.Size != 5 {
		t.Errorf("link: %+v", f)
	}
	if f := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "dangling"), "FileInfo"); f.Mode[0] != 'L' {
		t.Errorf("dangling link: %+v", f)
	}
	tb.get("/files/info", "path", "d/script.sh/x").wantStatus(t, 404, "FILE_NOT_FOUND")
}

// Every operation refuses bad paths in the toolbox's shape.
func TestBadPaths(t *testing.T) {
	tb := newToolbox(t)
	ops := map[string]func(path string) response{
		"list":        func(p string) response { return tb.get("/files", "path", p, "depth", "1") },
		"info":        func(p string) response { return tb.get("/files/info", "path", p) },
		"delete":      func(p string) response { return tb.do("DELETE", "/files", nil, nil, "path", p) },
		"folder":      func(p string) response { return tb.post("/files/folder", "path", p, "mode", "755") },
		"move from":   func(p string) response { return tb.post("/files/move", "source", p, "destination", "x") },
		"move to":     func(p string) response { return tb.post("/files/move", "source", ".", "destination", p) },
		"permissions": func(p string) response { return tb.post("/files/permissions", "path", p, "mode", "755") },
		"find":        func(p string) response { return tb.get("/files/find", "path", p, "pattern", "x") },
		"search":      func(p string) response { return tb.get("/files/search", "path", p, "pattern", "x") },
		"download":    func(p string) response { return tb.get("/files/download", "path", p) },
		"upload":      func(p string) response { return tb.do("POST", "/files/upload", strings.NewReader("x"), nil, "path", p) },
		"upload-v2": func(p string) response {
			return tb.do("POST", "/files/upload-v2", strings.NewReader("x"), nil, "path", p)
		},
	}
	for op, call := range ops {
		t.Run(op, func(t *testing.T) {
			for _, p := range []string{"", "a\x00b", strings.Repeat("x/", 3000), strings.Repeat("n", 256)} {
				if p == "" && op == "list" {
					continue // the working folder
				}
				if r := call(p); r.status != 400 && r.status != 404 {
					t.Errorf("%.20q: %d %s", p, r.status, r.body)
				} else {
					spectest.Check(t, "ErrorResponse", r.body)
				}
			}
		})
	}
	tb.wantEntries(".")
}

func TestMakeFolder(t *testing.T) {
	tb := newToolbox(t)
	tb.put("file", "")
	tb.post("/files/folder", "path", "a/b/c", "mode", "0777").wantStatus(t, 201, "")
	if info, err := os.Stat(filepath.Join(tb.dir, "a/b/c")); err != nil || info.Mode() != os.ModeDir|0o777 {
		t.Errorf("a/b/c: %v, %v", info.Mode(), err)
	}
	tb.post("/files/folder", "path", "a/b/c", "mode", "700").wantStatus(t, 201, "")
	if info, _ := os.Stat(filepath.Join(tb.dir, "a/b/c")); info.Mode().Perm() != 0o777 {
		t.Errorf("the mode of a folder that is there became %v", info.Mode())
	}
	tb.post("/files/folder", "path", "sticky", "mode", "1777").wantStatus(t, 201, "")
	if info, _ := os.Stat(filepath.Join(tb.dir, "sticky")); info.Mode()&os.ModeSticky == 0 {
		t.Errorf("sticky: %v", info.Mode())
	}
	tb.post("/files/folder", "path", "plain").wantStatus(t, 201, "")
	tb.post("/files/folder", "path", "file").wantStatus(t, 409, "CONFLICT")
	tb.post("/files/folder", "path", "file/x").wantStatus(t, 404, "FILE_NOT_FOUND")
	tb.post("/files/folder", "path", "x/"+strings.Repeat("n", 256)).wantStatus(t, 400, "BAD_REQUEST")
	for _, mode := range []string{"9", "rwx", "-1", "17777", "0x1ff"} {
		tb.post("/files/folder", "path", "bad", "mode", mode).wantStatus(t, 400, "BAD_REQUEST")
	}
	tb.wantEntries(".", "a", "file", "plain", "sticky")
}

func TestDelete(t *testing.T) {
	tb := newToolbox(t)
	tb.put("file", "")
	tb.put("d/e/f", "")
	tb.put("kept/f", "kept")
	if err := os.Symlink("kept", filepath.Join(tb.dir, "link")); err != nil {
		t.Fatal(err)
	}
	remove := func(query ...string) response { return tb.do("DELETE", "/files", nil, nil, query...) }
	remove("path", "file").wantStatus(t, 204, "")
	remove("path", "file").wantStatus(t, 404, "FILE_NOT_FOUND")
	remove("path", "nowhere", "recursive", "true").wantStatus(t, 404, "FILE_NOT_FOUND")
	remove("path", "d").wantStatus(t, 400, "BAD_REQUEST")
	remove("path", "d", "recursive", "maybe").wantStatus(t, 400, "BAD_REQUEST")
	remove("path", "d", "recursive", "true").wantStatus(t, 204, "")
	remove("path", "link", "recursive", "true").wantStatus(t, 204, "")
	remove("path", "/", "recursive", "true").wantStatus(t, 400, "BAD_REQUEST")
	tb.wantEntries(".", "kept")
	tb.want("kept/f", "kept")
}

func TestMove(t *testing.T) {
	tb := newToolbox(t)
	tb.put("a", "a")
	tb.put("b", "b")
	tb.put("d/f", "f")
	tests := []struct {
		name, from, to string
		status         int
		code           string
	}{
		{"missing source", "nowhere", "x", 404, "FILE_NOT_FOUND"},
		{"missing folder", "a", "no/a", 404, "FILE_NOT_FOUND"},
		{"onto a file", "a", "b", 409, "CONFLICT"},
		{"onto a folder", "a", "d", 409, "CONFLICT"},
		{"onto itself", "a", "a", 409, "CONFLICT"},
		{"into itself", "d", "d/x", 400, "BAD_REQUEST"},
		{"a file", "a", "d/a", 200, ""},
		{"a folder", "d", "e", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb.post("/files/move", "source", tt.from, "destination", tt.to).wantStatus(t, tt.status, tt.code)
		})
	}
	tb.post("/files/move", "source", "b").wantStatus(t, 400, "BAD_REQUEST")
	tb.want("b", "b")
	tb.want("e/a", "a")
	tb.want("e/f", "f")
	tb.wantEntries(".", "b", "e")
}

// Volumes of a container are other file systems, to which nothing is renamed.
func TestMoveToAnotherVolume(t *testing.T) {
	other, err := os.MkdirTemp("/dev/shm", "files")
	if err != nil {
		t.Fatal("this test needs a second file system: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(other) })
	tb := newToolbox(t)
	tb.put("tree/sub/run.sh", "run")
	if err := os.Chmod(filepath.Join(tb.dir, "tree/sub/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub/run.sh", filepath.Join(tb.dir, "tree/link")); err != nil {
		t.Fatal(err)
	}
	tb.post("/files/move", "source", "tree", "destination", other+"/tree").wantStatus(t, 200, "")
	tb.wantEntries(".")
	info, err := os.Stat(other + "/tree/link")
	if err != nil || info.Mode() != 0o755 || info.Size() != 3 {
		t.Errorf("moved: %v, %v", info, err)
	}
	if err := syscall.Mkfifo(other+"/tree/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	tb.post("/files/move", "source", other+"/tree", "destination", "back").wantStatus(t, 400, "BAD_REQUEST")
	tb.wantEntries(".")
}

func TestSetPermissions(t *testing.T) {
	tb := newToolbox(t)
	tb.put("f", "")
	tb.post("/files/permissions", "path", "f", "mode", "4711").wantStatus(t, 200, "")
	if info, _ := os.Stat(filepath.Join(tb.dir, "f")); info.Mode() != 0o711|os.ModeSetuid {
		t.Errorf("mode %v", info.Mode())
	}
	me := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "f"), "FileInfo")
	tb.post("/files/permissions", "path", "f", "owner", me.Owner, "group", me.Group, "mode", "0644").wantStatus(t, 200, "")
	tb.post("/files/permissions", "path", "f", "owner", "nobody-of-that-name").wantStatus(t, 400, "BAD_REQUEST")
	tb.post("/files/permissions", "path", "f", "group", "nobody-of-that-name").wantStatus(t, 400, "BAD_REQUEST")
	tb.post("/files/permissions", "path", "f").wantStatus(t, 400, "BAD_REQUEST")
	tb.post("/files/permissions", "path", "f", "mode", "999").wantStatus(t, 400, "BAD_REQUEST")
	tb.post("/files/permissions", "path", "nowhere", "mode", "644").wantStatus(t, 404, "FILE_NOT_FOUND")
}

// The rights are those of the guest's user, also where replacing a file would go
// round them.
func TestAccessDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	tb := newToolboxAs(t, "nobody")
	for dir := tb.dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	tb.put("roots", "kept")
	tb.put("private/f", "kept")
	if err := os.Chmod(filepath.Join(tb.dir, "private"), 0o700); err != nil {
		t.Fatal(err)
	}
	upload := func(path string) response {
		return tb.do("POST", "/files/upload", strings.NewReader("new"), nil, "path", path)
	}
	for name, r := range map[string]response{
		"upload over another's file": upload("roots"),
		"upload to another's folder": upload("private/new"),
		"folder in another's folder": tb.post("/files/folder", "path", "private/x/y"),
		"download of another's file": tb.get("/files/download", "path", "private/f"),
		"list":                       tb.get("/files", "path", "private"),
		"info":                       tb.get("/files/info", "path", "private/f"),
		"delete":                     tb.do("DELETE", "/files", nil, nil, "path", "private", "recursive", "true"),
		"move":                       tb.post("/files/move", "source", "private/f", "destination", "mine"),
		"permissions":                tb.post("/files/permissions", "path", "roots", "mode", "777"),
		"owner":                      tb.post("/files/permissions", "path", "roots", "owner", "nobody"),
		"search":                     tb.get("/files/search", "path", "private", "pattern", "*"),
		"find":                       tb.get("/files/find", "path", "private", "pattern", "k"),
	} {
		t.Run(name, func(t *testing.T) { r.wantStatus(t, 403, "FILE_ACCESS_DENIED") })
	}
	if got := tb.find(".", "kept"); len(got) != 1 {
		t.Errorf("find passes over what it cannot read: %+v", got)
	}
	tb.want("roots", "kept")
	tb.want("private/f", "kept")
	upload("mine").wantStatus(t, 200, "")
	if f := decode[toolboxtype.FileInfo](t, tb.get("/files/info", "path", "mine"), "FileInfo"); f.Owner != "nobody" {
		t.Errorf("a new file belongs to %s", f.Owner)
	}
}
