package toolchain

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
)

// Request is a build: files, and the commands that make one module of them.
type Request struct {
	Files  []File
	Steps  []Step // carried out in order, until one fails
	Result string // the file that is the program, or what Make returns
}

// File is a file that tools find in their working folder, "/".
type File struct {
	Name    string // relative, with slashes
	Content []byte

	// After, when set, is a file of the SDK whose content comes before Content.
	After string
}

// Step is one run of a tool.
type Step struct {
	Tool string   // its name in the Set
	As   string   // the name that it is called by; Tool when empty
	Args []string // after the program's name; the SDK is at "/sdk"
}

// Report is what came of a build.
type Report struct {
	Failed   bool     // a tool did not do what it should: there is no program
	Messages []string // what each step printed, as far as they were carried out
	Problem  string   // why there is no program although no tool complained, for people
}

// needsTools reports whether there is anything to do but making machine code.
func (r Request) needsTools() bool { return len(r.Steps) > 0 }

// key names what is built: it changes with everything that the program depends on.
func (r Request) key(sdk string) string {
	h := sha256.New()
	fmt.Fprintf(h, "1 %q %q;", sdk, r.Result)
	for _, f := range r.Files {
		fmt.Fprintf(h, "file %q %q %d;", f.Name, f.After, len(f.Content))
		h.Write(f.Content)
	}
	for _, s := range r.Steps {
		fmt.Fprintf(h, "step %q %q %q;", s.Tool, s.As, s.Args)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// order is a message to the child.
type order struct {
	Prepare bool // only make the tools ready
	Cancel  bool // the build that goes on is not wanted any more

	Request Request
	Job     string // the folder below jobs/ that the program is made in
	Raw     bool   // what tools leave in workFolder is all that is wanted
}

// answer is the child's message: one for each order but cancellations.
type answer struct {
	Report Report
	Error  string // our fault; the child goes on
}

// encoders of the two directions.
type (
	sender   = *gob.Encoder
	receiver = *gob.Decoder
)
