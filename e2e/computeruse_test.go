package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// screen is a sandbox with a started desktop.
type screen struct {
	*testing.T
	c       *rawclient.Client
	id, url string
}

// call calls an operation of the desktop, which must succeed.
func (s *screen) call(method, path string, in, out any) {
	s.Helper()
	if err := s.c.Toolbox(s.Context(), method, s.id, "/computeruse"+path, in, out); err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
}

func (s *screen) run(command string) string {
	s.Helper()
	result, err := s.c.Exec(s.Context(), s.id, command)
	if err != nil || result.ExitCode != 0 {
		s.Fatalf("%s: %d %s, %v", command, result.ExitCode, result.Result, err)
	}
	return result.Result
}

type object = map[string]any

type shownWindow struct {
	Title               string
	IsActive            bool
	X, Y, Width, Height int
}

// active returns the window that has the focus, if one has.
func (s *screen) active() shownWindow {
	s.Helper()
	var res struct{ Windows []shownWindow }
	s.call(http.MethodGet, "/display/windows", nil, &res)
	for _, w := range res.Windows {
		if w.IsActive {
			return w
		}
	}
	return shownWindow{}
}

// window waits until an application's window has the focus.
func (s *screen) window(title string) (w shownWindow) {
	s.Helper()
	waitToFind(s.T, "an active window "+title, func() (any, bool) {
		w = s.active()
		return w, strings.Contains(w.Title, title)
	})
	return w
}

type shownNode struct {
	ID     string
	Bounds struct{ X, Y, Width, Height int }
}

// node waits for the one thing in a window that assistive technologies find.
func (s *screen) node(what string, query object) shownNode {
	s.Helper()
	var found struct{ Matches []shownNode }
	waitToFind(s.T, what, func() (any, bool) {
		found.Matches = nil
		s.call(http.MethodPost, "/a11y/find", query, &found)
		return found.Matches, len(found.Matches) == 1
	})
	return found.Matches[0]
}

// holds waits until a file of the sandbox has a text.
func (s *screen) holds(file, want string) {
	s.Helper()
	waitToFind(s.T, fmt.Sprintf("%q in %s", want, file), func() (any, bool) {
		got := s.run("cat " + file)
		return fmt.Sprintf("%q, and the active window %q", got, s.active().Title), strings.TrimRight(got, "\n") == want
	})
}

const desktopSnapshot = "sandpiper-desktop"

// hasDesktops reports whether sandboxes with a desktop can be had. In CI they can.
func hasDesktops(t *testing.T) bool {
	t.Helper()
	out, err := exec.Command("docker", "image", "inspect", "sandpiper/desktop:1").CombinedOutput()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("the image of desktops is not there: %v\n%s", err, out)
	}
	return err == nil
}

func TestComputerUse(t *testing.T) {
	t.Parallel()
	if !hasDesktops(t) {
		t.Skip("desktops need Docker and the image that runtimes/docker/setup/images desktop makes")
	}
	server := startWithDocker(t, dataDir(t))
	c := rawclient.New(server.URL, testserver.Key)
	box, err := c.Create(t.Context(), desktopSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the server, which leaves sandboxes alone
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Delete(ctx, box.ID); err != nil {
			t.Error(err)
		}
		if _, err := c.WaitState(ctx, box.ID, "destroyed"); err != nil && !isStatus(err, http.StatusNotFound) {
			t.Error(err)
		}
	})
	s := &screen{t, c, box.ID, server.URL}
	if err := c.Toolbox(t.Context(), http.MethodGet, s.id, "/computeruse/screenshot", nil, nil); !isStatus(err, http.StatusBadRequest) {
		t.Errorf("a screenshot before the start: %v", err)
	}
	s.call(http.MethodPost, "/start", nil, nil)
	s.call(http.MethodPost, "/start", nil, nil) // twice is fine
	for _, part := range []struct {
		name string
		test func(*screen)
	}{
		{"order", (*screen).order}, // first, for its windows must not lie on each other
		{"focus", (*screen).focus},
		{"text", (*screen).text},
		{"screenshots", (*screen).screenshots},
		{"recording", (*screen).recording},
		{"follow", (*screen).follow},
		{"browser", (*screen).browser},
		{"life", (*screen).life}, // last, for it ends the desktop
	} {
		t.Run(part.name, func(t *testing.T) { part.test(&screen{t, c, box.ID, server.URL}) })
	}
}

