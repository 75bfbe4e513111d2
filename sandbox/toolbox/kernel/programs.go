package kernel

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"sandpiper/internal/lazyregexp"
)

var (
	//go:embed charts.py
	chartsSource string
	//go:embed hook.py
	hookSource string
	//go:embed run.py
	runPython string
	//go:embed cells.py
	cellsPython string
	//go:embed typescript.js
	typescriptSource string
	//go:embed run.js
	runNode string
	//go:embed cells.js
	cellsNode string
)

// The languages of kernels and programs.
const (
	Python     = "python"
	JavaScript = "javascript"
	TypeScript = "typescript"
)

// Language returns the language that a client means, or ErrLanguage.
func Language(name string) (string, error) {
	switch name {
	case "python", "python3", "py":
		return Python, nil
	case "javascript", "js", "node":
		return JavaScript, nil
	case "typescript", "ts":
		return TypeScript, nil
	}
	return "", fmt.Errorf("%q: %w; there are python, javascript and typescript", name, ErrLanguage)
}

// pythonHarness returns a harness with what it needs before it, put together
// when it is asked for first. The source of charts.py is only a string there,
// until somebody draws.
func pythonHarness(harness string) func() string {
	return sync.OnceValue(func() string {
		charts, _ := json.Marshal(chartsSource) // strings of JSON are strings of Python; it cannot fail
		return "CHARTS = " + string(charts) + "\n" + hookSource + "\n" + harness
	})
}

var (
	pythonCells = pythonHarness(cellsPython)
	pythonRun   = pythonHarness(runPython)
	nodeCells   = typescriptSource + cellsNode
	nodeRun     = typescriptSource + runNode
)

// cellCommands returns the commands that run cells: the first that is there is
// to be taken.
func cellCommands(language, mark string) ([][]string, error) {
	switch language {
	case Python:
		return [][]string{{"python3", "-c", pythonCells(), mark}, {"python", "-c", pythonCells(), mark}}, nil
	case JavaScript, TypeScript:
		return [][]string{{"node", "-e", nodeCells, mark, language}}, nil
	}
	return nil, fmt.Errorf("%q: %w", language, ErrLanguage)
}

// isModule finds programs that only work as modules: they import, export, or
// wait at their top level without being able to require.
var (
	isModule  = lazyregexp.New(`(?m)^(import\s*["'{*]|import\s+[\w$]|export\s)`)
	awaitsTop = lazyregexp.New(`(?m)^((const|let|var)\s.*=\s*)?await\s`)
	requires  = lazyregexp.New(`\brequire\s*\(`)
)

// programCommands returns the commands that run a program, and what they read.
// A guest that is no whole Linux has commands that know these languages
// themselves.
func programCommands(p Program, whole bool, mark string) (commands [][]string, stdin string, err error) {
	switch p.Language {
	case Python:
		args := append([]string{"-u", "-c", pythonRun()}, p.Args...)
		return [][]string{append([]string{"python3"}, args...), append([]string{"python"}, args...)}, mark + "\n" + p.Code, nil
	case JavaScript:
		args := append([]string{"-"}, p.Args...)
		if isModule().MatchString(p.Code) || awaitsTop().MatchString(p.Code) && !requires().MatchString(p.Code) {
			args = append([]string{"--input-type=module"}, args...)
		}
		return [][]string{append([]string{"node"}, args...)}, p.Code, nil
	case TypeScript:
		if !whole {
			return [][]string{append([]string{"tsx", "-"}, p.Args...)}, p.Code, nil
		}
		return [][]string{append([]string{"node", "-e", nodeRun, "--"}, p.Args...)}, p.Code, nil
	}
	return nil, "", fmt.Errorf("%q: %w", p.Language, ErrLanguage)
}

// startFirst starts the first command whose program is there.
func startFirst[T any](commands [][]string, start func(args []string) (T, error)) (started T, err error) {
	for _, args := range commands {
		if started, err = start(args); !errors.Is(err, fs.ErrNotExist) {
			return started, err
		}
	}
	return started, fmt.Errorf("%s is not installed in this sandbox: %w", commands[0][0], errors.Join(ErrLanguage, err))
}
