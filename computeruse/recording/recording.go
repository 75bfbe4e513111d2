// Package recording films the screen of a sandbox with its ffmpeg, into files of
// MP4 in one folder of the sandbox.
//
// A film is written in fragments, so that one which was cut off, with its
// sandbox for example, plays as far as it goes. What a film is called is all that
// is remembered of it: <label>_<start>.mp4, and while it is recorded .part.mp4.
package recording

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/computeruse/wire"
	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox/guest"
)

const (
	// MaxActive is how many films may be recorded at the same time: each takes a
	// good part of a core.
	MaxActive = 2

	maxBytes = 2 << 30       // of one film; it ends there
	maxTime  = 4 * time.Hour // likewise
	maxList  = 1000

	startTime = 20 * time.Second
	stopTime  = 10 * time.Second

	// FolderVariable names the folder of films, in place of defaultFolder in the
	// user's home.
	FolderVariable = "DAYTONA_RECORDINGS_DIR"
	defaultFolder  = ".daytona/recordings"

	stampFormat = "20060102T150405Z"
)

// Errors of recordings.
var (
	ErrNotFound = errors.New("there is no such recording")
	ErrActive   = errors.New("the recording is still active: stop it first")
	ErrTooMany  = fmt.Errorf("%d recordings are active already: stop one first", MaxActive)
	ErrNoFFmpeg = errors.New("this sandbox's image lacks ffmpeg, which records the screen")
)

// Recorder records. It is safe for concurrent use.
type Recorder struct {
	guest guest.Guest

	mu     sync.Mutex
	active map[string]*film // by ID
}

// film is one that is being recorded.
type film struct {
	guest.Process // set before others see the film

	name    string // of the file, without its folder
	stopped atomic.Bool
	ended   chan struct{}
	log     tail
	ready   chan struct{} // closed once the first pictures are in
}

// New returns the recorder of a guest.
func New(g guest.Guest) *Recorder { return &Recorder{guest: g, active: map[string]*film{}} }

// Close stops every recording and waits for that.
func (r *Recorder) Close() {
	r.mu.Lock()
	all := make([]*film, 0, len(r.active))
	for _, f := range r.active {
		all = append(all, f)
	}
	r.mu.Unlock()
	for _, f := range all {
		f.finish()
	}
}

// Start begins to film a display, as in DISPLAY, and returns when pictures come.
// has reports whether the sandbox has a program.
func (r *Recorder) Start(ctx context.Context, label, display string, env []string, has func(string) bool) (wire.Recording, error) {
	if !has("ffmpeg") {
		return wire.Recording{}, ErrNoFFmpeg
	}
	if err := r.guest.FS().MkdirAll(r.Folder(), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return wire.Recording{}, fmt.Errorf("make the folder of recordings: %w", err)
	}
	id, f, err := r.launch(ctx, label, display, env)
	if err != nil {
		return wire.Recording{}, err
	}
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-f.ready:
		return r.Get(id)
	case <-f.ended:
		_ = r.Delete(id)
		return wire.Recording{}, fmt.Errorf("ffmpeg ended: %s", f.log.String())
	case <-timer.C:
		f.finish()
		_ = r.Delete(id)
		return wire.Recording{}, fmt.Errorf("ffmpeg recorded nothing within %v: %s", startTime, f.log.String())
	}
}

// ffmpegArgs records with little CPU. A fragment a second reaches the file, and
// progress goes to the standard output.
func ffmpegArgs(display, file string) []string {
	return []string{
		"ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-progress", "pipe:1", "-stats_period", "0.2",
		"-f", "x11grab", "-framerate", "15", "-draw_mouse", "1", "-i", display,
		"-t", fmt.Sprint(int(maxTime.Seconds())), "-fs", fmt.Sprint(maxBytes),
		"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-pix_fmt", "yuv420p", "-g", "15",
		"-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-flush_packets", "1", "-f", "mp4", file,
	}
}

// Write implements io.Writer for the progress of ffmpeg: the first that it
// reports with a frame is the sign that it records.
func (f *film) Write(p []byte) (int, error) {
	if frames().Match(p) {
		select {
		case <-f.ready:
		default:
			close(f.ready)
		}
	}
	return len(p), nil
}

var frames = lazyregexp.New(`(?m)^frame=\s*[1-9]`)

// launch starts ffmpeg, if there is a place among the active.
func (r *Recorder) launch(ctx context.Context, label, display string, env []string) (string, *film, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.active) >= MaxActive {
		return "", nil, ErrTooMany
	}
	id := newID()
	f := &film{ended: make(chan struct{}), ready: make(chan struct{})}
	f.name = safeLabel(label) + "_" + time.Now().UTC().Format(stampFormat) + "_" + id + ".mp4"
	var err error
	f.Process, err = r.guest.Start(context.WithoutCancel(ctx), guest.Cmd{
		Args: ffmpegArgs(display, path.Join(r.Folder(), partName(f.name))), Dir: r.Folder(), Env: env, Stdout: f, Stderr: &f.log,
	})
	if err != nil {
		return "", nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	r.active[id] = f
	go r.watch(id, f)
	return id, f, nil
}

