package sshgateway

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How much there may be at a time. A channel may hold up to 2 MiB of what its
// receiver has not taken, so channels bound memory.
const (
	maxConns        = 512 // in all
	maxPerAddress   = 64
	maxPerSandbox   = 32
	maxChannels     = 128 // of a sandbox
	maxForwards     = 16  // ports that listen in the sandbox, of a connection
	failuresPerMin  = 10  // tokens that open nothing, of an address
	failuresAtOnce  = 20
	maxFailedClient = 1 << 14 // addresses whose failures are remembered
)

// limits counts what goes on.
type limits struct {
	mu        sync.Mutex
	conns     int
	addresses map[string]int
	sandboxes map[string]int // connections
	channels  map[string]int // of a sandbox
	failures  map[string]*rate.Limiter
}

func newLimits() *limits {
	return &limits{addresses: map[string]int{}, sandboxes: map[string]int{}, channels: map[string]int{}, failures: map[string]*rate.Limiter{}}
}

// connect counts a connection from an address; false means that there are
// enough, or that it has failed too often of late.
func (l *limits) connect(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := l.failures[address]
	if l.conns >= maxConns || l.addresses[address] >= maxPerAddress || failed != nil && failed.TokensAt(now) < 1 {
		return false
	}
	l.conns++
	l.addresses[address]++
	return true
}

// disconnect takes back connect.
func (l *limits) disconnect(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns--
	release(l.addresses, address)
}

// enter counts a connection to a sandbox.
func (l *limits) enter(sandboxID string) bool { return l.take(l.sandboxes, sandboxID, maxPerSandbox) }

// leave takes back enter.
func (l *limits) leave(sandboxID string) { l.giveBack(l.sandboxes, sandboxID) }

// openChannel counts a channel to a sandbox.
func (l *limits) openChannel(sandboxID string) bool {
	return l.take(l.channels, sandboxID, maxChannels)
}

// closeChannel takes back openChannel.
func (l *limits) closeChannel(sandboxID string) { l.giveBack(l.channels, sandboxID) }

func (l *limits) take(of map[string]int, key string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of[key] >= most {
		return false
	}
	of[key]++
	return true
}

func (l *limits) giveBack(of map[string]int, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	release(of, key)
}

func release(of map[string]int, key string) {
	if of[key]--; of[key] <= 0 {
		delete(of, key)
	}
}

// fail counts a token that opened nothing.
func (l *limits) fail(address string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.failures[address]
	if bucket == nil {
		if len(l.failures) >= maxFailedClient {
			l.forget(now)
		}
		bucket = rate.NewLimiter(rate.Limit(failuresPerMin)/60, failuresAtOnce)
		l.failures[address] = bucket
	}
	bucket.AllowN(now, 1)
}

// forget drops the addresses that have not failed of late, or else all:
// guessing a token is hopeless in any case. Precondition: l.mu is held.
func (l *limits) forget(now time.Time) {
	for address, bucket := range l.failures {
		if bucket.TokensAt(now) >= failuresAtOnce {
			delete(l.failures, address)
		}
	}
	if len(l.failures) >= maxFailedClient {
		clear(l.failures)
	}
}

// addressOf returns what a connection counts for: its address, or the /64 of
// one of IPv6, which is what one subscriber has.
func addressOf(a net.Addr) string {
	peer, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	addr := peer.Addr().Unmap()
	if addr.Is6() {
		block, _ := addr.WithZone("").Prefix(64)
		return block.String()
	}
	return addr.String()
}
