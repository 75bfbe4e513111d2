package components

// SandboxPlay is the playground over a sandbox.
type SandboxPlay struct {
	API       string   // address of this server's API
	Snapshots []Option // to start from
	Image     string   // to start from at first where an image is chosen; "" where there are none
}
