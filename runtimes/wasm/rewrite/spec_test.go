package rewrite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/rewrite"
)

// The WebAssembly specification's test suite, as wazero's module carries it,
// played on two runtimes: one runs the modules as they are, the other runs them
// rewritten. Whatever the modules do, both must do the same.

// specScript is a script of the suite.
type specScript struct {
	Commands []specCommand `json:"commands"`
}

type specCommand struct {
	Type       string `json:"type"`
	Line       int    `json:"line"`
	Name       string `json:"name"`
	As         string `json:"as"`
	Filename   string `json:"filename"`
	ModuleType string `json:"module_type"`
	Action     struct {
		Type   string      `json:"type"`
		Module string      `json:"module"`
		Field  string      `json:"field"`
		Args   []specValue `json:"args"`
	} `json:"action"`
}

type specValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// specFolder is where the suite lies in the module cache.
func specFolder(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("find wazero's sources: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

func TestSpecificationSuite(t *testing.T) {
	folder := specFolder(t)
	spectest, err := os.ReadFile(filepath.Join(folder, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, proposal := range []string{
		"v2", "exception-handling", "extended-const", "tail-call", "threads", "typed-function-references",
	} {
		scripts, err := filepath.Glob(filepath.Join(folder, proposal, "testdata", "*.json"))
		if err != nil || len(scripts) == 0 {
			t.Fatalf("no scripts of %s: %v", proposal, err)
		}
		for _, script := range scripts {
			t.Run(proposal+"/"+strings.TrimSuffix(filepath.Base(script), ".json"), func(t *testing.T) {
				playScript(t, script, spectest)
			})
		}
	}
}

// stage is one of the two runtimes, with the modules that the script named.
type stage struct {
	*host
	modules map[string]api.Module
	current api.Module
}

func newStage(t *testing.T, spectest []byte) *stage {
	s := &stage{host: newHost(t, wazero.NewRuntimeConfigInterpreter()), modules: map[string]api.Module{}}
	s.refill = 100
	if err := s.load(spectest, "spectest"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) load(wasm []byte, name string) error {
	ctx := context.Background()
	compiled, err := s.CompileModule(ctx, wasm)
	if err != nil {
		return err
	}
	m, err := s.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(name).WithStartFunctions())
	if err != nil {
		return err
	}
	s.current = m
	return nil
}

// do performs an action and describes what came of it.
func (s *stage) do(c specCommand) (string, error) {
	m := s.current
	if c.Action.Module != "" {
		m = s.modules[c.Action.Module]
	}
	if c.Action.Type == "get" {
		return fmt.Sprint(m.ExportedGlobal(c.Action.Field).Get()), nil
	}
	args, err := scalars(c.Action.Args)
	if err != nil {
		return "", err
	}
	fn := m.ExportedFunction(c.Action.Field)
	results, err := fn.Call(context.Background(), args...)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // without the stack trace, which names functions by index
		return first, nil
	}
	for i, typ := range fn.Definition().ResultTypes() {
		switch typ {
		case api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF32, api.ValueTypeF64:
		default:
			results[i] = min(results[i], 1) // a reference: null or not
		}
	}
	return fmt.Sprint(results), nil
}

var errVector = errors.New("vector argument")

// scalars decodes arguments. Vectors are not decoded: their instructions differ
// for the rewriter only in how they are encoded, which compiling checks.
func scalars(values []specValue) ([]uint64, error) {
	var args []uint64
	for _, v := range values {
		var text string
		if v.Type == "v128" || json.Unmarshal(v.Value, &text) != nil {
			return nil, errVector
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64)
		if err != nil && text != "null" {
			return nil, fmt.Errorf("argument %q: %w", text, err)
		}
		if strings.HasPrefix(text, "-") {
			n = -n
		}
		args = append(args, n)
	}
	return args, nil
}

func playScript(t *testing.T, path string, spectest []byte) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var script specScript
	if err := json.Unmarshal(text, &script); err != nil {
		t.Fatal(err)
	}
	opts := rewrite.Options{Fuel: &rewrite.Fuel{Initial: 3, Entries: true}, ExportGlobals: true, KeepNames: true}
	changedSpectest, _ := mustRewrite(t, spectest, opts)
	plain, changed := newStage(t, spectest), newStage(t, changedSpectest)
	for i, c := range script.Commands {
		switch c.Type {
		case "module", "assert_uninstantiable", "assert_unlinkable", "assert_invalid", "assert_malformed":
			if c.ModuleType == "text" {
				continue
			}
			wasm, err := os.ReadFile(filepath.Join(filepath.Dir(path), c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			if next := i + 1; next < len(script.Commands) && script.Commands[next].Type == "register" {
				c.As = script.Commands[next].As
			}
			loadBoth(t, plain, changed, c, wasm, opts)
		case "action", "assert_return", "assert_trap", "assert_exception":
			a, err := plain.do(c)
			if errors.Is(err, errVector) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			if b, _ := changed.do(c); a != b {
				t.Errorf("line %d: %s %q gives %s rewritten, %s otherwise", c.Line, c.Action.Type, c.Action.Field, b, a)
			}
		}
	}
}

// looselyTyped are invalid modules that wazero refuses only as long as they have
// no function: it takes a null of a constant expression for function 0.
var looselyTyped = map[string]bool{"table.24.wasm": true, "table.25.wasm": true}

// loadBoth loads a module on both stages, which must agree on whether that is
// possible.
func loadBoth(t *testing.T, plain, changed *stage, c specCommand, wasm []byte, opts rewrite.Options) {
	want := plain.load(wasm, c.As)
	out, _, err := rewrite.Rewrite(wasm, opts)
	if err != nil {
		if want == nil {
			t.Errorf("line %d: %s is valid but refused: %v", c.Line, c.Filename, err)
		}
		return
	}
	if got := changed.load(out, c.As); (got == nil) != (want == nil) && !looselyTyped[c.Filename] {
		t.Errorf("line %d: %s: %v rewritten, %v otherwise", c.Line, c.Filename, got, want)
	}
	if want == nil && c.Name != "" {
		plain.modules[c.Name], changed.modules[c.Name] = plain.current, changed.current
	}
}
