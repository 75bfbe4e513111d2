package sandbox_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// fieldOf returns the field that an error names; "" for no error.
func fieldOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind != sandbox.KindUnprocessed || e.Field == "" || e.Message == "" {
		t.Fatalf("the error is %#v", err)
	}
	return e.Field
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"web": true, "My Sandbox 1": true, "a.b_c-d": true, "Ä": true, strings.Repeat("x", 128): true,
		"": false, " a": false, "a ": false, "a/b": false, `a\b`: false, "a?b": false, "a#b": false, "a%b": false, "a\nb": false, "a\x00": false,
		"\xff": false, ".": false, "..": false, "paginated": false, "ssh-access": false, strings.Repeat("x", 129): false,
		"3fa85f64-5717-4562-b3fc-2c963f66afa6": false,
	} {
		if got := fieldOf(t, sandbox.ValidateName(name)); (got == "") != ok || got != "" && got != "name" {
			t.Errorf("%q: %q", name, got)
		}
	}
	for _, user := range []string{"", "daytona", "1000:1000"} {
		if err := sandbox.ValidateUser(user); err != nil {
			t.Error(err)
		}
	}
	if fieldOf(t, sandbox.ValidateUser("a b")) != "user" || fieldOf(t, sandbox.ValidateTarget("a b")) != "target" || sandbox.ValidateTarget("eu-1") != nil {
		t.Error("users or targets")
	}
}

