package ui_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"sandpiper/web/run/runtest"
)

func TestRunsArePagedAndFiltered(t *testing.T) {
	s := newServer(t, options{})
	mine := []string{"Authorization", "Bearer " + runtest.Key}
	s.post(t, "/", program("exit 1"), mine...)
	for range 50 {
		s.post(t, "/", program("print"), mine...)
	}
	res, body := s.get(t, "/runs", mine...)
	wants(t, res, body, 200, "Finished", "!Failed, exit 1", "!Newest runs", "Older runs", "/runs/events?")
	older := regexp.MustCompile(`href="(/runs\?before=[a-z0-9]{26})"`).FindStringSubmatch(body)
	if older == nil {
		t.Fatalf("nothing leads to older runs:\n%s", body)
	}
	res, body = s.get(t, older[1], mine...)
	wants(t, res, body, 200, "Failed, exit 1", "!Finished, exit 0", "Newest runs", "!Older runs")
	res, body = s.get(t, "/runs?status=error&language=script", mine...)
	wants(t, res, body, 200, "Failed, exit 1", "!Finished, exit 0", "Show all")
	res, body = s.get(t, "/runs?language=slow", mine...)
	wants(t, res, body, 200, "No run is like that", "!Nothing here yet")
	res, body = s.get(t, "/runs?status=happy", mine...)
	wants(t, res, body, 422, "no status", "That cannot be done", `href="/runs">Show what there is`)
	res, body = s.get(t, "/runs?before=gone", mine...)
	wants(t, res, body, 404, "kept no longer")
	res, body = s.get(t, older[1], "Authorization", "Bearer "+runtest.OtherKey)
	wants(t, res, body, 404)
}

func TestRunsAppearByThemselves(t *testing.T) {
	s := newServer(t, options{})
	mine := []string{"Authorization", "Bearer " + runtest.Key}
	srv := httptest.NewServer(s)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/runs/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(mine[0], mine[1])
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	wait := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", want, lines.Err())
	}
	wait("Nothing here yet")
	s.post(t, "/", program("print"), mine...)
	wait("Finished, exit 0")
	if res, _ := s.get(t, "/runs/events"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger got %s", res.Status)
	}
}
