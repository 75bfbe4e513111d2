package docker_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// TestReachability tries from sandboxes of each policy what they can reach.
func TestReachability(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := openEngine(t, w.config(t))
	victim := startVictim(t, e)

	type row struct {
		internet, other, neighbourDNS bool
	}
	for name, tt := range map[string]struct {
		policy sandbox.Network
		want   row
	}{
		"default":           {sandbox.Network{}, row{internet: true, other: true, neighbourDNS: true}},
		"block all":         {sandbox.Network{BlockAll: true}, row{}},
		"allow list":        {sandbox.Network{Allow: []string{"198.51.100.0/24"}}, row{internet: true}},
		"allow a neighbour": {sandbox.Network{Allow: []string{neighbourAddr, "198.51.100.7/32"}}, row{}},
		"allow a resolver":  {sandbox.Network{Allow: []string{internetAddr, resolverAddr}}, row{internet: true, neighbourDNS: true}},
		"allow everything":  {sandbox.Network{Allow: []string{"0.0.0.0/0"}}, row{internet: true, other: true, neighbourDNS: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, e, shellImage, func(spec *sandbox.Spec) { spec.Network = tt.policy })
			for _, target := range []struct {
				what, addr string
				port       int
				want       bool
			}{
				{"the internet", internetAddr, 80, tt.want.internet},
				{"another address of the internet", otherAddr, 80, tt.want.other},
				{"a neighbour of the host", neighbourAddr, 80, false},
				{"the resolver", resolverAddr, 53, tt.want.neighbourDNS},
				{"another port of the resolver", resolverAddr, 80, false},
				{"the metadata service", metadataAddr, 80, false},
				{"the host by its address", hostAddr, 9000, false},
				{"the host by the bridge", s.gateway(), 9000, false},
				{"another sandbox", victim.own(), 7000, false},
				{"itself", "127.0.0.1", 2, false},
			} {
				if got := s.tries(target.addr, target.port, target.want); got != target.want {
					t.Errorf("%s (%s:%d): reached is %v, want %v", target.what, target.addr, target.port, got, target.want)
				}
			}
		})
	}
	if got, _ := victim.execute("nc -w 1 127.0.0.1 7000 </dev/null"); !strings.Contains(got, "tick") {
		t.Errorf("the other sandbox's server does not even answer itself: %q", got)
	}
}

// TestPrivateNetworks opens one private network to lists: who does not name it
// does not reach it.
func TestPrivateNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	closed := openEngine(t, w.config(t))
	spec := newSpec(shellImage)
	spec.Network = sandbox.Network{Allow: []string{"192.168.77.0/24", "127.0.0.0/8"}}
	var refusal *sandbox.Error
	if err := closed.Create(t.Context(), spec); !errors.As(err, &refusal) || refusal.Kind != sandbox.KindUnprocessed || refusal.Field != "networkAllowList" {
		t.Errorf("a list of private networks: %v", err)
	}
	s := start(t, closed, shellImage, nil)
	if err := closed.SetNetwork(t.Context(), s.spec.ID, spec.Network); sandbox.KindOf(err) != sandbox.KindUnprocessed {
		t.Errorf("a change to a list of private networks: %v", err)
	}
	check(t, closed.Destroy(t.Context(), s.spec.ID))

	cfg := w.config(t)
	cfg.PrivateNetworks = []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24")}
	e := openEngine(t, cfg)
	for name, tt := range map[string]struct {
		policy              sandbox.Network
		neighbour, resolver bool
	}{
		"default":         {sandbox.Network{}, false, false},
		"what is opened":  {sandbox.Network{Allow: []string{neighbourAddr}}, true, false},
		"everything":      {sandbox.Network{Allow: []string{"0.0.0.0/0"}}, true, false},
		"another network": {sandbox.Network{Allow: []string{"10.0.0.0/8", internetAddr}}, false, false},
	} {
		s := start(t, e, shellImage, func(spec *sandbox.Spec) { spec.Network = tt.policy })
		if got := s.tries(neighbourAddr, 80, tt.neighbour); got != tt.neighbour {
			t.Errorf("%s: the neighbour is reached: %v, want %v", name, got, tt.neighbour)
		}
		if got := s.tries(resolverAddr, 80, tt.resolver); got != tt.resolver {
			t.Errorf("%s: another private address is reached: %v, want %v", name, got, tt.resolver)
		}
		if s.escapes(metadataAddr, 80) {
			t.Errorf("%s: the metadata is reached", name)
		}
	}
}

