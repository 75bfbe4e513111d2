//go:build !linux

package docker

import "os"

// peer is the process behind the Docker socket; it is known on Linux only.
type peer struct {
	pid       int
	namespace uint64
}

func (p peer) file() string { return "" }

func (p peer) maxFiles() int64 { return 0 }

func daemonPeer(string) peer { return peer{} }

func diskSpace(string) (total, available int64, ok bool) { return 0, 0, false }

func memoryAvailable() (int64, bool) { return 0, false }

func diskUse(info os.FileInfo) int64 { return info.Size() }
