package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Names of what rewrite puts into scripts.
const (
	prefix = "__sandpiper_"

	varJob    = prefix + "job"  // in a background job: its PID
	varLast   = prefix + "last" // the PID of the last one, which is $!
	varPID    = prefix + "pid"  // $$
	varParent = prefix + "ppid" // $PPID
	varName   = prefix + "name" // $0
	varPipe   = prefix + "pipe"

	cmdJob    = prefix + "start"
	cmdJobEnd = prefix + "end"
	cmdPipe   = prefix + "pipe"

	// terminalFolder has a file for each descriptor that is a terminal, for tests only.
	terminalFolder = "/" + prefix + "terminal/"
)

// parameters are the special parameters that are variables here.
var parameters = map[string]string{"!": varLast, "$": varPID, "PPID": varParent, "0": varName}

// rewrite prepares a parsed script for an interpreter that has no processes, and
// reports whether it changed anything.
//
// A statement in the background, as "work &", becomes
//
//	{ last=$(start "work"); { job=$last; (work) && end 0 || end $?; } </dev/null & }
//
// so that it has a PID: start asks the server for one, and everything that runs
// where job is set can be found and ended by it. A process substitution <(work)
// becomes a command substitution that starts work in the background and gives the
// name of its pipe. The last command of a pipeline gets a subshell of its own, and a
// loop over numbers goes on when its body fails. [[ -t 1 ]], which the interpreter
// answers for its own process, asks for a file. $!, $$, $0 and $PPID become variables.
func rewrite(node syntax.Node) bool {
	r := rewriter{done: map[*syntax.Stmt]bool{}}
	syntax.Walk(node, r.visit)
	return r.changed
}

type rewriter struct {
	done    map[*syntax.Stmt]bool // statements that are to stay in the background
	changed bool
}

func (r *rewriter) visit(node syntax.Node) bool {
	switch n := node.(type) {
	case *syntax.Stmt:
		if (n.Background || n.Disown) && !r.done[n] {
			r.background(n)
		}
	case *syntax.ParamExp:
		if n.Param != nil && parameters[n.Param.Value] != "" {
			n.Param = &syntax.Lit{Value: parameters[n.Param.Value]}
			n.Short = false
			r.changed = true
		}
	case *syntax.Word:
		for i, part := range n.Parts {
			if p, ok := part.(*syntax.ProcSubst); ok && p.Op != syntax.CmdInTemp {
				n.Parts[i] = r.processSubstitution(p)
				r.changed = true
			}
		}
	case *syntax.BinaryCmd:
		if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
			r.lastOfPipe(n)
		}
	case *syntax.ForClause:
		if _, ok := n.Loop.(*syntax.CStyleLoop); ok { // it would end with a command that fails
			n.Do = append(n.Do, fragment(":")...)
			r.changed = true
		}
	case *syntax.UnaryTest:
		if n.Op == syntax.TsFdTerm {
			r.terminalTest(n)
		}
	case *syntax.DeclClause:
		r.declaration(n)
	}
	return true
}

// background changes a statement in place.
func (r *rewriter) background(st *syntax.Stmt) {
	inner := *st
	inner.Background, inner.Disown, inner.Comments = false, false, nil
	st.Cmd = &syntax.Block{Stmts: r.job(&inner, sourceOf(&inner), "")}
	st.Background, st.Disown, st.Negated, st.Redirs = false, false, false, nil
	r.changed = true
}

// job returns the statements that start work in the background. out is a
// redirection for it, or "".
func (r *rewriter) job(work *syntax.Stmt, text, redirection string) []*syntax.Stmt {
	pattern := varLast + `=$(` + cmdJob + ` ` + quote(text) + `); { ` + varJob + `=$` + varLast + `; (:) ` + redirection + ` && ` + cmdJobEnd + ` 0 || ` + cmdJobEnd + ` $?; } </dev/null &`
	stmts := fragment(pattern)
	started := stmts[1]
	either := started.Cmd.(*syntax.Block).Stmts[1].Cmd.(*syntax.BinaryCmd)
	both := either.X.Cmd.(*syntax.BinaryCmd)
	both.X.Cmd.(*syntax.Subshell).Stmts = []*syntax.Stmt{work}
	r.done[started] = true
	return stmts
}

