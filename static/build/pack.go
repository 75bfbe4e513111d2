package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"

	"sandpiper/static/manifest"
)

// licensesName is the file with the licences of all bundled packages.
const licensesName = "licenses.txt"

// minCompressed is the size below which a compressed variant is not worth a
// file: it would still be one network packet.
const minCompressed = 600

// pack returns every file of dist with its compressed variants, by path, and
// the manifest of them.
func (b *build) pack() (map[string][]byte, manifest.Manifest, error) {
	licenses, err := b.licenses()
	if err != nil {
		return nil, manifest.Manifest{}, err
	}
	m := manifest.Manifest{Entries: b.meta.entries(), Files: map[string]manifest.File{}}
	m.Entries[licensesName] = manifest.Entry{Path: hashedName(licensesName, licenses)}
	b.outputs[m.Entries[licensesName].Path] = licenses
	files := map[string][]byte{}
	for _, name := range sortedKeys(b.outputs) {
		content := b.outputs[name]
		files[name] = content
		f := manifest.File{Size: int64(len(content))}
		if small, ok := smaller(content, gzipWriter); ok {
			files[name+manifest.GzipExt] = small
			f.Gzip = int64(len(small))
		}
		if small, ok := smaller(content, brotliWriter); ok {
			files[name+manifest.BrotliExt] = small
			f.Brotli = int64(len(small))
		}
		m.Files[name] = f
	}
	return files, m, nil
}

// hashedName puts a hash of the content into a name, as the bundler does.
func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + base32.StdEncoding.EncodeToString(sum[:5]) + ext
}

func gzipWriter(w io.Writer) io.WriteCloser {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}

func brotliWriter(w io.Writer) io.WriteCloser {
	return brotli.NewWriterLevel(w, brotli.BestCompression)
}

// smaller compresses content, if that is worth it.
func smaller(content []byte, to func(io.Writer) io.WriteCloser) ([]byte, bool) {
	if len(content) < minCompressed {
		return nil, false
	}
	var buf bytes.Buffer
	w := to(&buf)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
	return buf.Bytes(), buf.Len() < len(content)
}

// licenses joins the licence texts of the packages that were bundled. A package
// without one is an error: it could not be passed on.
func (b *build) licenses() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteString("The scripts and style sheets in this folder contain these packages.\n")
	for _, dir := range b.meta.packages() {
		text, err := licenseText(filepath.Join(b.dir, filepath.FromSlash(dir)))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&buf, "\n=== %s ===\n\n%s\n", dir[strings.LastIndex(dir, "node_modules/")+len("node_modules/"):], bytes.TrimSpace(text))
	}
	return buf.Bytes(), nil
}

func licenseText(dir string) ([]byte, error) {
	found, err := filepath.Glob(filepath.Join(dir, "[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("the package in %s has no licence file", dir)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return nil, fmt.Errorf("read a licence: %w", err)
	}
	return text, nil
}

// writeAll replaces the contents of dist. The .keep in it stays, so that a clone
// without a build compiles, and so does the folder itself.
func writeAll(dist string, files map[string][]byte, m manifest.Manifest) error {
	table, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := empty(dist); err != nil {
		return err
	}
	for _, name := range sortedKeys(files) {
		if err := writeFile(dist, name, files[name]); err != nil {
			return err
		}
	}
	return writeFile(dist, manifest.Name, table) // last: it stands for the whole build
}

func empty(dist string) error {
	entries, err := os.ReadDir(dist)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("empty the old build: %w", err)
	}
	for _, e := range entries {
		if e.Name() == ".keep" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dist, e.Name())); err != nil {
			return fmt.Errorf("empty the old build: %w", err)
		}
	}
	return nil
}

func writeFile(dist, name string, content []byte) error {
	file := filepath.Join(dist, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write the build: %w", err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return fmt.Errorf("write the build: %w", err)
	}
	return nil
}

// report prints the size of each file.
func report(w io.Writer, m manifest.Manifest) {
	fmt.Fprintf(w, "%9s %9s %9s\n", "bytes", "gzip", "brotli")
	for _, name := range sortedKeys(m.Files) {
		f := m.Files[name]
		fmt.Fprintf(w, "%9d %9d %9d  %s\n", f.Size, f.Gzip, f.Brotli, name)
	}
}