// text types into an editor, reads it as assistive technologies do, and saves it.
func (s *screen) text() {
	const text = "Hello, Wörld! ÄÖ 日本語 привет 😀\n{}[]~|@"
	s.run("touch /tmp/note.txt; nohup mousepad /tmp/note.txt >/dev/null 2>&1 &")
	s.window("note.txt")
	s.call(http.MethodPost, "/keyboard/type", object{"text": text}, nil)
	editor := s.node("the editor's text", object{"role": "text", "states": []string{"multi line"}})
	s.call(http.MethodPost, "/keyboard/hotkey", object{"keys": "ctrl+s"}, nil)
	s.holds("/tmp/note.txt", text)
	s.call(http.MethodPost, "/a11y/node/value", object{"id": editor.ID, "value": "by value"}, nil)
	s.call(http.MethodPost, "/keyboard/key", object{"key": "s", "modifiers": []string{"ctrl"}}, nil)
	s.holds("/tmp/note.txt", "by value")
}

// edit opens a new editor with a file of two words.
func (s *screen) edit(file string) {
	s.run("echo word other >" + file + "; nohup mousepad --disable-server " + file + " >/dev/null 2>&1 &")
	s.window(file)
}

// closeEditors ends every editor. Windows that go away later would move the focus.
func (s *screen) closeEditors() {
	s.run("pkill -x mousepad; while pgrep -x mousepad; do sleep 0.05; done")
}

// busyManager has the window manager, which gives windows the focus, do nothing for a second.
func (s *screen) busyManager() {
	s.run("pkill -STOP -x xfwm4; (sleep 1; pkill -CONT -x xfwm4) >/dev/null 2>&1 &")
}

// focus closes a window by a key and types at once: what is typed goes to the
// window that has the focus next, which is not given before the manager knows.
func (s *screen) focus() {
	s.edit("/tmp/stays.txt")
	s.edit("/tmp/goes.txt")
	s.busyManager()
	s.call(http.MethodPost, "/keyboard/hotkey", object{"keys": "ctrl+q"}, nil)
	s.call(http.MethodPost, "/keyboard/type", object{"text": "new "}, nil)
	s.call(http.MethodPost, "/keyboard/hotkey", object{"keys": "ctrl+s"}, nil)
	s.holds("/tmp/stays.txt", "new word other")
	s.closeEditors()
}

// order clicks into a window that has not got the focus and types at once, while
// the window manager, which sees clicks first, takes its time: what is typed comes
// after both clicks, and to that window.
func (s *screen) order() {
	s.edit("/tmp/order.txt")
	text := s.node("the editor's text", object{"role": "text", "states": []string{"multi line"}})
	s.edit("/tmp/focus.txt")
	s.busyManager()
	s.call(http.MethodPost, "/mouse/click", object{"x": text.Bounds.X + 15, "y": text.Bounds.Y + 10, "double": true}, nil)
	s.call(http.MethodPost, "/keyboard/type", object{"text": "changed"}, nil)
	s.call(http.MethodPost, "/keyboard/hotkey", object{"keys": "ctrl+s"}, nil)
	s.holds("/tmp/order.txt", "changed other")
	s.holds("/tmp/focus.txt", "word other")
	s.closeEditors()
}

