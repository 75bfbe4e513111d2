package toolbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pkgsftp "github.com/pkg/sftp"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/reverse"
	"sandpiper/sandbox/toolbox/sftp"
	"sandpiper/sandbox/toolbox/upgrade"
)

// serveRemote serves a guest's toolbox and returns what dials it.
func serveRemote(t *testing.T, wrap func(guest.Guest) guest.Guest) (dial reverse.Dialer, dir string) {
	t.Helper()
	dir = t.TempDir()
	g, err := osguest.New(osguest.Config{WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	box := New(Config{Guest: wrap(g)})
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.Close(); box.Close(); g.Close() })
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, dir
}

func asItIs(g guest.Guest) guest.Guest { return g }

// bare is a guest without the powers that one may have besides.
func bare(g guest.Guest) guest.Guest { return struct{ guest.Guest }{g} }

func ask(t *testing.T, dial reverse.Dialer, method, path, protocol string) (net.Conn, error) {
	t.Helper()
	conn, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://toolbox"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return upgrade.Ask(t.Context(), conn, req, protocol)
}

func TestSFTP(t *testing.T) {
	dial, dir := serveRemote(t, asItIs)
	conn, err := ask(t, dial, http.MethodPost, "/sftp", sftp.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pkgsftp.NewClientPipe(conn, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Repeat("content ", 100_000)
	f, err := c.Create("file")
	must(err)
	_, err = io.WriteString(f, want)
	must(errors.Join(err, f.Close()))
	f, err = c.OpenFile("file", os.O_WRONLY|os.O_APPEND)
	must(err)
	_, err = io.WriteString(f, "more")
	must(errors.Join(err, f.Close()))
	got, err := os.ReadFile(filepath.Join(dir, "file"))
	if err != nil || string(got) != want+"more" {
		t.Errorf("the file has %d bytes, %v", len(got), err)
	}
	must(c.Truncate("file", 5))
	must(c.Chmod("file", 0o640))
	must(c.Symlink("file", "link"))
	must(c.Mkdir("d"))
	must(c.Symlink(filepath.Join(dir, "d"), "dl"))
	if info, err := c.Stat("link"); err != nil || info.Size() != 5 || info.Mode().Perm() != 0o640 {
		t.Errorf("through the link: %v, %v", info, err)
	}
	if info, err := c.Lstat("link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	if target, err := c.ReadLink("link"); err != nil || target != "file" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	if real, err := c.RealPath("dl"); err != nil || real != filepath.Join(dir, "d") {
		t.Errorf("dl is %q, %v", real, err)
	}
	if err := c.Rename("file", "link"); err == nil {
		t.Error("a rename replaced what is there")
	}
	must(c.PosixRename("file", "link"))
	if err := c.Remove("d"); err != nil { // the client tries both
		t.Error(err)
	}
	if err := c.RemoveDirectory("link"); err == nil {
		t.Error("a file was removed as a folder")
	}
	for i := range 250 {
		must(os.WriteFile(filepath.Join(dir, "many"+string(rune('a'+i%26))+strings.Repeat("x", i)), nil, 0o600))
	}
	list, err := c.ReadDir(".")
	if err != nil || len(list) != 252 || !slices.ContainsFunc(list, func(i fs.FileInfo) bool { return i.Name() == "link" }) {
		t.Errorf("the folder has %d, %v", len(list), err)
	}
	if _, err := c.Open("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

// TestSFTPBounds holds that one connection has not all files open.
func TestSFTPBounds(t *testing.T) {
	dial, dir := serveRemote(t, asItIs)
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := ask(t, dial, http.MethodPost, "/sftp", sftp.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pkgsftp.NewClientPipe(conn, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var open []*pkgsftp.File
	for range 300 {
		f, err := c.Open("f")
		if err != nil {
			break
		}
		open = append(open, f)
	}
	if len(open) != 256 {
		t.Errorf("%d files are open", len(open))
	}
	if err := open[0].Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Open("f"); err != nil {
		t.Errorf("after one was closed: %v", err)
	}
}

func TestListen(t *testing.T) {
	dial, _ := serveRemote(t, asItIs)
	l, err := reverse.Listen(t.Context(), dial, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	inside := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Port}).String()
	go func() {
		c, err := net.Dial("tcp", inside)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "from inside")
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	in, err := l.Next()
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "from inside" {
		t.Errorf("got %q, %v", got, err)
	}
	c.Close()
	var refused *upgrade.Refusal
	if _, err := in.Take(t.Context()); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("a connection was taken twice: %v", err)
	}
	if _, err := reverse.Listen(t.Context(), dial, "", l.Port); !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		t.Errorf("the port is taken: %v", err)
	}
	l.Close()
	if _, err := l.Next(); err == nil {
		t.Error("there is a next one after the end")
	}
}

func TestSocket(t *testing.T) {
	dial, dir := serveRemote(t, asItIs)
	name := filepath.Join(dir, "s")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	c, err := ask(t, dial, http.MethodGet, "/unix?path="+name, upgrade.TCP)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "hello")
	_ = c.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for path, status := range map[string]int{"/unix?path=" + name + "x": 404, "/unix?path=relative": 404, "/listen?port=70000": 400, "/listen?port=x": 400} {
		method, protocol := http.MethodGet, upgrade.TCP
		if strings.HasPrefix(path, "/listen") {
			method, protocol = http.MethodPost, reverse.Protocol
		}
		var refused *upgrade.Refusal
		if _, err := ask(t, dial, method, path, protocol); !errors.As(err, &refused) || refused.Status != status {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestGuestsWithoutSockets(t *testing.T) {
	dial, _ := serveRemote(t, bare)
	var refused *upgrade.Refusal
	if _, err := ask(t, dial, http.MethodGet, "/unix?path=/s", upgrade.TCP); !errors.As(err, &refused) || refused.Status != http.StatusNotImplemented {
		t.Errorf("a socket: %v", err)
	}
	if _, err := reverse.Listen(t.Context(), dial, "", 0); !errors.As(err, &refused) || refused.Status != http.StatusNotImplemented {
		t.Errorf("a port: %v", err)
	}
}

// TestRemoteEnds holds that a toolbox that closes waits for nobody.
func TestRemoteEnds(t *testing.T) {
	dial, _ := serveRemote(t, asItIs)
	if _, err := ask(t, dial, http.MethodPost, "/sftp", sftp.Protocol); err != nil {
		t.Fatal(err)
	}
	if _, err := reverse.Listen(t.Context(), dial, "", 0); err != nil {
		t.Fatal(err)
	}
}
