package kernel

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"sandpiper/sandbox/guest"
)

// maxCharts bounds the charts of one program, in bytes; those beyond are left out.
const maxCharts = 64 << 20

// Program is code that runs once, from a clean start.
type Program struct {
	Language string
	Code     string
	Args     []string
	Dir      string
	Env      []string
}

// RunProgram runs a program to its end. Its output, both streams in order, goes
// to out; its charts are returned. A program that ctx cuts off is killed with all
// that it started. An error for which errors.Is with ErrLanguage holds says that
// the language is not there.
func RunProgram(ctx context.Context, g guest.Guest, p Program, out io.Writer) (status guest.ExitStatus, charts []json.RawMessage, err error) {
	mark, size := newMark(), 0
	commands, stdin, err := programCommands(p, len(g.Info().Lacks) == 0, mark)
	if err != nil {
		return guest.ExitStatus{}, nil, err
	}
	output := &frames{
		mark: []byte(mark),
		text: func(p []byte) { _, _ = out.Write(p) }, // the program goes on without a listener
		frame: func(data []byte) {
			var m struct {
				Type  string
				Chart json.RawMessage
			}
			if json.Unmarshal(data, &m) != nil || m.Type != "chart" {
				return // the program has forged it
			}
			if size += len(m.Chart); size <= maxCharts {
				charts = append(charts, m.Chart)
			}
		},
	}
	process, err := startFirst(commands, func(args []string) (guest.Process, error) {
		return g.Start(ctx, guest.Cmd{Args: args, Dir: p.Dir, Env: p.Env, Stdin: strings.NewReader(stdin), Stdout: output, Stderr: output})
	})
	if err != nil {
		return guest.ExitStatus{}, nil, err
	}
	status, err = process.Wait()
	output.flush()
	return status, charts, err
}