func (s *screen) screenshots() {
	s.call(http.MethodPost, "/mouse/move", object{"x": 33, "y": 44}, nil)
	var shot struct {
		Screenshot     string
		SizeBytes      int
		CursorPosition struct{ X, Y int }
	}
	s.call(http.MethodGet, "/screenshot/region/compressed?x=100&y=50&width=300&height=200&scale=0.5", nil, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Screenshot)
	if err != nil || len(data) != shot.SizeBytes || shot.CursorPosition.X != 33 || shot.CursorPosition.Y != 44 {
		s.Errorf("%d bytes, %+v, %v", len(data), shot.CursorPosition, err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil || picture.Bounds().Dx() != 150 || picture.Bounds().Dy() != 100 {
		s.Errorf("a picture of another size: %v", err)
	}
	for _, path := range []string{"/screenshot/region?x=0&y=0&width=5000&height=1", "/screenshot/compressed?format=gif", "/screenshot/compressed?scale=2"} {
		if err := s.c.Toolbox(s.Context(), http.MethodGet, s.id, "/computeruse"+path, nil, nil); !isStatus(err, http.StatusBadRequest) {
			s.Errorf("%s: %v", path, err)
		}
	}
}

func (s *screen) recording() {
	var film struct {
		ID, Status, FilePath string
		SizeBytes            int
	}
	s.call(http.MethodPost, "/recordings/start", object{"label": "../a film"}, &film)
	if err := s.c.Toolbox(s.Context(), http.MethodDelete, s.id, "/computeruse/recordings/"+film.ID, nil, nil); !isStatus(err, http.StatusConflict) {
		s.Errorf("delete an active recording: %v", err)
	}
	s.call(http.MethodPost, "/recordings/stop", object{"id": film.ID}, &film)
	if film.Status != "completed" || !strings.HasPrefix(film.FilePath, "/home/daytona/.daytona/recordings/") {
		s.Errorf("got %+v", film)
	}
	if size := s.run("ffprobe -v error -show_entries stream=width,height -of csv=p=0 " + film.FilePath); strings.TrimSpace(size) != "1280,800" {
		s.Errorf("the film has the size %q", size)
	}
	s.ranges(film.ID, film.SizeBytes)
	s.call(http.MethodDelete, "/recordings/"+film.ID, nil, nil)
}

// get asks for something of the desktop as a stream, which ends with the test.
func (s *screen) get(path string, header http.Header) *http.Response {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	s.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/toolbox/"+s.id+"/computeruse"+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+testserver.Key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// ranges downloads parts of a film, which are those of the whole.
func (s *screen) ranges(film string, size int) {
	part := func(wanted string) (int, []byte) {
		header := http.Header{}
		if wanted != "" {
			header.Set("Range", wanted)
		}
		res := s.get("/recordings/"+film+"/download", header)
		data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
		if err != nil {
			s.Fatalf("%s: %v", wanted, err)
		}
		return res.StatusCode, data
	}
	status, whole := part("")
	if status != http.StatusOK || len(whole) != size || size < 100 {
		s.Fatalf("the whole film: %d, %d bytes of %d", status, len(whole), size)
	}
	for wanted, want := range map[string][]byte{"bytes=0-7": whole[:8], "bytes=10-": whole[10:], "bytes=-5": whole[size-5:]} {
		if status, got := part(wanted); status != http.StatusPartialContent || !bytes.Equal(got, want) {
			s.Errorf("%s: %d, %d bytes", wanted, status, len(got))
		}
	}
	if status, _ := part("bytes=" + strconv.Itoa(size) + "-"); status != http.StatusRequestedRangeNotSatisfiable {
		s.Errorf("a range after the end: %d", status)
	}
}

// follow reads actions while callers make them, in both forms of the stream.
func (s *screen) follow() {
	var before struct{ Next int64 }
	s.call(http.MethodGet, "/actions", nil, &before)
	since := "/actions?follow=true&since=" + strconv.FormatInt(before.Next, 10)
	for name, header := range map[string]http.Header{"lines": {}, "events": {"Accept": {"text/event-stream"}}} {
		res := s.get(since, header)
		s.call(http.MethodPost, "/mouse/move", object{"x": 77, "y": 88}, nil)
		lines := bufio.NewScanner(res.Body)
		seen := false
		for !seen && lines.Scan() {
			var a struct {
				Number int64
				Kind   string
				At     struct{ X, Y int }
			}
			text := strings.TrimPrefix(lines.Text(), "data: ")
			seen = json.Unmarshal([]byte(text), &a) == nil && a.Number > before.Next && a.Kind == "mouse.move" && a.At.X == 77 && a.At.Y == 88
		}
		if !seen {
			s.Errorf("the stream of %s ended without the move: %d, %v", name, res.StatusCode, lines.Err())
		}
	}
}

// browser opens a page in Chromium and uses its button by what it tells of it.
func (s *screen) browser() {
	s.run(`echo '<title>Before</title><button onclick="document.title = String.fromCharCode(65, 102, 116, 101, 114)">Press this</button>' >/tmp/page.html`)
	s.run("nohup chromium /tmp/page.html >/dev/null 2>&1 &")
	s.window("Before")
	button := s.node("the button of the page", object{"scope": "all", "name": "Press this", "nameMatch": "exact", "states": []string{"focusable"}})
	s.call(http.MethodPost, "/a11y/node/focus", object{"id": button.ID}, nil)
	s.call(http.MethodPost, "/a11y/node/invoke", object{"id": button.ID}, nil)
	s.window("After")
}

// life ends a process of the desktop behind its back, and starts it again.
func (s *screen) life() {
	status := func() (string, error) {
		var res struct{ Status string }
		err := s.c.Toolbox(s.Context(), http.MethodGet, s.id, "/computeruse/status", nil, &res)
		return res.Status, err
	}
	s.run("pkill -KILL -x xfce4-session")
	waitToFind(s.T, "the crash to be seen", func() (any, bool) {
		now, err := status()
		return fmt.Sprint(now, err), now == "partial"
	})
	var log struct{ Errors string }
	s.call(http.MethodGet, "/process/xfce4/errors", nil, &log)
	if !strings.Contains(log.Errors, "ended by signal 9") {
		s.Errorf("the log does not tell of the end: %s", log.Errors)
	}
	s.call(http.MethodPost, "/process/xvfb/restart", nil, nil)
	if now, err := status(); now != "active" {
		s.Errorf("after a restart: %s, %v", now, err)
	}
	s.call(http.MethodPost, "/stop", nil, nil)
	if now, err := status(); now != "inactive" {
		s.Errorf("after a stop: %s, %v", now, err)
	}
	var actions struct {
		Actions []struct{ Kind, Parameters string }
	}
	s.call(http.MethodGet, "/actions", nil, &actions)
	for _, a := range actions.Actions {
		if strings.Contains(a.Parameters, "Wörld") {
			s.Errorf("the log has what was typed: %+v", a)
		}
	}
}
