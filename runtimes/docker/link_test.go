package docker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// TestLink lets three sandboxes reach each other, and nobody else, whatever becomes
// of them.
func TestLink(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(t)
	e := openEngine(t, cfg)
	named := func(name string) inhabitant {
		s := start(t, e, shellImage, func(spec *sandbox.Spec) { spec.Name = name })
		s.ticks()
		return s
	}
	parent, child, other, stranger := named("parent"), named("child"), named("two words"), named("stranger")
	family := []inhabitant{parent, child, other}
	check(t, e.SetNetwork(t.Context(), child.spec.ID, sandbox.Network{BlockAll: true}))
	check(t, e.SetNetwork(t.Context(), other.spec.ID, sandbox.Network{Allow: []string{otherAddr}}))
	if parent.reaches(child.own(), 7000) {
		t.Error("they reach each other before they are linked")
	}

	link(t, e, family...)
	child.meets("parent", parent.spec.ID, other.spec.ID, child.spec.ID)
	parent.meets("child", child.spec.ID, other.spec.ID)
	other.meets("parent", "child", child.spec.ID)
	ways := []string{child.own() + ":7000"}
	for _, s := range family {
		ways = append(ways, s.own()+":7000", s.spec.Name+":7000", s.spec.ID+":7000")
		closed := []string{stranger.own() + ":7000", neighbourAddr + ":80", metadataAddr + ":80", hostAddr + ":9000", s.gateway() + ":9000"}
		if got := s.reachesAny(closed...); got != "" {
			t.Errorf("%s reaches %s", s.spec.Name, got)
		}
	}
	if got := stranger.reachesAny(ways...); got != "" {
		t.Errorf("a stranger reaches %s", got)
	}
	if !parent.reaches(internetAddr, 80) || child.reaches(internetAddr, 80) || other.reaches(internetAddr, 80) {
		t.Error("what they reach of the internet is another's")
	}

	// A new name, and what the sandbox has written into the file itself.
	child.execute("printf '192.0.2.1 mine' >>/etc/hosts")
	parent.spec.Name, family[0].spec.Name = "renamed", "renamed"
	link(t, e, family...)
	child.meets("renamed", parent.spec.ID)
	if hosts, _ := child.execute("cat /etc/hosts"); strings.Contains(hosts, "parent") || !strings.Contains(hosts, "192.0.2.1 mine\n") || strings.Count(hosts, parent.spec.ID) != 1 {
		t.Errorf("after another name the hosts are %q", hosts)
	}

	// Pausing and a new server change nothing.
	check(t, e.Pause(t.Context(), parent.spec.ID))
	link(t, e, family...)
	check(t, e.Resume(t.Context(), parent.spec.ID))
	e = openEngine(t, cfg)
	child.meets("renamed")
	stranger.engine = e

	// A start, also one with another address.
	check(t, e.Stop(t.Context(), parent.spec.ID, 0))
	link(t, e, family...)
	if hosts, _ := child.execute("cat /etc/hosts"); strings.Contains(hosts, parent.spec.ID) || !strings.Contains(hosts, other.spec.ID) {
		t.Errorf("after the end of one the hosts are %q", hosts)
	}
	archive, err := e.Archive(t.Context(), parent.spec.ID)
	check(t, err)
	taken := startVictim(t, e)
	check(t, e.Restore(t.Context(), parent.spec, archive))
	check(t, e.Start(t.Context(), parent.spec))
	parent.ticks()
	link(t, e, family...)
	child.meets("renamed", parent.spec.ID)
	parent.meets("child", other.spec.ID)
	if taken.reachesAny(child.own()+":7000", parent.own()+":7000") != "" || child.reaches(taken.own(), 7000) {
		t.Error("a sandbox that came meanwhile is linked")
	}

	// A fork is a stranger, and the last one is alone.
	fork := newSpec("")
	check(t, e.Fork(t.Context(), child.spec.ID, fork))
	copied := inhabitant{t, e, fork}
	if hosts, _ := copied.execute("cat /etc/hosts"); copied.reaches(child.own(), 7000) || strings.Contains(hosts, child.spec.ID) {
		t.Errorf("a fork of a sandbox that is linked has the hosts %q", hosts)
	}
	check(t, e.Destroy(t.Context(), child.spec.ID))
	check(t, e.Destroy(t.Context(), other.spec.ID))
	link(t, e, family...)
	links, _ := parent.execute("ip -o link | grep -c ' to'; cat /etc/hosts")
	if !strings.HasPrefix(links, "0\n") || strings.Contains(links, child.spec.ID) || strings.Contains(links, other.spec.ID) {
		t.Errorf("the last one of them has %q", links)
	}
}

// link links sandboxes with each other.
func link(t *testing.T, e *docker.Engine, family ...inhabitant) {
	t.Helper()
	var peers []sandbox.Peer
	for _, s := range family {
		peers = append(peers, sandbox.Peer{ID: s.spec.ID, Name: s.spec.Name})
	}
	check(t, e.Link(t.Context(), peers))
	slices.Reverse(peers) // the order does not matter, nor how often
	check(t, e.Link(t.Context(), peers))
}

// ticks starts a server that only those reach who are linked.
func (i inhabitant) ticks() {
	i.execute("(while :; do echo tick | nc -l -p 7000; done) >/dev/null 2>&1 &")
}

// meets checks that a sandbox reaches others by names.
func (i inhabitant) meets(names ...string) {
	i.t.Helper()
	for _, name := range names {
		eventually(i.t, fmt.Sprintf("%s to reach %s", i.spec.Name, name), func() (any, bool) {
			return nil, i.reaches(name, 7000) // whose server begins anew after each
		})
	}
}

// reachesAny returns those of some addresses with ports that a sandbox reaches. It
// tries them at the same time: what is not there takes seconds.
func (i inhabitant) reachesAny(targets ...string) string {
	i.t.Helper()
	got, _ := i.execute("for a in " + strings.Join(targets, " ") + "; do (nc -w 2 ${a%:*} ${a#*:} </dev/null 2>/dev/null | grep -q tick && echo $a) & done; wait")
	return strings.TrimSpace(got)
}
