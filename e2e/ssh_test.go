package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// sshBox is a sandbox that OpenSSH's own client reaches.
type sshBox struct {
	*testing.T
	api    *rawclient.Client
	id     string
	token  string
	config string // of the client, with the host "box"
	known  string // its file of known hosts
	wasm   bool
}

type sshAccess struct {
	ID, SandboxID, Token, SSHCommand string
	ExpiresAt, CreatedAt, UpdatedAt  time.Time
}

// TestSSH drives the gateway with OpenSSH's clients, for each kind of sandbox
// that this machine can have.
func TestSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Fatal("there is no ssh: run .ci/system-packages ssh, or make test")
	}
	srv := startWithDocker(t, dataDir(t))
	for _, snapshot := range snapshots(t) {
		for name, run := range map[string]func(*sshBox){
			"commands": sshCommands, "terminal": sshTerminal, "files": sshFiles, "local forwarding": sshLocalForwarding,
			"remote forwarding": sshRemoteForwarding, "sockets": sshSockets, "git": sshGit, "editor": sshEditor, "shared connection": sshShared,
			"tokens": sshTokens, "stopped": sshStopped, "hang up": sshHangUp,
		} {
			t.Run(snapshot+"/"+name, func(t *testing.T) {
				t.Parallel()
				run(newSSHBox(t, srv, snapshot))
			})
		}
	}
}

// newSSHBox makes a sandbox that is deleted with the test.
func newSSHBox(t *testing.T, srv *testserver.Server, snapshot string) *sshBox {
	t.Helper()
	b := openSSHBox(t, srv, snapshot)
	t.Cleanup(func() {
		if err := b.api.Delete(context.WithoutCancel(t.Context()), b.id); err != nil && !isStatus(err, http.StatusNotFound) {
			t.Error(err)
		}
	})
	return b
}

func openSSHBox(t *testing.T, srv *testserver.Server, snapshot string) *sshBox {
	t.Helper()
	b := &sshBox{T: t, api: rawclient.New(srv.URL, testserver.Key), wasm: snapshot == "wasm"}
	s, err := b.api.Create(t.Context(), snapshot)
	if err == nil {
		_, err = b.api.WaitState(t.Context(), s.ID, "started")
	}
	if err != nil {
		t.Fatal(err)
	}
	b.id = s.ID
	b.known = filepath.Join(t.TempDir(), "known")
	b.use(b.access("60"))
	return b
}

func isStatus(err error, status int) bool {
	var e *rawclient.StatusError
	return errors.As(err, &e) && e.Status == status
}

// access has a token made.
func (b *sshBox) access(minutes string) (a sshAccess) {
	b.Helper()
	if err := b.api.Call(b.Context(), http.MethodPost, "/api/sandbox/"+b.id+"/ssh-access?expiresInMinutes="+minutes, nil, &a); err != nil {
		b.Fatal(err)
	}
	return a
}

var sshCommandLine = regexp.MustCompile(`^ssh -p (\d+) (ssh_[a-z0-9]+)@([0-9.]+)$`)