// TestNetworkChanges changes the policy of a running sandbox with an open
// connection, and stops and starts it.
func TestNetworkChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, nil)
	s.execute(fmt.Sprintf("nc %s 80 </dev/null >/tmp/ticks 2>&1 &", internetAddr))
	count := func() string { n, _ := s.execute("wc -l </tmp/ticks"); return n }
	eventually(t, "what the connection brings", func() (any, bool) { n := count(); return n, n != count0 })

	check(t, e.SetNetwork(t.Context(), s.spec.ID, sandbox.Network{BlockAll: true}))
	before := ""
	eventually(t, "the end of an open connection that is blocked", func() (any, bool) {
		last := before
		before = count()
		time.Sleep(300 * time.Millisecond) // of a connection that goes on, 15 ticks
		return last + before, last == before
	})
	if s.escapes(internetAddr, 80) {
		t.Error("a new connection succeeds after it was blocked")
	}

	check(t, e.SetNetwork(t.Context(), s.spec.ID, sandbox.Network{Allow: []string{otherAddr + "/32"}}))
	if !s.reaches(otherAddr, 80) || s.escapes(internetAddr, 80) {
		t.Error("an allow list does not hold")
	}

	own := s.own()
	check(t, e.Stop(t.Context(), s.spec.ID, 0))
	s.spec.Network = sandbox.Network{Allow: []string{internetAddr}}
	check(t, e.Start(t.Context(), s.spec))
	if !s.reaches(internetAddr, 80) || s.escapes(otherAddr, 80) {
		t.Error("the policy of a start does not hold")
	}
	if got := s.own(); got != own {
		t.Errorf("the address changed from %s to %s", own, got)
	}
	w.hasNoLinkLocal(t)
}

const count0 = "0\n"

// TestRuntimes registers a runtime that does not work and one by the name of
// gVisor's, whose sandboxes Docker plugs in: the same rules hold for them.
func TestRuntimes(t *testing.T) {
	t.Parallel()
	runc, err := exec.LookPath("runc")
	check(t, err)
	broken, err := exec.LookPath("false")
	check(t, err)
	w := newWorld(t, "--add-runtime", "crun="+broken, "--add-runtime", "runsc="+runc)
	e := openEngine(t, w.config(t))
	f, err := e.Fingerprint(t.Context())
	check(t, err)
	if !slices.Equal(f.Runtimes, []string{"runc", "runsc"}) {
		t.Errorf("the runtimes are %v", f.Runtimes)
	}
	s := start(t, e, shellImage, func(s *sandbox.Spec) { s.Runtime = "runsc" })
	found, err := e.Status(t.Context(), s.spec.ID)
	check(t, err)
	if found.Isolation != "gVisor (runsc)" {
		t.Errorf("it is isolated by %q", found.Isolation)
	}
	victim := startVictim(t, e)
	link(t, e, s, victim) // leaves out what has no wires
	s.obeysRules(victim)
}

// startVictim starts a sandbox with a server that no other sandbox may reach.
func startVictim(t testing.TB, e *docker.Engine) inhabitant {
	t.Helper()
	victim := start(t, e, shellImage, nil)
	victim.ticks()
	return victim
}

// obeysRules holds a sandbox with the default policy to it, also when it changes
// and after a new start.
func (i inhabitant) obeysRules(victim inhabitant) {
	t, e := i.t, i.engine
	t.Helper()
	reach := func(want bool) {
		t.Helper()
		if got := i.tries(internetAddr, 80, want); got != want {
			t.Errorf("the internet: %v, want %v", got, want)
		}
		for what, target := range map[string]string{"a neighbour": neighbourAddr, "metadata": metadataAddr, "the host": hostAddr, "the gateway": i.gateway(), "another sandbox": victim.own()} {
			for _, port := range []int{80, 9000, 7000} {
				if i.escapes(target, port) {
					t.Errorf("%s is reached at %s:%d", what, target, port)
				}
			}
		}
	}
	reach(true)
	check(t, e.SetNetwork(t.Context(), i.spec.ID, sandbox.Network{BlockAll: true}))
	reach(false)
	check(t, e.Stop(t.Context(), i.spec.ID, 0))
	check(t, e.Start(t.Context(), i.spec))
	reach(true)
}
