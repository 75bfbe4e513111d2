package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// build is the output of the bundler, still in memory.
type build struct {
	dir     string            // absolute path of the folder that holds src
	outputs map[string][]byte // by path in dist
	meta    metafile
}

// bundle runs the bundler twice over dir/src: for the pages and for the
// standalone scripts.
func bundle(dir string) (*build, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the sources: %w", err)
	}
	b := &build{dir: abs, outputs: map[string][]byte{}, meta: metafile{Outputs: map[string]output{}}}
	pages, err := entryPoints(abs, "src/*.ts", "src/*.css")
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("no sources in %s", filepath.Join(dir, "src"))
	}
	modules := b.options(pages)
	modules.Format, modules.Splitting = api.FormatESModule, true
	if err := b.add(api.Build(modules)); err != nil {
		return nil, err
	}
	scripts, err := entryPoints(abs, "src/standalone/*.ts")
	if err != nil || len(scripts) == 0 {
		return b, err
	}
	classic := b.options(scripts)
	classic.Format = api.FormatIIFE
	return b, b.add(api.Build(classic))
}

func entryPoints(dir string, patterns ...string) ([]string, error) {
	var out []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", p, err)
		}
		out = append(out, found...)
	}
	isTypes := func(name string) bool { return strings.HasSuffix(name, ".d.ts") }
	return slices.DeleteFunc(out, isTypes), nil
}

func (b *build) options(entries []string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:     b.dir,
		EntryPoints:       entries,
		Outdir:            "dist",
		Outbase:           "src",
		EntryNames:        "[dir]/[name]-[hash]",
		ChunkNames:        "chunks/[name]-[hash]",
		AssetNames:        "assets/[name]-[hash]",
		Bundle:            true,
		Metafile:          true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Target:            api.ES2022,
		Platform:          api.PlatformBrowser,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone, // licenses.txt has the texts in full
		Loader:            map[string]api.Loader{".svg": api.LoaderText, ".woff2": api.LoaderFile, ".png": api.LoaderFile},
		LogLevel:          api.LogLevelSilent,
	}
}

// add takes over the outputs of one run of the bundler.
func (b *build) add(r api.BuildResult) error {
	if err := messages(append(r.Errors, r.Warnings...)); err != nil {
		return err
	}
	var meta metafile
	if err := json.Unmarshal([]byte(r.Metafile), &meta); err != nil {
		return fmt.Errorf("read the bundler's metafile: %w", err)
	}
	for name, out := range meta.Outputs {
		b.meta.Outputs[inDist(name)] = out
	}
	for _, f := range r.OutputFiles {
		name, err := filepath.Rel(filepath.Join(b.dir, "dist"), f.Path)
		if err != nil {
			return fmt.Errorf("place %s: %w", f.Path, err)
		}
		name = filepath.ToSlash(name)
		if err := checkScript(name, f.Contents); err != nil {
			return err
		}
		b.outputs[name] = f.Contents
	}
	return nil
}

// checkScript parses an output again: the bundler can emit scripts that no
// browser can parse, without saying so, where a package mixes module systems.
func checkScript(name string, contents []byte) error {
	if !strings.HasSuffix(name, ".js") {
		return nil
	}
	r := api.Transform(string(contents), api.TransformOptions{Loader: api.LoaderJS, Target: api.ES2022, LogLevel: api.LogLevelSilent})
	if err := messages(r.Errors); err != nil {
		return fmt.Errorf("the bundler wrote a broken %s: %w", name, err)
	}
	return nil
}

// messages joins the bundler's messages to one error, nil when there are none.
func messages(list []api.Message) error {
	var errs []error
	for _, m := range list {
		if m.Location == nil {
			errs = append(errs, errors.New(m.Text))
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", m.Location.File, m.Location.Line, m.Location.Column+1, m.Text))
	}
	return errors.Join(errs...)
}
