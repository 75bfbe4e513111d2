package gitrepo

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"sync"
	"sync/atomic"

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
func (guestTransport) NewUploadPackSession(ep *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	return server.NewClient(guestTransport{}).NewUploadPackSession(ep, auth)
}

// NewReceivePackSession implements transport.Transport.
func (guestTransport) NewReceivePackSession(ep *transport.Endpoint, auth transport.AuthMethod) (transport.ReceivePackSession, error) {
	return server.NewClient(guestTransport{}).NewReceivePackSession(ep, auth)
}

// Load implements server.Loader.
func (guestTransport) Load(ep *transport.Endpoint) (storer.Storer, error) {
	open, ok := guests.Load(ep.Host)
	if !ok {
		return nil, transport.ErrRepositoryNotFound
	}
	return open.(func(string) (storer.Storer, error))(ep.Path)
}
