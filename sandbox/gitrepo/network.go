package gitrepo

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Network says which remotes of other machines may be reached. Its zero value
// reaches none.
type Network struct {
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	proxy    func(*http.Request) (*url.URL, error)
	maxBytes int64  // that one operation may receive; 0 means any number
	refusal  string // why none is reached
}

// dialer bounds how long a connection may take to be made.
var dialer = net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}

// Direct reaches whatever the machine reaches on which this code runs. It is for
// code that runs inside the sandbox, whose network rules hold anyway.
func Direct() Network {
	return Network{dial: dialer.DialContext, proxy: http.ProxyFromEnvironment}
}

// Nowhere reaches nothing. The reason is shown to the user.
func Nowhere(reason string) Network { return Network{refusal: reason} }

// PublicConfig says how far Public goes.
type PublicConfig struct {
	// MaxBytes is how much one operation may receive; 0 means 1 GiB.
	MaxBytes int64

	// AllowLoopback also reaches this machine's own 127.0.0.0/8 and ::1. It is
	// for tests.
	AllowLoopback bool
}

// Public reaches public addresses only: it is for code that runs beside the
// sandbox, where a request would otherwise come from inside the operator's
// network. Names are resolved and checked here, and the checked address is the
// one that is dialled, also after redirects.
func Public(cfg PublicConfig) Network {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 30
	}
	p := publicDialer{loopback: cfg.AllowLoopback, lookup: net.DefaultResolver.LookupNetIP, own: net.InterfaceAddrs}
	return Network{dial: p.dial, maxBytes: cfg.MaxBytes}
}

// transport returns the transport for one operation. Its connections must be
// closed after that.
func (n Network) transport(insecure bool) *http.Transport {
	return &http.Transport{
		DialContext:           n.dial,
		Proxy:                 n.proxy,
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: insecure}, // only where the user asks for it
		TLSHandshakeTimeout:   30 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute, // servers count objects first
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   2,
	}
}

// publicDialer dials public addresses.
type publicDialer struct {
	loopback bool
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
	own      func() ([]net.Addr, error)
}

func (p publicDialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addrs, err := p.lookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, a := range addrs {
		if !p.allowed(a) {
			continue
		}
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	if failed == nil {
		failed = errorf(KindForbidden, "%s is not a public address, and this sandbox may reach no others with git", host)
	}
	return nil, failed
}

func (p publicDialer) allowed(a netip.Addr) bool {
	a = a.Unmap()
	if a.IsLoopback() {
		return p.loopback
	}
	return a.Zone() == "" && isPublic(a) && !p.isOwn(a)
}

// isOwn tells whether an address is one of this machine, whose firewall does not
// see connections that it makes to itself.
func (p publicDialer) isOwn(a netip.Addr) bool {
	addrs, err := p.own()
	if err != nil {
		return true
	}
	for _, own := range addrs {
		if n, ok := own.(*net.IPNet); ok && n.IP.Equal(net.IP(a.AsSlice())) {
			return true
		}
	}
	return false
}

// notPublic are the ranges of the registries of special addresses that package
// netip has no names for, and those that lead to IPv4 addresses in disguise.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"168.63.129.16/32", // a cloud's metadata, though it looks public
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}

// isPublic tells whether an address is one of the internet's.
func isPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
