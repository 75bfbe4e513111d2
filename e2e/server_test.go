package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sandpiper/e2e/testserver"
)

// binary is what make build leaves, seen from this package.
const binary = "../bin/sandpiper"

// patience is how long anything that is waited for may take. It is for the
// smallest and busiest machine: only what is broken takes as long.
const patience = 2 * time.Minute

// dataDir returns a data folder for the test, whose compilation caches, the
// server's and its worker's, are kept from one test run to the next.
func dataDir(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	keepCaches(t, data)
	return data
}

// keepCaches makes the compilation caches of a data folder those that are kept.
func keepCaches(t *testing.T, data string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	kept := filepath.Join(cache, "sandpiper-e2e")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	worker := filepath.Join(data, "workers", "0")
	workers := filepath.Join(kept, "workers")
	for _, dir := range []string{worker, workers} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{filepath.Join(data, "cache"): kept, filepath.Join(worker, "cache"): workers} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
}

// startServer starts a server without containers, which is killed in the end.
func startServer(t *testing.T, data string, args ...string) *testserver.Server {
	t.Helper()
	srv, err := testserver.Start(t.Context(), testserver.Config{Binary: binary, Data: data, Args: append(args, "--docker=off"), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Kill)
	return srv
}

// startWithDocker starts a server that uses Docker where it answers, and returns
// when it has looked at it. In the end it is stopped, and nothing of it is left there.
func startWithDocker(t *testing.T, data string) *testserver.Server {
	t.Helper()
	t.Cleanup(func() { purge(t, data) })
	srv, err := testserver.Start(t.Context(), testserver.Config{Binary: binary, Data: data, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	if dockerAnswers() {
		waitForRunners(t, srv)
	}
	return srv
}

type result struct {
	ID, Status, Stdout, Stderr, Signal, Message string
	ExitCode                                    int `json:"exit_code"`
}

// runProgram runs code over POST /v1/run and returns the status code and the result.
func runProgram(ctx context.Context, srv *testserver.Server, language, code string) (int, result, error) {
	body, err := json.Marshal(map[string]string{"language": language, "code": code})
	if err != nil {
		return 0, result{}, err
	}
	req, err := srv.Request(ctx, http.MethodPost, "/v1/run", bytes.NewReader(body))
	if err != nil {
		return 0, result{}, err
	}
	return fetch(req)
}

func fetch(req *http.Request) (int, result, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, result{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, result{}, err
	}
	var r result
	if err := json.Unmarshal(b, &r); err != nil {
		return resp.StatusCode, r, fmt.Errorf("read %q: %w", b, err)
	}
	return resp.StatusCode, r, nil
}

func mustRun(t *testing.T, srv *testserver.Server, language, code string) result {
	t.Helper()
	status, r, err := runProgram(t.Context(), srv, language, code)
	if err != nil || status != http.StatusOK {
		t.Fatalf("POST /v1/run: status %d, %v", status, err)
	}
	return r
}

func TestRunsEveryLanguage(t *testing.T) {
	srv := startServer(t, dataDir(t))
	programs := map[string]string{
		"python":     "print(6 * 7)",
		"javascript": "console.log(6 * 7)",
		"typescript": "const n: number = 6 * 7; console.log(n)",
		"ruby":       "puts 6 * 7",
		"lua":        "print(6 * 7)",
		"sql":        "select 6 * 7;",
	}
	for language, code := range programs {
		if r := mustRun(t, srv, language, code); r.Status != "ok" || !strings.Contains(r.Stdout, "42") {
			t.Errorf("%s: %+v", language, r)
		}
	}
}

func TestSignInLinkWorksOnce(t *testing.T) {
	srv := startServer(t, dataDir(t))
	link := signInURL(t, srv)
	for _, visit := range []struct{ want, unwanted string }{{"<textarea", "not used"}, {"sign", "<textarea"}} {
		jar, _ := cookiejar.New(nil)
		browser := &http.Client{Jar: jar}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Contains(page, []byte(visit.want)) || bytes.Contains(page, []byte(visit.unwanted)) {
			t.Errorf("%s: want a page with %q, got %v, %v", resp.Request.URL.Path, visit.want, resp.Status, err)
		}
		if resp.StatusCode == http.StatusOK && strings.Contains(resp.Request.URL.String(), "token=") {
			t.Error("a good token stays in the address bar")
		}
	}
}

func TestNothingIsLostByKill(t *testing.T) {
	data := dataDir(t)
	srv := startServer(t, data)
	done := mustRun(t, srv, "python", "print('kept')")
	busy := make(chan error, 1)
	go func() {
		_, _, err := runProgram(context.Background(), srv, "python", "open('begun', 'w').close()\nwhile True: pass")
		busy <- err
	}()
	waitFor(t, "the program's file", func() bool { return len(runFiles(t, data, "begun")) > 0 })
	srv.Kill()
	if err := <-busy; err == nil {
		t.Error("a run of a killed server got an answer")
	}
	srv = startServer(t, data)
	if left := runFolders(t, data); len(left) > 0 {
		t.Errorf("folders of dead runs are left: %v", left)
	}
	req, err := srv.Request(t.Context(), http.MethodGet, "/v1/runs/"+done.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, _, err := fetch(req)
	if err != nil || status != http.StatusOK {
		t.Errorf("the finished run is gone after a kill: status %d, %v", status, err)
	}
	if r := mustRun(t, srv, "python", "print('again')"); r.Stdout != "again\n" {
		t.Errorf("after the restart: %+v", r)
	}
}

func runFolders(t *testing.T, data string) []string {
	t.Helper()
	return runFiles(t, data, "")
}

// runFiles returns the files of a name that programs have in their folders.
// Folders alone say little: they are made ahead.
func runFiles(t *testing.T, data, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "workers", "*", "runs", "*", name))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	waitToFind(t, what, func() (any, bool) { return "nothing", ok() })
}

// waitToFind waits until what is found is right, and shows it when it is not.
func waitToFind(t *testing.T, what string, look func() (found any, ok bool)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		found, ok := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s; found %+v", what, found)
		}
	}
}

