package scheduler

import "sandpiper/sandbox"

// Placer finds places for sandboxes.
type Placer struct{ engines []sandbox.Engine }
