package needs_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/needs"
	"sandpiper/sandbox"
)

func program(language, code string, files ...string) sandbox.Program {
	p := sandbox.Program{Language: language, Files: []sandbox.File{{Name: "main", Content: []byte(code)}}}
	for _, name := range files {
		p.Files = append(p.Files, sandbox.File{Name: name})
	}
	return p
}

const (
	noPython     = ", which the WebAssembly Python does not have"
	noJavaScript = ", which the WebAssembly JavaScript does not have"
	noRuby       = ", which the WebAssembly Ruby does not have"
)

func TestReason(t *testing.T) {
	for _, tt := range []struct {
		name, language, code string
		files                []string
		want                 string
	}{
		{"nothing", "python", "print('import numpy')\n# import numpy\n\"\"\"\nimport numpy\n\"\"\"\n", nil, ""},
		{"the library", "python", "import os, sys as system, json.decoder\nfrom collections.abc import Iterable\nimport _heapq\nfrom __future__ import annotations", nil, ""},
		{"a package", "py", "import numpy", nil, "needs numpy" + noPython},
		{"in a list", "python", "import os, numpy.linalg as la , pandas", nil, "needs numpy and pandas" + noPython},
		{"from", "python3", "from scipy.stats import (\n  norm,  # normal\n  t as student,\n)\n", nil, "needs scipy" + noPython},
		{"after a colon", "python", "try: import requests\nexcept ImportError: requests = None", nil, "needs requests" + noPython},
		{"after a semicolon", "python", "x = 1; import yaml", nil, "needs yaml" + noPython},
		{"in a function", "python", "def f():\n\timport torch\n\treturn torch", nil, "needs torch" + noPython},
		{"over two lines", "python", "import os, \\\n  flask", nil, "needs flask" + noPython},
		{"by name", "python", "m = __import__('numpy')\nimport importlib\nimportlib.import_module(\"pandas.core\")", nil, "needs numpy and pandas" + noPython},
		{"by a name made up", "python", "import importlib\nimportlib.import_module(name)", nil, ""},
		{"its own files", "python", "import helper\nfrom pack.inner import x\nfrom . import y\nfrom .z import w", []string{"helper.py", "pack/inner.py"}, ""},
		{"a data file of that name", "python", "import numpy", []string{"numpy.txt"}, "needs numpy" + noPython},
		{"not a statement", "python", "important = 1\nx = {'import': 2}\nyield_from = 3\nraise ValueError() from err\ndef g():\n  yield from numpy", nil, ""},
		{"in an f-string", "python", "print(f\"{d[\"import numpy\"]}\")\nprint(f'{x}'); import numpy", nil, "needs numpy" + noPython},
		{"many", "python", "import a1, b2, c3, d4, e5", nil, "needs a1, b2, c3 and 2 more" + noPython},
		{"four", "python", "import a1, b2, c3, d4", nil, "needs a1, b2, c3 and d4" + noPython},
		{"absent from WebAssembly", "python", "import lzma\nfrom tkinter import *", nil, "needs lzma and tkinter" + noPython},
		{"a process", "python", "import subprocess\nsubprocess.run(['ls'])", nil, "starts other programs (subprocess), which the WebAssembly Python cannot"},
		{"a shell", "python", "import os\nos.system('ls')", nil, "starts other programs (os.system), which the WebAssembly Python cannot"},
		{"a shell, renamed", "python", "from os import system as run\nrun('ls')", nil, "starts other programs (os.system), which the WebAssembly Python cannot"},
		{"a socket", "python", "import socket", nil, "uses the network (socket), which the WebAssembly Python cannot"},
		{"a request", "python", "from urllib import request, parse", nil, "uses the network (urllib.request), which the WebAssembly Python cannot"},
		{"parsing of URLs", "python", "from urllib.parse import urlparse\nfrom http import HTTPStatus", nil, ""},
		{"a thread", "python", "import threading as th\nt = th.Thread(target=f)", nil, "starts threads (threading.Thread), which the WebAssembly Python cannot"},
		{"a class of threads", "python", "from threading import Thread\nclass W(Thread): pass", nil, "starts threads (threading.Thread), which the WebAssembly Python cannot"},
		{"a lock", "python", "import threading\nlock = threading.Lock()", nil, ""},
		{"packages come first", "python", "import socket, threading\nthreading.Thread()\nimport numpy", nil, "needs numpy" + noPython},

		{"built-in modules", "javascript", "import fs from 'node:fs'\nconst {join} = require('path')\nimport * as t from \"timers/promises\"\nimport './own.js'\n", nil, ""},
		{"texts and comments", "js", "// require('x')\n/* import 'x' */\nlet s = \"require('x')\", t = `import('x') ${ 1 + 1 } require('y')`, r = /require('z')/", nil, ""},
		{"an npm package", "js", "import _ from 'lodash/fp'\nexport * from \"@scope/pkg/sub\"\nawait import('left-pad')\nrequire('lodash')", nil,
			"needs lodash, @scope/pkg and left-pad" + noJavaScript},
		{"in a template", "js", "`${ require('chalk').red(`${x}`) }`", nil, "needs chalk" + noJavaScript},
		{"after a division", "js", "let x = a / b; require('yes'); let y = c / d", nil, "needs yes" + noJavaScript},
		{"after a regular expression", "js", "if (/[/'\"]/.test(s)) require('yes')", nil, "needs yes" + noJavaScript},
		{"only types", "typescript", "import type { A } from 'types-only'\nexport type { B } from 'other'\nimport type from './own'", nil, ""},
		{"a value named type", "ts", "import type from 'real'", nil, "needs real" + noJavaScript},
		{"a module of Node", "js", "import zlib from 'zlib'", nil, "needs zlib" + noJavaScript},
		{"a process of Node", "ts", "import { exec } from \"node:child_process\"", nil, "starts other programs (child_process), which the WebAssembly JavaScript cannot"},
		{"a server", "js", "require('http').createServer()", nil, "uses the network (http), which the WebAssembly JavaScript cannot"},
		{"fetch", "js", "const r = await fetch('https://example.com')", nil, "uses the network (fetch), which the WebAssembly JavaScript cannot"},
		{"a fetch of its own", "js", "fetch(1)\nfunction fetch(x) { return x }", nil, ""},
		{"a method named fetch", "js", "db.fetch(1); if (x.fetch == 2) {}", nil, ""},
		{"brought along", "js", "require('tiny')", []string{"node_modules/tiny/index.js"}, ""},
		{"no name", "js", "import(`./${x}`); require(x); require('')", nil, ""},
		{"a URL", "js", "import x from 'https://example.com/x.js'", nil, "uses the network (https), which the WebAssembly JavaScript cannot"},

		{"Ruby's library", "ruby", "require 'json'\nrequire \"optparse/time\"\nrequire_relative 'x'\nrequire './y'", nil, ""},
		{"a gem", "ruby", "require 'nokogiri'", nil, "needs nokogiri" + noRuby},
		{"a gem's version", "rb", "gem \"rails\", '~> 8'", nil, "needs rails" + noRuby},
		{"a gem in a line", "ruby", "begin; require('csv'); rescue LoadError; end", nil, "needs csv" + noRuby},
		{"Ruby's texts", "ruby", "# require 'x'\nputs \"require 'x'\"\n=begin\nrequire 'x'\n=end\ny = <<~EOT\n  require 'x'\nEOT\nsystem_name = 1\n__END__\nrequire 'x'", nil, ""},
		{"Ruby's threads", "ruby", "Thread.new { 1 }.join", nil, "starts threads (Thread), which the WebAssembly Ruby cannot"},
		{"a Ruby process", "ruby", "system(\"ls\")", nil, "starts other programs (system), which the WebAssembly Ruby cannot"},
		{"a method named system", "ruby", "def system(x) = x\nsystem(1)\nobj.spawn(2)", nil, ""},
		{"Ruby's network", "ruby", "require 'net/http'", nil, "uses the network (net/http), which the WebAssembly Ruby cannot"},
		{"Ruby's own files", "ruby", "$: << 'lib'\nrequire 'shape'", []string{"lib/shape.rb"}, ""},

		{"another language", "lua", "require('socket')", nil, ""},
	} {
		t.Run(tt.language+": "+tt.name, func(t *testing.T) {
			if got := needs.Reason(program(tt.language, tt.code, tt.files...)); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestAllFilesAreRead(t *testing.T) {
	p := program("python", "import helper", "helper.py", "notes.txt")
	p.Files[1].Content = []byte("import numpy")
	p.Files[2].Content = []byte("import pandas")
	if got := needs.Of(p); len(got) != 1 || got[0] != (needs.Need{Kind: needs.Package, Name: "numpy"}) {
		t.Errorf("got %v", got)
	}
}

// TestNodeModules compares what is said to be there with what is there.
func TestNodeModules(t *testing.T) {
	root := os.DirFS("../wasm/quickjs/prelude")
	n := 0
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "internal/") {
			return err
		}
		n++
		name := strings.TrimSuffix(path, ".js")
		if got := needs.Of(program("js", "require('"+name+"')")); len(got) != 0 {
			t.Errorf("%s is there and counts as a need: %v", name, got)
		}
		return nil
	})
	if err != nil || n < 15 {
		t.Errorf("found %d modules: %v", n, err)
	}
}

// TestExamplesNeedNothing looks into the gallery, all of which WebAssembly runs.
func TestExamplesNeedNothing(t *testing.T) {
	root := os.DirFS("../catalog/examples")
	folders, err := fs.Glob(root, "*/*")
	if err != nil || len(folders) < 12 {
		t.Fatalf("found %d examples: %v", len(folders), err)
	}
	for _, folder := range folders {
		language, _, _ := strings.Cut(folder, "/")
		p := sandbox.Program{Language: language}
		err := fs.WalkDir(root, folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			code, err := fs.ReadFile(root, path)
			p.Files = append(p.Files, sandbox.File{Name: strings.TrimPrefix(path, folder+"/"), Content: code})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := needs.Reason(p); got != "" {
			t.Errorf("%s: %s", folder, got)
		}
	}
}

func TestLargeProgramsAreReadQuickly(t *testing.T) {
	for language, piece := range map[string]string{
		"python": "import os, sys\nx = f\"{a['b']}\" + 'text'\n", "javascript": "const a = b / c + `t${x}`; import('./x')\n", "ruby": "require 'json'\nputs \"x\"\n",
	} {
		began := time.Now()
		needs.Of(program(language, strings.Repeat(piece, sandbox.MaxProgramBytes/len(piece))))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: 1 MiB took %v", language, took)
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add("python", "import numpy as np, os\nfrom a.b import (c, d)\nf'{x!r}'")
	f.Add("javascript", "import x from 'y'; `a${`b${c}`}`; /[/]/.test(1)")
	f.Add("ruby", "require 'x'\n<<~A\nA\n\"#{1}\"")
	f.Add("python", "import")
	f.Add("python", "from \\")
	f.Add("js", "`${")
	f.Fuzz(func(t *testing.T, language, code string) {
		p := program(language, code)
		reason := needs.Reason(p)
		if strings.ContainsAny(reason, "\n\r\x00") || len(reason) > 4096 || (reason == "") != (len(needs.Of(p)) == 0) {
			t.Errorf("the reason is %q", reason)
		}
	})
}

func BenchmarkReason(b *testing.B) {
	p := program("python", strings.Repeat("import os, sys\nx = f\"{a['b']}\" + 'text'\n", 100))
	b.SetBytes(int64(len(p.Files[0].Content)))
	for b.Loop() {
		needs.Reason(p)
	}
}
