package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/system"

	"sandpiper/sandbox"
)

const someID = "01234567-89ab-4def-8123-456789abcdef"

func TestHostConfig(t *testing.T) {
	p := plan{
		spec:  sandbox.Spec{ID: someID, Name: "My Box", Resources: sandbox.Resources{CPU: 2, MemoryGiB: 4, DiskGiB: 8}, Env: map[string]string{"A": "secret"}},
		image: imageInfo{id: "sha256:x", user: "daytona"}, runtime: "crun", plug: plugVeth, seccomp: "{}", files: 1000,
		agent: "/agent", boxes: boxes{dir: "/boxes"}, names: names{"0123abcd"},
	}
	h, c := p.hostConfig(), p.config()
	text, err := json.Marshal(map[string]any{"h": h, "c": c})
	if err != nil {
		t.Fatal(err)
	}
	if h.Memory != 4<<30 || h.MemorySwap != h.Memory || h.NanoCPUs != 2e9 || *h.PidsLimit != maxProcesses || h.Runtime != "crun" {
		t.Errorf("the limits are %+v", h.Resources)
	}
	if !c.NetworkDisabled || h.NetworkMode != "none" || c.Hostname != "my-box" || c.User != "0:0" {
		t.Errorf("the container is %+v", c)
	}
	if got := strings.Join(h.SecurityOpt, " "); got != "seccomp={} no-new-privileges" {
		t.Errorf("the security options are %q", got)
	}
	if h.Privileged || len(h.CapAdd) != 6 || h.CapDrop[0] != "ALL" || h.LogConfig.Type != "none" || h.StorageOpt != nil {
		t.Errorf("the container may do %+v", h)
	}
	if strings.Contains(string(text), "secret") {
		t.Error("the environment is in the container's settings")
	}
	p.plug, p.address, p.image.sudo, p.quota = plugDocker, netip.MustParseAddr("10.213.0.9"), true, true
	h = p.hostConfig()
	if p.config().NetworkDisabled || h.NetworkMode != "sandpiper-0123abcd" || len(h.SecurityOpt) != 1 || h.StorageOpt["size"] != fmt.Sprint(8<<30) {
		t.Errorf("plugged by Docker: %+v", h)
	}
	if got := p.networking().EndpointsConfig["sandpiper-0123abcd"].IPAMConfig.IPv4Address; got != "10.213.0.9" {
		t.Errorf("the address is %s", got)
	}
}

