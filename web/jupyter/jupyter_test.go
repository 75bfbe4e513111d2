package jupyter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/jupyter"
	"sandpiper/web/jupyter/message"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
)

// signedIn owns what those with a key have.
var signedIn = kernels.OwnerOf("", true)

// patience is how long a test waits for what takes milliseconds on an idle
// machine.
const patience = 30 * time.Second

// site is a server with the API over a keeper.
type site struct {
	*runtest.Server
	keeper  *kernels.Keeper
	engine  *sandboxtest.FakeKernels
	handler *jupyter.Handler
}

func open(t *testing.T, o runtest.Options) *site {
	t.Helper()
	s := &site{engine: sandboxtest.NewFakeKernels()}
	log := slog.New(slog.DiscardHandler)
	var err error
	s.keeper, err = kernels.New(t.Context(), kernels.Config{Engine: s.engine, Store: &sandboxtest.KernelSessionStore{}, Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.keeper.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Routes = func(desk run.Desk) web.Routes {
		s.handler = jupyter.New(jupyter.Config{Keeper: s.keeper, Guard: desk.Guard, Version: "test", Log: log})
		return s.handler
	}
	s.Server = runtest.New(t, o)
	t.Cleanup(s.handler.Close) // before the server, which waits for its connections
	return s
}

// call sends a request with a key's token and decodes the answer.
func (s *site) call(t *testing.T, method, path, body string, status int) map[string]any {
	t.Helper()
	res, content := s.send(t, method, path, body, "token "+runtest.Key)
	if res.StatusCode != status {
		t.Fatalf("%s %s = %d %s, want %d", method, path, res.StatusCode, content, status)
	}
	var v map[string]any
	if status != http.StatusNoContent {
		if err := json.Unmarshal(content, &v); err != nil {
			t.Fatalf("%s %s = %s: %v", method, path, content, err)
		}
	}
	return v
}

func (s *site) list(t *testing.T, path string) []map[string]any {
	t.Helper()
	_, content := s.send(t, "GET", path, "", "token "+runtest.Key)
	var v []map[string]any
	if err := json.Unmarshal(content, &v); err != nil {
		t.Fatalf("GET %s = %s: %v", path, content, err)
	}
	return v
}

func (s *site) send(t *testing.T, method, path, body, authorization string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/jupyter/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, content
}

func TestTokens(t *testing.T) {
	for _, tt := range []struct {
		name, path, authorization string
		closed                    bool
		status                    int
	}{
		{"a token", "api", "token " + runtest.Key, true, 200},
		{"a token in other letters", "api", "Token  " + runtest.Key, true, 200},
		{"a bearer token", "api", "Bearer " + runtest.Key, true, 200},
		{"in the query", "api?token=" + runtest.Key, "", true, 200},
		{"the header counts", "api?token=" + runtest.Key, "token wrong", true, 401},
		{"a wrong token", "api", "token wrong", true, 401},
		{"a wrong token in the query", "api?token=wrong", "", true, 401},
		{"none", "api", "", true, 401},
		{"an empty one", "api?token=", "", true, 401},
		{"none on an open server", "api", "", false, 401},
		{"a wrong one on an open server", "api?token=wrong", "", false, 401},
		{"another scheme", "api", "Basic eDp5", false, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, runtest.Options{Closed: tt.closed})
			res, content := s.send(t, "GET", tt.path, "", tt.authorization)
			if res.StatusCode != tt.status {
				t.Fatalf("the status is %d: %s", res.StatusCode, content)
			}
			var answer struct{ Version, Message string }
			if err := json.Unmarshal(content, &answer); err != nil || (answer.Version == "") == (tt.status == 200) || (answer.Message == "") != (tt.status == 200) {
				t.Errorf("the answer is %s", content)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("pages of other origins: %q", got)
			}
		})
	}
}

