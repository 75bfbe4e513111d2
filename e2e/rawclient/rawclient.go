// Package rawclient speaks the sandbox API over plain HTTP, as curl would, for
// tests and benchmarks that must see exactly what is on the wire.
package rawclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coder/websocket"
)

// maxAnswer bounds a JSON answer, in bytes.
const maxAnswer = 16 << 20

// Client calls one server. It is safe for concurrent use.
type Client struct {
	URL  string // of the server, without a slash at the end
	Key  string
	HTTP *http.Client
}

// Sandbox is what a client needs of the wire's sandbox.
type Sandbox struct {
	ID, Name, State, DesiredState, ErrorReason string
	Snapshot                                   string
	Recoverable                                bool
	ToolboxProxyURL                            string `json:"toolboxProxyUrl"`
}

// ExecResult is the answer of the toolbox to a command.
type ExecResult struct {
	ExitCode int    `json:"exitCode"`
	Result   string `json:"result"`
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	Body   string
}

// Error implements error.
func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }

// New returns a client with a connection pool of its own.
func New(url, key string) *Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 128
	return &Client{URL: url, Key: key, HTTP: &http.Client{Transport: t}}
}

// Create creates a sandbox from a snapshot, "" for the default one, and waits
// until it is started.
func (c *Client) Create(ctx context.Context, snapshot string) (Sandbox, error) {
	var s Sandbox
	body := map[string]any{}
	if snapshot != "" {
		body["snapshot"] = snapshot
	}
	if err := c.Call(ctx, http.MethodPost, "/api/sandbox", body, &s); err != nil {
		return s, err
	}
	if s.State == "started" {
		return s, nil
	}
	return c.WaitState(ctx, s.ID, "started")
}

// WaitState polls a sandbox until it is in one of the states; an error state
// that is not asked for ends the wait.
func (c *Client) WaitState(ctx context.Context, id string, states ...string) (Sandbox, error) {
	for {
		s, err := c.Get(ctx, id)
		if err != nil {
			return s, err
		}
		if slices.Contains(states, s.State) {
			return s, nil
		}
		if s.State == "error" {
			return s, fmt.Errorf("sandbox %s is in state error: %s", id, s.ErrorReason)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return s, fmt.Errorf("sandbox %s is still %s: %w", id, s.State, ctx.Err())
		}
	}
}

// Get returns a sandbox.
func (c *Client) Get(ctx context.Context, id string) (s Sandbox, err error) {
	err = c.Call(ctx, http.MethodGet, "/api/sandbox/"+url.PathEscape(id), nil, &s)
	return s, err
}

// List returns all sandboxes.
func (c *Client) List(ctx context.Context) (all []Sandbox, err error) {
	cursor := ""
	for {
		var page struct {
			Items      []Sandbox
			NextCursor *string
		}
		if err := c.Call(ctx, http.MethodGet, "/api/sandbox?limit=200&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}

// Delete deletes a sandbox.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.Call(ctx, http.MethodDelete, "/api/sandbox/"+url.PathEscape(id), nil, nil)
}

// Exec runs a command in a sandbox's toolbox.
func (c *Client) Exec(ctx context.Context, id, command string) (r ExecResult, err error) {
	err = c.Toolbox(ctx, http.MethodPost, id, "/process/execute", map[string]any{"command": command, "timeout": 120}, &r)
	return r, err
}

// Toolbox calls an operation of a sandbox's toolbox.
func (c *Client) Toolbox(ctx context.Context, method, id, path string, in, out any) error {
	return c.Call(ctx, method, "/toolbox/"+id+path, in, out)
}

// Upload writes size bytes from r to a file.
func (c *Client) Upload(ctx context.Context, id, path string, r io.Reader, size int64) error {
	req, err := c.request(ctx, http.MethodPost, "/toolbox/"+id+"/files/upload-v2?path="+url.QueryEscape(path), r)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	return c.do(req, nil)
}

// Download returns a file's content; the caller closes it.
func (c *Client) Download(ctx context.Context, id, path string) (io.ReadCloser, error) {
	req, err := c.request(ctx, http.MethodGet, "/toolbox/"+id+"/files/download?path="+url.QueryEscape(path), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, statusError(resp)
	}
	return resp.Body, nil
}

// PTY makes a terminal and connects to it.
func (c *Client) PTY(ctx context.Context, id, pty string) (*websocket.Conn, error) {
	in := map[string]any{"id": pty, "cols": 120, "rows": 40}
	if err := c.Toolbox(ctx, http.MethodPost, id, "/process/pty", in, nil); err != nil {
		return nil, err
	}
	conn, _, err := websocket.Dial(ctx, c.URL+"/toolbox/"+id+"/process/pty/"+pty+"/connect", &websocket.DialOptions{
		HTTPClient: c.HTTP,
		HTTPHeader: http.Header{"Authorization": {"Bearer " + c.Key}},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return conn, nil
}

// Call sends a request with in as its JSON body, if there is one, and decodes
// the answer into out, if that is not nil. An answer that is not a success is a
// *StatusError.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, out)
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	return req, nil
}

func (c *Client) do(req *http.Request, out any) error {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return statusError(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s answered %.200q: %w", req.Method, req.URL.Path, body, err)
	}
	return nil
}

func statusError(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // what there is of it will do
	return &StatusError{Status: resp.StatusCode, Body: string(body)}
}
