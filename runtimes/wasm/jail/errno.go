package jail

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// errnoOf translates an error of package os. Only a number reaches the guest,
// never the text, which holds host paths. An error without a number is
// os.Root's refusal of a path that leads out of it.
func errnoOf(err error) sys.Errno {
	if err == nil || errors.Is(err, io.EOF) {
		return 0
	}
	if errors.Is(err, fs.ErrClosed) {
		return sys.EBADF
	}
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return sys.UnwrapOSError(no)
	}
	return sys.EPERM
}