func TestSpecs(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	all := s.call(t, "GET", "api/kernelspecs", "", 200)
	specs, _ := all["kernelspecs"].(map[string]any)
	if all["default"] != "python3" || len(specs) != 2 || specs["script"] == nil {
		t.Fatalf("the specs are %v", all)
	}
	one := s.call(t, "GET", "api/kernelspecs/python3", "", 200)
	spec, _ := one["spec"].(map[string]any)
	if one["name"] != "python3" || spec["language"] != "python" || spec["display_name"] != "Python 3.12.0 (Sandpiper)" || spec["argv"] == nil {
		t.Errorf("the spec is %v", one)
	}
	s.call(t, "GET", "api/kernelspecs/cobol", "", 404)
}

func TestKernels(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	kernel := s.call(t, "POST", "api/kernels", `{"name":"script","path":"a/b.ipynb","env":{"A":"1"}}`, 201)
	id, _ := kernel["id"].(string)
	// What jupyter_server takes for an id.
	if !regexp.MustCompile(`^\w+-\w+-\w+-\w+-\w+$`).MatchString(id) || kernel["name"] != "script" || kernel["execution_state"] != "idle" {
		t.Fatalf("the kernel is %v", kernel)
	}
	if it, err := s.keeper.Get(signedIn, strings.ReplaceAll(id, "-", "")); err != nil || it.Name != "b.ipynb" {
		t.Fatalf("its session is %+v, %v", it, err)
	}
	if got := s.call(t, "GET", "api/kernels/"+id, "", 200); got["id"] != id {
		t.Errorf("the kernel is %v", got)
	}
	s.call(t, "POST", "api/kernels", "", 201) // the default
	if all := s.list(t, "api/kernels"); len(all) != 2 || all[0]["name"] != "python3" {
		t.Errorf("the kernels are %v", all)
	}
	if status := s.call(t, "GET", "api/status", "", 200); status["kernels"] != 2.0 || status["connections"] != 0.0 {
		t.Errorf("the status is %v", status)
	}
	s.call(t, "POST", "api/kernels/"+id+"/interrupt", "", 204)
	s.call(t, "POST", "api/kernels/"+id+"/restart", "", 200)
	guest, err := s.keeper.Create(t.Context(), kernels.OwnerOf("address:x", false), kernels.NewSession{Language: "script"})
	if err != nil {
		t.Fatal(err)
	}
	s.call(t, "GET", "api/kernels/"+guest.ID, "", 404) // somebody else's
	s.call(t, "DELETE", "api/kernels/"+id, "", 204)
	s.call(t, "DELETE", "api/kernels/"+id, "", 404)
	s.call(t, "POST", "api/kernels", `{"name":"cobol"}`, 404)
	s.call(t, "POST", "api/kernels", `{"name":`, 400)
	s.call(t, "POST", "api/kernels", `{"name":1}`, 422)
}

func TestNotebooks(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	made := s.call(t, "POST", "api/sessions", `{"path":"x/one.ipynb","name":"one","type":"notebook","kernel":{"name":"python3"}}`, 201)
	again := s.call(t, "POST", "api/sessions", `{"notebook":{"path":"x/one.ipynb"},"kernel":{"name":"script"}}`, 201)
	id, _ := made["id"].(string)
	kernel := made["kernel"].(map[string]any)["id"].(string)
	if again["id"] != id || made["path"] != "x/one.ipynb" || made["type"] != "notebook" || kernel == "" {
		t.Fatalf("the session is %v, and then %v", made, again)
	}
	moved := s.call(t, "PATCH", "api/sessions/"+id, `{"path":"two.ipynb","name":"two"}`, 200)
	if moved["path"] != "two.ipynb" || moved["name"] != "two" || s.keeper.List(signedIn)[0].Name != "two.ipynb" {
		t.Errorf("after a move it is %v", moved)
	}

	// Another kernel takes the place of the first one, which ends.
	changed := s.call(t, "PATCH", "api/sessions/"+id, `{"kernel":{"name":"script"}}`, 200)
	if changed["id"] != id || changed["kernel"].(map[string]any)["name"] != "script" || len(s.keeper.List(signedIn)) != 1 {
		t.Errorf("with another kernel it is %v", changed)
	}
	second := changed["kernel"].(map[string]any)["id"].(string)
	shared := s.call(t, "POST", "api/sessions", `{"path":"three.ipynb","kernel":{"id":"`+second+`"}}`, 201)
	if all := s.list(t, "api/sessions"); len(all) != 2 || shared["kernel"].(map[string]any)["id"] != second {
		t.Errorf("the sessions are %v", all)
	}
	if got := s.call(t, "GET", "api/sessions/"+id, "", 200); got["path"] != "two.ipynb" {
		t.Errorf("the session is %v", got)
	}

	// A kernel without a notebook has one of its own name.
	bare := s.call(t, "POST", "api/kernels", `{"name":"python3"}`, 201)["id"]
	if got := s.call(t, "GET", "api/sessions/"+bare.(string), "", 200); got["path"] == "" || got["kernel"].(map[string]any)["id"] != bare {
		t.Errorf("the session is %v", got)
	}
	s.call(t, "DELETE", "api/sessions/"+id, "", 204)
	if all := s.list(t, "api/sessions"); len(all) != 1 || all[0]["id"] != bare {
		t.Errorf("the sessions are %v", all)
	}
	s.call(t, "GET", "api/sessions/"+id, "", 404)
	s.call(t, "POST", "api/sessions", `{"kernel":{"name":"python3"}}`, 422)
	s.call(t, "POST", "api/sessions", `{"path":"p","kernel":{"id":"nobody"}}`, 404)
	s.call(t, "POST", "api/sessions", `{"path":"`+strings.Repeat("x", 2000)+`"}`, 422)
}

