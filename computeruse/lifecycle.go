package computeruse

import (
	"net/http"

	"sandpiper/computeruse/desktop"
	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

func (h *Handler) start(_ http.ResponseWriter, r *http.Request, _ *note) (any, error) {
	if err := h.desktop.Start(r.Context()); err != nil {
		return nil, err
	}
	return wire.ChangeResponse{Message: "the desktop is started", Status: h.desktop.Processes()}, nil
}

func (h *Handler) stop(_ http.ResponseWriter, r *http.Request, _ *note) (any, error) {
	if err := h.desktop.Stop(r.Context()); err != nil {
		return nil, err
	}
	return wire.ChangeResponse{Message: "the desktop is stopped", Status: h.desktop.Processes()}, nil
}

func (h *Handler) processRestart(_ http.ResponseWriter, r *http.Request, n *note) (any, error) {
	name := r.PathValue("processName")
	n.parameters = cut(name, maxShown)
	if err := h.desktop.Restart(r.Context(), name); err != nil {
		return nil, err
	}
	message := name + " is restarted"
	if name == desktop.Bridge {
		message = "novnc is a part of Sandpiper's server: there was nothing to restart"
	}
	return wire.ProcessRestartResponse{ProcessName: name, Message: message}, nil
}

func (h *Handler) status(w http.ResponseWriter, _ *http.Request) error {
	return answer.JSON(w, http.StatusOK, wire.StatusResponse{Status: h.desktop.Status()})
}

func (h *Handler) processStatus(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("processName")
	running, err := h.desktop.Running(name)
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wire.ProcessStatusResponse{ProcessName: name, Running: running})
}

func (h *Handler) processLogs(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("processName")
	out, _, err := h.desktop.Logs(name)
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wire.ProcessLogsResponse{ProcessName: name, Logs: out})
}

func (h *Handler) processErrors(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("processName")
	_, errors, err := h.desktop.Logs(name)
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wire.ProcessErrorsResponse{ProcessName: name, Errors: errors})
}
