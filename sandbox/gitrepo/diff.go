package gitrepo

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	fdiff "github.com/go-git/go-git/v5/plumbing/format/diff"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/utils/diff"
)

const (
	// maxDiff is the largest file that is compared line by line, in bytes; larger
	// ones only differ, as binary files do.
	maxDiff = 1 << 20

	// diffTime bounds the comparison of two files. What is not compared by then
	// counts as changed.
	diffTime = 2 * time.Second
)

// DiffOptions say what to compare. Without any it is the index with the files.
type DiffOptions struct {
	From, To string   // revisions; From alone is compared with the files
	Cached   bool     // From, or HEAD, with the index
	Paths    []string // only these; all when empty
}

// FileDiff is a file that differs.
type FileDiff struct {
	Name     string
	State    State // Added, Deleted or Modified
	from, to *side
}

// side is one of the two versions of a file.
type side struct {
	name string
	blob
	load func() ([]byte, error)
}

// Diff returns the files that differ, by name.
func (r *Repo) Diff(o DiffOptions) ([]FileDiff, error) {
	specs, err := r.rels(o.Paths)
	if err != nil {
		return nil, err
	}
	var diffs []FileDiff
	switch {
	case o.To != "":
		diffs, err = r.diffCommits(o.From, o.To)
	case o.Cached:
		diffs, err = r.diffIndex(o.From)
	default:
		diffs, err = r.diffFiles(o.From)
	}
	if err != nil {
		return nil, err
	}
	if len(specs) > 0 {
		diffs = slices.DeleteFunc(diffs, func(d FileDiff) bool {
			return !slices.ContainsFunc(specs, func(spec string) bool { return covers(spec, d.Name) })
		})
	}
	slices.SortFunc(diffs, func(a, b FileDiff) int { return strings.Compare(a.Name, b.Name) })
	return diffs, nil
}

func (r *Repo) diffCommits(from, to string) ([]FileDiff, error) {
	a, err := r.revisionSnapshot(from)
	if err != nil {
		return nil, err
	}
	b, err := r.revisionSnapshot(to)
	if err != nil {
		return nil, err
	}
	return r.diffSnapshots(a, b), nil
}

// diffParent compares a commit with its first parent, or with nothing.
func (r *Repo) diffParent(c *object.Commit) ([]FileDiff, error) {
	to, err := r.treeSnapshot(c)
	if err != nil {
		return nil, err
	}
	from := snapshot{}
	if c.NumParents() > 0 {
		if parent, err := c.Parent(0); err == nil { // else the history is shallow
			if from, err = r.treeSnapshot(parent); err != nil {
				return nil, err
			}
		}
	}
	diffs := r.diffSnapshots(from, to)
	slices.SortFunc(diffs, func(a, b FileDiff) int { return strings.Compare(a.Name, b.Name) })
	return diffs, nil
}

func (r *Repo) revisionSnapshot(revision string) (snapshot, error) {
	c, err := r.commit(revision)
	if err != nil {
		return nil, err
	}
	return r.treeSnapshot(c)
}

func (r *Repo) diffIndex(from string) ([]FileDiff, error) {
	var a snapshot
	var err error
	if from == "" {
		a, err = r.headSnapshot()
	} else {
		a, err = r.revisionSnapshot(from)
	}
	if err != nil {
		return nil, err
	}
	idx, err := r.git.Storer.Index()
	if err != nil {
		return nil, err
	}
	return r.diffSnapshots(a, indexSnapshot(idx)), nil
}

func (r *Repo) diffSnapshots(a, b snapshot) []FileDiff {
	var diffs []FileDiff
	for name := range union(a, b) {
		if a[name] != b[name] {
			diffs = append(diffs, newDiff(name, r.stored(name, a), r.stored(name, b)))
		}
	}
	return diffs
}

func newDiff(name string, from, to *side) FileDiff {
	d := FileDiff{Name: name, State: Modified, from: from, to: to}
	switch {
	case from == nil:
		d.State = Added
	case to == nil:
		d.State = Deleted
	}
	return d
}

// stored returns the version of a file that is in the repository.
func (r *Repo) stored(name string, s snapshot) *side {
	b, ok := s[name]
	if !ok {
		return nil
	}
	return &side{name, b, func() ([]byte, error) {
		if b.mode == filemode.Submodule {
			return []byte("Subproject commit " + b.hash.String() + "\n"), nil
		}
		object, err := r.git.BlobObject(b.hash)
		if err != nil {
			return nil, err
		}
		content, err := object.Reader()
		if err != nil {
			return nil, err
		}
		defer content.Close()
		return io.ReadAll(io.LimitReader(content, maxDiff+1))
	}}
}

// diffFiles compares the index, or a revision, with the tracked files.
func (r *Repo) diffFiles(from string) ([]FileDiff, error) {
	s, idx, err := r.newSwitcher(nil)
	if err != nil {
		return nil, err
	}
	base := indexSnapshot(idx)
	names := union(base, nil)
	if from != "" {
		if base, err = r.revisionSnapshot(from); err != nil {
			return nil, err
		}
		names = union(base, indexSnapshot(idx))
	}
	var diffs []FileDiff
	for name := range names {
		if base[name].mode == filemode.Submodule {
			continue
		}
		same, err := s.unchanged(name, base[name])
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		now, err := s.worktreeSide(name)
		if err != nil {
			return nil, err
		}
		if was := r.stored(name, base); was != nil || now != nil {
			diffs = append(diffs, newDiff(name, was, now))
		}
	}
	return diffs, nil
}

