package coreutils

// refused are commands that people try and that a WebAssembly sandbox cannot
// have. Each says so, and what can.
var refused = map[string]Func{
	"curl": noNetwork, "wget": noNetwork, "ssh": noNetwork, "scp": noNetwork, "ping": noNetwork, "nc": noNetwork, "telnet": noNetwork, "rsync": noNetwork,
	"apt": noPackages, "apt-get": noPackages, "dpkg": noPackages, "apk": noPackages, "yum": noPackages, "dnf": noPackages,
	"pip": noPackages, "pip3": noPackages, "npm": noPackages, "npx": noPackages, "yarn": noPackages, "pnpm": noPackages, "gem": noPackages, "cargo": noPackages, "bundle": noPackages,
	"sudo": noLinux, "su": noLinux, "docker": noLinux, "podman": noLinux, "systemctl": noLinux, "service": noLinux, "mount": noLinux,
	"gcc": noLinux, "g++": noLinux, "cc": noLinux, "make": noLinux, "go": noLinux, "rustc": noLinux, "java": noLinux,
}

// containers says what to use instead.
const containers = "a sandbox from a container snapshot (sandpiper-small or larger) has"

func noNetwork(c *Call) int {
	return c.fail(exitNotFound, "a WebAssembly sandbox has no network; %s it", containers)
}

func noPackages(c *Call) int {
	return c.fail(exitNotFound, "packages cannot be installed in a WebAssembly sandbox; %s what that takes", containers)
}

func noLinux(c *Call) int {
	return c.fail(exitNotFound, "not available in a WebAssembly sandbox; %s it", containers)
}