// Some clients make a file before they start a kernel, rename it, and delete it
// at the end.
func TestContents(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	root := s.call(t, "GET", "api/contents", "", 200)
	if root["type"] != "directory" || len(root["content"].([]any)) != 0 {
		t.Errorf("the root is %v", root)
	}
	s.call(t, "GET", "api/contents/", "", 200)
	file := s.call(t, "POST", "api/contents/", `{"type":"notebook","ext":".ipynb"}`, 201)
	path, _ := file["path"].(string)
	if file["type"] != "notebook" || !strings.HasSuffix(path, ".ipynb") {
		t.Errorf("the file is %v", file)
	}
	if moved := s.call(t, "PATCH", "api/contents/"+path, `{"path":"../../b/c.ipynb"}`, 200); moved["path"] != "b/c.ipynb" || moved["name"] != "c.ipynb" {
		t.Errorf("the file is %v", moved)
	}
	s.call(t, "DELETE", "api/contents/b/c.ipynb", "", 204)
	s.call(t, "GET", "api/contents/b/c.ipynb", "", 404)
	s.call(t, "PUT", "api/contents/b/c.ipynb", `{}`, 501)
	s.call(t, "POST", "api/contents", `{"type":"directory"}`, 501)
	s.call(t, "PATCH", "api/contents/x", `{}`, 422)
}

func TestMe(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	if me := s.call(t, "GET", "api/me", "", 200); me["identity"].(map[string]any)["username"] != "key:k1" {
		t.Errorf("the caller is %v", me)
	}
}

// client is a WebSocket to a kernel.
type client struct {
	t       *testing.T
	conn    *websocket.Conn
	framing message.Framing
	author  message.Author
}

func (s *site) kernel(t *testing.T) string {
	t.Helper()
	return s.call(t, "POST", "api/kernels", `{"name":"python3"}`, 201)["id"].(string)
}

func (s *site) dial(t *testing.T, kernel string, subprotocols ...string) *client {
	t.Helper()
	return s.dialAs(t, runtest.Key, kernel, subprotocols...)
}

// dialAs connects with a key, as the session that has its name.
func (s *site) dialAs(t *testing.T, key, kernel string, subprotocols ...string) *client {
	t.Helper()
	url := "ws" + strings.TrimPrefix(s.URL, "http") + "/jupyter/api/kernels/" + kernel + "/channels?session_id=" + key + "&token=" + key
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: subprotocols})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn, message.Framing(conn.Subprotocol()), message.Author{Session: "c", Username: "u"}}
}

// send sends a message and returns its id.
func (c *client) send(channel message.Channel, kind string, content any) string {
	c.t.Helper()
	m, err := c.author.Write(channel, kind, nil, content)
	if err != nil {
		c.t.Fatal(err)
	}
	data, isBinary, err := c.framing.Encode(m)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(data, isBinary)
	return m.Head.ID
}

