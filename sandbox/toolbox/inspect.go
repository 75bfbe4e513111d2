package toolbox

import (
	"net/http"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// processes describes what runs in the sandbox. The operation is Sandpiper's own.
func (t *Toolbox) processes(w http.ResponseWriter, r *http.Request) error {
	inspector, ok := t.guest.Guest.(guest.Inspector)
	if !ok {
		return answer.Errorf(http.StatusNotImplemented, "NOT_IMPLEMENTED", "this sandbox cannot tell what runs in it")
	}
	all, err := inspector.Processes(r.Context())
	if err != nil {
		return err
	}
	out := toolboxtype.ProcessList{Processes: make([]toolboxtype.ProcessInfo, 0, len(all))}
	for _, p := range all {
		one := toolboxtype.ProcessInfo{PID: p.PID, Parent: p.Parent, Command: p.Command, CPUSeconds: p.CPUSeconds, MemoryBytes: p.MemoryBytes, Ports: p.Ports}
		if !p.Started.IsZero() {
			one.StartedAt = &p.Started
		}
		out.Processes = append(out.Processes, one)
	}
	return answer.JSON(w, http.StatusOK, out)
}
