package gitrepo

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Credentials are a user's name and password, or a token as either, at a remote.
type Credentials struct{ Username, Password string }

// maxStored bounds the file of stored credentials, in bytes.
const maxStored = 1 << 20

// credentialsFile is where git's helper "store" keeps credentials, in the open.
func (c *Client) credentialsFile() string { return path.Join(c.home, ".git-credentials") }

// StoreCredentials keeps credentials for a host, such as github.com or
// git.example.com:8443, for this client and for the real git. They lie in the
// open in the user's home. protocol is http or https.
func (c *Client) StoreCredentials(ctx context.Context, protocol, host string, cred Credentials) error {
	at := url.URL{Scheme: protocol, Host: host}
	if parsed, err := url.Parse(at.String()); err != nil || parsed.Host != host || host == "" || strings.ContainsAny(host, "/@\n") {
		return errorf(KindInvalid, "%.100q is not a valid host", host)
	}
	if protocol != "http" && protocol != "https" {
		return errorf(KindInvalid, "the protocol must be http or https, not %.40q", protocol)
	}
	content, err := c.readFile(c.credentialsFile(), maxStored)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(content)), "\n"), func(line string) bool {
		u, err := url.Parse(line)
		return line == "" || err == nil && u.Scheme == protocol && strings.EqualFold(u.Host, host)
	})
	at.User = url.UserPassword(cred.Username, cred.Password)
	lines = append([]string{at.String()}, lines...) // git takes the first that fits
	if err := c.writeFile(c.credentialsFile(), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return c.SetConfig(ctx, "credential.helper", "store", ScopeGlobal, "")
}

// credentials returns what to send to a remote: what was given, or what the
// address has, or what was stored.
func (c *Client) credentials(remote *url.URL, given Credentials) Credentials {
	if given != (Credentials{}) {
		return given
	}
	if remote.User != nil {
		if password, ok := remote.User.Password(); ok {
			return Credentials{remote.User.Username(), password}
		}
	}
	content, err := c.readFile(c.credentialsFile(), maxStored)
	if err != nil {
		return userOnly(remote)
	}
	for line := range strings.Lines(string(content)) {
		u, err := url.Parse(strings.TrimSpace(line))
		if err != nil || u.User == nil || u.Scheme != remote.Scheme || !strings.EqualFold(u.Host, remote.Host) {
			continue
		}
		if remote.User != nil && remote.User.Username() != u.User.Username() {
			continue
		}
		password, _ := u.User.Password()
		return Credentials{u.User.Username(), password}
	}
	return userOnly(remote)
}

// userOnly is what an address without a password says: a token, perhaps.
func userOnly(remote *url.URL) Credentials {
	if remote.User == nil {
		return Credentials{}
	}
	return Credentials{Username: remote.User.Username()}
}
