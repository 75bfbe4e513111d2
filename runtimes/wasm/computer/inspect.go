package computer

import (
	"context"
	"slices"

	"sandpiper/sandbox/guest"
)

var _ guest.Inspector = (*machine)(nil)

// Processes implements guest.Inspector. Programs share the memory of the sandbox,
// which PID 1 stands for; shells have their own.
func (m *machine) Processes(ctx context.Context) ([]guest.ProcessInfo, error) {
	shared := m.group.Usage(ctx).MemoryBytes
	ports := m.portsByProcess()
	var all []guest.ProcessInfo
	for _, p := range m.table.describe() {
		if p.PID == 1 {
			p.MemoryBytes = shared
		}
		p.Ports = ports[p.PID]
		all = append(all, p)
	}
	return all, nil
}

// portsByProcess returns the ports on which each process serves.
func (m *machine) portsByProcess() map[int][]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	ports := map[int][]int{}
	for port, p := range m.ports {
		ports[p.pid] = append(ports[p.pid], port)
	}
	for _, of := range ports {
		slices.Sort(of)
	}
	return ports
}

// describe tells of all processes what guests tell, by PID.
func (t *table) describe() []guest.ProcessInfo {
	lines := t.list()
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]guest.ProcessInfo, 0, len(lines))
	for _, l := range lines {
		p := guest.ProcessInfo{PID: l.PID, Parent: l.Parent, Command: l.Command, Started: l.Started, CPUSeconds: l.CPU.Seconds()}
		if e := t.entries[l.PID]; e != nil && e.memory != nil {
			p.MemoryBytes = e.memory()
		}
		all = append(all, p)
	}
	return all
}
