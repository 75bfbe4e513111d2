package gitrepo

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"sandpiper/sandbox/guest"
)

const (
	// cacheSize is the memory that one operation may use to keep objects.
	cacheSize = 32 * cache.MiByte

	// largeObject is from when on objects are read in pieces.
	largeObject = 1 << 20

	gitDir        = ".git"
	defaultBranch = "main"
)

// Client works with the repositories of one guest. It is safe for concurrent
// use.
type Client struct {
	fs      guest.FS
	home    string // where the user's configuration is
	network Network
	now     func() time.Time

	maxObject int64 // in bytes

	// overrides are settings that come before all files.
	overrides map[string]string
}

// New returns the client of a guest whose user's home is home.
func New(fsys guest.FS, home string, network Network) *Client {
	install()
	return &Client{fs: fsys, home: home, network: network, now: time.Now, maxObject: maxObject}
}

// Repo is an open repository, for one operation.
type Repo struct {
	c      *Client
	ctx    context.Context // of the operation that opened it; see billyFS
	git    *git.Repository
	root   string // of the working tree, or of a bare repository
	dot    string // where git keeps its own
	prefix string // from root to the folder that it was opened in; "" for root
	bare   bool
}

// Open opens the repository that a folder belongs to: its own or the nearest
// above it. The repository may be used until ctx ends. Its error is an Error of
// KindRepoNotFound where there is none.
func (c *Client) Open(ctx context.Context, dir string) (*Repo, error) {
	dir = path.Clean(dir)
	if _, err := c.fs.Stat(dir); err != nil {
		return nil, &Error{KindRepoNotFound, "there is no folder " + dir, err}
	}
	for at := dir; ; at = path.Dir(at) {
		if dot, ok := c.dotGit(at); ok {
			return c.open(ctx, at, dot, strings.TrimPrefix(strings.TrimPrefix(dir, at), "/"))
		}
		if at == "/" {
			return nil, errorf(KindRepoNotFound, "%s is not a git repository, nor is any folder above it", dir)
		}
	}
}

// dotGit returns where git keeps its own for a folder that is a repository.
func (c *Client) dotGit(dir string) (dot string, ok bool) {
	dot = path.Join(dir, gitDir)
	info, err := c.fs.Stat(dot)
	switch {
	case err == nil && info.IsDir():
		return dot, c.isGitDir(dot)
	case err == nil && info.Mode().IsRegular():
		content, err := c.readFile(dot, 4096)
		target, found := strings.CutPrefix(strings.TrimSpace(string(content)), "gitdir: ")
		if err != nil || !found {
			return "", false
		}
		if !path.IsAbs(target) {
			target = path.Join(dir, target)
		}
		return target, c.isGitDir(target)
	}
	return dir, c.isGitDir(dir)
}

