package worker

import "time"

// SetMaxPause sets how long the pause before a replacement may be.
func (c *Config) SetMaxPause(d time.Duration) { c.maxPause = d }

// SetStubborn sets how long a program may go on that was told to end.
func (c *Config) SetStubborn(d time.Duration) { c.stubborn = d }

// PIDs returns the process ids of the workers that serve.
func (p *Pool) PIDs() []int {
	var pids []int
	for _, w := range p.list() {
		pids = append(pids, w.cmd.Process.Pid)
	}
	return pids
}

// Busy returns how many calls go on.
func (p *Pool) Busy() int {
	n := 0
	for _, w := range p.list() {
		calls, _ := w.busy()
		n += calls
	}
	return n
}