func (c *client) write(data []byte, isBinary bool) {
	c.t.Helper()
	kind := websocket.MessageText
	if isBinary {
		kind = websocket.MessageBinary
	}
	if err := c.conn.Write(c.t.Context(), kind, data); err != nil {
		c.t.Fatal(err)
	}
}

// heard is a message of the server.
type heard struct {
	Channel string
	Header  message.Header
	Parent  message.Header `json:"parent_header"`
	Content map[string]any
}

func (c *client) read() (heard, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	kind, data, err := c.conn.Read(ctx)
	if err != nil {
		return heard{}, err
	}
	if (kind == websocket.MessageBinary) != (c.framing == message.V1) {
		c.t.Errorf("a message is of type %v", kind)
	}
	if c.framing == message.V1 {
		data = asJSON(c.t, data)
	}
	var h heard
	return h, json.Unmarshal(data, &h)
}

// until reads messages up to one of a type and returns them.
func (c *client) until(kind string) []heard {
	c.t.Helper()
	var all []heard
	for {
		h, err := c.read()
		if err != nil {
			c.t.Fatalf("no %s came: %v, after %v", kind, err, all)
		}
		all = append(all, h)
		if h.Header.Type == kind {
			return all
		}
	}
}

// execute runs a cell and returns what is said of it up to its idle.
func (c *client) execute(code string) []string {
	c.t.Helper()
	id := c.send(message.Shell, "execute_request", map[string]any{"code": code})
	var said []string
	for {
		h, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		if h.Parent.ID != id {
			continue
		}
		text := h.Channel + " " + h.Header.Type
		for _, name := range []string{"execution_state", "text", "ename"} {
			if v, ok := h.Content[name].(string); ok {
				text += " " + v
			}
		}
		if data, ok := h.Content["data"].(map[string]any); ok {
			text += " " + data["text/plain"].(string)
		}
		said = append(said, text)
		if h.Content["execution_state"] == "idle" {
			return said
		}
	}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestChannels(t *testing.T) {
	for _, subprotocol := range []string{"", message.V1} {
		t.Run("subprotocol "+subprotocol, func(t *testing.T) {
			s := open(t, runtest.Options{Closed: true})
			kernel := s.kernel(t)
			var wanted []string
			if subprotocol != "" {
				wanted = []string{subprotocol}
			}
			c := s.dial(t, kernel, wanted...)
			if string(c.framing) != subprotocol {
				t.Fatalf("the subprotocol is %q", c.framing)
			}
			c.send(message.Shell, "kernel_info_request", struct{}{})
			info := c.until("kernel_info_reply")
			if got := info[len(info)-1]; got.Channel != "shell" || got.Content["protocol_version"] != "5.5" || got.Content["language_info"].(map[string]any)["version"] != "3.12.0" {
				t.Errorf("the kernel is %+v", got)
			}
			equal(t, c.execute("print hi"), "iopub status busy", "iopub execute_input", "iopub stream hi\n", "shell execute_reply", "iopub status idle")
			equal(t, c.execute("raise ValueError why"), "iopub status busy", "iopub execute_input", "iopub error ValueError", "shell execute_reply ValueError", "iopub status idle")
			c.execute("set x 4")
			equal(t, c.execute("value x"), "iopub status busy", "iopub execute_input", "iopub execute_result 4", "shell execute_reply", "iopub status idle")

			c.send(message.Shell, "execute_request", map[string]any{"code": "readline"})
			asked := c.until("input_request")
			if got := asked[len(asked)-1]; got.Channel != "stdin" || got.Content["prompt"] != "" || got.Content["password"] != false {
				t.Errorf("the question is %+v", got)
			}
			c.send(message.Stdin, "input_reply", map[string]any{"value": "me"})
			if told := c.until("stream"); told[len(told)-1].Content["text"] != "me\n" {
				t.Errorf("the program said %+v", told)
			}

			c.send(message.Shell, "execute_request", map[string]any{"code": "print on\nloop"})
			c.until("stream")
			s.call(t, "POST", "api/kernels/"+kernel+"/interrupt", "", 204)
			c.until("error")
			c.send(message.Shell, "execute_request", map[string]any{"code": "print on\nloop"})
			c.until("stream")
			c.send(message.Control, "interrupt_request", struct{}{})
			c.until("error")
			equal(t, c.execute("value x")[2:3], "iopub execute_result 4")

			s.call(t, "POST", "api/kernels/"+kernel+"/restart", "", 200)
			equal(t, c.execute("value x")[2:3], "iopub error NameError")
			s.call(t, "DELETE", "api/kernels/"+kernel, "", 204)
			c.until("shutdown_reply")
			if dead := c.until("status"); dead[0].Content["execution_state"] != "dead" {
				t.Errorf("the kernel is %v", dead)
			}
		})
	}
}

// All clients of a kernel see what it does, and answers go to the one that asked.
func TestTwoClients(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	kernel := s.kernel(t)
	c := s.dial(t, kernel)
	url := "ws" + strings.TrimPrefix(s.URL, "http") + "/jupyter/api/kernels/" + kernel + "/channels"
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"token " + runtest.Key}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	watcher := &client{t, conn, "", message.Author{}}
	watcher.send(message.Shell, "kernel_info_request", struct{}{}) // it is connected now
	watcher.until("kernel_info_reply")
	watcher.until("status")
	c.execute("print hi")
	var kinds []string
	for len(kinds) < 4 {
		h, err := watcher.read()
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, h.Header.Type)
	}
	equal(t, kinds, "status", "execute_input", "stream", "status")
	if got := s.call(t, "GET", "api/kernels/"+kernel, "", 200); got["connections"] != 2.0 {
		t.Errorf("the kernel is %v", got)
	}
}

