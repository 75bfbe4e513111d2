package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// go-git chooses what speaks a protocol from one table for the whole process.
// install puts ours there: HTTP that obeys the Network of the operation that a
// request belongs to, and nothing that runs programs or reads files of this
// machine.
var install = sync.OnceFunc(func() {
	web := githttp.NewClientWithOptions(&http.Client{Transport: roundTripper{}, CheckRedirect: checkRedirect},
		&githttp.ClientOptions{RedirectPolicy: githttp.FollowInitialRedirects})
	client.InstallProtocol("http", web)
	client.InstallProtocol("https", web)
	client.InstallProtocol(guestScheme, guestTransport{})
	for _, scheme := range []string{"file", "ssh", "git"} {
		client.InstallProtocol(scheme, nil)
	}
})

// exchange is what one operation may do with the network.
type exchange struct {
	transport *http.Transport
	limit     int64

	mu       sync.Mutex
	received int64
}

type exchangeKey struct{}

// withExchange returns the context for one operation with remotes of other
// machines, and what must be called after it.
func withExchange(ctx context.Context, n Network, insecure bool) (context.Context, func()) {
	e := &exchange{transport: n.transport(insecure), limit: n.maxBytes}
	return context.WithValue(ctx, exchangeKey{}, e), e.transport.CloseIdleConnections
}

// roundTripper sends requests as the exchange in their context says.
type roundTripper struct{}

// RoundTrip implements http.RoundTripper.
func (roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	e, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("a git request outside an operation")
	}
	resp, err := e.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if e.limit > 0 {
		resp.Body = &limitedBody{resp.Body, e}
	}
	return resp, nil
}

// limitedBody ends with an error when its exchange has received too much.
type limitedBody struct {
	io.ReadCloser
	e *exchange
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	if b.e.received += int64(n); b.e.received > b.e.limit {
		return 0, errorf(KindForbidden, "the repository is larger than the %d MiB that this sandbox may fetch with git", b.e.limit>>20)
	}
	return n, err
}

const maxRedirects = 5

// checkRedirect follows few redirects and none to a connection that others can
// read. go-git drops credentials at other hosts; where the new host leads is
// checked when it is dialled.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errorf(KindTransport, "the remote redirects more than %d times", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errorf(KindTransport, "the remote redirects from https to %s", req.URL.Scheme)
	}
	return nil
}

// basicAuth returns the way to send credentials, or nil when there are none.
func basicAuth(c Credentials) transport.AuthMethod {
	if c.Username == "" && c.Password == "" {
		return nil
	}
	username := c.Username
	if username == "" {
		username = "git" // a token alone is a password
	}
	return &githttp.BasicAuth{Username: username, Password: c.Password}
}

// checkScheme says what is wrong with a remote's scheme.
func checkScheme(scheme string) error {
	switch scheme {
	case "http", "https":
		return nil
	case "ssh", "git", "file":
		return errorf(KindForbidden, "%s remotes are not supported here; use an https address", scheme)
	}
	return errorf(KindInvalid, "%s", fmt.Sprintf("remotes with %.40q are not supported; use an https address", scheme+"://"))
}
