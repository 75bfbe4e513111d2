//go:build !unix

package datadir

import "os"

// lock does nothing: the platform has no advisory locks that we use.
func lock(*os.File) error { return nil }
