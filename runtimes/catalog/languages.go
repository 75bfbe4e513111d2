package catalog

import (
	"runtime"
	"strings"

	"sandpiper/sandbox"
)

func python() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "python",
			Name:      "Python",
			Version:   "3.12.0",
			Aliases:   []string{"py", "python3", "python3.12", "cpython"},
			Extension: ".py",
			Main:      "main.py",
			Editor:    "python",
			Summary:   "CPython with its standard library; no pip packages, threads or network.",
			Hello:     "print(\"Hello, world!\")\n",
			Examples:  pythonExamples,
		},
		Module: "python",
		Driver: DriverPython,
	}
}

// quickJSVersion is the version of QuickJS-ng inside the module.
const quickJSVersion = "0.17.0"

func javascript() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "javascript",
			Name:      "JavaScript",
			Version:   quickJSVersion,
			Aliases:   []string{"js", "node", "nodejs", "node-js", "node-javascript", "mjs", "ecmascript", "quickjs"},
			Extension: ".js",
			Main:      "main.js",
			Editor:    "javascript",
			Summary:   "ES2023 on QuickJS with timers, promises and modules; no npm packages, DOM or network.",
			Hello:     "console.log(\"Hello, world!\");\n",
			Examples:  javascriptExamples,
		},
		Module: "quickjs",
		Driver: DriverQuickJS,
	}
}

func typescript() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "typescript",
			Name:      "TypeScript",
			Version:   quickJSVersion,
			Aliases:   []string{"ts", "node-ts", "ts-node", "tsx", "mts"},
			Extension: ".ts",
			Main:      "main.ts",
			Editor:    "typescript",
			Summary:   "Types are stripped, not checked, and the program runs as JavaScript on QuickJS.",
			Hello:     "const whom: string = \"world\";\nconsole.log(`Hello, ${whom}!`);\n",
			Examples:  typescriptExamples,
		},
		Module: "quickjs",
		Driver: DriverTypeScript,
	}
}

func ruby() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "ruby",
			Name:      "Ruby",
			Version:   "4.0.0",
			Aliases:   []string{"rb", "ruby4", "cruby"},
			Extension: ".rb",
			Main:      "main.rb",
			Editor:    "ruby",
			Summary:   "CRuby with its standard library; no gems, threads, processes or network.",
			Hello:     "puts \"Hello, world!\"\n",
			Examples:  rubyExamples,
		},
		Module: "ruby",
		Driver: DriverRuby,
	}
}

func lua() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "lua",
			Name:      "Lua",
			Version:   "5.1",
			Aliases:   []string{"lua5", "lua5.1", "gopher-lua"},
			Extension: ".lua",
			Main:      "main.lua",
			Editor:    "lua",
			Summary:   "Lua 5.1 with its standard library; no C modules, processes or network.",
			Hello:     "print(\"Hello, world!\")\n",
			Examples:  luaExamples,
		},
		Module: "lua",
		Driver: DriverCommand,
		Args:   []string{"{main}"},
	}
}

func sql() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "sql",
			Name:      "SQL",
			Version:   "3.54.1",
			Aliases:   []string{"sqlite", "sqlite3"},
			Extension: ".sql",
			Main:      "main.sql",
			Editor:    "sql",
			Summary:   "SQLite in memory, with JSON, full-text search, window and math functions; each query's rows come back as a table.",
			Hello:     "select 'Hello, world!' as greeting;\n",
			Examples:  sqlExamples,
		},
		Module: "sql",
		Driver: DriverCommand,
		Args:   []string{"{main}"},
	}
}

// golang is the toolchain that this program is built with, see mkmodules.
func golang() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "go",
			Name:      "Go",
			Version:   strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go"),
			Aliases:   []string{"golang"},
			Extension: ".go",
			Main:      "main.go",
			Editor:    "go",
			Summary:   "Go's own compiler with the standard library, and go test; no other modules, cgo or network.",
			Hello:     "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"Hello, world!\")\n}\n",
			Examples:  goExamples,
		},
		Driver: DriverGo,
	}
}

// clangVersion is the version of clang in the npm package.
const clangVersion = "22.0.0"

func c() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "c",
			Name:      "C",
			Version:   clangVersion,
			Aliases:   []string{"gcc", "clang", "c17"},
			Extension: ".c",
			Main:      "main.c",
			Editor:    "c",
			Summary:   "C17 by clang with the C library of WASI; no longjmp, threads, processes or network.",
			Hello:     "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, world!\");\n}\n",
			Examples:  cExamples,
		},
		Driver: DriverC,
	}
}

func cPlusPlus() Language {
	return Language{
		Language: sandbox.Language{
			ID:        "cpp",
			Name:      "C++",
			Version:   clangVersion,
			Aliases:   []string{"c++", "cplusplus", "cxx", "g++", "clang++"},
			Extension: ".cpp",
			Main:      "main.cpp",
			Editor:    "cpp",
			Summary:   "C++20 by clang with libc++; no exceptions, threads, processes or network.",
			Hello:     "#include <cstdio>\n\nint main() {\n    std::puts(\"Hello, world!\");\n}\n",
			Examples:  cPlusPlusExamples,
		},
		Driver: DriverCPlusPlus,
	}
}