// processSubstitution returns the command substitution that does its work.
func (r *rewriter) processSubstitution(p *syntax.ProcSubst) *syntax.CmdSubst {
	work := &syntax.Stmt{Cmd: &syntax.Block{Stmts: p.Stmts}}
	if len(p.Stmts) == 0 {
		work.Cmd = fragment(":")[0].Cmd
	}
	redirection := ">$" + varPipe
	if p.Op == syntax.CmdOut {
		redirection = "<$" + varPipe
	}
	stmts := fragment(varPipe + "=$(" + cmdPipe + ")")
	stmts = append(stmts, r.job(work, sourceOf(work), redirection)...)
	stmts = append(stmts, fragment("echo $"+varPipe)...)
	return &syntax.CmdSubst{Stmts: stmts}
}

// lastOfPipe makes the last command of a pipeline run in a subshell, as the others
// do, when it could change something in this one.
func (r *rewriter) lastOfPipe(n *syntax.BinaryCmd) {
	switch y := n.Y.Cmd.(type) {
	case *syntax.Subshell:
		return
	case *syntax.BinaryCmd:
		if y.Op == syntax.Pipe || y.Op == syntax.PipeAll {
			return // it ends in one
		}
	}
	inner := *n.Y
	n.Y.Cmd = &syntax.Subshell{Stmts: []*syntax.Stmt{&inner}}
	n.Y.Redirs, n.Y.Negated, n.Y.Comments = nil, false, nil
	r.changed = true
}

// terminalTest makes the test for a terminal one for a file.
func (r *rewriter) terminalTest(n *syntax.UnaryTest) {
	descriptor, ok := n.X.(*syntax.Word)
	if !ok {
		return
	}
	n.Op = syntax.TsExists
	descriptor.Parts = slices.Concat([]syntax.WordPart{&syntax.Lit{Value: terminalFolder}}, descriptor.Parts)
	r.changed = true
}

// declaration drops attributes that the interpreter refuses, which change a
// variable's value at most.
func (r *rewriter) declaration(d *syntax.DeclClause) {
	kept := d.Args[:0:0]
	for _, a := range d.Args {
		if a.Naked && a.Name == nil && a.Value != nil {
			lit := a.Value.Lit()
			if len(lit) > 1 && lit[0] == '-' && strings.ContainsAny(lit[1:], "ilutc") {
				r.changed = true
				rest := strings.Map(func(c rune) rune {
					if strings.ContainsRune("ilutc", c) {
						return -1
					}
					return c
				}, lit)
				if rest == "-" {
					continue
				}
				a = &syntax.Assign{Naked: true, Value: &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: rest}}}}
			}
		}
		kept = append(kept, a)
	}
	d.Args = kept
}

// fragment parses text of our own.
func fragment(text string) []*syntax.Stmt {
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		panic("shell: " + err.Error())
	}
	return f.Stmts
}

// maxText bounds what ps shows of a job.
const maxText = 200

// sourceOf is a statement as text, in one line.
func sourceOf(st *syntax.Stmt) string {
	var b strings.Builder
	if syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, st) != nil {
		return "job"
	}
	return strings.ToValidUTF8(b.String()[:min(b.Len(), maxText)], "")
}

// quote quotes a word for the interpreter.
func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// rewritten parses a script and prints it as it is to run. A script that does not
// parse is returned as it is, for the interpreter to say so.
func rewritten(text string) string {
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || !rewrite(f) {
		return text
	}
	var b strings.Builder
	if syntax.NewPrinter().Print(&b, f) != nil {
		return text
	}
	return b.String()
}
