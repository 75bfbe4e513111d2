package sandboxtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"sandpiper/sandbox"
)

// NewUUID returns a random UUID, as the IDs of sandboxes are.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Dialer is the part of an engine that reaches into sandboxes.
type Dialer interface {
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
}

// Execute runs a shell command through a sandbox's toolbox, on a connection of
// its own, and returns its output and exit code. An answer other than 200 is an
// error that has its status.
func Execute(ctx context.Context, d Dialer, s sandbox.Spec, command string) (result string, exitCode int, err error) {
	conn, err := d.Dial(ctx, s.ID, sandbox.ToolboxPort)
	if err != nil {
		return "", 0, fmt.Errorf("dial the toolbox: %w", err)
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	body, err := json.Marshal(map[string]any{"command": command, "timeout": 120})
	if err != nil {
		return "", 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://toolbox/process/execute", bytes.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(sandbox.TokenHeader, s.Token)
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("the toolbox answered %s: %s", resp.Status, answer)
	}
	var out struct {
		Result   string `json:"result"`
		ExitCode int    `json:"exitCode"`
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return "", 0, fmt.Errorf("the toolbox's answer %q: %w", answer, err)
	}
	return out.Result, out.ExitCode, nil
}
