package wasm_test

import (
	"testing"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

func TestConformance(t *testing.T) {
	sandboxtest.TestCodeRunner(t, func(t *testing.T) sandbox.CodeRunner { return newEngine(t) },
		sandboxtest.Programs{
			Language: "python",
			Hello:    "print('hello')",
			Echo:     "import sys\nfor line in sys.stdin: print(line, end='', flush=True)",
			Stderr:   "import sys\nprint('out')\nprint('err', file=sys.stderr)",
			Exit3:    "print('partial')\nraise SystemExit(3)",
			Loop:     "print('begun')\nwhile True: pass",
			Sleep:    "import time\nprint('begun')\ntime.sleep(100)",
			Flood:    "while True: print('x' * 1000)",
			OutFile:  "import os\nos.mkdir('out')\nopen('out/answer.txt', 'w').write('42')",
			Given:    "import os, sys\nprint(*sys.argv[1:], os.environ['GREETING'], sep='\\n')",
		},
		sandboxtest.Programs{
			Language: "javascript",
			Hello:    "console.log('hello')",
			Echo:     "import readline from 'node:readline'\nfor await (const line of readline.createInterface({input: process.stdin})) console.log(line)",
			Stderr:   "console.log('out'); console.error('err')",
			Exit3:    "console.log('partial'); process.exit(3)",
			Loop:     "console.log('begun'); for (;;) ;",
			Sleep:    "console.log('begun'); setTimeout(() => {}, 100000)",
			Flood:    "for (;;) console.log('x'.repeat(1000))",
			OutFile:  "import fs from 'node:fs'\nfs.mkdirSync('out'); fs.writeFileSync('out/answer.txt', '42')",
			Given:    "for (const a of process.argv.slice(2)) console.log(a)\nconsole.log(process.env.GREETING)",
		},
		sandboxtest.Programs{
			Language: "typescript",
			Hello:    "const s: string = 'hello'\nconsole.log(s)",
			Exit3:    "console.log('partial'); process.exit(3 as number)",
			Loop:     "console.log('begun'); for (;;) ;",
			Sleep:    "console.log('begun'); await new Promise<void>(r => setTimeout(r, 100000))",
		},
		sandboxtest.Programs{
			Language: "ruby",
			Hello:    "puts 'hello'",
			Echo:     "while line = gets\n  print line\nend",
			Stderr:   "puts 'out'\nwarn 'err'",
			Exit3:    "puts 'partial'\nexit 3",
			Loop:     "puts 'begun'\nloop {}",
			Sleep:    "puts 'begun'\nsleep 100",
			Flood:    "loop { puts 'x' * 1000 }",
			OutFile:  "Dir.mkdir 'out'\nFile.write 'out/answer.txt', '42'",
			Given:    "puts ARGV, ENV['GREETING']",
		},
		sandboxtest.Programs{
			Language: "lua",
			Hello:    "print('hello')",
			Echo:     "for line in io.lines() do print(line) end",
			Stderr:   "print('out')\nio.stderr:write('err\\n')",
			Exit3:    "print('partial')\nos.exit(3)",
			Loop:     "print('begun')\nwhile true do end",
			Flood:    "while true do print(string.rep('x', 1000)) end",
			Given:    "for _, a in ipairs(arg) do print(a) end\nprint(os.getenv('GREETING'))",
		},
	)
}