func TestLabelsAndEnv(t *testing.T) {
	many := map[string]string{}
	for i := range sandbox.MaxLabels + 1 {
		many[strings.Repeat("k", i+1)] = ""
	}
	for name, labels := range map[string]map[string]string{
		"too many": many, "no name": {"": "x"}, "no text": {"a": "\xff"}, "too much": {"a": strings.Repeat("x", sandbox.MaxLabelBytes)},
	} {
		if fieldOf(t, sandbox.ValidateLabels(labels)) != "labels" {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := sandbox.ValidateLabels(map[string]string{"code-toolbox-language": "python"}); err != nil {
		t.Error(err)
	}
	if fieldOf(t, sandbox.ValidateEnv(map[string]string{"A=B": ""})) != "env" || sandbox.ValidateEnv(map[string]string{"A": "1\n2"}) != nil {
		t.Error("environments")
	}
}

func TestResources(t *testing.T) {
	limit := sandbox.Resources{CPU: 4, MemoryGiB: 8, DiskGiB: 10}
	for want, r := range map[string]sandbox.Resources{
		"": {CPU: 4, MemoryGiB: 8, DiskGiB: 10}, "cpu": {MemoryGiB: 1, DiskGiB: 1}, "memory": {CPU: 1, MemoryGiB: 9, DiskGiB: 1},
		"disk": {CPU: 1, MemoryGiB: 1, DiskGiB: -1}, "gpu": {CPU: 1, MemoryGiB: 1, DiskGiB: 1, GPU: 1},
	} {
		if got := fieldOf(t, r.Validate(limit)); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
	if err := (sandbox.Resources{CPU: 999, MemoryGiB: 999, DiskGiB: 999}).Validate(sandbox.Resources{}); err != nil {
		t.Error(err)
	}
}

// TestHeld is the table of what counts to a quota in which state.
func TestHeld(t *testing.T) {
	all := sandbox.Resources{CPU: 2, MemoryGiB: 4, DiskGiB: 8}
	disk, none := sandbox.Resources{DiskGiB: 8}, sandbox.Resources{}
	for state, want := range map[sandbox.State]sandbox.Resources{
		sandbox.StateStarted: all, sandbox.StateCreating: all, sandbox.StateStopping: all, sandbox.StateRestoring: all, sandbox.StateUnknown: all,
		sandbox.StatePaused: {MemoryGiB: 4, DiskGiB: 8}, sandbox.StateStopped: disk, sandbox.StateError: disk, sandbox.StateDestroy: disk,
		sandbox.StateArchived: none, sandbox.StateDestroyed: none,
	} {
		if got := all.Held(state); got != want {
			t.Errorf("%s holds %+v, want %+v", state, got, want)
		}
	}
	sum := all.Plus(disk).Minus(all)
	if sum != disk || (sandbox.Resources{CPU: 1}).Or(all) != (sandbox.Resources{CPU: 1, MemoryGiB: 4, DiskGiB: 8}) {
		t.Errorf("sums: %+v", sum)
	}
}

func TestIntervals(t *testing.T) {
	const m = time.Minute
	for want, i := range map[string]sandbox.Intervals{
		"":                    {AutoStop: sandbox.DefaultAutoStop, AutoArchive: sandbox.DefaultAutoArchive, AutoDelete: sandbox.NoAutoDelete},
		"autoStopInterval":    {AutoStop: -m, AutoDelete: -m},
		"autoPauseInterval":   {AutoStop: m, AutoPause: m, AutoDelete: -m},
		"autoArchiveInterval": {AutoArchive: sandbox.MaxAutoArchive + m, AutoDelete: -m},
		"autoDeleteInterval":  {AutoDelete: 1 << 62},
		"ttlMinutes":          {TTL: -m, AutoDelete: -m},
	} {
		if got := fieldOf(t, i.Validate()); got != want {
			t.Errorf("%+v: %q, want %q", i, got, want)
		}
	}
	if got := fieldOf(t, sandbox.Intervals{AutoPause: m}.Validate()); got != "autoPauseInterval" {
		t.Errorf("an ephemeral sandbox that pauses by itself: %q", got)
	}
}

func TestNetworkLists(t *testing.T) {
	for list, want := range map[string]string{
		"": "", "  ": "", "192.168.1.0/16, 10.0.0.0/24": "192.168.1.0/16 10.0.0.0/24", "1.2.3.4/32": "1.2.3.4/32", "0.0.0.0/0": "0.0.0.0/0",
		"1.2.3.4": "-", "example.com": "-", "::/0": "-", "10.0.0.0/33": "-", "10.0.0.0/8,": "-", "1.2.3.4/": "-",
		strings.Repeat("10.0.0.0/8,", 10) + "10.0.0.0/8": "-",
	} {
		got, err := sandbox.ParseAllowList(list)
		if want == "-" {
			if fieldOf(t, err) != "networkAllowList" {
				t.Errorf("%q: accepted", list)
			}
		} else if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for list, ok := range map[string]bool{
		"": true, "example.com, *.Daytona.io": true, "a-b.c.de": true, "*": false, "example": false, "http://example.com": false,
		"1.2.3.4": false, "a..b.com": false, "*.*.com": false, strings.Repeat("a.com,", 20) + "a.com": false,
	} {
		if _, err := sandbox.ParseDomains(list); (err == nil) != ok || err != nil && fieldOf(t, err) != "domainAllowList" {
			t.Errorf("%q: %v", list, err)
		}
	}
	if fieldOf(t, sandbox.Network{Allow: []string{"x"}}.Validate()) != "networkAllowList" {
		t.Error("a network that is none")
	}
}

func TestVolumes(t *testing.T) {
	for _, tt := range []struct {
		path, subpath string
		field         string
	}{
		{"/data", "", ""}, {"/data/", "users/alice", ""}, {"/home/daytona/x", "a/", ""}, {"/libs", "", ""},
		{"data", "", "mountPath"}, {"/", "", "mountPath"}, {"//", "", "mountPath"}, {"/a//b", "", "mountPath"}, {"/a/../b", "", "mountPath"},
		{"/a/./b", "", "mountPath"}, {"/a/..", "", "mountPath"}, {"/etc", "", "mountPath"}, {"/proc/x", "", "mountPath"}, {"/lib64/", "", "mountPath"},
		{"/a\x00", "", "mountPath"}, {"/data", "../x", "subpath"}, {"/data", "/x", "subpath"}, {"/data", "a/../../x", "subpath"}, {"/data", "..", "subpath"},
	} {
		err := sandbox.ValidateVolumes([]sandbox.VolumeMount{{Volume: "v", Path: tt.path, Subpath: tt.subpath}})
		want := tt.field
		if want != "" {
			want = "volumes[0]." + want
		}
		if got := fieldOf(t, err); got != want {
			t.Errorf("%q %q: %q, want %q", tt.path, tt.subpath, got, want)
		}
	}
	twice := []sandbox.VolumeMount{{Volume: "v", Path: "/data"}, {Volume: "w", Path: "/data/"}}
	if got := fieldOf(t, sandbox.ValidateVolumes(twice)); got != "volumes[1].mountPath" {
		t.Errorf("two volumes at one place: %q", got)
	}
	if got := fieldOf(t, sandbox.ValidateVolumes([]sandbox.VolumeMount{{Path: "/data"}})); got != "volumes[0].volumeId" {
		t.Errorf("no volume: %q", got)
	}
}

func TestStates(t *testing.T) {
	states := []sandbox.State{
		sandbox.StateCreating, sandbox.StateStarted, sandbox.StateStarting, sandbox.StateStopping, sandbox.StateStopped, sandbox.StatePausing,
		sandbox.StatePaused, sandbox.StateResuming, sandbox.StateArchiving, sandbox.StateArchived, sandbox.StateRestoring, sandbox.StateResizing,
		sandbox.StateForking, sandbox.StateSnapping, sandbox.StatePulling, sandbox.StatePending, sandbox.StateBuilding, sandbox.StateBuildFail,
		sandbox.StateError, sandbox.StateUnknown, sandbox.StateDestroy, sandbox.StateDestroyed,
	}
	for _, from := range states {
		if !from.Known() || from.CanBecome(from) || sandbox.StateDestroyed.CanBecome(from) {
			t.Errorf("%s is unknown, leads to itself, or comes after the end", from)
		}
		if from != sandbox.StateDestroy && from.CanBecome(sandbox.StateDestroyed) {
			t.Errorf("%s leads straight to the end", from)
		}
		if rest := slices.ContainsFunc(states, from.CanBecome); !rest && from != sandbox.StateDestroyed {
			t.Errorf("%s leads nowhere", from)
		}
	}
	for from, to := range map[sandbox.State]sandbox.State{ // what must not be
		sandbox.StateStopped: sandbox.StateStarted, sandbox.StateArchived: sandbox.StateStarted, sandbox.StateError: sandbox.StateStarted,
		sandbox.StateStarted: sandbox.StateArchiving, sandbox.StatePaused: sandbox.StateStarted, sandbox.StateDestroy: sandbox.StateStopped,
		sandbox.StateRestoring: sandbox.StateStarted, sandbox.StateBuildFail: sandbox.StateError,
	} {
		s := sandbox.Sandbox{Name: "web", State: from}
		if err := s.Become(to); sandbox.KindOf(err) != sandbox.KindConflict || err == nil || s.State != from {
			t.Errorf("%s became %s: %v", from, s.State, err)
		}
	}
	if sandbox.State("asleep").Known() {
		t.Error("every word is a state")
	}
}

func TestLastActivity(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 0, time.UTC) }
	s := sandbox.Sandbox{CreatedAt: at(1)}
	if !s.LastActivity().Equal(at(1)) {
		t.Error("its creation does not count")
	}
	s.StartedAt = at(2)
	s.Activity = sandbox.Activity{sandbox.ActivitySSH: at(3), sandbox.ActivityToolbox: at(4)}
	if last, source := s.Activity.Last(); !s.LastActivity().Equal(at(4)) || !last.Equal(at(4)) || source != sandbox.ActivityToolbox {
		t.Errorf("the last is %v by %s", last, source)
	}
	c := s.Clone()
	c.Activity[sandbox.ActivitySSH] = at(9)
	if !maps.Equal(s.Activity, sandbox.Activity{sandbox.ActivitySSH: at(3), sandbox.ActivityToolbox: at(4)}) {
		t.Error("a copy shares its activity")
	}
}

func TestNewUUID(t *testing.T) {
	a, b := sandbox.NewUUID(), sandbox.NewUUID()
	if a == b || len(a) != 36 || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) || sandbox.ValidateName(a) == nil {
		t.Errorf("made %s and %s", a, b)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(sandbox.SandboxFilter{}.CursorAfter(sandbox.Sandbox{ID: "a", CreatedAt: time.Unix(1, 0)}))
	f.Add("eyJzIjoibmFtZSJ9")
	f.Fuzz(func(t *testing.T, cursor string) {
		filter := sandbox.SandboxFilter{Cursor: cursor}
		key, err := filter.After()
		if err != nil && fieldOf(t, err) != "cursor" || (key == nil) != (err != nil || cursor == "") {
			t.Errorf("%q: %+v, %v", cursor, key, err)
		}
	})
}

func FuzzNetworkLists(f *testing.F) {
	f.Add("10.0.0.0/8, 1.2.3.4/32")
	f.Add("*.example.com")
	f.Fuzz(func(t *testing.T, list string) {
		if nets, err := sandbox.ParseAllowList(list); err == nil {
			again, err := sandbox.ParseAllowList(strings.Join(nets, ","))
			if err != nil || !slices.Equal(nets, again) {
				t.Errorf("%q gives %v, which gives %v, %v", list, nets, again, err)
			}
		}
		if names, err := sandbox.ParseDomains(list); err == nil {
			again, err := sandbox.ParseDomains(strings.Join(names, ","))
			if err != nil || !slices.Equal(names, again) {
				t.Errorf("%q gives %v, which gives %v, %v", list, names, again, err)
			}
		}
	})
}