func TestChannelsRefuse(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	kernel := s.kernel(t)
	url := "ws" + strings.TrimPrefix(s.URL, "http") + "/jupyter/api/kernels/"
	for _, tt := range []struct {
		name, path string
		status     int
	}{
		{"no token", kernel + "/channels", 401},
		{"a wrong token", kernel + "/channels?token=wrong", 401},
		{"no kernel", "nobody/channels?token=" + runtest.Key, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, res, err := websocket.Dial(t.Context(), url+tt.path, nil)
			if err == nil || res == nil || res.StatusCode != tt.status {
				t.Errorf("Dial = %v, %v", res, err)
			}
		})
	}
	for _, tt := range []struct {
		name, framing string
		isBinary      bool
		data          string
		code          websocket.StatusCode
	}{
		{"no JSON", "", false, "hello", websocket.StatusPolicyViolation},
		{"no header", "", false, `{"channel":"shell"}`, websocket.StatusPolicyViolation},
		{"half a frame", message.V1, true, "\x07\x00\x00\x00", websocket.StatusPolicyViolation},
		{"text instead of a frame", message.V1, false, "{}", websocket.StatusPolicyViolation},
		{"too large", "", false, strings.Repeat(" ", message.MaxBytes+1), websocket.StatusMessageTooBig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.dial(t, kernel, tt.framing)
			c.write([]byte(tt.data), tt.isBinary)
			if _, err := c.read(); websocket.CloseStatus(err) != tt.code {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
	s.call(t, "GET", "api/kernels/"+kernel+"/channels", "", http.StatusUpgradeRequired)
}

func TestChannelsEndWithTheToken(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	c := s.dial(t, s.kernel(t))
	s.Revoke(t, "k1")
	for {
		_, err := c.read()
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4401 || !strings.Contains(closed.Reason, "revoked") {
			t.Errorf("the connection ended with %v", err)
		}
		return
	}
}

// Cells end with the key of the client that began them, also when that has left, and
// those of others go on.
func TestCellsEndWithTheirKey(t *testing.T) {
	for name, leave := range map[string]bool{"the client is there": false, "the client has left": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, runtest.Options{Closed: true})
			kernel := s.kernel(t)
			stays, goes := s.dial(t, kernel), s.dialAs(t, runtest.OtherKey, kernel)
			goes.send(message.Shell, "execute_request", map[string]any{"code": "print begun\nloop", "stop_on_error": false})
			stays.until("stream")
			goes.send(message.Shell, "execute_request", map[string]any{"code": "print never"})
			after := stays.send(message.Shell, "execute_request", map[string]any{"code": "print after"})
			stays.send(message.Shell, "comm_info_request", struct{}{})
			stays.until("comm_info_reply") // so it waits
			if leave {
				_ = goes.conn.CloseNow()
			}
			s.Revoke(t, "k2")
			var said []string
			for _, m := range stays.until("execute_reply") {
				if m.Header.Type == "error" {
					said = append(said, fmt.Sprint(m.Content["evalue"]))
				} else if m.Header.Type == "stream" {
					said = append(said, fmt.Sprint(m.Content["text"]))
				}
				if m.Header.Type == "execute_reply" && m.Parent.ID != after {
					t.Errorf("another reply: %v", m)
				}
			}
			if len(said) != 2 || !strings.Contains(said[0], "revoked") || said[1] != "after\n" {
				t.Errorf("said %q", said)
			}
		})
	}
}

