package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/sandbox"
)

// End is how a cell came to its own end.
type End string

// The ends of a cell.
const (
	EndOK          End = ""
	EndError       End = "error"       // an exception that nobody caught
	EndInterrupted End = "interrupted" // by the exception of an interrupt
	EndExit        End = "exit"        // the program asked to exit
	EndMemory      End = "memory"      // the language's exception for too little memory
)

// Answer is what came of a cell.
type Answer struct {
	End         End
	ExitCode    int                  // of EndExit
	Result      *sandbox.Display     // of the last expression, or nil
	Error       *sandbox.CellError   // not nil when End is not EndOK
	Diagnostics []sandbox.Diagnostic // in the file CellFile
}

// CellFile is the name of a cell in diagnostics.
const CellFile = "cell"

// MaxAnswer is how large an answer may be as JSON, in bytes.
const MaxAnswer = 8 << 20

// Bounds on an error.
const (
	maxTraceback = 500     // lines
	maxText      = 1 << 20 // bytes of all lines, of the name and of the value
)

// wireAnswer is an answer as guests write it: one JSON object. A field that does
// not apply is left out or null.
type wireAnswer struct {
	End      End             `json:"end"`
	ExitCode int             `json:"exitCode"`
	Result   json.RawMessage `json:"result"` // {"data":{…},"metadata":{…}}
	Error    *struct {
		sandbox.CellError
		Line   int `json:"line"`   // of the place in this cell, from 1; 0 when there is none
		Column int `json:"column"` // from 1, 0 when unknown
	} `json:"error"`
}

// ParseAnswer reads an answer. It is the program's, so nothing in it is taken on
// trust but what it says about the program itself: an answer that cannot be read
// is the program's error, and a result that cannot be shown is a text that says so.
func ParseAnswer(b []byte) Answer {
	a, err := parseAnswer(b)
	if err != nil {
		return Answer{End: EndError, Error: &sandbox.CellError{
			Name: "UnreadableAnswer", Value: err.Error(), Traceback: []string{"UnreadableAnswer: " + err.Error()},
		}}
	}
	return a
}

func parseAnswer(b []byte) (Answer, error) {
	var w wireAnswer
	switch {
	case len(b) == 0:
		return Answer{}, errors.New("the cell gave no answer")
	case len(b) > MaxAnswer:
		return Answer{}, fmt.Errorf("the answer has more than %d bytes", MaxAnswer)
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return Answer{}, fmt.Errorf("the answer is not valid JSON: %w", err)
	}
	switch w.End {
	case EndOK, EndError, EndInterrupted, EndExit, EndMemory:
	default:
		return Answer{}, fmt.Errorf("the answer has the unknown end %.20q", w.End)
	}
	if (w.End == EndOK) != (w.Error == nil) {
		return Answer{}, errors.New("an answer has an error when its end is not a good one")
	}
	a := Answer{End: w.End, ExitCode: w.ExitCode & 0xff}
	if len(w.Result) > 0 && !bytes.Equal(w.Result, []byte("null")) {
		a.Result = result(w.Result)
	}
	if e := w.Error; e != nil {
		a.Error = bounded(e.CellError)
		if e.Line > 0 {
			a.Diagnostics = []sandbox.Diagnostic{{
				File: CellFile, Line: e.Line, Column: max(0, e.Column), Severity: sandbox.SeverityError,
				Message: message(a.Error),
			}}
		}
	}
	return a, nil
}

func result(b []byte) *sandbox.Display {
	d, err := jail.ParseDisplay(b)
	if err == nil && d.Act != sandbox.DisplayAdd {
		err = errors.New("it takes the place of something")
	}
	if err != nil {
		d = sandbox.Display{Data: map[string]any{"text/plain": "[the result cannot be shown: " + err.Error() + "]"}, Metadata: map[string]any{}}
	}
	return &d
}

// bounded cuts an error to a size that can be shown.
func bounded(e sandbox.CellError) *sandbox.CellError {
	left := maxText
	cut := func(s string) string {
		s = strings.ToValidUTF8(s[:min(len(s), left)], "�")
		left = max(0, left-len(s))
		return s
	}
	out := sandbox.CellError{Name: cut(e.Name), Value: cut(e.Value), Traceback: []string{}}
	lines := e.Traceback
	if n := len(lines); n > maxTraceback {
		lines = append(append(lines[:maxTraceback/2:maxTraceback/2], fmt.Sprintf("  … %d lines left out …", n-maxTraceback)), lines[n-maxTraceback/2:]...)
	}
	for _, l := range lines {
		out.Traceback = append(out.Traceback, cut(l))
	}
	return &out
}

func message(e *sandbox.CellError) string {
	if e.Value == "" {
		return e.Name
	}
	return e.Name + ": " + e.Value
}
