package gitrepo

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// head is where HEAD points.
type head struct {
	branch string        // "" when it is detached
	hash   plumbing.Hash // zero when the branch has no commit yet
}

func (r *Repo) head() (head, error) {
	ref, err := r.git.Storer.Reference(plumbing.HEAD)
	if err != nil {
		return head{}, err
	}
	if ref.Type() == plumbing.HashReference {
		return head{hash: ref.Hash()}, nil
	}
	h := head{branch: ref.Target().Short()}
	target, err := r.git.Reference(ref.Target(), true)
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		return h, nil
	case err != nil:
		return head{}, err
	}
	h.hash = target.Hash()
	return h, nil
}

// commit returns the commit that a revision names: a branch, a tag, a hash or
// its beginning, HEAD~2 and so on.
func (r *Repo) commit(revision string) (*object.Commit, error) {
	unknown := func(err error) error {
		return &Error{KindBranchNotFound, "there is no branch, tag or commit " + revision, err}
	}
	if revision == "" || strings.HasPrefix(revision, "-") || strings.ContainsAny(revision, "\x00\n") {
		return nil, errorf(KindInvalid, "%.100q is not a valid revision", revision)
	}
	hash, err := r.git.ResolveRevision(plumbing.Revision(revision))
	if err != nil {
		if cerr := r.ctx.Err(); cerr != nil {
			return nil, cerr
		}
		return nil, unknown(err)
	}
	c, err := r.git.CommitObject(*hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		tag, terr := r.git.TagObject(*hash)
		if terr != nil {
			return nil, unknown(err)
		}
		c, err = tag.Commit()
	}
	if err != nil {
		return nil, unknown(err)
	}
	return c, nil
}

// headCommit returns the commit of HEAD, or nil when there is none yet.
func (r *Repo) headCommit() (*object.Commit, error) {
	h, err := r.head()
	if err != nil || h.hash.IsZero() {
		return nil, err
	}
	return r.git.CommitObject(h.hash)
}

// Marks of a commit in between.
const (
	ours = 1 << iota
	theirs
)

// maxWalk bounds how many commits between looks at.
const maxWalk = 200_000

// byTime are commits, the newest first.
type byTime []*object.Commit

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].Committer.When.After(q[j].Committer.When) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byTime) Push(x any)        { *q = append(*q, x.(*object.Commit)) }
func (q *byTime) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// aheadBehind counts the commits that only a has and those that only b has.
func (r *Repo) aheadBehind(a, b plumbing.Hash) (ahead, behind int, err error) {
	marks, err := r.between(a, b)
	for _, m := range marks {
		switch m {
		case ours:
			ahead++
		case theirs:
			behind++
		}
	}
	return ahead, behind, err
}

// between tells of the commits around two whether they are in the history of
// the first (ours), of the second (theirs) or of both.
func (r *Repo) between(a, b plumbing.Hash) (marks map[plumbing.Hash]int, err error) {
	w := walker{r: r, marks: map[plumbing.Hash]int{}, queued: map[plumbing.Hash]int{}}
	w.mark(a, ours)
	w.mark(b, theirs)
	for w.queue.Len() > 0 && w.open > 0 && len(w.marks) < maxWalk {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		w.step()
	}
	w.settle()
	return w.marks, nil
}

// walker goes through two histories from their newest commits, until it has only
// commits before it that are in both.
type walker struct {
	r      *Repo
	marks  map[plumbing.Hash]int
	queue  byTime
	queued map[plumbing.Hash]int // how often each is in the queue
	open   int                   // entries of the queue that are not in both, as far as is known
}

// mark notes that a commit is in a history, and queues it when that is new.
func (w *walker) mark(h plumbing.Hash, m int) {
	old := w.marks[h]
	if old|m == old {
		return
	}
	c, err := w.r.git.CommitObject(h)
	if err != nil {
		return // beyond the end of a shallow history
	}
	w.marks[h] = old | m
	if w.marks[h] == ours|theirs {
		w.open -= w.queued[h]
	} else {
		w.open++
	}
	w.queued[h]++
	heap.Push(&w.queue, c)
}

func (w *walker) step() {
	c := heap.Pop(&w.queue).(*object.Commit)
	w.queued[c.Hash]--
	m := w.marks[c.Hash]
	if m != ours|theirs {
		w.open--
	}
	for _, p := range c.ParentHashes {
		w.mark(p, m)
	}
}

// settle passes on that a commit is in both to those before it that were seen
// too early, since clocks differ and commits of the same second have no order.
func (w *walker) settle() {
	for w.queue.Len() > 0 {
		c := heap.Pop(&w.queue).(*object.Commit)
		for _, p := range c.ParentHashes {
			if m := w.marks[p]; m != 0 && w.marks[c.Hash] == ours|theirs {
				w.mark(p, ours|theirs)
			}
		}
	}
}

// excludes are the patterns of files to ignore that are not in the working tree.
func (r *Repo) excludes() []gitignore.Pattern {
	user := r.setting("core.excludesFile")
	switch rest, ok := strings.CutPrefix(user, "~/"); {
	case ok:
		user = path.Join(r.c.home, rest)
	case user == "":
		user = path.Join(r.c.home, ".config/git/ignore")
	}
	var patterns []gitignore.Pattern
	for _, name := range []string{user, path.Join(r.dot, "info/exclude")} {
		content, err := r.c.readFile(name, maxConfig)
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(bytes.NewReader(content)); s.Scan(); {
			if line := s.Text(); strings.TrimSpace(line) != "" && line[0] != '#' {
				patterns = append(patterns, gitignore.ParsePattern(line, nil))
			}
		}
	}
	return patterns
}
