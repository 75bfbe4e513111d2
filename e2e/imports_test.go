package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says what a package may import besides the standard library.
type rule struct {
	ours       []string // packages of this module; "a/..." is a and all below it
	thirdParty []string // modules of others
}

const (
	wazero  = "github.com/tetratelabs/wazero"
	templ   = "github.com/a-h/templ"
	esbuild = "github.com/evanw/esbuild"
	zstd    = "github.com/klauspost/compress"
	xsys    = "golang.org/x/sys"

	socket = "github.com/coder/websocket"
)

// table is the direction of imports: main → web, scheduler, sqlite, runtimes →
// sandbox. A key that ends in "/..." holds for every package below it that has
// no longer key of its own.
var table = map[string]rule{
	".": {
		ours:       []string{"components", "computeruse", "runtimes/catalog", "runtimes/needs", "runtimes/wasm", "runtimes/wasm/computer", "runtimes/wasm/program", "runtimes/wasm/worker/...", "runtimes/docker", "runtimes/docker/runner", "sandbox/...", "static", "web/..."},
		thirdParty: []string{"github.com/google/uuid"},
	},

	// Any package may import what stands in for one of the standard library.
	"internal/lazyregexp": {},

	"sandbox":                     {},
	"sandbox/scheduler":           {ours: []string{"sandbox", "sandbox/journal"}},
	"sandbox/journal":             {ours: []string{"sandbox"}},
	"sandbox/kernels":             {ours: []string{"sandbox", "sandbox/journal", "sandbox/scheduler"}},
	"sandbox/toolboxclient":       {ours: []string{"sandbox"}},
	"sandbox/manager":             {ours: []string{"sandbox", "sandbox/scheduler", "sandbox/toolboxclient"}},
	"sandbox/sqlite":              {ours: []string{"sandbox"}, thirdParty: []string{"github.com/mattn/go-sqlite3"}},
	"sandbox/datadir":             {},
	"sandbox/sshaccess":           {ours: []string{"sandbox"}},
	"sandbox/guest":               {},
	"sandbox/gitrepo":             {ours: []string{"sandbox/guest"}, thirdParty: []string{"github.com/go-git"}},
	"sandbox/session":             {ours: []string{"sandbox/guest"}, thirdParty: []string{"github.com/google/uuid"}},
	"sandbox/guest/osguest":       {ours: []string{"sandbox/guest"}, thirdParty: []string{xsys}},
	"sandbox/toolbox/answer":      {},
	"sandbox/toolbox/toolboxtype": {},
	"sandbox/toolbox/spectest":    {},
	"sandbox/toolbox/files":       {ours: []string{"sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/toolboxtype"}},
	"sandbox/toolbox/git":         {ours: []string{"sandbox/gitrepo", "sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/toolboxtype"}},
	"sandbox/toolbox/lsp":         {ours: []string{"sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/toolboxtype"}},
	"sandbox/toolbox":             {ours: []string{"sandbox", "sandbox/gitrepo", "sandbox/guest", "sandbox/toolbox/..."}},
	"sandbox/toolbox/kernel":      {ours: []string{"sandbox/guest"}},
	"sandbox/toolbox/process":     {ours: []string{"sandbox/guest", "sandbox/session", "sandbox/toolbox/answer", "sandbox/toolbox/kernel", "sandbox/toolbox/toolboxtype"}, thirdParty: []string{socket, "github.com/google/uuid"}},
	"sandbox/toolbox/attach":      {ours: []string{"sandbox", "sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/upgrade"}},
	"sandbox/toolbox/sftp":        {ours: []string{"sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/files", "sandbox/toolbox/upgrade"}, thirdParty: []string{"github.com/pkg/sftp"}},
	"sandbox/toolbox/reverse":     {ours: []string{"sandbox", "sandbox/guest", "sandbox/toolbox/answer", "sandbox/toolbox/upgrade"}},
	"sandbox/toolbox/upgrade":     {ours: []string{"sandbox/toolbox/answer"}},
	"sandbox/toolbox/toolboxd":    {ours: []string{"computeruse", "sandbox", "sandbox/gitrepo", "sandbox/guest", "sandbox/guest/osguest", "sandbox/toolbox"}, thirdParty: []string{xsys}},
	"sandbox/sandboxtest":         {ours: []string{"sandbox"}},

	// A desktop is used over the same guest and with the same answers as the rest
	// of the toolbox, which does not know it: toolboxd brings the two together.
	"computeruse":           {ours: []string{"computeruse/...", "sandbox", "sandbox/guest", "sandbox/toolbox/answer"}},
	"computeruse/wire":      {},
	"computeruse/keys":      {},
	"computeruse/actionlog": {ours: []string{"computeruse/wire"}},
	"computeruse/x11":       {ours: []string{"computeruse/keys"}, thirdParty: []string{"github.com/jezek/xgb"}},
	"computeruse/a11y":      {ours: []string{"computeruse/wire"}, thirdParty: []string{"github.com/godbus/dbus"}},
	"computeruse/recording": {ours: []string{"computeruse/wire", "sandbox/guest"}},
	"computeruse/picture":   {thirdParty: []string{"github.com/deepteams/webp", zstd, "golang.org/x/image"}},
	"computeruse/desktop":   {ours: []string{"computeruse/wire", "computeruse/x11", "sandbox/guest"}},

	"runtimes/catalog":               {ours: []string{"sandbox"}, thirdParty: []string{zstd}},
	"runtimes/catalog/mkmodules":     {ours: []string{"runtimes/wasm/rewrite"}, thirdParty: []string{zstd}},
	"runtimes/needs":                 {ours: []string{"sandbox"}},
	"runtimes/catalog/mkmodules/lua": {thirdParty: []string{"github.com/yuin/gopher-lua"}},

	// The engine knows the catalogue; the drivers of languages do not. What
	// they stand on knows no language.
	"runtimes/wasm":          {ours: []string{"sandbox", "runtimes/catalog", "runtimes/wasm/..."}},
	"runtimes/wasm/...":      {ours: []string{"sandbox", "runtimes/wasm/vm", "runtimes/wasm/jail", "runtimes/wasm/kernel"}, thirdParty: []string{wazero}},
	"runtimes/wasm/vm":       {ours: []string{"sandbox", "runtimes/wasm/rewrite"}, thirdParty: []string{wazero, xsys, zstd}},
	"runtimes/wasm/jail":     {ours: []string{"sandbox"}, thirdParty: []string{wazero, xsys}},
	"runtimes/wasm/program":  {ours: []string{"sandbox"}, thirdParty: []string{wazero}},
	"runtimes/wasm/rewrite":  {},
	"runtimes/wasm/wasmtest": {},
	"runtimes/wasm/quickjs":  {ours: []string{"sandbox", "runtimes/wasm/vm", "runtimes/wasm/jail", "runtimes/wasm/kernel"}, thirdParty: []string{wazero, esbuild, xsys}},

	// Compilers of the catalogue run in a child process.
	"runtimes/wasm/toolchain": {ours: []string{"sandbox", "runtimes/catalog", "runtimes/wasm/vm", "runtimes/wasm/jail", "runtimes/wasm/home"}, thirdParty: []string{"github.com/landlock-lsm/go-landlock", xsys}},
	"runtimes/wasm/golang":    {ours: []string{"sandbox", "runtimes/wasm/vm", "runtimes/wasm/toolchain", "runtimes/wasm/home"}},
	"runtimes/wasm/clang":     {ours: []string{"sandbox", "runtimes/wasm/vm", "runtimes/wasm/toolchain", "runtimes/wasm/home"}},

	"runtimes/docker": {ours: []string{"sandbox", "sandbox/toolbox/upgrade", "sandbox/toolboxclient", "runtimes/docker/network"}, thirdParty: []string{
		"github.com/docker/docker", "github.com/docker/go-units", "github.com/containerd/errdefs", "github.com/moby/profiles/seccomp",
		"github.com/google/uuid", "github.com/opencontainers/runtime-spec", "golang.org/x/sync", xsys,
	}},
	"runtimes/docker/network": {ours: []string{"sandbox"}, thirdParty: []string{
		"github.com/google/nftables", "github.com/vishvananda/netlink", "github.com/vishvananda/netns", xsys,
	}},
	"runtimes/docker/runner":      {ours: []string{"sandbox", "sandbox/toolbox/attach", "runtimes/catalog"}, thirdParty: []string{"github.com/google/uuid", "golang.org/x/sync"}},
	"runtimes/docker/image/still": {},

	"runtimes/docker/setup/addruntime": {},

	// The engine of sandboxes has its file system and its runtimes from package
	// wasm's parts, its shell in a child process, and its toolbox from whoever
	// configures it.
	"runtimes/wasm/computer":   {ours: []string{"sandbox", "sandbox/guest", "runtimes/wasm/program", "runtimes/wasm/jail", "runtimes/wasm/shell/...", "runtimes/wasm/coreutils", "runtimes/wasm/tty"}, thirdParty: []string{wazero, zstd, xsys}},
	"runtimes/wasm/shell":      {ours: []string{"sandbox/guest", "runtimes/wasm/coreutils", "runtimes/wasm/shell/wire"}, thirdParty: []string{"mvdan.cc/sh/v3", "github.com/landlock-lsm/go-landlock", xsys}},
	"runtimes/wasm/shell/wire": {ours: []string{"runtimes/wasm/frame"}},
	"runtimes/wasm/frame":      {thirdParty: []string{xsys}},

	// A pool of workers and what runs in them know engines as the domain does; main
	// brings them together.
	"runtimes/wasm/worker":         {ours: []string{"sandbox", "runtimes/wasm/frame", "runtimes/wasm/jail", "runtimes/wasm/program", "runtimes/wasm/worker/..."}, thirdParty: []string{wazero, xsys}},
	"runtimes/wasm/worker/link":    {ours: []string{"sandbox", "runtimes/wasm/frame"}},
	"runtimes/wasm/worker/inside":  {ours: []string{"sandbox", "runtimes/wasm/program", "runtimes/wasm/worker/..."}},
	"runtimes/wasm/worker/files":   {ours: []string{"runtimes/wasm/jail"}, thirdParty: []string{wazero, xsys}},
	"runtimes/wasm/worker/confine": {ours: []string{"runtimes/wasm/worker/link"}, thirdParty: []string{xsys, "github.com/landlock-lsm/go-landlock"}},
	"runtimes/wasm/coreutils":      {ours: []string{"sandbox/guest"}, thirdParty: []string{"github.com/benhoyt/goawk"}},
	"runtimes/wasm/tty":            {thirdParty: []string{"github.com/creack/pty", "github.com/rivo/uniseg", xsys}},

	// Pages and API know the domain and the scheduler, never an engine or a store.
	"web":                 {ours: []string{"sandbox", "web/apitype", "web/auth", "web/reply"}, thirdParty: []string{zstd}},
	"web/apitype":         {},
	"web/reply":           {ours: []string{"sandbox", "web/apitype"}},
	"web/auth":            {ours: []string{"sandbox", "web/apitype", "web/reply"}, thirdParty: []string{"golang.org/x/time"}},
	"web/run":             {ours: []string{"sandbox", "sandbox/scheduler", "web/apitype", "web/auth", "web/reply", "web/run/..."}},
	"web/run/...":         {ours: []string{"sandbox", "sandbox/scheduler", "web/apitype", "web/auth", "web/reply", "web/run/..."}},
	"web/sessions":        {ours: []string{"sandbox", "sandbox/kernels", "web/apitype", "web/auth", "web/reply", "web/run", "web/run/openapi", "web/run/socket"}},
	"web/run/socket":      {ours: []string{"sandbox", "web/auth", "web/reply"}, thirdParty: []string{socket}},
	"web/run/openapi":     {},
	"web/run/runtest":     {ours: []string{"sandbox/...", "web/..."}},
	"web/jupyter":         {ours: []string{"sandbox", "sandbox/kernels", "web/auth", "web/jupyter/...", "web/reply", "web/run/socket"}},
	"web/jupyter/message": {ours: []string{"sandbox", "web/reply"}},
	"web/jupyter/live":    {ours: []string{"sandbox", "sandbox/journal", "web/jupyter/message", "web/reply"}},
	"web/apikey":          {ours: []string{"sandbox", "web/auth"}},
	"web/sshgateway":      {ours: []string{"sandbox", "sandbox/sshaccess", "sandbox/toolbox/attach", "sandbox/toolbox/reverse", "sandbox/toolbox/sftp", "sandbox/toolbox/upgrade"}, thirdParty: []string{"golang.org/x/crypto", "golang.org/x/time"}},
	"web/api":             {ours: []string{"sandbox", "sandbox/sshaccess", "sandbox/manager", "web/api/...", "web/apikey", "web/auth", "web/preview", "web/reply", "web/run/openapi"}},
	"web/api/wire":        {},
	"web/api/socketio":    {ours: []string{"sandbox"}, thirdParty: []string{"github.com/coder/websocket"}},
	"web/proxy":           {ours: []string{"sandbox", "web/auth", "web/preview", "web/reply"}},
	"web/preview":         {ours: []string{"sandbox"}},
	"web/desktop": {
		ours:       []string{"sandbox", "components", "web/auth", "web/live", "web/dashboard/sandboxpage", "web/desktop/rfb", "web/page", "web/reply", "web/words"},
		thirdParty: []string{socket},
	},
	"web/desktop/rfb": {},
	"web/notebook":    {ours: []string{"sandbox", "components", "web/auth", "web/page", "web/words"}},
	"web/playground":  {ours: []string{"sandbox", "components", "web/dashboard/sandboxpage", "web/dashboard/view", "web/page"}},
	"web/workbench":   {ours: []string{"sandbox", "components", "web/dashboard/sandboxpage", "web/page", "web/qrcode", "web/reply"}, thirdParty: []string{templ}},
	"web/words":       {},
	"web/qrcode":      {ours: []string{"components"}, thirdParty: []string{"rsc.io/qr"}},
	"web/page":        {ours: []string{"sandbox", "components", "web/auth", "web/reply", "web/words"}, thirdParty: []string{templ}},
	"web/ui": {
		ours:       []string{"sandbox", "sandbox/scheduler", "components", "web/apitype", "web/auth", "web/live", "web/page", "web/reply", "web/qrcode", "web/run", "web/words"},
		thirdParty: []string{templ},
	},

	"web/live": {thirdParty: []string{templ}},
	"web/dashboard": {
		ours:       []string{"sandbox", "sandbox/manager", "components", "web/apikey", "web/auth", "web/dashboard/...", "web/live", "web/page", "web/reply", "web/words"},
		thirdParty: []string{templ},
	},
	"web/dashboard/codes":       {ours: []string{"sandbox/manager", "components"}},
	"web/dashboard/farewell":    {},
	"web/dashboard/metrics":     {ours: []string{"sandbox", "sandbox/toolboxclient", "components"}},
	"web/dashboard/view":        {ours: []string{"sandbox", "components", "web/words"}},
	"web/dashboard/sandboxpage": {ours: []string{"sandbox", "sandbox/manager", "components", "web/auth", "web/live", "web/dashboard/view", "web/page", "web/reply"}, thirdParty: []string{templ}},

	"components":      {thirdParty: []string{templ}},
	"static":          {ours: []string{"static/manifest"}},
	"static/manifest": {},
	"static/build":    {ours: []string{"static/manifest"}, thirdParty: []string{esbuild, "github.com/andybalholm/brotli"}},

	"e2e/bench":       {ours: []string{"e2e/testserver", "e2e/rawclient", "runtimes/catalog", "runtimes/wasm", "sandbox"}, thirdParty: []string{socket, wazero}},
	"e2e/rawclient":   {thirdParty: []string{socket}},
	"e2e/testserver":  {},
	"e2e/spec":        {},
	"e2e/conformance": {ours: []string{"e2e/spec", "e2e/testserver"}, thirdParty: []string{"github.com/coder/websocket"}},
}