func TestHostname(t *testing.T) {
	for name, want := range map[string]string{
		"web": "web", "My Box!": "my-box", "": "sandbox-01234567", "--": "sandbox-01234567", "näher": "n-her",
		strings.Repeat("a", 100): strings.Repeat("a", 40),
	} {
		if got := hostname(sandbox.Spec{ID: someID, Name: name}); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	n := names{"0123abcd"}
	if len(n.plug(someID)) > 15 || len(n.bridge()) > 15 || n.plug(someID) == (names{"0123abce"}).plug(someID) {
		t.Errorf("interfaces are called %q and %q", n.plug(someID), n.bridge())
	}
	labels := map[string]string{labelSandbox: someID, labelInstance: "0123abcd"}
	for name, tt := range map[string]struct {
		labels map[string]string
		called string
		want   bool
	}{
		"ours":             {labels, "/" + n.container(someID), true},
		"of our image":     {labels, "/happy_hopper", false},
		"another server's": {map[string]string{labelSandbox: someID, labelInstance: "ffffffff"}, "/" + n.container(someID), false},
		"somebody's":       {nil, "/" + n.container(someID), false},
	} {
		if _, got := n.sandboxID(tt.labels, tt.called); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, id := range []string{"", "x", "../" + someID[3:], strings.ToUpper(someID), "{" + someID + "}", strings.ReplaceAll(someID, "-", "")} {
		if validateID(id) == nil {
			t.Errorf("%q passes for an ID", id)
		}
	}
}

func TestParseResolvers(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "[]",
		"# none\nsearch x\n":                   "[]",
		"nameserver 127.0.0.53\n":              "[]",
		"nameserver 192.0.2.1\nnameserver ::1": "[192.0.2.1]",
		"nameserver 10.0.0.1 # ours\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4": "[10.0.0.1 10.0.0.2 10.0.0.3]",
		"nameserver\nnameserver x\nnameserver 169.254.169.253":                                      "[]",
	} {
		if got := fmt.Sprint(parseResolvers(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func FuzzParseResolvers(f *testing.F) {
	f.Add("nameserver 192.0.2.1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range parseResolvers(text) {
			if !r.Is4() || r.IsLoopback() {
				t.Errorf("%q gives %s", text, r)
			}
		}
	})
}

func TestProblem(t *testing.T) {
	for text, tt := range map[string]struct {
		err  error
		kind sandbox.Kind
		says string
	}{
		"full disk":  {errors.New("write /x: no space left on device"), sandbox.KindBusy, "disk is full"},
		"no memory":  {errors.New("fork: cannot allocate memory"), sandbox.KindBusy, "no memory"},
		"time":       {fmt.Errorf("x: %w", context.DeadlineExceeded), sandbox.KindUnavailable, "does not answer"},
		"permission": {errors.New("dial unix: connect: permission denied"), sandbox.KindUnavailable, "may not use Docker"},
		"settings":   {fmt.Errorf("Error response from daemon: bad thing: %w", cerrdefs.ErrInvalidArgument), sandbox.KindUnprocessed, "bad thing"},
		"image":      {errors.New("Error: No such image: x"), sandbox.KindNotFound, "create the snapshot again"},
		"known":      {sandbox.Errorf(sandbox.KindConflict, "as it was"), sandbox.KindConflict, "as it was"},
		"unknown":    {errors.New("boom"), sandbox.KindInternal, "do it: the container engine refused it"},
	} {
		err := problem("do it", tt.err)
		var e *sandbox.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says) {
			t.Errorf("%s: %v", text, err)
		}
		if (tt.kind == sandbox.KindBusy || tt.kind == sandbox.KindUnavailable) && e.RetryAfter <= 0 {
			t.Errorf("%s does not say when to come back", text)
		}
	}
	if err := problem("do it", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}

func TestVolumeDir(t *testing.T) {
	volumes := t.TempDir()
	outside := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(volumes, "vol", "a"), 0o755), os.Symlink(outside, filepath.Join(volumes, "vol", "out")),
		os.Symlink(outside, filepath.Join(volumes, "linked")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		mount sandbox.VolumeMount
		ok    bool
	}{
		"whole":         {sandbox.VolumeMount{Volume: "vol"}, true},
		"part":          {sandbox.VolumeMount{Volume: "vol", Subpath: "a"}, true},
		"new part":      {sandbox.VolumeMount{Volume: "vol", Subpath: "b/c"}, true},
		"none":          {sandbox.VolumeMount{Volume: "missing"}, false},
		"empty":         {sandbox.VolumeMount{}, false},
		"path":          {sandbox.VolumeMount{Volume: "../x"}, false},
		"parent":        {sandbox.VolumeMount{Volume: ".."}, false},
		"link":          {sandbox.VolumeMount{Volume: "linked"}, false},
		"part outside":  {sandbox.VolumeMount{Volume: "vol", Subpath: "../../x"}, false},
		"link outside":  {sandbox.VolumeMount{Volume: "vol", Subpath: "out/x"}, false},
		"absolute part": {sandbox.VolumeMount{Volume: "vol", Subpath: "/etc"}, false},
	} {
		if dir, err := volumeDir(volumes, tt.mount); (err == nil) != tt.ok {
			t.Errorf("%s: %s, %v", name, dir, err)
		}
	}
}

func TestCheckVolumes(t *testing.T) {
	for path, ok := range map[string]bool{
		"/data": true, "/home/daytona/data": true, "/data/": true, "/": false, "data": false, "/data/../etc": false, "/etc": false,
		"/proc/x": false, "/.sandpiper": false, "/.sandpiper/run": false, "/.sandpiperx": true, "/dev/shm": false, "": false,
	} {
		if err := checkVolumes([]sandbox.VolumeMount{{Volume: "v", Path: path}}); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestOverLimit(t *testing.T) {
	for _, tt := range []struct {
		used  int64
		limit int
		grace bool
		want  bool
	}{
		{0, 1, false, false}, {gib, 1, false, false}, {gib + 1, 1, false, true}, {gib + 1, 1, true, false},
		{gib + gib/4 + 1, 1, true, true}, {100 * gib, 0, false, false},
	} {
		if got := overLimit(tt.used, tt.limit, tt.grace); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

func TestContainerRoot(t *testing.T) {
	for _, tt := range []struct {
		info system.Info
		want int
	}{
		{system.Info{DockerRootDir: "/var/lib/docker"}, 0},
		{system.Info{DockerRootDir: "/var/lib/docker/400000.400000", SecurityOptions: []string{"name=seccomp", "name=userns"}}, 400000},
		{system.Info{DockerRootDir: "/var/lib/docker", SecurityOptions: []string{"name=userns"}}, 0},
	} {
		if got := containerRoot(tt.info); got != tt.want {
			t.Errorf("%+v: got %d", tt.info.DockerRootDir, got)
		}
	}
}

func TestPick(t *testing.T) {
	h := &host{runtimes: []string{"crun", "runc"}}
	for want, got := range map[string]string{"": "crun", "runc": "runc", "runsc": "", "../x": ""} {
		if r, err := h.pick(want); r != got || (err == nil) != (got != "") {
			t.Errorf("%q: %q, %v", want, r, err)
		}
	}
}

func TestKeyed(t *testing.T) {
	var k keyed
	unlock, err := k.lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := k.lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := k.lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second holder: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if again, err := k.lock(t.Context(), "a"); err == nil {
			again()
		}
	}()
	unlock()
	<-done
	if len(k.held) != 0 {
		t.Errorf("locks are kept: %v", k.held)
	}
}

// TestWriteLinked changes a hosts file that a sandbox has written to.
func TestWriteLinked(t *testing.T) {
	const one, two = "10.0.0.2\tone\t# linked sandbox\n", "10.0.0.3\ttwo\t# linked sandbox\n"
	long := strings.Repeat("#", maxHosts)
	for name, tt := range map[string]struct{ before, lines, after string }{
		"the first ones":      {"127.0.0.1\tlocalhost\n", one + two, "127.0.0.1\tlocalhost\n" + one + two},
		"others":              {"mine\n" + one + two + "mine too\n", two, "mine\nmine too\n" + two},
		"none":                {"mine\n" + one + two, "", "mine\n"},
		"half a line before":  {"mine", one, "mine\n" + one},
		"half a line of ours": {"mine\n" + strings.TrimSpace(one), two, "mine\n" + two},
		"nothing there":       {"", one, one},
		"no change":           {"mine", "", "mine"},
		"too long":            {long, one, long},
	} {
		b := boxes{dir: t.TempDir()}
		if err := errors.Join(os.Mkdir(b.path("box"), 0o700), os.WriteFile(b.path("box", "hosts"), []byte(tt.before), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := b.writeLinked("box", tt.lines); (err != nil) != (len(tt.before) == maxHosts) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(b.path("box", "hosts")); string(got) != tt.after || err != nil {
			t.Errorf("%s: got %.200q, %v; want %.200q", name, got, err, tt.after)
		}
	}
	if err := (boxes{dir: t.TempDir()}).writeLinked("gone", one); err != nil {
		t.Errorf("a sandbox that is gone: %v", err)
	}
}

func TestAliases(t *testing.T) {
	for name, want := range map[string]string{"box": "box id", "id": "id", "two words": "id", "a\u2028b": "id", "Box-1": "Box-1 id"} {
		if got := aliases(sandbox.Peer{ID: "id", Name: name}); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
