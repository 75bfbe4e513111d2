//go:build !linux

package docker

// seccompProfile returns "": the engine's own profile is used.
func seccompProfile() (string, error) { return "", nil }
