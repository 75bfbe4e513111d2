package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sandpiper/e2e/testserver"
)

// readyTimeout bounds the preparation of all languages on a cold cache.
const readyTimeout = 5 * time.Minute

type client struct {
	srv  *testserver.Server
	http *http.Client
}

type language struct{ ID, Engine, State, Stage, Hello string }

func newClient(srv *testserver.Server) *client {
	return &client{srv: srv, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}}
}

func (c *client) languages(ctx context.Context) ([]language, error) {
	req, err := c.srv.Request(ctx, "GET", "/v1/languages", nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct{ Languages []language }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read the languages: %w", err)
	}
	return answer.Languages, nil
}

// waitReady waits until no language is preparing and refuses failed ones.
func (c *client) waitReady(ctx context.Context) ([]language, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		languages, err := c.languages(ctx)
		if err != nil {
			return nil, err
		}
		preparing := 0
		for _, l := range languages {
			switch l.State {
			case "preparing":
				preparing++
			case "failed":
				return nil, fmt.Errorf("%s is not available: %s", l.ID, l.Stage)
			}
		}
		if preparing == 0 {
			return languages, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// timing is what a client saw of one run.
type timing struct {
	firstByte time.Duration // to the first byte of the program's own output
	total     time.Duration // to the end of the answer
	memory    int64         // the run's peak, as reported
}

// run runs code over the event stream and fails unless the program ends well.
func (c *client) run(ctx context.Context, lang, code string) (timing, error) {
	body, err := json.Marshal(map[string]any{"language": lang, "code": code})
	if err != nil {
		return timing{}, err
	}
	req, err := c.srv.Request(ctx, "POST", "/v1/run", bytes.NewReader(body))
	if err != nil {
		return timing{}, err
	}
	req.Header.Set("Accept", "text/event-stream")
	started := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return timing{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return timing{}, fmt.Errorf("%s: %s", resp.Status, b)
	}
	return readEvents(resp.Body, started)
}

func readEvents(r io.Reader, started time.Time) (timing, error) {
	var t timing
	var event string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
			if t.firstByte == 0 && (event == "stdout" || event == "display") {
				t.firstByte = time.Since(started)
			}
			continue
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || event != "exit" {
			continue
		}
		t.total = time.Since(started)
		var result struct {
			Status, Stderr string
			MemoryBytes    int64 `json:"memory_bytes"`
		}
		if err := json.Unmarshal([]byte(data), &result); err != nil {
			return t, fmt.Errorf("read the result: %w", err)
		}
		t.memory = result.MemoryBytes
		if result.Status != "ok" {
			return t, fmt.Errorf("the run ended with %s: %s", result.Status, result.Stderr)
		}
	}
	if t.total == 0 {
		return t, fmt.Errorf("the stream ended without a result: %w", lines.Err())
	}
	return t, nil
}
