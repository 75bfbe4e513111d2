package process

import (
	"encoding/json"
	"net/http"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/kernel"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// codeRun runs a program in a clean interpreter.
func (h *Handler) codeRun(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.CodeRunRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	program, err := h.program(q)
	if err != nil {
		return err
	}
	ctx, cancel, err := limited(r.Context(), q.Timeout)
	if err != nil {
		return err
	}
	defer cancel()
	result := newCapture(captureLimit)
	status, charts, err := kernel.RunProgram(ctx, h.guest, program, result)
	if cause := cutOff(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return problem(err)
	}
	if charts == nil {
		charts = []json.RawMessage{}
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.CodeRunResponse{
		ExitCode: status.Code, Result: result.String(), Artifacts: toolboxtype.CodeRunArtifacts{Charts: charts},
	})
}

// program checks a request and returns the program that it asks for.
func (h *Handler) program(q toolboxtype.CodeRunRequest) (kernel.Program, error) {
	switch {
	case q.Code == "":
		return kernel.Program{}, answer.BadRequest("code is missing")
	case q.Language == "":
		return kernel.Program{}, answer.BadRequest("language is missing")
	case strings.Contains(strings.Join(q.Argv, ""), "\x00"):
		return kernel.Program{}, answer.BadRequest("argv holds a NUL")
	}
	language, err := kernel.Language(q.Language)
	if err != nil {
		return kernel.Program{}, answer.BadRequest("language: %v", err)
	}
	info := h.guest.Info()
	env, err := environment(info, q.Envs, q.Env)
	if err != nil {
		return kernel.Program{}, err
	}
	return kernel.Program{Language: language, Code: q.Code, Args: q.Argv, Dir: info.WorkDir, Env: env}, nil
}
