package gitrepo

import (
	"errors"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Author is who a commit is by.
type Author struct{ Name, Email string }

// CommitOptions say how to commit.
type CommitOptions struct {
	Message    string
	Author     Author // "" for the user of the configuration
	Committer  Author // "" for the author
	AllowEmpty bool
	Amend      bool // in the place of the last commit

	// When the author made the change and when it was committed; zero for now.
	AuthorDate, CommitterDate time.Time
}

// Commit commits what is staged and returns the commit's hash. Its error is of
// KindNothing when nothing is staged.
func (r *Repo) Commit(o CommitOptions) (hash string, err error) {
	if strings.TrimSpace(o.Message) == "" {
		return "", errorf(KindInvalid, "the commit message must not be empty")
	}
	author, err := r.signature(o.Author)
	if err != nil {
		return "", err
	}
	committer := *author
	committer.Name, committer.Email = or(o.Committer.Name, author.Name), or(o.Committer.Email, author.Email)
	if !o.AuthorDate.IsZero() {
		author.When = o.AuthorDate
	}
	if !o.CommitterDate.IsZero() {
		committer.When = o.CommitterDate
	}
	w, err := r.worktree()
	if err != nil {
		return "", err
	}
	unlock, err := r.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := r.checkMerged(); err != nil {
		return "", err
	}
	if o.Amend {
		if c, err := r.headCommit(); err != nil {
			return "", err
		} else if c == nil {
			return "", errorf(KindInvalid, "there is no commit yet to amend")
		}
	}
	h, err := w.Commit(strings.TrimRight(o.Message, " \t\r\n")+"\n", &git.CommitOptions{
		Author: author, Committer: &committer, AllowEmptyCommits: o.AllowEmpty || o.Amend, Amend: o.Amend,
	})
	if errors.Is(err, git.ErrEmptyCommit) {
		return "", &Error{KindNothing, "nothing is staged to commit", err}
	}
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// signature returns who commits: as asked, or as configured.
func (r *Repo) signature(a Author) (*object.Signature, error) {
	s := &object.Signature{
		Name: or(a.Name, r.setting("user.name")), Email: or(a.Email, r.setting("user.email")), When: r.c.now().Truncate(time.Second),
	}
	if strings.Trim(s.Name, " <>\n") == "" || s.Email == "" {
		return nil, errorf(KindInvalid, "the author is not known; set user.name and user.email")
	}
	return s, nil
}

// checkMerged returns an error when a merge by another git is not finished.
func (r *Repo) checkMerged() error {
	idx, err := r.git.Storer.Index()
	if err != nil {
		return err
	}
	for _, e := range idx.Entries {
		if e.Stage != merged {
			return errorf(KindConflict, "%s has merge conflicts; resolve them and add the file first", e.Name)
		}
	}
	return nil
}

// Commit is one commit of a history.
type Commit struct {
	Hash          string
	Parents       []string
	Author, Email string
	When          time.Time // when its author made it
	Message       string
}

func describe(c *object.Commit) Commit {
	parents := make([]string, len(c.ParentHashes))
	for i, p := range c.ParentHashes {
		parents[i] = p.String()
	}
	return Commit{Hash: c.Hash.String(), Parents: parents, Author: c.Author.Name, Email: c.Author.Email, When: c.Author.When, Message: c.Message}
}

// History returns the commits that a revision is made of, the newest first, and
// at most limit. "" stands for HEAD, which may have none yet.
func (r *Repo) History(revision string, limit int) (commits []Commit, more bool, err error) {
	var from *object.Commit
	if revision == "" {
		from, err = r.headCommit()
	} else {
		from, err = r.commit(revision)
	}
	if err != nil || from == nil {
		return nil, false, err
	}
	iter, err := r.git.Log(&git.LogOptions{From: from.Hash, Order: git.LogOrderCommitterTime})
	if err != nil {
		return nil, false, err
	}
	defer iter.Close()
	for {
		c, err := iter.Next()
		if err != nil { // its end, also that of a shallow history
			return commits, false, r.ctx.Err()
		}
		if len(commits) == limit {
			return commits, true, nil
		}
		commits = append(commits, describe(c))
	}
}
