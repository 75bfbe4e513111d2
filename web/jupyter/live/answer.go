package live

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/web/jupyter/message"
	"sandpiper/web/reply"
)

// answerNow answers a request that does not need the interpreter.
func (k *Kernel) answerNow(r *request) {
	ctx, cancel := context.WithTimeout(k.ctx, askTime)
	defer cancel()
	content, known := k.answer(ctx, r)
	if !known {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settle(r, content)
}

// answer returns the content of a reply. It reports false for messages that
// have none.
func (k *Kernel) answer(ctx context.Context, r *request) (any, bool) {
	switch r.Head.Type {
	case "kernel_info_request":
		return k.info(ctx), true
	case "comm_info_request":
		return commInfo{okay, struct{}{}}, true
	case "history_request":
		return k.recall(r), true
	case "interrupt_request":
		return outcome(k.interp.Interrupt(ctx)), true
	case "shutdown_request":
		return k.shutdown(ctx, r), true
	case "comm_open":
		return nil, k.closeComm(r)
	}
	if replyType(r.Head.Type) == r.Head.Type+"_reply" { // no request: comm_msg, comm_close
		return nil, false
	}
	return failure("NotSupported", "this kernel does not know the message "+r.Head.Type), true
}

type commInfo struct {
	okContent
	Comms struct{} `json:"comms"`
}

// closeComm says that nobody here talks over a channel that a client opened. It
// is no reply: those of the shell channel are answered on iopub here.
func (k *Kernel) closeComm(r *request) bool {
	var open struct {
		ID string `json:"comm_id"`
	}
	if err := reply.UnmarshalLenient(r.Content, &open); err != nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.publish("status", r.Header, statusContent{"busy"})
	k.tell(r, message.IOPub, "comm_close", map[string]any{"comm_id": open.ID, "data": struct{}{}})
	k.publish("status", r.Header, statusContent{"idle"})
	k.stillBusy()
	return false
}

// outcome is the content of a reply that says no more than how it went.
func outcome(err error) any {
	if err != nil {
		return failureOf(reply.Public(err))
	}
	return okay
}

// shutdown does what a client asks for by a message; most do it by REST.
func (k *Kernel) shutdown(ctx context.Context, r *request) any {
	var ask struct {
		Restart bool `json:"restart"`
	}
	if err := reply.UnmarshalLenient(r.Content, &ask); err != nil {
		return failureOf(reply.Public(err))
	}
	do := k.Delete
	if ask.Restart {
		do = k.Restart
	}
	if err := do(ctx); err != nil {
		return failureOf(reply.Public(err))
	}
	return shutdownContent{Status: "ok", Restart: ask.Restart}
}

// kernelInfo is the content of a kernel_info_reply.
type kernelInfo struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
	Debugger              bool         `json:"debugger"`
	HelpLinks             []struct{}   `json:"help_links"`
	SupportedFeatures     []string     `json:"supported_features"`
}

// LanguageInfo tells a client how to show and to save code.
type LanguageInfo struct {
	Name              string `json:"name"`
	Version           string `json:"version"`
	MIMEType          string `json:"mimetype"`
	FileExtension     string `json:"file_extension"`
	PygmentsLexer     string `json:"pygments_lexer"`
	CodeMirrorMode    string `json:"codemirror_mode"`
	NbconvertExporter string `json:"nbconvert_exporter"`
}

func (k *Kernel) info(ctx context.Context) any {
	info, err := k.interp.Info(ctx)
	if err != nil {
		return failureOf(reply.Public(err))
	}
	l := info.Language
	return kernelInfo{
		Status: "ok", ProtocolVersion: message.ProtocolVersion,
		Implementation: "sandpiper", ImplementationVersion: k.version,
		LanguageInfo: languageInfo(l), Banner: l.Name + " " + l.Version + " on Sandpiper",
		HelpLinks: []struct{}{}, SupportedFeatures: []string{},
	}
}

func languageInfo(l sandbox.Language) LanguageInfo {
	types := map[string]string{"python": "text/x-python", "javascript": "text/javascript", "typescript": "application/typescript", "ruby": "text/x-ruby"}
	mime := types[l.ID]
	if mime == "" {
		mime = "text/plain"
	}
	exporter := "script"
	if l.ID == "python" {
		exporter = "python"
	}
	return LanguageInfo{
		Name: l.ID, Version: l.Version, MIMEType: mime, FileExtension: l.Extension,
		PygmentsLexer: l.ID, CodeMirrorMode: l.Editor, NbconvertExporter: exporter,
	}
}
