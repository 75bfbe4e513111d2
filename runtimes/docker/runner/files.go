package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
)

// Bounds on what comes back from the output folder, and the time for it.
const (
	maxCollectedBytes = 8 << 20
	maxCollectedFiles = 64
	collectTimeout    = 10 * time.Second
)

// client returns a client of the member's toolbox, which the caller must let go
// of with CloseIdleConnections.
func (t *run) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.runner.cfg.Engine.Dial(ctx, t.member.id, sandbox.ToolboxPort)
		},
	}}
}

// ask sends a request to the member's toolbox and returns the answer's status.
func (t *run) ask(ctx context.Context, method, path, mediaType string, body io.Reader) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://toolbox"+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set(sandbox.TokenHeader, t.member.token)
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	c := t.client()
	defer c.CloseIdleConnections()
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// bring writes the program's files into the member.
func (t *run) bring(ctx context.Context, files []sandbox.File) error {
	form, mediaType, err := pack(files)
	if err != nil {
		return fmt.Errorf("pack the program's files: %w", err)
	}
	status, err := t.ask(ctx, http.MethodPost, "/files/bulk-upload", mediaType, form)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the toolbox answered %d", status)
	}
	if err != nil {
		return fmt.Errorf("write the program's files: %w", err)
	}
	return nil
}

// pack makes a form of files, as the toolbox takes them.
func pack(files []sandbox.File) (form io.Reader, mediaType string, err error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i, f := range files {
		name := fmt.Sprintf("files[%d]", i)
		if err := w.WriteField(name+".path", folder+"/"+f.Name); err != nil {
			return nil, "", err
		}
		part, err := w.CreateFormFile(name+".file", "file")
		if err == nil {
			_, err = part.Write(f.Content)
		}
		if err != nil {
			return nil, "", err
		}
	}
	return &body, w.FormDataContentType(), w.Close()
}

// collect returns what the program left in the output folder. What cannot be
// read is left out.
func (t *run) collect(ctx context.Context) []sandbox.File {
	ctx, cancel := context.WithTimeout(ctx, collectTimeout)
	defer cancel()
	status, err := t.ask(ctx, http.MethodGet, "/files/info?path="+url.QueryEscape(folder+"/"+outputFolder), "", nil)
	if err != nil || status != http.StatusOK {
		return nil // most programs leave nothing
	}
	p, err := t.runner.attach(ctx, t.member, attach.Command{Args: []string{"tar", "-cf", "-", "."}, Dir: folder + "/" + outputFolder})
	if err != nil {
		return nil
	}
	defer p.Close()
	archive := new(bytes.Buffer)
	_, err = p.Wait(func(s sandbox.Stream, text []byte) {
		if s == sandbox.Stdout && archive.Len() <= 2*maxCollectedBytes {
			archive.Write(text)
		}
		if archive.Len() > 2*maxCollectedBytes {
			cancel()
		}
	})
	if err != nil && ctx.Err() == nil {
		t.runner.cfg.Log.Warn("the files that a run left could not be read", "sandbox", t.member.id, "error", err)
	}
	return unpack(archive)
}

// unpack returns the regular files of an archive, within bounds.
func unpack(archive io.Reader) (files []sandbox.File) {
	left := int64(maxCollectedBytes)
	for r := tar.NewReader(archive); len(files) < maxCollectedFiles; {
		h, err := r.Next()
		if err != nil {
			return files
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "./"))
		if h.Typeflag != tar.TypeReg || h.Size > left || sandbox.ValidateFileName("name", name) != nil {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(r, h.Size))
		if err != nil {
			return files
		}
		left -= int64(len(content))
		files = append(files, sandbox.File{Name: name, Content: content})
	}
	return files
}

// ranOutOfMemory asks the member's kernel whether it killed anything.
func (t *run) ranOutOfMemory(ctx context.Context) bool {
	p, err := t.runner.attach(ctx, t.member, attach.Command{
		Args: []string{"cat", "/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events"}, Dir: "/",
	})
	if err != nil {
		return errors.Is(err, io.EOF)
	}
	defer p.Close()
	var text strings.Builder
	_, _ = p.Wait(func(s sandbox.Stream, b []byte) { // one of the two files is not there
		if s == sandbox.Stdout && text.Len() < 4096 {
			text.Write(b)
		}
	})
	for line := range strings.Lines(text.String()) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == "oom_kill" && value != "0" {
			return true
		}
	}
	return false
}
