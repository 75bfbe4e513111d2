//go:build !linux

package computer

// hostMemory is not known here.
func hostMemory() (total, available int64) { return 0, 0 }

// hostDisk is not known here.
func hostDisk(string) (size, free int64) { return 0, 0 }