func TestShutdownLetsRunsEnd(t *testing.T) {
	data := dataDir(t)
	srv := startServer(t, data)
	mustRun(t, srv, "python", "print('warm')")
	type answer struct {
		status int
		result result
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		status, r, err := runProgram(context.Background(), srv, "python", "import time; open('begun', 'w').close(); time.sleep(1.5); print('finished')")
		answers <- answer{status, r, err}
	}()
	waitFor(t, "the program's file", func() bool { return len(runFiles(t, data, "begun")) > 0 })
	if err := srv.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if a := <-answers; a.err != nil || a.result.Stdout != "finished\n" || a.result.Status != "ok" {
		t.Errorf("the run that was going on: %+v", a)
	}
}

// TestWithoutDocker starts where no Docker engine answers, with no flag that says
// so: what needs none works, what needs one says so, and the end is a good one.
func TestWithoutDocker(t *testing.T) {
	srv, err := testserver.Start(t.Context(), testserver.Config{
		Binary: binary, Data: dataDir(t), Log: t.Output(), Env: []string{"DOCKER_HOST=unix://" + filepath.Join(t.TempDir(), "none.sock")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Kill)
	if r := mustRun(t, srv, "javascript", "console.log(1)"); r.Stdout != "1\n" {
		t.Errorf("JavaScript: %+v", r)
	}
	status, r, err := runProgram(t.Context(), srv, "bash", "echo 1")
	if err != nil || status == http.StatusOK && (r.Status == "ok" || !strings.Contains(r.Message, "docker")) {
		t.Errorf("Bash: status %d, %+v, %v", status, r, err)
	}
	if err := srv.Stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
}

func TestOneServerPerDataFolder(t *testing.T) {
	data := dataDir(t)
	startServer(t, data)
	second := exec.CommandContext(t.Context(), binary, "serve", "--listen", "127.0.0.1:0", "--data", data)
	out, err := second.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("another sandpiper uses this data folder")) {
		t.Errorf("second server: %v\n%s", err, out)
	}
}

func TestDoctor(t *testing.T) {
	data := dataDir(t)
	doctor := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), binary, "doctor", "--data", data).CombinedOutput()
		return string(out), err
	}
	before, err := doctor()
	if err != nil || !strings.Contains(before, "ok       python") || !strings.Contains(before, "sandpiper serve starts one") {
		t.Errorf("doctor without a server: %v\n%s", err, before)
	}
	srv := startServer(t, data)
	mustRun(t, srv, "python", "print(1)")
	beside, err := doctor()
	if err != nil || !regexp.MustCompile(`ready +python`).MatchString(beside) {
		t.Errorf("doctor beside a server: %v\n%s", err, beside)
	}
}
