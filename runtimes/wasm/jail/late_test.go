package jail_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

func TestLateFolder(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	opened, full := 0, true
	f := jail.NewLate(func() (*os.Root, error) {
		opened++
		if full {
			return nil, errors.Join(errors.New("make a folder"), syscall.ENOSPC)
		}
		return root, nil
	}, jail.Limits{Files: 10, OpenFiles: 10})
	if f.Exceeded() != nil || opened != 0 {
		t.Fatalf("it was made %d times before it was asked for", opened)
	}
	for range 2 {
		if errno := f.Mkdir("a", 0); errno == 0 {
			t.Error("a folder was made in one that could not be")
		}
	}
	if e := f.Exceeded(); e == nil || e.Limit != jail.LimitHost {
		t.Errorf("on a full disk: %v", e)
	}
	full = false
	if errno := f.Mkdir("a", 0); errno != 0 {
		t.Error(errno)
	}
	if st, errno := f.Stat("a"); errno != 0 || !st.Mode.IsDir() {
		t.Errorf("%v, %v", st.Mode, errno)
	}
	if opened != 3 {
		t.Errorf("it was made %d times, want twice in vain and once", opened)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, errno := f.Stat("a"); errno != sys.EBADF {
		t.Errorf("after its end: %v", errno)
	}
}
