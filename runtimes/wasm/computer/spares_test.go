package computer_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// What a spare shell did to be ready is not to be seen by its first command.
func TestSpareShellIsAsNew(t *testing.T) {
	const script = `echo "${x-unset} $? [$!] $#"; jobs; echo "$(set | grep -c '^x=')"; pwd; ls -A; ls /tmp`
	const want = "unset 0 [] 0\n0\n/home/daytona\n"
	spare, fresh := newLab(t, computer.Config{}).box(t), newLab(t, computer.Config{Spares: -1}).box(t)
	got, cold := sh(t, spare, script), sh(t, fresh, script)
	if got != cold {
		t.Errorf("a spare says %+v, a shell that was started for it %+v", got, cold)
	}
	if got.stdout != want {
		t.Errorf("%+v, want %q", got, want)
	}
}

// Sandboxes that are made faster than folders are prepared have each their own,
// with the same in it, and count what is in it as a measured one does.
func TestSandboxesFromStockAreApart(t *testing.T) {
	dir := t.TempDir()
	l := newLab(t, computer.Config{Dir: dir})
	const many = 12
	guests := make([]guest.Guest, many)
	ids := make([]string, many)
	var all sync.WaitGroup
	for i := range many {
		ids[i] = sandbox.NewID()
		all.Go(func() {
			if err := l.Create(t.Context(), sandbox.Spec{ID: ids[i], Ref: computer.Ref, Token: ids[i]}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i, id := range ids {
		guests[i] = l.guest(id)
		if got := sh(t, guests[i], fmt.Sprintf("ls -A; echo %d > mine; cat /etc/hostname", i)); got.stdout != "wasm\n" {
			t.Errorf("sandbox %d begins with %+v", i, got)
		}
	}
	for i, g := range guests {
		if got := sh(t, g, "cat mine"); got.stdout != fmt.Sprintln(i) {
			t.Errorf("sandbox %d has %+v", i, got)
		}
	}
	before, err := guests[0].Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Stop(t.Context(), ids[0], 0); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context(), sandbox.Spec{ID: ids[0], Ref: computer.Ref, Token: ids[0]}); err != nil {
		t.Fatal(err)
	}
	after, err := l.guest(ids[0]).Metrics(t.Context())
	if err != nil || before.DiskBytes != after.DiskBytes || after.DiskBytes == 0 {
		t.Errorf("%d bytes before the files were measured again, %d then, %v", before.DiskBytes, after.DiskBytes, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
}
