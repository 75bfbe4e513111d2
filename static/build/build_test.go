package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"sandpiper/static"
	"sandpiper/static/manifest"
)

// sources are a front end with everything the build distinguishes: two pages
// that share a module, an import() and a package, a style sheet, and a script
// for pages of others.
var sources = map[string]string{
	"src/one.ts":                           `import { shared } from "./lib/shared"; shared("one" as string); void import("./lib/later");`,
	"src/two.ts":                           `import { shared } from "./lib/shared"; import { pkg } from "@scope/pkg"; shared(pkg);`,
	"src/look.css":                         `@import "./css/base.css"; a { color: red; }`,
	"src/css/base.css":                     `b { color: blue; }`,
	"src/types.d.ts":                       `declare const x: number;`,
	"src/lib/shared.ts":                    `export function shared(s: string) { console.log(s, "` + strings.Repeat("shared text ", 100) + `"); }`,
	"src/lib/later.ts":                     `console.log("later");`,
	"src/standalone/embed.ts":              `import { shared } from "../lib/shared"; shared("embed");`,
	"package.json":                         `{"type":"module"}`,
	"node_modules/@scope/pkg/LICENSE":      "Licence of pkg",
	"node_modules/@scope/pkg/index.js":     `export const pkg = "from the package";`,
	"node_modules/@scope/pkg/package.json": `{"name":"@scope/pkg","type":"module","main":"index.js"}`,
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := writeFile(dir, name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustBundle(t *testing.T, dir string) *build {
	t.Helper()
	b, err := bundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEntriesOfTheManifest(t *testing.T) {
	b := mustBundle(t, writeTree(t, sources))
	_, m, err := b.pack()
	if err != nil {
		t.Fatal(err)
	}
	got := sortedKeys(m.Entries)
	want := []string{"licenses.txt", "look.css", "one.js", "standalone/embed.js", "two.js"}
	if !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
	for name, e := range m.Entries {
		stem := strings.TrimSuffix(name, filepath.Ext(name)) + "-"
		if !strings.HasPrefix(e.Path, stem) || len(e.Path) < len(name)+8 {
			t.Errorf("%s has the path %s, without a hash", name, e.Path)
		}
		for _, file := range append(e.Imports, e.Path) {
			if _, ok := m.Files[file]; !ok {
				t.Errorf("%s needs %s, which is not listed", name, file)
			}
		}
	}
	if n := len(m.Entries["one.js"].Imports); n != 1 {
		t.Errorf("one.js imports %d modules before it runs, want the shared one", n)
	}
}

func TestStandaloneScriptsAreClassic(t *testing.T) {
	b := mustBundle(t, writeTree(t, sources))
	for name, content := range b.outputs {
		if strings.HasPrefix(name, "standalone/") {
			if bytes.Contains(content, []byte("import")) || !bytes.Contains(content, []byte("shared text")) {
				t.Errorf("%s is not one script: %s", name, content)
			}
			return
		}
	}
	t.Error("no standalone script")
}

func TestCompressedVariantsHoldTheSame(t *testing.T) {
	files, m, err := mustBundle(t, writeTree(t, sources)).pack()
	if err != nil {
		t.Fatal(err)
	}
	compressed := 0
	for name, f := range m.Files {
		if int64(len(files[name])) != f.Size {
			t.Errorf("%s: %d bytes, listed %d", name, len(files[name]), f.Size)
		}
		if f.Brotli == 0 {
			continue
		}
		compressed++
		z, err := gzip.NewReader(bytes.NewReader(files[name+manifest.GzipExt]))
		if err != nil {
			t.Fatal(err)
		}
		for format, r := range map[string]io.Reader{"gzip": z, "brotli": brotli.NewReader(bytes.NewReader(files[name+manifest.BrotliExt]))} {
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, files[name]) {
				t.Errorf("%s of %s differs: %v", format, name, err)
			}
		}
	}
	if compressed == 0 {
		t.Error("nothing was compressed")
	}
}

func TestBuildIsReproducible(t *testing.T) {
	first, _, err := mustBundle(t, writeTree(t, sources)).pack()
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := mustBundle(t, writeTree(t, sources)).pack()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sortedKeys(first), sortedKeys(second)) {
		t.Errorf("%q, then %q", sortedKeys(first), sortedKeys(second))
	}
}

func TestLicencesAreKept(t *testing.T) {
	b := mustBundle(t, writeTree(t, sources))
	text, err := b.licenses()
	if err != nil || !strings.Contains(string(text), "=== @scope/pkg ===\n\nLicence of pkg") {
		t.Errorf("%v: %s", err, text)
	}
	if err := os.Remove(filepath.Join(b.dir, "node_modules/@scope/pkg/LICENSE")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.licenses(); err == nil {
		t.Error("a package without a licence was bundled")
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	tests := []struct {
		name, source, want string
	}{
		{"syntax", "let x = ;", "src/one.ts:1:9: "},
		{"missing package", `import "nope";`, `src/one.ts:1:8: Could not resolve "nope"`},
		{"warning", `console.log(typeof window === "nubmer");`, "src/one.ts:1:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := bundle(writeTree(t, map[string]string{"src/one.ts": tt.source}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
	if _, err := bundle(t.TempDir()); err == nil {
		t.Error("no error without sources")
	}
}

func TestWriteAllReplacesTheOldBuild(t *testing.T) {
	dist := writeTree(t, map[string]string{".keep": "", "old-AAAA.js": "old", "chunks/old.js": "old"})
	files, m, err := mustBundle(t, writeTree(t, sources)).pack()
	if err != nil {
		t.Fatal(err)
	}
	if err := writeAll(dist, files, m); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{".keep": true, "old-AAAA.js": false, "chunks/old.js": false, "manifest.json": true} {
		_, err := os.Stat(filepath.Join(dist, name))
		if there := err == nil; there != want {
			t.Errorf("%s is there: %v, want %v", name, there, want)
		}
	}
	a, err := static.New(os.DirFS(dist))
	if err != nil || !a.Built() || a.Path("one.js") != static.Prefix+m.Entries["one.js"].Path {
		t.Errorf("the server reads the build as %q, %v", a.Path("one.js"), err)
	}
}

func TestBudgetNamesWhatIsMissing(t *testing.T) {
	b := mustBundle(t, writeTree(t, sources))
	_, m, err := b.pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.editorCost(m); err == nil || !strings.Contains(err.Error(), "src/app.css") {
		t.Errorf("got %v", err)
	}
}

func TestEditorCostCountsEachFileOnce(t *testing.T) {
	tree := map[string]string{
		"src/app.css":       "a { color: red; }",
		"src/playground.ts": `import { shared } from "./lib/shared"; shared(); void import("./lib/codemirror");`,
		"src/lib/shared.ts": `export function shared() { console.log("shared"); }`,
		"src/lib/codemirror.ts": `import { shared } from "./shared"; shared();
			void import("@codemirror/lang-python"); void import("./never");`,
		"src/lib/never.ts": `console.log("not counted");`,
		"node_modules/@codemirror/lang-python/package.json":  `{"type":"module","main":"dist/index.js"}`,
		"node_modules/@codemirror/lang-python/LICENSE":       "MIT",
		"node_modules/@codemirror/lang-python/dist/index.js": `console.log("grammar");`,
	}
	b := mustBundle(t, writeTree(t, tree))
	_, m, err := b.pack()
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for name, f := range m.Files {
		if !strings.Contains(name, "never") && !strings.HasSuffix(name, ".txt") {
			want += f.Size
		}
	}
	if got, err := b.editorCost(m); err != nil || got != want {
		t.Errorf("got %d, %v; want %d", got, err, want)
	}
}

func TestPackageOf(t *testing.T) {
	for input, want := range map[string]string{
		"node_modules/a/index.js":                     "node_modules/a",
		"node_modules/@s/a/dist/index.js":             "node_modules/@s/a",
		"node_modules/a/node_modules/@s/b/c/index.js": "node_modules/a/node_modules/@s/b",
		"src/lib/a.ts":                                "",
	} {
		if got, ok := packageOf(input); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", input, got, ok)
		}
	}
}
