package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sandpiper/sandbox"
)

// maxLimited is how many addresses are remembered at once: about 10 MB.
const maxLimited = 1 << 16

// limiter gives each client a token bucket, and forgets buckets that are full.
type limiter struct {
	every rate.Limit
	burst int

	mu      sync.Mutex
	clients map[string]*rate.Limiter
}

func newLimiter(perMinute, burst int) *limiter {
	return &limiter{every: rate.Limit(float64(perMinute) / 60), burst: burst, clients: map[string]*rate.Limiter{}}
}

// allow takes one token of client's, or says when there will be one.
func (l *limiter) allow(client string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.clients[client]
	if bucket == nil {
		if len(l.clients) >= maxLimited && l.forgetLocked(now) == 0 {
			return &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: time.Minute, Message: "too many people are using this server at once; try again in a minute"}
		}
		bucket = rate.NewLimiter(l.every, l.burst)
		l.clients[client] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: wait, Message: "too many runs from this address; wait a moment, or use an API key"}
}

// forget drops the clients that have their whole burst again, and returns how many.
func (l *limiter) forget(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forgetLocked(now)
}

// forgetLocked is forget. Preconditions: l.mu must be held.
func (l *limiter) forgetLocked(now time.Time) int {
	before := len(l.clients)
	for client, bucket := range l.clients {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.clients, client)
		}
	}
	return before - len(l.clients)
}
