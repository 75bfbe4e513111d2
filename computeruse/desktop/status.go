package desktop

import "sandpiper/computeruse/wire"

// The names of processes on the wire.
const (
	Server    = "xvfb"
	Session   = "xfce4"
	RFBServer = "x11vnc"
	Bridge    = "novnc"
)

// Names are those names in the order of their start.
var Names = []string{Server, Session, RFBServer, Bridge}

// UnknownError is the error for a name that is none of Names.
type UnknownError string

// Error implements error.
func (e UnknownError) Error() string {
	return "there is no process \"" + string(e) + "\": the desktop has xvfb, xfce4, x11vnc and novnc"
}

// roleOf leads a name to the process that does its work.
func roleOf(name string) (role, bool) {
	switch name {
	case Server, RFBServer, Bridge:
		return server, true
	case Session:
		return session, true
	}
	return 0, false
}

// Status returns how the desktop is as a whole.
func (d *Desktop) Status() wire.Status {
	running := 0
	for r := range roles {
		if d.running(r) != nil {
			running++
		}
	}
	switch {
	case d.busy.Load(): // something is being started or ended
		return wire.Partial
	case running == int(roles):
		return wire.Active
	case running == 0:
		return wire.Inactive
	}
	return wire.Partial
}

// Processes tells of all processes by their names.
func (d *Desktop) Processes() map[string]wire.ProcessStatus {
	all := map[string]wire.ProcessStatus{}
	for i, name := range Names {
		r, _ := roleOf(name)
		s := wire.ProcessStatus{Priority: (i + 1) * 100}
		if p := d.running(r); p != nil {
			s.Running = true
			if name != Bridge { // that is in Sandpiper's server
				s.PID = p.PID()
			}
		}
		all[name] = s
	}
	return all
}

// Running reports whether a process runs. An unknown name is an UnknownError.
func (d *Desktop) Running(name string) (bool, error) {
	r, ok := roleOf(name)
	if !ok {
		return false, UnknownError(name)
	}
	return d.running(r) != nil, nil
}

// Logs returns the end of what a process wrote to its two streams, and, with its
// errors, how it ended. It is that of the last one when none runs.
func (d *Desktop) Logs(name string) (out, errors string, err error) {
	r, ok := roleOf(name)
	if !ok {
		return "", "", UnknownError(name)
	}
	if name == Bridge {
		return "The bridge to browsers is a part of Sandpiper's server: its log is the server's.\n", "", nil
	}
	p := d.process(r)
	if p == nil {
		return "", "", nil
	}
	out, errors = p.out.String(), p.errors.String()
	if how := p.ending(); how != "" {
		errors += p.name + " " + how + "\n"
	}
	return out, errors, nil
}