// use makes the client use a token, as its command line says.
func (b *sshBox) use(a sshAccess) {
	b.Helper()
	parts := sshCommandLine.FindStringSubmatch(a.SSHCommand)
	if parts == nil || parts[2] != a.Token || a.SandboxID != b.id {
		b.Fatalf("the access is %+v", a)
	}
	b.token = a.Token
	b.config = filepath.Join(b.TempDir(), "config")
	text := fmt.Sprintf("Host box\n  HostName %s\n  Port %s\n  User %s\n  UserKnownHostsFile %s\n  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n  BatchMode yes\n",
		parts[3], parts[1], parts[2], b.known)
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// command is a client's, which is killed when it takes too long.
func (b *sshBox) command(program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	b.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, append([]string{"-F", b.config}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a command in the sandbox.
func (b *sshBox) run(stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	b.Helper()
	cmd := b.command("ssh", append([]string{"box"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatalf("ssh %q: %v: %s", args, err, errs.String())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is run for a command that succeeds.
func (b *sshBox) must(args ...string) string {
	b.Helper()
	out, errs, code := b.run(nil, args...)
	if code != 0 {
		b.Fatalf("ssh %q: exit %d: %s%s", args, code, out, errs)
	}
	return out
}

// background starts a client, which is ended with the test and not before: others
// may need it however long they take.
func (b *sshBox) background(args ...string) {
	b.Helper()
	cmd := exec.Command("ssh", append([]string{"-F", b.config}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdout, cmd.Stderr = b.Output(), b.Output()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// eventually tries until something holds.
func (b *sshBox) eventually(what string, try func() error) {
	b.Helper()
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	b.Fatalf("%s: %v", what, err)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func sshCommands(b *sshBox) {
	big := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB
	for name, tt := range map[string]struct {
		script, stdin, out, err string
		code                    int
	}{
		"exit code":      {"exit 7", "", "", "", 7},
		"two streams":    {"echo out; echo err >&2", "", "out\n", "err\n", 0},
		"end of input":   {"cat >file; cat file", "hello", "hello", "", 0},
		"much both ways": {"cat", big, big, "", 0},
		"a signal":       {"kill -9 $$", "", "", "", 255},
		"no such thing":  {"/no/such/thing 2>/dev/null", "", "", "", 127},
	} {
		b.Run(name, func(t *testing.T) {
			out, errs, code := b.run(strings.NewReader(tt.stdin), tt.script)
			if out != tt.out || errs != tt.err || code != tt.code {
				t.Errorf("got %d bytes (%.80q), %.200q and exit %d", len(out), out, errs, code)
			}
		})
	}
	b.Run("environment", func(t *testing.T) {
		out := b.must("-o", "SetEnv=GREETING=hi", "echo $GREETING; pwd; test -n \"$SSH_CONNECTION\" && echo ssh")
		if out != "hi\n/home/daytona\nssh\n" {
			t.Errorf("got %q", out)
		}
	})
}

// sshTerminal types into a shell, and changes the size of its terminal.
func sshTerminal(b *sshBox) {
	cmd := b.command("ssh", "-tt", "box")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 31, Cols: 97})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(f); s.Scan(); {
			lines <- s.Text()
		}
	}()
	see := func(want string) {
		b.Helper()
		late := time.After(patience)
		var seen []string
		for {
			select {
			case line, ok := <-lines:
				if seen = append(seen, line); strings.HasSuffix(strings.TrimSpace(line), want) {
					return
				} else if !ok {
					b.Fatalf("the terminal ended without %q: %q", want, seen)
				}
			case <-late:
				b.Fatalf("no %q came: %q", want, seen)
			}
		}
	}
	say := func(text string) {
		b.Helper()
		if _, err := io.WriteString(f, text+"\n"); err != nil {
			b.Fatal(err)
		}
	}
	say(`echo "$TERM"-"term"`)
	see("xterm-256color-term")
	if !b.wasm { // where there is stty
		say("stty size")
		see("31 97")
		if err := pty.Setsize(f, &pty.Winsize{Rows: 40, Cols: 111}); err != nil {
			b.Fatal(err)
		}
		say(`until [ "$(stty size)" = "40 111" ]; do sleep 0.1; done; echo size"d"`)
		see("sized")
	}
	// What says that it has started holds the terminal. A key pressed while a shell
	// only begins a program can miss it, which then keeps the terminal for itself.
	say(`sh -c 'echo st"arted"; sleep 300'; echo over`)
	see("started")
	// As people do, it presses the key again when the first comes too early.
	poking, stop := context.WithCancel(b.Context())
	var poker sync.WaitGroup
	poker.Go(func() {
		for poking.Err() == nil {
			_, _ = io.WriteString(f, "\x03")
			_, _ = io.WriteString(f, "echo inter\"rupted\"\n")
			select {
			case <-poking.Done():
			case <-time.After(2 * time.Second):
			}
		}
	})
	see("interrupted")
	stop()
	poker.Wait()
	// A shell that still hears of the last Ctrl-C forgets what was typed.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its exit code is looked at below
	}()
	for over := false; !over; {
		_, _ = io.WriteString(f, "exit 5\n") // nobody reads it once the shell has ended
		select {
		case <-ended:
			over = true
		case <-time.After(2 * time.Second):
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		b.Errorf("the exit code is %d", code)
	}
}

func sshFiles(b *sshBox) {
	dir := b.TempDir()
	file := filepath.Join(dir, "script.sh")
	content := "#!/bin/sh\n" + strings.Repeat("# filler\n", 300_000)
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		b.Fatal(err)
	}
	if out, err := b.command("scp", file, "box:copy.sh").CombinedOutput(); err != nil {
		b.Fatalf("scp to the sandbox: %v: %s", err, out)
	}
	if out := b.must("wc -c <copy.sh; test -x copy.sh && echo executable"); strings.Join(strings.Fields(out), " ") != fmt.Sprint(len(content), " executable") {
		b.Errorf("the copy is %q", out)
	}
	back := filepath.Join(dir, "back.sh")
	if out, err := b.command("scp", "box:copy.sh", back).CombinedOutput(); err != nil {
		b.Fatalf("scp from the sandbox: %v: %s", err, out)
	}
	if got, err := os.ReadFile(back); err != nil || string(got) != content {
		b.Errorf("%d bytes came back, %v", len(got), err)
	}
	batch := filepath.Join(dir, "batch")
	steps := "pwd\nmkdir d\nput " + file + " d/one\nrename d/one d/two\nln -s two d/link\nchmod 600 d/two\nls -l d\nrm d/link\nrm d/two\nrmdir d\n"
	if err := os.WriteFile(batch, []byte(steps), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := b.command("sftp", "-b", batch, "box").CombinedOutput()
	for _, want := range []string{"Remote working directory: /home/daytona", "lrwxrwxrwx", "-rw-------    1 daytona  daytona"} {
		if err != nil || !strings.Contains(string(out), want) {
			b.Fatalf("sftp said no %q: %v: %s", want, err, out)
		}
	}
	refused := map[string]string{
		"what is not there": "get nothing " + dir, "a folder that is a file": "rmdir copy.sh", "out of the sandbox": "get ../../../../../.." + file + " " + dir,
	}
	if !b.wasm { // where everybody is one user
		refused["what is root's"] = "put " + file + " /etc/passwd"
	}
	for name, step := range refused {
		if err := os.WriteFile(batch, []byte(step+"\n"), 0o600); err != nil {
			b.Fatal(err)
		}
		if out, err := b.command("sftp", "-b", batch, "box").CombinedOutput(); err == nil {
			b.Errorf("%s: it was done: %s", name, out)
		}
	}
	out, err = b.command("scp", "-O", file, "box:legacy.sh").CombinedOutput()
	if b.wasm != (err != nil) || b.wasm && !strings.Contains(string(out), "leave -O out") {
		b.Errorf("scp -O: %v: %s", err, out)
	}
}

// serveFolder serves a folder with a page on a port of the sandbox.
func (b *sshBox) serveFolder(port string) {
	b.Helper()
	b.must("mkdir -p www && echo page >www/index.html")
	if b.wasm {
		b.background("box", "serve www --port "+port)
		return
	}
	b.must("nohup python3 -m http.server " + port + " --bind 127.0.0.1 --directory www >/dev/null 2>&1 </dev/null &")
}

func sshLocalForwarding(b *sshBox) {
	b.serveFolder("8123")
	local, socks := freePort(b), freePort(b)
	b.background("-N", "-L", local+":localhost:8123", "-D", "127.0.0.1:"+socks, "-o", "ExitOnForwardFailure=yes", "box")
	get := func(client *http.Client, address string) func() error {
		return func() error {
			resp, err := client.Get(address)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "page\n" {
				return fmt.Errorf("got %s %q, %w", resp.Status, body, err)
			}
			return nil
		}
	}
	plain := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	b.eventually("-L", get(plain, "http://127.0.0.1:"+local+"/"))
	proxy := &url.URL{Scheme: "socks5h", Host: "127.0.0.1:" + socks}
	through := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyURL(proxy)}}
	b.eventually("-D", get(through, "http://localhost:8123/"))
	for _, refused := range []string{"http://example.org/", "http://169.254.169.254/", "http://localhost:8124/"} {
		if err := get(through, refused)(); err == nil {
			b.Errorf("%s was reached", refused)
		}
	}
	if _, errs, _ := b.run(nil, "-o", "LogLevel=INFO", "-W", "192.168.0.1:80"); !strings.Contains(errs, "only ports of this sandbox") {
		b.Errorf("another host: %q", errs)
	}
}

func sshRemoteForwarding(b *sshBox) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				all, _ := io.ReadAll(c)
				_, _ = c.Write(bytes.ToUpper(all))
			}()
		}
	}()
	forward := "8222:" + l.Addr().String()
	if b.wasm {
		_, errs, code := b.run(nil, "-R", forward, "true")
		if code != 0 || !strings.Contains(errs, "has no sockets") {
			b.Errorf("exit %d, %q", code, errs)
		}
		return
	}
	out := b.must("-o", "ExitOnForwardFailure=yes", "-R", forward, `python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 8222)); s.sendall(b"hello"); s.shutdown(1); print(s.recv(9))'`)
	if out != "b'HELLO'\n" {
		b.Errorf("got %q", out)
	}
	if _, errs, _ := b.run(nil, "-R", "80:"+l.Addr().String(), "true"); !strings.Contains(errs, "root's alone") {
		b.Errorf("port 80: %q", errs)
	}
}

func sshSockets(b *sshBox) {
	if !b.wasm {
		b.must(`nohup python3 -c 'import socket
s = socket.socket(socket.AF_UNIX); s.bind("/tmp/s"); s.listen()
while True:
    c, _ = s.accept(); c.sendall(b"from the socket"); c.close()' >/dev/null 2>&1 </dev/null &`)
		b.must("until [ -S /tmp/s ]; do sleep 0.1; done")
	}
	local := filepath.Join(b.TempDir(), "s")
	b.background("-N", "-L", local+":/tmp/s", "box")
	b.eventually("the local socket", func() error {
		c, err := net.Dial("unix", local)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		got, err := io.ReadAll(c)
		if want := map[bool]string{true: "", false: "from the socket"}[b.wasm]; string(got) != want {
			return fmt.Errorf("got %q, %w", got, err)
		}
		return nil
	})
}

// sshGit clones from and pushes to a repository in the sandbox.
func sshGit(b *sshBox) {
	if b.wasm {
		_, errs, code := b.run(nil, "git-upload-pack repo")
		if code == 0 || errs == "" {
			b.Errorf("exit %d, %q", code, errs)
		}
		return
	}
	b.must("git init -q --bare -b main repo")
	dir := filepath.Join(b.TempDir(), "clone")
	git := func(args ...string) {
		b.Helper()
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Env = append(os.Environ(), "GIT_SSH_COMMAND=ssh -F "+b.config, "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	git("clone", "-q", "ssh://box/home/daytona/repo", dir)
	git("-C", dir, "commit", "-q", "--allow-empty", "-m", "first words")
	git("-C", dir, "push", "-q", "origin", "HEAD:main")
	if out := b.must("git -C repo log --format=%s main"); out != "first words\n" {
		b.Errorf("got %q", out)
	}
}

// sshEditor does what editors with a remote part do: a script on the input of a
// shell starts a server and says where, and connections to it share the line.
func sshEditor(b *sshBox) {
	if b.wasm {
		out, _, code := b.run(strings.NewReader("echo start-$((40+2))\nuname -s\necho end\n"), "bash")
		if code != 0 || !strings.HasPrefix(out, "start-42\n") || !strings.HasSuffix(out, "end\n") {
			b.Errorf("exit %d, %q", code, out)
		}
		return
	}
	socks := freePort(b)
	cmd := b.command("ssh", "-T", "-D", "127.0.0.1:"+socks, "box", "bash")
	cmd.Stdin = strings.NewReader(`mkdir -p www; echo page >www/index.html
nohup python3 -u -c 'import functools, http.server as h
class Handler(h.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if "Upgrade" not in self.headers: return super().do_GET()
        self.send_response(101)
        self.send_header("Connection", "Upgrade"); self.send_header("Upgrade", "echo"); self.end_headers()
        for line in self.rfile: self.wfile.write(line)
s = h.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory="www"))
print("listening", s.server_port, flush=True); s.serve_forever()' >server.log 2>&1 </dev/null &
until grep -q listening server.log; do sleep 0.1; done
echo "marker==port==$(sed 's/listening //' server.log)=="
sleep 300
`)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	parts := strings.Split(line, "==")
	if err != nil || len(parts) != 4 {
		b.Fatalf("got %q, %v", line, err)
	}
	address := "http://127.0.0.1:" + parts[2] + "/"
	through := &http.Client{Timeout: patience, Transport: &http.Transport{MaxConnsPerHost: 8, Proxy: http.ProxyURL(&url.URL{Scheme: "socks5h", Host: "127.0.0.1:" + socks})}}
	talk := b.upgrade(through, address)
	talk("before")
	failed := make(chan error, 40)
	for range cap(failed) {
		go func() {
			resp, err := through.Get(address)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			b.Error(err)
		}
	}
	talk("after others came and went")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	// The server outlives the line that it was started by, and is found by the next.
	b.background("-T", "-D", "127.0.0.1:"+socks, "box", "sleep 300")
	b.eventually("the next line", func() error {
		resp, err := through.Get(address)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	})
	b.upgrade(through, address)("on the next line")
}

// upgrade makes a connection of two ways out of a request, as a WebSocket does, and
// returns what says a line there and waits for its echo.
func (b *sshBox) upgrade(client *http.Client, address string) (talk func(string)) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := client.Transport.RoundTrip(req) // a client with a timeout has no two ways
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("an upgrade: %v, %v", resp, err)
	}
	conn := resp.Body.(io.ReadWriteCloser)
	b.Cleanup(func() { _ = conn.Close() })
	lines := bufio.NewReader(conn)
	return func(text string) {
		b.Helper()
		_, _ = io.WriteString(conn, text+"\n") // a line that is lost has no echo
		if line, err := lines.ReadString('\n'); line != text+"\n" {
			b.Errorf("%q came back as %q, %v", text, line, err)
		}
	}
}

// sshShared runs several sessions over one connection, and copies files beside them.
func sshShared(b *sshBox) {
	control := filepath.Join(b.TempDir(), "c")
	b.background("-N", "-M", "-S", control, "box")
	b.eventually("the master", func() error { return b.command("ssh", "-S", control, "-O", "check", "box").Run() })
	// A tree of files goes there and back meanwhile.
	dir := b.TempDir()
	deep := filepath.Join("tree", "a", "b")
	if err := os.MkdirAll(filepath.Join(dir, deep), 0o700); err != nil {
		b.Fatal(err)
	}
	const files = 40
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, deep, fmt.Sprint(i)), bytes.Repeat([]byte{byte(i)}, 5000), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	batch := filepath.Join(dir, "batch")
	if err := os.WriteFile(batch, fmt.Appendf(nil, "put -r %s\nget -r tree %s\n", filepath.Join(dir, "tree"), filepath.Join(dir, "back")), 0o600); err != nil {
		b.Fatal(err)
	}
	copied := make(chan error, 1)
	go func() {
		out, err := b.command("sftp", "-o", "ControlPath="+control, "-b", batch, "box").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		copied <- err
	}()
	results := make(chan string, 8)
	for i := range cap(results) {
		go func() {
			out, err := b.command("ssh", "-S", control, "box", fmt.Sprintf("sleep 0.2; echo %d", i)).CombinedOutput()
			if err == nil && strings.TrimSpace(string(out)) == fmt.Sprint(i) {
				out = nil
			} else if err != nil {
				out = append(out, err.Error()...)
			}
			results <- string(out)
		}()
	}
	for range cap(results) {
		if problem := <-results; problem != "" {
			b.Error(problem)
		}
	}
	if err := <-copied; err != nil {
		b.Fatalf("sftp: %v", err)
	}
	for i := range files {
		name := filepath.Join("a", "b", fmt.Sprint(i))
		if got, err := os.ReadFile(filepath.Join(dir, "back", name)); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, 5000)) {
			b.Errorf("%s came back as %d bytes, %v", name, len(got), err)
		}
	}
}