func (c *Client) isGitDir(dir string) bool {
	for _, name := range []string{"objects", "refs"} {
		if info, err := c.fs.Stat(path.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	_, err := c.fs.Stat(path.Join(dir, "HEAD"))
	return err == nil
}

func (c *Client) open(ctx context.Context, root, dot, prefix string) (*Repo, error) {
	r := &Repo{c: c, ctx: ctx, root: root, dot: dot, prefix: prefix, bare: root == dot}
	var err error
	if r.bare {
		r.git, err = git.Open(c.storage(ctx, dot), nil)
	} else {
		r.git, err = git.Open(c.storage(ctx, dot), newBilly(ctx, c.fs, root))
	}
	switch {
	case errors.Is(err, git.ErrRepositoryNotExists):
		return nil, errorf(KindRepoNotFound, "%s is not a git repository", root)
	case errors.Is(err, git.ErrUnsupportedExtensionRepositoryFormatVersion), errors.Is(err, git.ErrUnknownExtension), errors.Is(err, git.ErrUnsupportedRepositoryFormatVersion):
		return nil, &Error{KindInvalid, "the repository " + root + " uses a format that is not supported here: " + err.Error(), err}
	}
	return r, err
}

// storage returns go-git's view of a .git folder. Alternates are looked for in
// the guest's own files.
func (c *Client) storage(ctx context.Context, dot string) *limitedStorage {
	s := filesystem.NewStorageWithOptions(newBilly(ctx, c.fs, dot), cache.NewObjectLRU(cacheSize), filesystem.Options{
		LargeObjectThreshold: largeObject,
		AlternatesFS:         newBilly(ctx, c.fs, "/"),
	})
	return &limitedStorage{Storage: s, limit: c.maxObject, checked: map[plumbing.Hash]bool{}}
}

// Init makes a repository in a folder, which is made too. branch is the name of
// the first branch; "" takes the user's init.defaultBranch, or else main. Where
// a repository is already, nothing changes.
func (c *Client) Init(ctx context.Context, dir, branch string, bare bool) error {
	dir = path.Clean(dir)
	if branch == "" {
		branch, _, _ = c.Config(ctx, "init.defaultBranch", ScopeGlobal, "")
	}
	if branch == "" {
		branch = defaultBranch
	}
	if dot, ok := c.dotGit(dir); ok && (dot == dir) == bare {
		return nil
	}
	_, err := c.init(ctx, dir, branch, bare)
	return err
}

func (c *Client) init(ctx context.Context, dir, branch string, bare bool) (*Repo, error) {
	head := plumbing.NewBranchReferenceName(branch)
	if err := head.Validate(); err != nil {
		return nil, errorf(KindInvalid, "%q is not a valid branch name", branch)
	}
	if err := c.fs.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	r := &Repo{c: c, ctx: ctx, root: dir, dot: path.Join(dir, gitDir), bare: bare}
	var err error
	if bare {
		r.dot = dir
		r.git, err = git.InitWithOptions(c.storage(ctx, r.dot), nil, git.InitOptions{DefaultBranch: head})
	} else {
		r.git, err = git.InitWithOptions(c.storage(ctx, r.dot), newBilly(ctx, c.fs, dir), git.InitOptions{DefaultBranch: head})
	}
	if errors.Is(err, git.ErrRepositoryAlreadyExists) {
		return nil, errorf(KindInvalid, "%s is a git repository already", dir)
	}
	if err != nil {
		return nil, err
	}
	return r, r.describeGuest()
}

// describeGuest notes in the configuration what the guest's files cannot do, so
// that no git takes it for changes.
func (r *Repo) describeGuest() error {
	links, modes := r.c.powers(r.dot)
	cfg := rawConfig{c: r.c, name: path.Join(r.dot, "config")}
	for _, s := range [][2]string{
		{"core.repositoryformatversion", "0"},
		{"core.filemode", strconv.FormatBool(modes)},
		{"core.symlinks", strconv.FormatBool(links)},
		{"core.bare", strconv.FormatBool(r.bare)},
	} {
		if s == [2]string{"core.symlinks", "true"} {
			continue // as everywhere
		}
		if err := cfg.set(s[0], s[1]); err != nil {
			return err
		}
	}
	return nil
}

// powers finds out whether a folder's file system has links and executable
// files.
func (c *Client) powers(dir string) (links, modes bool) {
	probe := path.Join(dir, "probe-of-powers")
	if err := c.fs.Symlink("HEAD", probe); err == nil {
		links = true
		_ = c.fs.Remove(probe)
	}
	f, err := c.fs.OpenFile(probe, createNew, 0o755)
	if err != nil {
		return links, false
	}
	info, err := f.Stat()
	modes = err == nil && info.Mode()&0o100 != 0
	_ = f.Close()
	_ = c.fs.Remove(probe)
	return links, modes
}

// worktree returns go-git's working tree, whose file system refuses names that
// no repository may have.
func (r *Repo) worktree() (*git.Worktree, error) {
	w, err := r.git.Worktree()
	if errors.Is(err, git.ErrIsBareRepository) {
		return nil, errorf(KindInvalid, "%s is a bare repository, which has no working tree", r.root)
	}
	if err != nil {
		return nil, err
	}
	w.Excludes = r.excludes()
	return w, nil
}

// lockWait is how long an operation waits for another one in the same
// repository.
const lockWait = 5 * time.Second

// lock keeps other gits, the real one too, from changing the repository until
// unlock is called.
func (r *Repo) lock() (unlock func(), err error) {
	name := path.Join(r.dot, "index.lock")
	for deadline := time.Now().Add(lockWait); ; {
		f, err := r.c.fs.OpenFile(name, createNew, 0o644)
		if err == nil {
			return func() { _ = r.c.fs.Remove(name) }, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, &Error{KindBusy, "another git works in " + r.root + "; if none does, remove " + name, err}
		}
		select {
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// readFile reads a file of at most limit bytes.
func (c *Client) readFile(name string, limit int64) ([]byte, error) {
	f, err := c.fs.OpenFile(name, readOnly, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, errorf(KindInvalid, "%s is larger than %d bytes", name, limit)
	}
	return content, err
}
