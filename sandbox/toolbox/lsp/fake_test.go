package lsp_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/toolbox/lsp"
)

// TestMain makes the test program a language server when it is started as one.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_LANGUAGE_SERVER"); mode != "" {
		fake{mode: mode, docs: map[string]string{}}.serve()
		return
	}
	os.Exit(m.Run())
}

// fake is a language server that knows lines which begin with "def ".
type fake struct {
	mode string // "full", "bare" (cannot search a project), "broken", "silent" or "chatty"
	docs map[string]string
}

type fakeMessage struct {
	ID     json.RawMessage
	Method string
	Params struct {
		TextDocument   struct{ URI, Text, LanguageID string }
		ContentChanges []struct{ Text string }
		Position       struct{ Line, Character int }
		Query          string
	}
}

func (f fake) serve() {
	switch f.mode {
	case "broken":
		fmt.Fprintln(os.Stderr, "the fake server is broken")
		os.Exit(3)
	case "silent":
		time.Sleep(time.Minute)
		return
	case "chatty":
		fmt.Println("Hello! This is not the protocol.")
		time.Sleep(time.Minute)
		return
	}
	for in := bufio.NewReader(os.Stdin); ; {
		body, err := lsp.ReadFrame(in)
		if err != nil {
			return
		}
		var m fakeMessage
		if err := json.Unmarshal(body, &m); err != nil {
			panic(err)
		}
		f.handle(m)
	}
}

func (f fake) handle(m fakeMessage) {
	uri := m.Params.TextDocument.URI
	switch m.Method {
	case "initialize":
		send(map[string]any{"jsonrpc": "2.0", "id": "ask", "method": "workspace/configuration", "params": map[string]any{"items": []any{1, 2}}})
		send(map[string]any{"jsonrpc": "2.0", "method": "window/logMessage", "params": map[string]any{"message": "hello"}})
		answer(m, map[string]any{"capabilities": map[string]any{"workspaceSymbolProvider": f.mode == "full"}})
	case "textDocument/didOpen":
		f.docs[uri] = m.Params.TextDocument.Text
	case "textDocument/didChange":
		f.docs[uri] = m.Params.ContentChanges[0].Text
	case "textDocument/didClose":
		delete(f.docs, uri)
	case "textDocument/documentSymbol":
		answer(m, f.symbols(uri))
	case "workspace/symbol":
		var all []any
		for uri := range f.docs {
			all = append(all, f.symbols(uri)...)
		}
		answer(m, all)
	case "textDocument/completion":
		f.complete(m)
	case "shutdown":
		answer(m, nil)
	case "exit":
		os.Exit(0)
	}
}

// complete answers by the line: some lines make it misbehave.
func (f fake) complete(m fakeMessage) {
	switch m.Params.Position.Line {
	case 96:
		fmt.Printf("Content-Length: 5\r\n\r\n{nope")
		return
	case 97:
		fmt.Println("garbage")
		return
	case 98:
		return // never answers
	case 99:
		fmt.Fprintln(os.Stderr, "crashed on line 99")
		os.Exit(1)
	case 95:
		send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "error": map[string]any{"code": -32603, "message": "no idea"}})
		return
	}
	answer(m, []any{map[string]any{"label": f.docs[m.Params.TextDocument.URI], "kind": 3, "documentation": map[string]any{"kind": "markdown", "value": "*x*"}, "data": 7}})
}

// symbols are nested, in the form without locations.
func (f fake) symbols(uri string) []any {
	text, ok := f.docs[uri]
	if !ok { // as pylsp does
		content, _ := os.ReadFile(strings.TrimPrefix(uri, "file://"))
		text = string(content)
	}
	var all []any
	for i, line := range strings.Split(text, "\n") {
		name, ok := strings.CutPrefix(line, "def ")
		if !ok {
			continue
		}
		at := map[string]any{"start": map[string]any{"line": i, "character": 4}, "end": map[string]any{"line": i, "character": len(line)}}
		inner := map[string]any{"name": name + ".inner", "kind": 13, "range": at, "selectionRange": at}
		all = append(all, map[string]any{"name": name, "kind": 12, "range": at, "selectionRange": at, "children": []any{inner}})
	}
	return all
}

func answer(m fakeMessage, result any) {
	send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result})
}

func send(v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(lsp.Frame(body))
}