// worktreeSide returns the version of a file that is in the working tree, nil
// when there is none.
func (s *switcher) worktreeSide(name string) (*side, error) {
	info, err := s.fs.Lstat(name)
	if err != nil || info.IsDir() {
		return nil, nil
	}
	hash, err := hashFile(s.fs, name)
	if err != nil {
		return nil, err
	}
	return &side{name, blob{hash, s.modeOf(name, info)}, func() ([]byte, error) {
		var content bytes.Buffer
		err := copyContent(&limitedBuffer{&content}, s.fs, name, info)
		return content.Bytes(), err
	}}, nil
}

// limitedBuffer keeps a little more than maxDiff bytes and drops the rest.
type limitedBuffer struct{ *bytes.Buffer }

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := maxDiff + 1 - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// WritePatch writes the differences as git diff does.
func WritePatch(w io.Writer, diffs []FileDiff) error {
	for _, d := range diffs {
		p, err := d.patch()
		if err != nil {
			return err
		}
		if err := fdiff.NewUnifiedEncoder(w, fdiff.DefaultContextLines).Encode(onePatch{p}); err != nil {
			return err
		}
	}
	return nil
}

// Lines counts the lines that were added and removed. Binary files have none.
func (d FileDiff) Lines() (added, removed int, binary bool, err error) {
	p, err := d.patch()
	if err != nil {
		return 0, 0, false, err
	}
	for _, c := range p.chunks {
		n := strings.Count(c.Content(), "\n")
		if text := c.Content(); text != "" && !strings.HasSuffix(text, "\n") {
			n++
		}
		switch c.Type() {
		case fdiff.Add:
			added += n
		case fdiff.Delete:
			removed += n
		}
	}
	return added, removed, p.binary, nil
}

func (d FileDiff) patch() (*filePatch, error) {
	before, err := d.from.content()
	if err != nil {
		return nil, err
	}
	after, err := d.to.content()
	if err != nil {
		return nil, err
	}
	p := &filePatch{from: d.from, to: d.to, binary: isBinary(before) || isBinary(after)}
	if p.binary {
		return p, nil
	}
	for _, part := range diff.DoWithTimeout(string(before), string(after), diffTime) {
		c := chunk{part.Text, fdiff.Equal}
		switch {
		case part.Type > 0:
			c.op = fdiff.Add
		case part.Type < 0:
			c.op = fdiff.Delete
		}
		p.chunks = append(p.chunks, c)
	}
	return p, nil
}

func (s *side) content() ([]byte, error) {
	if s == nil {
		return nil, nil
	}
	return s.load()
}

func isBinary(content []byte) bool {
	return len(content) > maxDiff || bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0
}

// onePatch is the differences of one file as go-git wants them.
type onePatch struct{ file *filePatch }

// FilePatches implements fdiff.Patch.
func (p onePatch) FilePatches() []fdiff.FilePatch { return []fdiff.FilePatch{p.file} }

// Message implements fdiff.Patch.
func (onePatch) Message() string { return "" }

type filePatch struct {
	from, to *side
	binary   bool
	chunks   []fdiff.Chunk
}

// IsBinary implements fdiff.FilePatch.
func (p *filePatch) IsBinary() bool { return p.binary }

// Chunks implements fdiff.FilePatch.
func (p *filePatch) Chunks() []fdiff.Chunk { return p.chunks }

// Files implements fdiff.FilePatch.
func (p *filePatch) Files() (from, to fdiff.File) {
	if p.from != nil {
		from = p.from
	}
	if p.to != nil {
		to = p.to
	}
	return from, to
}

// Hash implements fdiff.File.
func (s *side) Hash() plumbing.Hash { return s.hash }

// Mode implements fdiff.File.
func (s *side) Mode() filemode.FileMode { return s.mode }

// Path implements fdiff.File.
func (s *side) Path() string { return s.name }

// chunk is a run of lines that are the same, added or removed.
type chunk struct {
	text string
	op   fdiff.Operation
}

// Content implements fdiff.Chunk.
func (c chunk) Content() string { return c.text }

// Type implements fdiff.Chunk.
func (c chunk) Type() fdiff.Operation { return c.op }

// Stat returns a summary such as git diff --shortstat prints, "" for nothing.
func Stat(diffs []FileDiff) (string, error) {
	added, removed := 0, 0
	for _, d := range diffs {
		a, r, _, err := d.Lines()
		if err != nil {
			return "", err
		}
		added, removed = added+a, removed+r
	}
	if len(diffs) == 0 {
		return "", nil
	}
	text := fmt.Sprintf(" %d file%s changed", len(diffs), plural(len(diffs)))
	if added > 0 || removed == 0 {
		text += fmt.Sprintf(", %d insertion%s(+)", added, plural(added))
	}
	if removed > 0 || added == 0 {
		text += fmt.Sprintf(", %d deletion%s(-)", removed, plural(removed))
	}
	return text, nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
