//go:build linux

package osguest

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const tail = " S 3 4 4 0 -1 4194304 1 0 0 0 70 8 900 0 20 0 1 0 12345 1 55 18446744073709551615\n"
	of := func(name string) stat {
		return stat{pid: 7, parent: 3, group: 4, state: 'S', started: 12345, name: name, cpu: 78, resident: 55}
	}
	for text, want := range map[string]stat{
		"7 (name)" + tail:          of("name"),
		"7 (a) Z 9 (b c))" + tail:  of("a) Z 9 (b c)"),
		"7 (new\nline)" + tail:     of("new\nline"),
		"":                         {},
		"7 (name) S 3":             {},
		"x (name)" + tail:          {},
		"7 )name(" + tail:          {},
		"7 (name) SS" + tail[2:]:   {},
		"7 (n) S y 4" + tail[6:]:   {},
		"7 (n) S 99999999999999 4": {},
	} {
		got, err := parseStat([]byte(text))
		if got != want || (err == nil) != (want.pid != 0) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (a) b) S 3 4 4 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1"))
	f.Add([]byte("7 )("))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := parseStat(data); err != nil && s != (stat{}) {
			t.Errorf("%+v with %v", s, err)
		}
	})
}

func TestKin(t *testing.T) {
	all := []stat{
		{pid: 5, parent: 4}, {pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 3},
		{pid: 6, parent: 1, group: 2}, {pid: 7, parent: 6}, {pid: 8, parent: 1, group: 8},
	}
	found := map[int]bool{}
	for _, s := range kin(all, 2) {
		found[s.pid] = true
	}
	if len(found) != 5 || !found[3] || !found[4] || !found[5] || !found[6] || !found[7] {
		t.Errorf("got %v", found)
	}
}

func TestReapOnceLeavesOurOwnAlone(t *testing.T) {
	g := &Guest{}
	p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	for !ended(p.Pid) {
		time.Sleep(time.Millisecond)
	}
	now := time.Now()
	seen := g.reapOnce(nil, now)
	if seen[p.Pid] != now {
		t.Fatalf("the process was not seen: %v", seen)
	}
	if seen = g.reapOnce(seen, now.Add(orphanAge/2)); seen[p.Pid] != now {
		t.Errorf("the process was not left alone: %v", seen)
	}
	g.own.pids = map[int]struct{}{p.Pid: {}}
	if seen = g.reapOnce(seen, now.Add(2*orphanAge)); len(seen) > 0 || !ended(p.Pid) {
		t.Error("a process of the guest's own was buried")
	}
	g.own.ended(p.Pid)
	g.reapOnce(map[int]time.Time{p.Pid: now}, now.Add(2*orphanAge))
	if ended(p.Pid) {
		t.Error("an orphan was left")
	}
}

func ended(pid int) bool {
	s, err := readStat("/proc", pid)
	return err == nil && s.state == 'Z'
}
