package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// TestOtherClients sends what the official clients for Go, Python, the command line
// and MCP send and the one for TypeScript does not: those cannot be installed where
// these tests run. It is what their own acceptance tests do first.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	server := startWithDocker(t, dataDir(t))
	waitForLanguages(t, server)
	for _, snapshot := range snapshots(t) {
		t.Run(snapshot, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			o := &otherClient{Client: rawclient.New(server.URL, testserver.Key), t: t, ctx: ctx}
			o.create(snapshot)
			t.Run("commands", o.commands)
			t.Run("files", o.files)
			t.Run("terminal", o.terminal)
			t.Run("logs over a broken line", o.brokenLogs)
			t.Run("lists", o.lists)
			t.Run("main process", o.mainProcess)
			t.Run("workspace", func(t *testing.T) { o.workspace(t, snapshot) })
		})
	}
}

type otherClient struct {
	*rawclient.Client
	t   *testing.T
	ctx context.Context
	id  string
}

// create asks with all that the command line always sends.
func (o *otherClient) create(snapshot string) {
	o.t.Helper()
	in := map[string]any{
		"snapshot": snapshot, "target": "us", "labels": map[string]string{"code-toolbox-language": "python"}, "public": false,
		"networkBlockAll": false, "autoStopInterval": 15, "autoArchiveInterval": 10080, "autoDeleteInterval": -1,
	}
	var s rawclient.Sandbox
	if err := o.Call(o.ctx, "POST", "/api/sandbox", in, &s); err != nil {
		o.t.Fatal(err)
	}
	o.id = s.ID
	o.t.Cleanup(func() {
		if err := o.Delete(context.WithoutCancel(o.ctx), s.ID); err != nil {
			o.t.Error(err)
		}
	})
	if _, err := o.WaitState(o.ctx, s.ID, "started"); err != nil {
		o.t.Fatal(err)
	}
}

// commands are as MCP wraps them, and as the command line sends a time-out: a
// number with a fraction in its language.
func (o *otherClient) commands(t *testing.T) {
	for command, want := range map[string]string{
		`/bin/sh -c 'cd /tmp && pwd'`:                 "/tmp\n",
		`/bin/sh -c 'echo "a b" && echo '"'"'c'"'"''`: "a b\nc\n",
		"python - <<'PY'\nprint(6 * 7)\nPY":           "42\n",
	} {
		var r rawclient.ExecResult
		in := json.RawMessage(fmt.Sprintf(`{"command":%s,"timeout":60.0}`, quoted(command)))
		if err := o.Toolbox(o.ctx, "POST", o.id, "/process/execute", in, &r); err != nil || r.Result != want {
			t.Errorf("%s: %+v, %v", command, r, err)
		}
	}
	err := o.Toolbox(o.ctx, "POST", o.id, "/process/execute", map[string]any{"command": "sleep 30", "timeout": 1}, nil)
	if err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a command that is cut off: %v", err) // the Go client looks for the word
	}
}

// brokenLogs follows the log of a command and breaks the line again and again: no
// byte is lost, and none comes twice.
func (o *otherClient) brokenLogs(t *testing.T) {
	for name, follow := range map[string]func(t *testing.T, path string, offset int64, most int) (got []byte, from int64, ended bool){
		"stream": o.stream, "socket": o.socket,
	} {
		t.Run(name, func(t *testing.T) {
			var cmd struct{ CmdID string }
			command := `i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; echo error $i >&2; sleep 0.02; done`
			if err := o.Toolbox(o.ctx, "POST", o.id, "/process/session", map[string]any{"sessionId": name}, nil); err != nil {
				t.Fatal(err)
			}
			if err := o.Toolbox(o.ctx, "POST", o.id, "/process/session/"+name+"/exec", map[string]any{"command": command, "runAsync": true}, &cmd); err != nil {
				t.Fatal(err)
			}
			path := "/process/session/" + name + "/command/" + cmd.CmdID + "/logs"
			var all []byte
			cuts := 0
			for ended := false; !ended; cuts++ {
				var got []byte
				var from int64
				if got, from, ended = follow(t, path, int64(len(all)), 150); from != int64(len(all)) {
					t.Fatalf("asked for what comes from %d on, and got it from %d on", len(all), from)
				}
				all = append(all, got...)
			}
			whole, _, _ := o.stream(t, path, 0, 1<<20)
			if !bytes.Equal(all, whole) || bytes.Count(all, []byte("line")) != 60 || bytes.Count(all, []byte("error")) != 60 || cuts < 3 {
				t.Errorf("with %d cuts there were %q, and the log is %q", cuts, all, whole)
			}
		})
	}
}

// stream follows a log from an offset on until it ends or there is enough, and
// returns what it got without prefixes.
func (o *otherClient) stream(t *testing.T, path string, offset int64, most int) (got []byte, from int64, ended bool) {
	req, err := http.NewRequestWithContext(o.ctx, "GET", fmt.Sprintf("%s/toolbox/%s%s?follow=true&offset=%d", o.URL, o.id, path, offset), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.Key)
	res, err := o.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() // which breaks the line
	if from, err = strconv.ParseInt(res.Header.Get("X-Log-Offset"), 10, 64); err != nil {
		t.Fatalf("%s: no offset in %v", res.Status, res.Header)
	}
	for body := bufio.NewReader(res.Body); len(got) < most; {
		b, err := body.ReadByte()
		if err == io.EOF {
			return got, from, true
		}
		if err != nil {
			t.Fatal(err)
		}
		if b > 2 { // no byte of a prefix
			got = append(got, b)
		}
	}
	return got, from, false
}