// sshTokens lets nobody in who has no good token, and throws those out whose
// token is no longer good.
func sshTokens(b *sshBox) {
	validate := func(token string) (v struct {
		Valid     bool
		SandboxID string
	}) {
		b.Helper()
		if err := b.api.Call(b.Context(), http.MethodGet, "/api/sandbox/ssh-access/validate?token="+token, nil, &v); err != nil {
			b.Fatal(err)
		}
		return v
	}
	if v := validate(b.token); !v.Valid || v.SandboxID != b.id {
		b.Errorf("a good token: %+v", v)
	}
	if v := validate("ssh_forged"); v.Valid || v.SandboxID != "" {
		b.Errorf("a forged token: %+v", v)
	}
	_, errs, code := b.run(nil, "-o", "LogLevel=INFO", "-o", "User=ssh_forged", "true")
	if code != 255 || !strings.Contains(errs, "not known") {
		b.Errorf("a forged token: exit %d, %q", code, errs)
	}
	revoked := b.token
	b.endsWhile("revoked", func() {
		if err := b.api.Call(b.Context(), http.MethodDelete, "/api/sandbox/"+b.id+"/ssh-access?token="+revoked, nil, nil); err != nil {
			b.Fatal(err)
		}
	})
	if _, errs, code := b.run(nil, "-o", "LogLevel=INFO", "true"); code != 255 || !strings.Contains(errs, "no longer valid") {
		b.Errorf("a revoked token: exit %d, %q", code, errs)
	}
	if v := validate(revoked); v.Valid {
		b.Error("a revoked token is valid")
	}
	b.use(b.access("60"))
	b.endsWhile("revoked", func() {
		if err := b.api.Call(b.Context(), http.MethodDelete, "/api/sandbox/"+b.id+"/ssh-access", nil, nil); err != nil {
			b.Fatal(err)
		}
	})
	b.expires()
	for _, minutes := range []string{"0", "-1", "x", "1e9", "NaN"} {
		err := b.api.Call(b.Context(), http.MethodPost, "/api/sandbox/"+b.id+"/ssh-access?expiresInMinutes="+minutes, nil, nil)
		if !isStatus(err, http.StatusBadRequest) {
			b.Errorf("%s minutes: %v", minutes, err)
		}
	}
	if err := b.api.Call(b.Context(), http.MethodPost, "/api/sandbox/00000000-0000-0000-0000-000000000000/ssh-access", nil, nil); !isStatus(err, http.StatusNotFound) {
		b.Errorf("another's sandbox: %v", err)
	}
}

