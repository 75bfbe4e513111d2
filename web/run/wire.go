package run

import (
	"encoding/base64"
	"math"
	"time"
	"unicode/utf8"

	"sandpiper/sandbox"
	"sandpiper/web/apitype"
)

// WireResult returns r as clients see it.
func WireResult(r sandbox.Result) apitype.Result {
	return apitype.Result{
		ID:          r.ID,
		Language:    r.Language,
		Version:     r.Version,
		Engine:      string(r.Engine),
		Reason:      r.Reason,
		Status:      string(r.Status),
		Message:     r.Message,
		ExitCode:    r.ExitCode,
		Signal:      r.Signal,
		Stdout:      r.Stdout,
		Stderr:      r.Stderr,
		Outputs:     each(r.Outputs, wireDisplay),
		Diagnostics: each(r.Diagnostics, wireDiagnostic),
		Files:       each(r.Files, wireOutputFile),
		WallMS:      milliseconds(r.Usage.Wall),
		CPUMS:       milliseconds(r.Usage.CPU),
		MemoryBytes: r.Usage.MemoryBytes,
		Truncated:   apitype.Truncated(r.Truncated),
	}
}

// WireStart returns what is known of a run from its start.
func WireStart(r sandbox.Result) apitype.Start {
	return apitype.Start{ID: r.ID, Language: r.Language, Version: r.Version, Engine: string(r.Engine), Reason: r.Reason}
}

// WireEvent returns the data of an event.
func WireEvent(e sandbox.Event) any {
	switch e.Type {
	case sandbox.EventStart:
		return WireStart(*e.Result)
	case sandbox.EventDisplay:
		return wireDisplay(*e.Display)
	case sandbox.EventStatus:
		return apitype.Progress{State: string(e.Status.State), Position: e.Status.Position, Message: e.Status.Message}
	case sandbox.EventExit:
		return WireResult(*e.Result)
	default:
		return apitype.Text{Text: e.Text}
	}
}

func wireDisplay(d sandbox.Display) apitype.Display {
	w := apitype.Display{Data: d.Data, Metadata: d.Metadata, ID: d.ID, Act: string(d.Act)}
	if w.Data == nil {
		w.Data = map[string]any{}
	}
	if w.Metadata == nil {
		w.Metadata = map[string]any{}
	}
	return w
}

func wireDiagnostic(d sandbox.Diagnostic) apitype.Diagnostic {
	return apitype.Diagnostic{File: d.File, Line: d.Line, Column: d.Column, Severity: string(d.Severity), Message: d.Message}
}

func wireOutputFile(f sandbox.File) apitype.OutputFile {
	w := apitype.OutputFile{Name: f.Name, Size: len(f.Content)}
	if utf8.Valid(f.Content) {
		w.Content = string(f.Content)
	} else {
		w.Content, w.Encoding = base64.StdEncoding.EncodeToString(f.Content), "base64"
	}
	return w
}

func wireFile(f sandbox.File) apitype.File {
	o := wireOutputFile(f)
	return apitype.File{Name: o.Name, Content: o.Content, Encoding: o.Encoding}
}

func wireLanguage(l sandbox.Language) apitype.Language {
	return apitype.Language{
		ID:        l.ID,
		Name:      l.Name,
		Version:   l.Version,
		Aliases:   each(l.Aliases, same),
		Extension: l.Extension,
		Main:      l.Main,
		Engine:    string(l.Engine),
		State:     string(l.State),
		Stage:     l.Stage,
		Summary:   l.Summary,
		Hello:     l.Hello,
		Examples:  each(l.Examples, wireExample),
	}
}

func wireExample(e sandbox.Example) apitype.Example {
	return apitype.Example{ID: e.ID, Title: e.Title, Files: each(e.Files, wireFile), Stdin: e.Stdin, Args: each(e.Args, same)}
}

func wireSummary(r sandbox.RunRecord) apitype.RunSummary {
	return apitype.RunSummary{
		Start:      WireStart(r.Result),
		Status:     string(r.Result.Status),
		ExitCode:   r.Result.ExitCode,
		WallMS:     milliseconds(r.Result.Usage.Wall),
		FinishedAt: r.FinishedAt.UTC(),
	}
}

// milliseconds returns d with microseconds as decimals.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

// each returns f of each element; never nil, so that it is a list on the wire.
func each[A, B any](as []A, f func(A) B) []B {
	bs := make([]B, len(as))
	for i, a := range as {
		bs[i] = f(a)
	}
	return bs
}

func same(s string) string { return s }