// socket is stream over a WebSocket.
func (o *otherClient) socket(t *testing.T, path string, offset int64, most int) (got []byte, from int64, ended bool) {
	conn, _, err := websocket.Dial(o.ctx, fmt.Sprintf("%s/toolbox/%s%s?follow=true&offset=%d", o.URL, o.id, path, offset), &websocket.DialOptions{
		HTTPClient: o.HTTP, HTTPHeader: http.Header{"Authorization": {"Bearer " + o.Key}}, Subprotocols: []string{"sandpiper-log.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	from = offset
	for len(got) < most {
		kind, data, err := conn.Read(o.ctx)
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return got, from, true
		}
		if err != nil {
			t.Fatal(err)
		}
		if kind == websocket.MessageBinary {
			got = append(got, data[3:]...)
			continue
		}
		var place struct{ Offset int64 }
		if err := json.Unmarshal(data, &place); err != nil || len(got) > 0 {
			t.Fatalf("after %d bytes comes %q", len(got), data)
		}
		from = place.Offset
	}
	return got, from, false
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string can be written
	return string(b)
}

// files are uploaded as a form with one file, and downloaded as they are.
func (o *otherClient) files(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "daytona-upload-1")
	if err != nil {
		t.Fatal(err)
	}
	content := []byte{0, 1, 2, 0x7f, 0xff}
	_, _ = part.Write(content) // to memory
	_ = w.Close()
	req, err := http.NewRequestWithContext(o.ctx, "POST", o.URL+"/toolbox/"+o.id+"/files/upload?path=deep/down/binary.bin", &form)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.Key)
	req.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := o.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the upload answers %s", resp.Status)
	}
	body, err := o.Download(o.ctx, o.id, "deep/down/binary.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%v comes back as %v, %v", content, got, err)
	}
}

// terminal makes a terminal and connects to it in one step, its environment in the
// list of subprotocols.
func (o *otherClient) terminal(t *testing.T) {
	env := base64.RawURLEncoding.EncodeToString([]byte(`{"GREETING":"ahoy"}`))
	conn, _, err := websocket.Dial(o.ctx, o.URL+"/toolbox/"+o.id+"/process/pty/create-connect?id=other&cols=100&rows=30", &websocket.DialOptions{
		HTTPClient: o.HTTP, HTTPHeader: http.Header{"Authorization": {"Bearer " + o.Key}, "X-Daytona-Source": {"sdk-go"}},
		Subprotocols: []string{"X-Daytona-Pty-Exit-Control", "X-Daytona-Pty-Envs~" + env},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var shown, control strings.Builder
	for typed := false; ; {
		kind, data, err := conn.Read(o.ctx)
		if err != nil {
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("it ends with %v", err)
			}
			break
		}
		if kind == websocket.MessageBinary {
			shown.Write(data)
			continue
		}
		control.Write(data)
		if !typed {
			typed = true
			if err := conn.Write(o.ctx, websocket.MessageBinary, []byte("echo $GREETING there; exit 3\n")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !strings.Contains(shown.String(), "ahoy there") {
		t.Errorf("it shows %q", shown.String())
	}
	for _, want := range []string{`"connected"`, `"exited"`, `"exitCode":3`} {
		if !strings.Contains(control.String(), want) {
			t.Errorf("its messages %s lack %s", control.String(), want)
		}
	}
}

// lists have each value of a filter in a parameter of its own, numbers with a
// fraction, and times to the nanosecond.
func (o *otherClient) lists(t *testing.T) {
	var page struct{ Items []rawclient.Sandbox }
	err := o.Call(o.ctx, "GET", "/api/sandbox?limit=10&states=started&states=stopped&minCpu=1&createdAtAfter=2020-01-01T00%3A00%3A00.123456789Z&id="+o.id, nil, &page)
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != o.id {
		t.Errorf("%+v, %v", page, err)
	}
}

// mainProcess is what their tests ask of a sandbox that has none.
func (o *otherClient) mainProcess(t *testing.T) {
	if err := o.Toolbox(o.ctx, "GET", o.id, "/process/session/entrypoint/logs", nil, nil); err != nil {
		t.Error(err)
	}
}

// workspace goes through the life of one by the old API, as Donmai's workers have it.
func (o *otherClient) workspace(t *testing.T, snapshot string) {
	var w struct{ ID, State string }
	if err := o.Call(o.ctx, "POST", "/api/workspace", map[string]any{"snapshot": snapshot, "user": "daytona", "autoStopInterval": 30}, &w); err != nil {
		t.Fatal(err)
	}
	for w.State == "creating" {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-o.ctx.Done():
			t.Fatal("it is not there in time")
		}
		if err := o.Call(o.ctx, "GET", "/api/workspace/"+w.ID, nil, &w); err != nil {
			t.Fatal(err)
		}
	}
	if w.State != "started" {
		t.Errorf("it is %s", w.State)
	}
	if err := o.Call(o.ctx, "DELETE", "/api/workspace/"+w.ID+"?force=true", nil, nil); err != nil {
		t.Error(err)
	}
}