// expires holds that a session ends with its token. On a busy machine a connection
// can take longer than a short token is good for: another one is good for longer.
func (b *sshBox) expires() {
	b.Helper()
	for minutes := 0.05; ; minutes *= 2 {
		b.use(b.access(fmt.Sprint(minutes)))
		cmd, errs, err := b.session()
		if err == nil {
			b.ends(cmd, errs, "expired")
			return
		}
		_ = cmd.Wait()
		if why := errs.String(); minutes > 2 || !strings.Contains(why, "expired") && !strings.Contains(why, "no longer valid") {
			b.Fatalf("a token for %v minutes: %v: %s", minutes, err, why)
		}
	}
}

// endsWhile holds that a session which would run on ends when something is
// done, and that it is told why.
func (b *sshBox) endsWhile(why string, do func()) {
	b.Helper()
	cmd, errs, err := b.session()
	if err != nil {
		_ = cmd.Wait()
		b.Fatalf("%v: %s", err, errs.String())
	}
	do()
	b.ends(cmd, errs, why)
}

// session starts a session which would run on. It fails when the session is not
// heard of; errs is what the client says, to be read once it has ended.
func (b *sshBox) session() (cmd *exec.Cmd, errs *bytes.Buffer, err error) {
	b.Helper()
	cmd, errs = b.command("ssh", "-o", "LogLevel=INFO", "box", "echo ready; sleep 300"), new(bytes.Buffer)
	cmd.Stderr = errs
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		return cmd, errs, fmt.Errorf("got %q, %v", line, err)
	}
	return cmd, errs, nil
}

