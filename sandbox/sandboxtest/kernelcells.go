package sandboxtest

// KernelCells returns the cells of languages, by their Language.ID: "python",
// "javascript" or "ruby". It panics for another one.
func KernelCells(languages ...string) []Cells {
	var all []Cells
	for _, id := range languages {
		c, ok := kernelCells[id]
		if !ok {
			panic("no cells of " + id)
		}
		c.Language = id
		all = append(all, c)
	}
	return all
}

var kernelCells = map[string]Cells{
	"python": {
		Set: "n = 1", Change: "n = 2", Print: "print(n)", Value: "n", Fail: "1 / 0",
		Stderr:   "import sys\nprint('out')\nprint('err', file=sys.stderr)",
		Display:  "import sandpiper\nsandpiper.html('<b>x</b>')",
		Bytes:    "import sys\nsys.stdout.buffer.write(bytes(range(256)));",
		Huge:     "print('x' * (3 << 20))",
		Env:      "import os\nprint(os.environ.get('SECRET', ''))",
		Save:     "with open('secret.txt', 'w') as f: f.write('hidden')",
		Read:     "print(open('secret.txt').read())",
		Loop:     "print('begun')\nwhile True: pass",
		Sleep:    "import time\nprint('begun')\ntime.sleep(100)",
		Input:    "print('begun')\ninput()",
		Stubborn: "print('begun')\ndef spin():\n    while True: pass\nwhile True:\n    try: spin()\n    except KeyboardInterrupt: pass",
		Flood:    "while True: print('x' * 1000)",
		Hoard:    "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))",
		Crash:    "import os\nos._exit(5)",
	},
	"javascript": {
		Set: "var n = 1", Change: "var n = 2", Print: "console.log(n)", Value: "n", Fail: "throw new TypeError('no')",
		Stderr:   "console.log('out'); console.error('err')",
		Display:  "import { html } from 'sandpiper'\nhtml('<b>x</b>');",
		Bytes:    "process.stdout.write(Uint8Array.from({ length: 256 }, (_, i) => i));",
		Huge:     "console.log('x'.repeat(3 << 20))",
		Env:      "console.log(process.env.SECRET ?? '')",
		Save:     "import fs from 'fs'\nfs.writeFileSync('secret.txt', 'hidden')",
		Read:     "import fs from 'fs'\nconsole.log(fs.readFileSync('secret.txt', 'utf8'))",
		Loop:     "console.log('begun'); for (;;) ;",
		Sleep:    "console.log('begun'); await new Promise((done) => setTimeout(done, 100000))",
		Input:    "import readline from 'readline'\nconsole.log('begun'); for await (const line of readline.createInterface({ input: process.stdin })) ;",
		Stubborn: "console.log('begun'); 'a'.repeat(1 << 22).indexOf('a'.repeat(1 << 21) + 'b')",
		Flood:    "for (;;) console.log('x'.repeat(1000))",
		Hoard:    "var hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20))",
	},
	"ruby": {
		Set: "n = 1", Change: "n = 2", Print: "puts n", Value: "n", Fail: "raise IOError, 'no'",
		Stderr:   "puts 'out'\nwarn 'err'",
		Display:  "require 'sandpiper'\nSandpiper.html('<b>x</b>')",
		Bytes:    "$stdout.write((0..255).to_a.pack('C*'));",
		Huge:     "puts 'x' * (3 << 20)",
		Env:      "puts ENV['SECRET'].to_s",
		Save:     "File.write('secret.txt', 'hidden')",
		Read:     "puts File.read('secret.txt')",
		Loop:     "puts 'begun'\nloop {}",
		Sleep:    "puts 'begun'\nsleep 100",
		Input:    "puts 'begun'\ngets",
		Stubborn: "puts 'begun'\nloop { begin; loop {}; rescue Exception; end }",
		Flood:    "loop { puts 'x' * 1000 }",
		Hoard:    "hoard = []\nloop { hoard << 'x' * (1 << 20) }",
		Crash:    "exit!",
	},
}
