// Package toolboxclient asks the toolboxes of sandboxes for single things, from
// inside the server: JSON there and back over a connection of its own.
package toolboxclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"sandpiper/sandbox"
)

const (
	maxAnswer  = 1 << 20 // bytes that an answer may have
	maxRefusal = 512     // bytes of a refusal that an error tells
)

// Client asks one toolbox. A toolbox is a sandbox's own, so whatever it answers
// is a stranger's: it is bounded, and an error that tells it is for the log.
type Client struct {
	// Dial connects to the toolbox.
	Dial func(ctx context.Context) (net.Conn, error)

	Token string // that lets in to it
}

// Get asks for what is at path, and reads the answer into out.
func (c Client) Get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, nil, out)
}

// Post sends in to path. The answer goes into out, or is dropped where out is
// nil.
func (c Client) Post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, body, out)
}

// call sends one request. ctx bounds all of it.
func (c Client) call(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://toolbox"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(sandbox.TokenHeader, c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx) },
		},
		// One that leads elsewhere would be followed with the token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the toolbox: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal)) // the status alone says it, too
		return fmt.Errorf("ask the toolbox: %s %s: it answered %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the toolbox's answer to %s %s: %w", method, path, err)
	}
	return nil
}
