package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
)

// pattern is a body of so many bytes that takes no memory.
type pattern struct{ left int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.left))
	for i := range b[:n] {
		b[i] = byte(i)
	}
	p.left -= int64(n)
	return n, nil
}

func TestLargeBodiesTakeNoMemory(t *testing.T) {
	const size = 96 << 20
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			_, _ = io.Copy(w, &pattern{size})
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	peak := make(chan uint64)
	stop := make(chan struct{})
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		var highest uint64
		for {
			select {
			case <-stop:
				peak <- highest
				return
			case <-time.After(5 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapAlloc)
			}
		}
	}()
	address := srv.URL + "/toolbox/" + id + "/files/"
	r, err := http.NewRequestWithContext(t.Context(), "POST", address+"upload-v2?path=a", &pattern{size})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.ContentLength = size
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(res.Body); string(b) != strconv.Itoa(size) {
		t.Errorf("uploaded %s", b)
	}
	res.Body.Close()
	r, err = http.NewRequestWithContext(t.Context(), "GET", address+"download?path=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if res, err = http.DefaultClient.Do(r); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("downloaded %d: %v", n, err)
	}
	res.Body.Close()
	close(stop)
	if grown := int64(<-peak) - int64(before.HeapAlloc); grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestStreamsOutliveTheServersLimits(t *testing.T) {
	seen := make(chan struct{}) // closed once the client has the first byte
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" { // a slow upload
			b, err := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b), err)
			return
		}
		for i := range 5 {
			fmt.Fprint(w, i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-seen:
			case <-r.Context().Done():
				return
			}
			time.Sleep(step)
		}
	})
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/toolbox/"+id+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(res.Body, first); err != nil || first[0] != '0' {
		t.Errorf("the first byte is %q, %v", first, err)
	}
	close(seen)
	if rest, err := io.ReadAll(res.Body); string(rest) != "1234" || err != nil {
		t.Errorf("the rest %q, %v", rest, err)
	}
	body, feed := io.Pipe()
	go func() {
		for i := range 5 {
			fmt.Fprint(feed, i)
			time.Sleep(step)
		}
		feed.Close()
	}()
	if _, got := do(t, "POST", srv.URL+"/toolbox/"+id+"/files/upload-v2", body, "Authorization", "Bearer "+key); got != "01234<nil>" {
		t.Errorf("a slow upload arrived as %q", got)
	}
}

func TestAnnouncedBodiesAndCancellation(t *testing.T) {
	there, gone := make(chan struct{}), make(chan struct{})
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/wait":
			close(there)
			<-r.Context().Done()
			close(gone)
		case r.URL.Path == "/refuse":
			w.WriteHeader(413)
		default:
			b, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b))
		}
	})
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	t.Cleanup(client.CloseIdleConnections)
	send := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/toolbox/"+id+path, strings.NewReader("announced"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Expect", "100-continue")
		r.Header.Set("Authorization", "Bearer "+key)
		began := time.Now()
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if time.Since(began) > 30*time.Second {
			t.Errorf("%s: nobody wanted the body", path)
		}
		return res.StatusCode, string(b)
	}
	if status, body := send("/take"); status != 200 || body != "announced" {
		t.Errorf("got %d %q", status, body)
	}
	if status, _ := send("/refuse"); status != 413 {
		t.Errorf("got %d", status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-there
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/toolbox/"+id+"/wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Error("an answer to what was given up")
	}
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Error("the toolbox was not told that the client has gone")
	}
}

func TestWebSockets(t *testing.T) {
	srv, f := start(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"X-Daytona-SDK-Version~1.0"}})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for {
			kind, message, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			if string(message) == "bye" {
				_ = ws.Close(4008, `{"exitCode":3}`)
				return
			}
			_ = ws.Write(r.Context(), kind, bytes.ToUpper(message))
		}
	})
	address := "ws" + strings.TrimPrefix(srv.URL, "http") + "/toolbox/" + id + "/process/pty/1/connect"
	ws, res, err := websocket.Dial(t.Context(), address+"?DAYTONA_SANDBOX_AUTH_KEY=preview-1", &websocket.DialOptions{
		Subprotocols: []string{"X-Daytona-SDK-Version~1.0"}, HTTPHeader: http.Header{"Origin": {"http://elsewhere.test"}},
	})
	if err != nil {
		t.Fatalf("%v %v", err, res)
	}
	defer ws.CloseNow()
	if ws.Subprotocol() != "X-Daytona-SDK-Version~1.0" {
		t.Errorf("subprotocol %q", ws.Subprotocol())
	}
	for range 3 {
		time.Sleep(serverLimit / 2) // past the server's limits
		if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.Read(t.Context()); string(got) != "HELLO" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = ws.Write(t.Context(), websocket.MessageText, []byte("bye"))
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != 4008 || !strings.Contains(err.Error(), "exitCode") {
		t.Errorf("close: %v", err)
	}
	f.err = sandbox.Errorf(sandbox.KindConflict, "stopped")
	f.box.Incarnation = 2 // nothing is left in the pool
	_, res, err = websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}})
	if err == nil || res == nil || res.StatusCode != 409 {
		t.Errorf("a stopped sandbox: %v %v", res, err)
	}
}