// ends holds that a session ends, and that it is told why.
func (b *sshBox) ends(cmd *exec.Cmd, errs *bytes.Buffer, why string) {
	b.Helper()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 255 || !strings.Contains(errs.String(), why) {
		b.Errorf("the session ended with %d and said %q, not why: %s", code, errs.String(), why)
	}
}

func sshStopped(b *sshBox) {
	stop := func() {
		if err := b.api.Call(b.Context(), http.MethodPost, "/api/sandbox/"+b.id+"/stop", nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.endsWhile("stopped", stop)
	if _, err := b.api.WaitState(b.Context(), b.id, "stopped"); err != nil {
		b.Fatal(err)
	}
	if _, errs, code := b.run(nil, "true"); code != 255 || !strings.Contains(errs, "is stopped: start it first") {
		b.Errorf("exit %d, %q", code, errs)
	}
	if err := b.api.Call(b.Context(), http.MethodPost, "/api/sandbox/"+b.id+"/start", nil, nil); err != nil {
		b.Fatal(err)
	}
	if out := b.must("echo again"); out != "again\n" {
		b.Errorf("got %q", out)
	}
	b.endsWhile("deleted", func() {
		if err := b.api.Delete(b.Context(), b.id); err != nil {
			b.Fatal(err)
		}
	})
	if _, errs, code := b.run(nil, "-o", "LogLevel=INFO", "true"); code != 255 || !strings.Contains(errs, "no longer valid") {
		b.Errorf("of a deleted sandbox: exit %d, %q", code, errs)
	}
}

// sshHangUp cuts the line: commands hear of it, and what was told to stay stays.
func sshHangUp(b *sshBox) {
	if b.wasm {
		b.cut("echo ready; sleep 300")
		b.eventually("the end of the command", func() error {
			if out := b.must("ps"); strings.Contains(out, "sleep 300") {
				return errors.New(out)
			}
			return nil
		})
		return
	}
	// The child inherits what is ignored: it is safe from its first moment.
	b.cut("trap '' HUP; (sleep 1; echo stayed >kept) & trap 'echo gone >heard; exit' HUP; echo ready; while :; do sleep 0.1; done")
	b.eventually("both files", func() error {
		if out, _, _ := b.run(nil, "cat heard kept"); out != "gone\nstayed\n" {
			return fmt.Errorf("got %q", out)
		}
		return nil
	})
}

// cut starts a command and kills the client when it is ready.
func (b *sshBox) cut(script string) {
	b.Helper()
	cmd := b.command("ssh", "box", script)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		b.Fatalf("got %q, %v", line, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestSSHRestart keeps the host key over restarts, tells sessions when the
// server ends, and can be off.
func TestSSHRestart(t *testing.T) {
	data := dataDir(t)
	srv := startServer(t, data)
	b := openSSHBox(t, srv, "wasm")
	b.must("echo kept >file")
	b.endsWhile("shutting down", func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	srv = startServer(t, data)
	b.api = rawclient.New(srv.URL, testserver.Key)
	b.token = ""
	if _, err := b.api.WaitState(t.Context(), b.id, "started", "stopped"); err != nil {
		t.Fatal(err)
	}
	if err := b.api.Call(t.Context(), http.MethodPost, "/api/sandbox/"+b.id+"/start", nil, nil); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(b.known)
	if err != nil {
		t.Fatal(err)
	}
	b.use(b.access("60"))
	out := b.must("-o", "HostKeyAlias=one", "cat file")
	after, err := os.ReadFile(b.known)
	key := strings.Fields(string(before))
	if err != nil || out != "kept\n" || len(key) < 3 || !strings.Contains(string(after), "one ssh-ed25519 "+key[2]) {
		t.Errorf("got %q; known before %s, after %s, %v", out, before, after, err)
	}
	off := startServer(t, dataDir(t), "--ssh-listen", "off")
	err = rawclient.New(off.URL, testserver.Key).Call(t.Context(), http.MethodPost, "/api/sandbox/any/ssh-access", nil, nil)
	var refused *rawclient.StatusError
	if !errors.As(err, &refused) || refused.Status != http.StatusNotImplemented || !json.Valid([]byte(refused.Body)) {
		t.Errorf("SSH is off: %v", err)
	}
}