// What a client missed while its line was down comes when it is back, and cells
// go on meanwhile.
func TestReconnect(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	kernel := s.kernel(t)
	c := s.dial(t, kernel)
	c.send(message.Shell, "execute_request", map[string]any{"code": "print on\nloop"})
	c.until("stream")
	_ = c.conn.CloseNow()
	for deadline := time.Now().Add(patience); s.call(t, "GET", "api/kernels/"+kernel, "", 200)["connections"] != 0.0; {
		if time.Now().After(deadline) {
			t.Fatal("the server does not notice that its client is gone")
		}
	}
	s.call(t, "POST", "api/kernels/"+kernel+"/interrupt", "", 204)
	c = s.dial(t, kernel)
	got := c.until("execute_reply")
	if got[0].Header.Type != "error" {
		t.Errorf("it heard %+v", got)
	}
}

// A cell that came by another way than Jupyter is waited for.
func TestOtherCell(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	kernel := s.kernel(t)
	other, err := s.keeper.Start(signedIn, strings.ReplaceAll(kernel, "-", ""), kernels.Cell{Cell: sandbox.Cell{Code: "set x 1\nloop"}})
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial(t, kernel)
	c.send(message.Shell, "execute_request", map[string]any{"code": "value x"})
	c.until("execute_input") // it is about to be executed, or waits already
	c.send(message.Control, "interrupt_request", struct{}{})
	if got := c.until("execute_reply"); len(got) == 0 || got[len(got)-1].Content["status"] != "ok" {
		t.Errorf("the cell said %+v", got)
	}
	if _, err := other.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// When the process of a kernel ends, its clients learn it, and the kernel goes on.
func TestDeath(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	c := s.dial(t, s.kernel(t))
	if got := c.execute("die"); !slices.Contains(got, "iopub error InternalError") || got[len(got)-1] != "iopub status idle" {
		t.Errorf("the kernel said %q", got)
	}
	if got := c.execute("print hi"); !slices.Contains(got, "iopub stream hi\n") {
		t.Errorf("the kernel said %q", got)
	}
}

// A server that shuts down ends its connections.
func TestHangUp(t *testing.T) {
	s := open(t, runtest.Options{Closed: true})
	c := s.dial(t, s.kernel(t))
	s.handler.HangUp()
	if _, err := c.read(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the connection ended with %v", err)
	}
}

// asJSON turns a frame of V1 into a JSON message, as the protocol's description
// has it.
func asJSON(t *testing.T, data []byte) []byte {
	t.Helper()
	parts, err := split(data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(map[string]any{
		"channel": string(parts[0]), "header": json.RawMessage(parts[1]), "parent_header": json.RawMessage(parts[2]),
		"metadata": json.RawMessage(parts[3]), "content": json.RawMessage(parts[4]),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func split(data []byte) ([][]byte, error) {
	var parts [][]byte
	n := int(word(data, 0))
	for i := 1; i < n; i++ {
		from, to := word(data, i), word(data, i+1)
		if from > to || to > uint64(len(data)) {
			return nil, io.ErrUnexpectedEOF
		}
		parts = append(parts, data[from:to])
	}
	return parts, nil
}

func word(data []byte, i int) (v uint64) {
	for j := 7; j >= 0; j-- {
		v = v<<8 | uint64(data[8*i+j])
	}
	return v
}
