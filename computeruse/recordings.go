package computeruse

import (
	"errors"
	"io"
	"net/http"
	"time"

	"sandpiper/computeruse/recording"
	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

func (h *Handler) recordingStart(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.StartRecordingRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	label := q.Label
	if label == "" {
		label = q.Name
	}
	if len(label) > 200 {
		return nil, answer.BadRequest("label may have 200 bytes at most")
	}
	n.parameters = cut(label, maxShown)
	if _, err := h.desktop.Display(r.Context()); err != nil {
		return nil, err
	}
	rec, err := h.recorder.Start(r.Context(), label, h.desktop.DisplayName(), h.desktop.Environ(), h.desktop.Has)
	return created{rec}, recordingProblem(err)
}

func (h *Handler) recordingStop(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.StopRecordingRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	if q.ID == "" {
		return nil, answer.BadRequest("id is missing")
	}
	n.parameters = cut(q.ID, maxShown)
	rec, err := h.recorder.Stop(q.ID)
	return rec, recordingProblem(err)
}

func (h *Handler) recordings(w http.ResponseWriter, _ *http.Request) error {
	all, err := h.recorder.List()
	if err != nil {
		return recordingProblem(err)
	}
	return answer.JSON(w, http.StatusOK, wire.ListRecordingsResponse{Recordings: all})
}

func (h *Handler) recording(w http.ResponseWriter, r *http.Request) error {
	rec, err := h.recorder.Get(r.PathValue("id"))
	if err != nil {
		return recordingProblem(err)
	}
	return answer.JSON(w, http.StatusOK, rec)
}

func (h *Handler) recordingDelete(w http.ResponseWriter, r *http.Request) error {
	if err := h.recorder.Delete(r.PathValue("id")); err != nil {
		return recordingProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// recordingDownload answers with a film, or the ranges of it that are asked for.
func (h *Handler) recordingDownload(w http.ResponseWriter, r *http.Request) error {
	file, rec, err := h.recorder.Open(r.PathValue("id"))
	if err != nil {
		return recordingProblem(err)
	}
	defer file.Close()
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Content-Disposition", `attachment; filename="`+rec.FileName+`"`) // it has no characters to escape
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := &slowWriter{w, http.NewResponseController(w)}
	defer func() { _ = out.control.SetWriteDeadline(time.Time{}) }()
	http.ServeContent(out, r, "", *rec.EndTime, file)
	return nil
}

// slowWriter gives the client time for each write, however long a film is.
type slowWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (s *slowWriter) Write(p []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(time.Minute)) // not every server can
	return s.ResponseWriter.Write(p)
}

var _ io.Writer = (*slowWriter)(nil)

// recordingProblem turns errors of recordings into those of the wire.
func recordingProblem(err error) error {
	for _, known := range []struct {
		is     error
		status int
		code   string
	}{
		{recording.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{recording.ErrActive, http.StatusConflict, "RECORDING_STILL_ACTIVE"},
		{recording.ErrTooMany, http.StatusBadRequest, "BAD_REQUEST"},
		{recording.ErrNoFFmpeg, http.StatusServiceUnavailable, "RECORDING_FFMPEG_NOT_FOUND"},
	} {
		if errors.Is(err, known.is) {
			return &answer.Error{Status: known.status, Code: known.code, Message: err.Error(), Err: err}
		}
	}
	return problem(err)
}
