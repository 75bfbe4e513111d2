package gitrepo

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sandpiper/internal/lazyregexp"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Remote is a remote of a repository.
type Remote struct{ Name, URL string }

// Remotes returns the remotes, by name.
func (r *Repo) Remotes() ([]Remote, error) {
	cfg, err := r.git.Config()
	if err != nil {
		return nil, err
	}
	remotes := []Remote{}
	for name, rc := range cfg.Remotes {
		if len(rc.URLs) > 0 {
			remotes = append(remotes, Remote{name, rc.URLs[0]})
		}
	}
	slices.SortFunc(remotes, func(a, b Remote) int { return strings.Compare(a.Name, b.Name) })
	return remotes, nil
}

// AddRemote adds a remote. One of that name is an error unless it is to be
// overwritten. The remote is not asked whether it is there.
func (r *Repo) AddRemote(name, address string, overwrite bool) error {
	if !validRemote(name) {
		return errorf(KindInvalid, "'%s' is not a valid remote name", name)
	}
	if address == "" || strings.ContainsAny(address, "\n\x00") {
		return errorf(KindInvalid, "the remote's address is not valid")
	}
	cfg, err := r.git.Config()
	if err != nil {
		return err
	}
	if cfg.Remotes[name] != nil && !overwrite {
		return errorf(KindExists, "remote %s already exists", name)
	}
	raw := rawConfig{r.c, path.Join(r.dot, "config")}
	if err := raw.set("remote."+name+".url", address); err != nil {
		return err
	}
	return raw.set("remote."+name+".fetch", fetchSpec(name))
}

// RemoveRemote forgets a remote and what is known of its branches.
func (r *Repo) RemoveRemote(name string) error {
	cfg, err := r.git.Config()
	if err != nil {
		return err
	}
	if cfg.Remotes[name] == nil {
		return errorf(KindRepoNotFound, "No such remote: '%s'", name)
	}
	delete(cfg.Remotes, name)
	for branch, b := range cfg.Branches {
		if b.Remote == name {
			delete(cfg.Branches, branch)
		}
	}
	if err := r.git.SetConfig(cfg); err != nil {
		return err
	}
	known, err := r.refs("refs/remotes/" + name + "/")
	for _, branch := range known {
		if rerr := r.git.Storer.RemoveReference(plumbing.NewRemoteReferenceName(name, branch)); err == nil {
			err = rerr
		}
	}
	return err
}

func validRemote(name string) bool {
	return name != "" && !strings.HasPrefix(name, "-") && !strings.ContainsAny(name, `/"[]`) && plumbing.NewRemoteReferenceName(name, "x").Validate() == nil
}

func fetchSpec(remote string) string {
	return "+refs/heads/*:refs/remotes/" + remote + "/*"
}

// setUpstream makes a branch follow one of a remote.
func (r *Repo) setUpstream(branch, remote, merge string) error {
	raw := rawConfig{r.c, path.Join(r.dot, "config")}
	if err := raw.set("branch."+branch+".remote", remote); err != nil {
		return err
	}
	return raw.set("branch."+branch+".merge", "refs/heads/"+merge)
}

// exchangeWith is one conversation with a remote.
type exchangeWith struct {
	ctx     context.Context
	name    string // as the user knows the remote
	address string // for go-git; without credentials
	auth    transport.AuthMethod
	local   string // the folder, when the remote is one of the guest
	done    func()
}

// scpLike are addresses such as git@github.com:owner/name.git.
var scpLike = lazyregexp.New(`^([^/:@]+@)?[^/:]+:[^/]`)

// dial prepares a conversation with a remote: an address of another machine, or
// a folder of the guest, from the folder dir. done must be called after it.
func (c *Client) dial(ctx context.Context, remote, dir string, cred Credentials, insecure bool) (*exchangeWith, error) {
	if remote == "" || strings.ContainsAny(remote, "\n\x00") {
		return nil, errorf(KindInvalid, "the remote's address is not valid")
	}
	u, err := url.Parse(remote)
	switch {
	case err == nil && u.Scheme == "file":
		return c.dialGuest(ctx, remote, u.Path)
	case strings.Contains(remote, "://"):
		if err != nil || u.Host == "" {
			return nil, errorf(KindInvalid, "%.200q is not a valid address", redact(remote))
		}
		return c.dialWeb(ctx, u, cred, insecure)
	case scpLike().MatchString(remote):
		return nil, checkScheme("ssh")
	case filepath.IsAbs(remote):
		return c.dialGuest(ctx, remote, remote)
	}
	return c.dialGuest(ctx, remote, path.Join(dir, remote))
}

func (c *Client) dialGuest(ctx context.Context, name, dir string) (*exchangeWith, error) {
	if info, err := c.fs.Stat(dir); err != nil || !info.IsDir() {
		return nil, &Error{KindRepoNotFound, "repository '" + name + "' does not exist", err}
	}
	address, done := c.withGuest(ctx, dir)
	return &exchangeWith{ctx: ctx, name: name, address: address, local: path.Clean(dir), done: done}, nil
}

func (c *Client) dialWeb(ctx context.Context, u *url.URL, cred Credentials, insecure bool) (*exchangeWith, error) {
	if err := checkScheme(u.Scheme); err != nil {
		return nil, err
	}
	if c.network.dial == nil {
		return nil, errorf(KindForbidden, "%s", or(c.network.refusal, "this sandbox has no network for git"))
	}
	auth := basicAuth(c.credentials(u, cred))
	bare := *u
	bare.User = nil
	ctx, done := withExchange(ctx, c.network, insecure)
	return &exchangeWith{ctx: ctx, name: bare.String(), address: bare.String(), auth: auth, done: done}, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// remote returns go-git's remote for the conversation.
func (x *exchangeWith) remote(r *Repo, name string) *git.Remote {
	return git.NewRemote(r.git.Storer, &config.RemoteConfig{Name: name, URLs: []string{x.address}, Fetch: []config.RefSpec{config.RefSpec(fetchSpec(name))}})
}

// address returns where a remote of the configuration is; a name that is none is
// an address itself.
func (r *Repo) address(remote string) (string, error) {
	cfg, err := r.git.Config()
	if err != nil {
		return "", err
	}
	if rc := cfg.Remotes[remote]; rc != nil && len(rc.URLs) > 0 {
		return rc.URLs[0], nil
	}
	if strings.ContainsAny(remote, "/:") {
		return remote, nil
	}
	return "", errorf(KindRepoNotFound, "'%s' is not a remote of this repository", remote)
}
