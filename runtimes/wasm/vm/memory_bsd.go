//go:build unix && !linux

package vm

const mapNoReserve = 0

func preferHugePages([]byte) {}

func prefault([]byte, bool) {}
