package gitrepo

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
)

// guestScheme is the protocol of remotes that are folders of the same guest. It
// is made up: the host of such an address stands for one operation, by which the
// transport finds the guest's files.
const guestScheme = "sandpiper-guest"

// guests are the operations that go on, by host.
var guests struct {
	sync.Map // of string to func(path string) (storer.Storer, error)
	next     atomic.Int64
}

// withGuest returns the address of a folder for one operation, and what must be
// called after it.
func (c *Client) withGuest(ctx context.Context, dir string) (address string, done func()) {
	host := fmt.Sprintf("op%d", guests.next.Add(1))
	guests.Store(host, func(dir string) (storer.Storer, error) {
		r, err := c.Open(ctx, dir)
		if err != nil || r.prefix != "" {
			return nil, transport.ErrRepositoryNotFound
		}
		return r.git.Storer, nil
	})
	u := url.URL{Scheme: guestScheme, Host: host, Path: path.Clean(dir)}
	return u.String(), func() { guests.Delete(host) }
}

// guestTransport serves remotes that are folders of a guest.
type guestTransport struct{}

// NewUploadPackSession implements transport.Transport.
func (t guestTransport) NewUploadPackSession(ep *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	objects, err := t.Load(ep)
	if err != nil {
		return nil, err
	}
	session, err := server.NewClient(t).NewUploadPackSession(ep, auth)
	return &guestUpload{session, objects}, err
}

// NewReceivePackSession implements transport.Transport.
func (t guestTransport) NewReceivePackSession(ep *transport.Endpoint, auth transport.AuthMethod) (transport.ReceivePackSession, error) {
	return server.NewClient(t).NewReceivePackSession(ep, auth)
}

// Load implements server.Loader.
func (guestTransport) Load(ep *transport.Endpoint) (storer.Storer, error) {
	open, ok := guests.Load(ep.Host)
	if !ok {
		return nil, transport.ErrRepositoryNotFound
	}
	return open.(func(string) (storer.Storer, error))(ep.Path)
}

// guestUpload sends what the other side lacks. go-git's own server fails when
// the other side has commits that it does not know.
type guestUpload struct {
	transport.UploadPackSession
	objects storer.Storer
}

// UploadPack implements transport.UploadPackSession.
func (u *guestUpload) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	req.Haves = slices.DeleteFunc(req.Haves, func(h plumbing.Hash) bool { return u.objects.HasEncodedObject(h) != nil })
	return u.UploadPackSession.UploadPack(ctx, req)
}
