package sshgateway

import (
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sshaccess"
)

// maxToken is the longest user name that is looked up, in bytes.
const maxToken = 256

// serverVersion is what peers are told. OpenSSH looks for bugs of versions that
// it knows, and finds none here.
const serverVersion = "SSH-2.0-Sandpiper"

// algorithms are what OpenSSH 7.4 and later know, the best first.
func algorithms() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{
			ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, "curve25519-sha256@libssh.org", ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384,
		},
		Ciphers: []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES256CTR, ssh.CipherAES128CTR},
		MACs:    []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256},
	}
}

// handshake lets a peer in. Whoever comes without a good token is told so.
func (g *Gateway) handshake(nc net.Conn, address string) (c *conn, chans <-chan ssh.NewChannel, requests <-chan *ssh.Request, err error) {
	var visit *sshaccess.Visit
	failed := false
	config := &ssh.ServerConfig{Config: algorithms(), ServerVersion: serverVersion, MaxAuthTries: 2, NoClientAuth: true}
	config.AddHostKey(g.signer)
	config.NoClientAuthCallback = func(meta ssh.ConnMetadata) (*ssh.Permissions, error) {
		if visit != nil {
			return nil, nil
		}
		v, err := g.admit(meta.User())
		if err != nil {
			failed = sandbox.KindOf(err) == sandbox.KindNotFound
			return nil, &ssh.BannerError{Err: err, Message: "sandpiper: " + message(err) + "\r\n"}
		}
		visit = v
		return nil, nil
	}
	_ = nc.SetDeadline(time.Now().Add(handshakeTime))
	server, chans, requests, err := ssh.NewServerConn(nc, config)
	if failed {
		g.limits.fail(address, time.Now())
	}
	if err != nil {
		g.dismiss(visit)
		return nil, nil, nil, err
	}
	_ = nc.SetDeadline(time.Time{})
	return newConn(g, server, visit), chans, requests, nil
}

// admit looks a token up and counts its holder.
func (g *Gateway) admit(token string) (*sshaccess.Visit, error) {
	if len(token) > maxToken {
		token = "" // which opens nothing
	}
	v, err := g.desk.Enter(g.ctx, token)
	if err != nil {
		return nil, err
	}
	if !g.limits.enter(v.Sandbox.ID) {
		v.Leave()
		return nil, sandbox.Errorf(sandbox.KindBusy, "there are %d SSH connections to this sandbox already; close some", maxPerSandbox)
	}
	return v, nil
}

// dismiss takes back admit.
func (g *Gateway) dismiss(v *sshaccess.Visit) {
	if v != nil {
		g.limits.leave(v.Sandbox.ID)
		v.Leave()
	}
}