// watch waits for the end of a film. The file gets its last name when that was
// meant: somebody stopped it, or it had reached a limit.
func (r *Recorder) watch(id string, f *film) {
	status, err := f.Wait()
	if f.stopped.Load() || err == nil && status.Code == 0 {
		from, to := path.Join(r.Folder(), partName(f.name)), path.Join(r.Folder(), f.name)
		_ = r.guest.FS().Rename(from, to) // one that is not there has recorded nothing
	}
	r.mu.Lock()
	delete(r.active, id)
	r.mu.Unlock()
	close(f.ended)
}

// finish asks ffmpeg to end, which completes the file, and waits. One that cannot
// even be killed stays active.
func (f *film) finish() {
	f.stopped.Store(true)
	for _, signal := range []guest.Signal{guest.SIGINT, guest.SIGKILL} {
		_ = f.Signal(signal) // it may have ended
		timer := time.NewTimer(stopTime)
		select {
		case <-f.ended:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Stop ends a recording. One that has ended already is fine.
func (r *Recorder) Stop(id string) (wire.Recording, error) {
	r.mu.Lock()
	f := r.active[id]
	r.mu.Unlock()
	if f != nil {
		f.finish()
	}
	return r.Get(id)
}

// Delete removes a recording that is not active.
func (r *Recorder) Delete(id string) error {
	rec, err := r.Get(id)
	if err != nil {
		return err
	}
	if rec.Status == wire.RecordingActive {
		return ErrActive
	}
	return r.guest.FS().Remove(rec.FilePath)
}

// Get describes a recording.
func (r *Recorder) Get(id string) (wire.Recording, error) {
	all, err := r.List()
	if err != nil {
		return wire.Recording{}, err
	}
	for _, rec := range all {
		if rec.ID == id {
			return rec, nil
		}
	}
	return wire.Recording{}, ErrNotFound
}

// List describes all recordings, the newest first, 1000 at most.
func (r *Recorder) List() ([]wire.Recording, error) {
	entries, err := r.guest.FS().ReadDir(r.Folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the folder of recordings: %w", err)
	}
	all := []wire.Recording{}
	for _, entry := range entries {
		if rec, ok := r.describe(entry); ok {
			all = append(all, rec)
		}
	}
	slices.SortStableFunc(all, func(a, b wire.Recording) int { return b.StartTime.Compare(a.StartTime) })
	return all[:min(len(all), maxList)], nil
}

var namePattern = lazyregexp.New(`^.{1,80}_([0-9]{8}T[0-9]{6}Z)_([0-9a-f]{16})(\.part)?\.mp4$`)

// describe reads what a file's name and its state tell. Only regular files with
// such a name are recordings: whatever else lies in the folder is the user's.
func (r *Recorder) describe(entry fs.DirEntry) (wire.Recording, bool) {
	match := namePattern().FindStringSubmatch(entry.Name())
	if match == nil || !entry.Type().IsRegular() {
		return wire.Recording{}, false
	}
	began, err := time.Parse(stampFormat, match[1])
	if err != nil {
		return wire.Recording{}, false
	}
	info, err := entry.Info()
	if err != nil {
		return wire.Recording{}, false // deleted just now
	}
	size, id := info.Size(), match[2]
	rec := wire.Recording{
		ID: id, FileName: entry.Name(), FilePath: path.Join(r.Folder(), entry.Name()), StartTime: began,
		Status: wire.RecordingCompleted, SizeBytes: &size,
	}
	end := info.ModTime().UTC()
	r.mu.Lock()
	f := r.active[id]
	r.mu.Unlock()
	switch {
	case f != nil:
		rec.Status, end = wire.RecordingActive, time.Now().UTC()
	case match[3] != "":
		rec.Status = wire.RecordingFailed // the toolbox ended before it
	}
	seconds := max(0, end.Sub(began).Seconds())
	rec.DurationSeconds = &seconds
	if f == nil {
		rec.EndTime = &end
	}
	return rec, true
}

// Open opens the file of a recording that is not active.
func (r *Recorder) Open(id string) (guest.File, wire.Recording, error) {
	rec, err := r.Get(id)
	if err != nil {
		return nil, rec, err
	}
	if rec.Status == wire.RecordingActive {
		return nil, rec, ErrActive
	}
	file, err := r.guest.FS().OpenFile(rec.FilePath, 0, 0)
	return file, rec, err
}

// Folder is where the films are.
func (r *Recorder) Folder() string {
	info := r.guest.Info()
	for _, kv := range slices.Backward(info.Env) {
		if dir, ok := strings.CutPrefix(kv, FolderVariable+"="); ok && path.IsAbs(dir) {
			return path.Clean(dir)
		}
	}
	return path.Join(info.Home, defaultFolder)
}

// safeLabel makes a part of a file's name of what a caller calls a recording.
func safeLabel(label string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, label)
	safe = strings.Trim(safe[:min(len(safe), 60)], "-_")
	if safe == "" {
		return "recording"
	}
	return safe
}

func partName(name string) string { return strings.TrimSuffix(name, ".mp4") + ".part.mp4" }

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// tail keeps the end of what ffmpeg complains about.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const enough = 2 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-enough):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(t.data)), "")
}
