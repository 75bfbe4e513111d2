package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// bring writes the program's files into the member.
func (t *run) bring(ctx context.Context, files []sandbox.File) error {
	archive, err := pack(files)
	if err != nil {
		return err
	}
	script := "mkdir -p " + folder + " && cd " + folder + " && exec tar -xf -"
	p, err := t.runner.attach(ctx, t.member, attach.Command{Args: []string{"sh", "-c", script}, Dir: "/"})
	if err != nil {
		return err
	}
	defer p.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = p.Write(archive) // a failure shows in how the process ends
		_ = p.CloseInput()
	}()
	var said bytes.Buffer
	exit, err := p.Wait(func(_ sandbox.Stream, text []byte) {
		if said.Len() < 4096 {
			said.Write(text)
		}
	})
	p.Close()
	<-sent
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("exit code %d: %s", exit.Code, said.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the program's files: %w", err)
	}
	return nil
}

// pack makes a tar archive of files.
func pack(files []sandbox.File) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Content)), ModTime: time.Now()})
		if err == nil {
			_, err = w.Write(f.Content)
		}
		if err != nil {
			return nil, fmt.Errorf("pack the program's files: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the program's files: %w", err)
	}
	return archive.Bytes(), nil
}

// collect returns what the program left in the output folder. What cannot be
// read is left out.
func (t *run) collect(ctx context.Context) []sandbox.File {
	ctx, cancel := context.WithTimeout(ctx, collectTimeout)
	defer cancel()
	script := "[ -d " + outputFolder + " ] && cd " + outputFolder + " && exec tar -cf - ."
	p, err := t.runner.attach(ctx, t.member, attach.Command{Args: []string{"sh", "-c", script}, Dir: folder})
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