const (
	module     = "sandpiper"
	lazyregexp = "sandpiper/internal/lazyregexp"
)

// goPackage is a package as its files say, whatever their build tags.
type goPackage struct {
	imports  []string // of all files but tests, sorted
	comments []string // the files with a package comment
	tests    bool     // it has nothing but tests
}

func TestImports(t *testing.T) {
	packages := readPackages(t)
	used := map[string]bool{}
	for dir, p := range packages {
		if p.tests {
			continue
		}
		key, r, ok := ruleFor(dir)
		if !ok {
			t.Errorf("%s is not in the table of imports: say there what it may import", dir)
			continue
		}
		used[key] = true
		for _, imp := range p.imports {
			if !r.allows(imp) {
				t.Errorf("%s must not import %s", dir, imp)
			}
		}
	}
	for key := range table {
		if !used[key] {
			t.Errorf("the table of imports has a row for %s, which no package needs", key)
		}
	}
}

func TestRules(t *testing.T) {
	r := rule{ours: []string{"web/...", "sandbox"}, thirdParty: []string{"example.com/lib"}}
	for imp, want := range map[string]bool{
		"fmt": true, "net/http": true, "sandpiper/web": true, "sandpiper/web/ui": true, "sandpiper/sandbox": true,
		"example.com/lib": true, "example.com/lib/sub": true,
		"sandpiper/website": false, "sandpiper/sandbox/sqlite": false, "example.com/library": false, "example.com": false, "sandpiper": false,
	} {
		if got := r.allows(imp); got != want {
			t.Errorf("%s: %v, want %v", imp, got, want)
		}
	}
	for dir, want := range map[string]string{"runtimes/wasm": "runtimes/wasm", "runtimes/wasm/ruby": "runtimes/wasm/...", "nowhere": ""} {
		if got, _, _ := ruleFor(dir); got != want {
			t.Errorf("the rule of %s is %q, want %q", dir, got, want)
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	for dir, p := range readPackages(t) {
		if len(p.comments) != 1 && !(p.tests && len(p.comments) == 0) {
			t.Errorf("%s has %d package comments, want one: %s", dir, len(p.comments), strings.Join(p.comments, ", "))
		}
	}
}

// ruleFor finds the row of a package: its own, or the longest that covers it.
func ruleFor(dir string) (key string, r rule, ok bool) {
	if r, ok := table[dir]; ok {
		return dir, r, true
	}
	for up := path.Dir(dir); up != "."; up = path.Dir(up) {
		if r, ok := table[up+"/..."]; ok {
			return up + "/...", r, true
		}
	}
	return "", rule{}, false
}

func (r rule) allows(imp string) bool {
	if imp == lazyregexp {
		return true
	}
	if own, ok := strings.CutPrefix(imp, module+"/"); ok {
		return slices.ContainsFunc(r.ours, func(pattern string) bool {
			base, all := strings.CutSuffix(pattern, "/...")
			return own == base || all && strings.HasPrefix(own, base+"/")
		})
	}
	first, _, _ := strings.Cut(imp, "/")
	if imp != module && !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(r.thirdParty, func(m string) bool { return imp == m || strings.HasPrefix(imp, m+"/") })
}

// readPackages parses the import clauses of every Go file of the module, by the
// folder's path.
func readPackages(t *testing.T) map[string]*goPackage {
	t.Helper()
	packages := map[string]*goPackage{}
	err := filepath.WalkDir("..", func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && skipped(e.Name()):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := path.Clean(strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../"))
		if dir == ".." {
			dir = "."
		}
		p := packages[dir]
		if p == nil {
			p = &goPackage{tests: true}
			packages[dir] = p
		}
		p.add(file, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("found only %d packages", len(packages))
	}
	return packages
}

// skipped names folders that hold no packages of ours.
func skipped(name string) bool {
	return name == "node_modules" || name == "testdata" || name != ".." && strings.HasPrefix(name, ".")
}

func (p *goPackage) add(file string, f *ast.File) {
	if f.Doc != nil && !ast.IsGenerated(f) {
		p.comments = append(p.comments, file)
	}
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	p.tests = false
	for _, spec := range f.Imports {
		if imp, err := strconv.Unquote(spec.Path.Value); err == nil && !slices.Contains(p.imports, imp) {
			p.imports = append(p.imports, imp)
		}
	}
	slices.Sort(p.imports)
}
