//go:build linux

package files_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// unpack reads an archive: files with their content, folders as "dir", links as
// "-> target".
func unpack(t *testing.T, format string, data []byte) map[string]string {
	t.Helper()
	if format == "zip" {
		return unzip(t, data)
	}
	got := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			got[header.Name] = "dir"
		case tar.TypeSymlink:
			got[header.Name] = "-> " + header.Linkname
		default:
			got[header.Name] = string(content)
		}
	}
}

func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.File {
		if f.Mode().IsDir() {
			got[f.Name] = "dir"
			continue
		}
		file, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(file)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", f.Name, err)
		case f.Mode()&fs.ModeSymlink != 0:
			got[f.Name] = "-> " + string(content)
		default:
			got[f.Name] = string(content)
		}
	}
	return got
}

func TestArchive(t *testing.T) {
	for _, format := range []string{"tar", "zip"} {
		t.Run(format, func(t *testing.T) {
			tb := newToolbox(t)
			tb.put("secret", "of another folder")
			tb.put("my folder/a.txt", "one")
			tb.put("my folder/dépôt/日本 \".txt", "two")
			tb.put("my folder/empty", "")
			if err := os.Mkdir(filepath.Join(tb.dir, "my folder/nothing in it"), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, target := range map[string]string{"inside": "dépôt/../a.txt", "out": "../secret", "root": "/etc/passwd", "dépôt/up": "../a.txt", "dépôt/out": "../../secret", "loop": "."} {
				if err := os.Symlink(target, filepath.Join(tb.dir, "my folder", name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := syscall.Mkfifo(filepath.Join(tb.dir, "my folder/pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			resp := tb.do("GET", "/files/archive", nil, nil, "path", "my folder", "format", format)
			if want := `attachment; filename="my folder.` + format + `"`; resp.status != http.StatusOK || resp.header.Get("Content-Disposition") != want {
				t.Fatalf("status %d, %s", resp.status, resp.header.Get("Content-Disposition"))
			}
			want := map[string]string{
				"my folder/a.txt": "one", "my folder/dépôt/": "dir", "my folder/dépôt/日本 \".txt": "two", "my folder/empty": "", "my folder/nothing in it/": "dir",
				"my folder/inside": "-> dépôt/../a.txt", "my folder/dépôt/up": "-> ../a.txt", "my folder/loop": "-> .",
			}
			if got := unpack(t, format, resp.body); !maps.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// TestArchiveOfWhatCannotBeRead says in the archive what is missing.
func TestArchiveOfWhatCannotBeRead(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	tb := newToolbox(t)
	tb.put("d/open", "1")
	tb.put("d/shut", "2")
	if err := os.Chmod(filepath.Join(tb.dir, "d/shut"), 0); err != nil {
		t.Fatal(err)
	}
	got := unpack(t, "tar", tb.do("GET", "/files/archive", nil, nil, "path", "d").body)
	if got["d/open"] != "1" || !strings.Contains(got["d/NOT-INCLUDED.txt"], "shut: ") {
		t.Errorf("%q", got)
	}
	if _, there := got["d/shut"]; there {
		t.Error("a file that cannot be read is in the archive")
	}
}

func TestArchiveRefuses(t *testing.T) {
	tb := newToolbox(t)
	tb.put("d/a", "12345")
	tb.put("d/b", "12345")
	tb.h.LimitArchive(8)
	if got := tb.do("GET", "/files/archive", nil, nil, "path", "d").status; got != http.StatusRequestEntityTooLarge {
		t.Errorf("too many bytes: status %d", got)
	}
	tb.h.LimitArchive(10)
	if got := tb.do("GET", "/files/archive", nil, nil, "path", "d").status; got != http.StatusOK {
		t.Errorf("as many bytes as may be: status %d", got)
	}
	tb.h.LimitEntries(1)
	for _, c := range []struct {
		name   string
		query  []string
		status int
	}{
		{"too many entries", []string{"path", "d"}, http.StatusBadRequest},
		{"a file", []string{"path", "d/a"}, http.StatusBadRequest},
		{"nothing", []string{"path", "gone"}, http.StatusNotFound},
		{"no path", nil, http.StatusBadRequest},
		{"another format", []string{"path", "d", "format", "rar"}, http.StatusBadRequest},
	} {
		if got := tb.do("GET", "/files/archive", nil, nil, c.query...).status; got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
	}
}

// TestArchiveNamesAreSafe unpacks nowhere else, whatever files are called.
func TestArchiveNamesAreSafe(t *testing.T) {
	tb := newToolbox(t)
	for _, name := range []string{"..a", "a\\..\\b", "nl\nx", "bad\xffutf8"} {
		tb.put("d/"+name, "x")
	}
	for _, format := range []string{"tar", "zip"} {
		names := slices.Collect(maps.Keys(unpack(t, format, tb.do("GET", "/files/archive", nil, nil, "path", "d", "format", format).body)))
		if len(names) != 4 {
			t.Errorf("%s: %q", format, names)
		}
		for _, name := range names {
			if format == "zip" && strings.Contains(name, "\\") || !filepath.IsLocal(name) || !strings.HasPrefix(name, "d/") {
				t.Errorf("%s: the name %q leads out", format, name)
			}
		}
	}
}
