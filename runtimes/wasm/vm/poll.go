package vm

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Sizes and limits of poll_oneoff.
const (
	subscriptionSize = 48
	eventSize        = 32
	maxSubscriptions = 1024
)

// What a subscription waits for.
const (
	eventClock   = 0
	eventFdRead  = 1
	eventFdWrite = 2
)

// subscription is a decoded request of poll_oneoff.
type subscription struct {
	userdata [8]byte
	kind     byte
	fd       uint32        // of eventFdRead and eventFdWrite
	after    time.Duration // of eventClock: how long from now
	err      errno
}

// pollOneoff implements WASI's poll_oneoff(in, out, nsubscriptions, nevents).
// wazero's own knows no absolute clocks and cannot be interrupted. Files are
// always ready, as in POSIX; standard input is ready when it can be read.
func pollOneoff(ctx context.Context, mem api.Memory, args []uint64) errno {
	in, out, n, nevents := uint32(args[0]), uint32(args[1]), uint32(args[2]), uint32(args[3])
	if n == 0 || n > maxSubscriptions {
		return errnoInval
	}
	raw, ok := mem.Read(in, n*subscriptionSize)
	if !ok {
		return errnoFault
	}
	r := Current(ctx)
	subs := make([]subscription, n)
	for i := range subs {
		subs[i] = r.decodeSubscription(raw[i*subscriptionSize:])
	}
	due := r.wait(ctx, subs)
	events := make([]byte, 0, n*eventSize)
	for _, s := range due {
		events = s.appendEvent(events)
	}
	if !mem.Write(out, events) || !mem.WriteUint32Le(nevents, uint32(len(due))) {
		return errnoFault
	}
	return errnoSuccess
}

func (r *Run) decodeSubscription(b []byte) subscription {
	s := subscription{kind: b[8], userdata: [8]byte(b)}
	switch s.kind {
	case eventClock:
		clock := binary.LittleEndian.Uint32(b[16:])
		timeout := int64(min(binary.LittleEndian.Uint64(b[24:]), 1<<62))
		absolute := binary.LittleEndian.Uint16(b[40:])&1 != 0
		now, ok := r.now(clock)
		if !ok {
			s.err = errnoInval
		}
		if absolute {
			timeout -= now
		}
		s.after = time.Duration(timeout)
	case eventFdRead, eventFdWrite:
		s.fd = binary.LittleEndian.Uint32(b[16:])
	default:
		s.err = errnoInval
	}
	return s
}

// wait returns the subscriptions that are due, once there is one.
func (r *Run) wait(ctx context.Context, subs []subscription) []subscription {
	began := time.Now()
	first, stdin, ready := plan(subs)
	switch {
	case ready || r.justDelivered():
		r.Check(ctx)
	case stdin:
		r.Block(ctx, func(ctx context.Context) {
			if first >= 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, first)
				defer cancel()
			}
			_ = r.cfg.Stdin.Wait(ctx)
		})
	default:
		r.Sleep(ctx, first)
	}
	if r.deliver(ctx) {
		r.delivered = time.Time{} // the guest has yet to look for it
	}
	waited := time.Since(began)
	var due []subscription
	for _, s := range subs {
		if s.err != errnoSuccess || r.due(s, waited) {
			due = append(due, s)
		}
	}
	if len(due) == 0 {
		return early(subs)
	}
	return due
}

// early returns what to say of a wait that an interrupt has ended: that clocks have
// rung too early, since C libraries make an error of an answer without events.
func early(subs []subscription) (due []subscription) {
	for _, s := range subs {
		if s.kind == eventClock {
			due = append(due, s)
		}
	}
	return due
}

// plan says what to wait for: the first clock to ring (-1 for none), standard
// input, or nothing at all since something is ready.
func plan(subs []subscription) (first time.Duration, stdin, ready bool) {
	first = -1
	for _, s := range subs {
		switch {
		case s.err != errnoSuccess:
			ready = true
		case s.kind == eventClock:
			if first < 0 || s.after < first {
				first = max(0, s.after)
			}
		case s.kind == eventFdRead && s.fd == 0:
			stdin = true
		default:
			ready = true
		}
	}
	return first, stdin, ready
}

func (r *Run) due(s subscription, waited time.Duration) bool {
	switch {
	case s.kind == eventClock:
		return s.after <= waited
	case s.kind == eventFdRead && s.fd == 0:
		return r.cfg.Stdin.Ready()
	}
	return true
}

func (s subscription) appendEvent(b []byte) []byte {
	b = append(b, s.userdata[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(s.err))
	b = append(b, s.kind, 0, 0, 0, 0, 0)
	return append(b, make([]byte, eventSize-16)...)
}
