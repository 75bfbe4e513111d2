package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
)

// maxLogs bounds what Logs reads when it does not follow.
const maxLogs = 64 << 20

// Logs implements sandbox.LogReader: what the main process wrote, as the agent
// has kept it.
func (e *Engine) Logs(ctx context.Context, id string, follow bool, out io.Writer) error {
	if err := validateID(id); err != nil {
		return err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return err
	}
	conn, err := e.dialAgent(ctx, h, id)
	if err != nil {
		return err
	}
	token, err := h.boxes.token(id)
	if err != nil {
		conn.Close()
		return err
	}
	body, err := entrypointLogs(ctx, conn, token, follow)
	if err != nil {
		return err
	}
	defer body.Close()
	var r io.Reader = body
	if !follow {
		r = io.LimitReader(body, maxLogs)
	}
	if _, err := io.Copy(out, r); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read the logs of sandbox %s: %w", id, err)
	}
	return context.Cause(ctx)
}

// entrypointLogs asks an agent for the main process's output, on a connection of
// its own.
func entrypointLogs(ctx context.Context, conn net.Conn, token string, follow bool) (io.ReadCloser, error) {
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	url := "http://toolbox/process/session/entrypoint/logs?follow=" + strconv.FormatBool(follow)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	req.Header.Set(sandbox.TokenHeader, token)
	resp, err := c.Do(req)
	if err != nil {
		return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's agent does not answer", Err: err}
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	resp.Body.Close()
	return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's agent does not give logs", Err: fmt.Errorf("it answered %s", resp.Status)}
}
