package quickjs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// realm says where things are in the image that every run goes on from: an
// engine that has been started, with the prelude in it.
type realm struct {
	context uint64           // the engine's JSContext
	runtime uint64           // the engine's JSRuntime
	scratch uint64           // 8 bytes for results by pointer
	random  uint64           // the state of Math.random
	origin  uint64           // the time that performance.now counts from
	counter uint64           // the engine's interrupt counter
	api     map[string]value // the prelude's functions for the host
}

// The facts of an image. Those of realm.api have the prefix factAPI.
const (
	factContext = "context"
	factRuntime = "runtime"
	factScratch = "scratch"
	factRandom  = "random"
	factOrigin  = "origin"
	factCounter = "counter"
	factAPI     = "api."
)

func (r *realm) facts() map[string]uint64 {
	facts := map[string]uint64{
		factContext: r.context, factRuntime: r.runtime, factScratch: r.scratch,
		factRandom: r.random, factOrigin: r.origin, factCounter: r.counter,
	}
	for name, v := range r.api {
		facts[factAPI+name] = uint64(v)
	}
	return facts
}

func realmOf(facts map[string]uint64) *realm {
	r := &realm{
		context: facts[factContext], runtime: facts[factRuntime], scratch: facts[factScratch],
		random: facts[factRandom], origin: facts[factOrigin], counter: facts[factCounter],
		api: make(map[string]value, len(apiNames)),
	}
	for _, name := range apiNames {
		r.api[name] = value(facts[factAPI+name])
	}
	return r
}

// imageRevision changes with what the code of this file puts into an image. Its texts
// are part of the key.
const imageRevision = 2

// imageKey names everything that the image depends on.
func imageKey(source vm.Source, sources map[string]string) string {
	h := sha256.New()
	fmt.Fprintln(h, imageRevision, stackSize, gcThreshold, apiNames, len(warmUp), warmUp)
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		fmt.Fprintln(h, name, len(sources[name]), sources[name])
	}
	fmt.Fprintln(h, source.Hash)
	return fmt.Sprintf("quickjs %x", h.Sum(nil))
}

// makeLimits bound the instances that make the image.
var makeLimits = sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 64 << 10}

// makeImage compiles the prelude in one instance, runs it in another, and takes
// the image of that.
func makeImage(ctx context.Context, m *vm.Module, sources map[string]string) (image *vm.Image, err error) {
	var parts map[string][]byte
	if err := scratch(ctx, m, func(s *session) (err error) {
		parts, err = compileParts(s.guest, sources)
		return err
	}); err != nil {
		return nil, fmt.Errorf("compile the prelude: %w", err)
	}
	err = scratch(ctx, m, func(s *session) (err error) {
		r, err := s.boot(parts)
		if err != nil {
			return err
		}
		if image, err = s.run.Capture(); err == nil {
			image.Facts = r.facts()
		}
		return err
	})
	return image, err
}

// scratch runs f with a started engine that no program ever sees.
func scratch(ctx context.Context, m *vm.Module, f func(s *session) error) error {
	var failed error
	res := m.Run(ctx, vm.RunConfig{Limits: makeLimits}, func(ctx context.Context, mod api.Module) error {
		return guarded(func() {
			s := &session{dir: "/"}
			s.begin(ctx, mod)
			if failed = s.startEngine(); failed == nil {
				failed = f(s)
			}
		})
	})
	if failed == nil && res.Status != sandbox.StatusOK {
		failed = fmt.Errorf("%s: %s", res.Message, res.StderrTail)
	}
	return failed
}

// boot runs the prelude's first part and some programs that leave nothing
// behind, and says where things are then.
func (s *session) boot(parts map[string][]byte) (*realm, error) {
	boot, call, stack := s.load(parts[bootPart]), s.hostFunction(callName), s.hostFunction(stackName)
	table := s.callValue("JS_NewObject", s.context)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name != bootPart {
			s.set(table, name, s.load(parts[name]))
		}
	}
	functions := s.apply(boot, call, stack, table)
	if functions == exception {
		return nil, errors.New("start the prelude: " + s.describe(s.caught()))
	}
	s.api = make(map[string]value, len(apiNames))
	for _, name := range apiNames {
		if s.api[name] = s.get(functions, name); !s.api[name].isObject() {
			return nil, fmt.Errorf("the prelude has no function %s", name)
		}
	}
	if err := s.warm(); err != nil {
		return nil, err
	}
	r := &realm{context: s.context, runtime: s.runtime, scratch: s.scratch, api: s.api}
	var err1, err2, err3 error
	r.random, err1 = s.findRandom()
	r.origin, err2 = s.findOrigin()
	r.counter, err3 = s.findCounter()
	s.call("JS_RunGC", s.runtime)
	s.call("JS_SetGCThreshold", s.runtime, gcThreshold)
	return r, errors.Join(err1, err2, err3)
}

// warmUp is what programs do first: the engine makes its built-in functions, the
// names that it knows and the layouts of objects when they are first needed.
const warmUp = `(() => {
	class A { #x = 1; get x() { return this.#x; } static y = [1, 2, 3].map((v) => v * 2); }
	const { x, ...rest } = { x: new A().x, a: [1.5, "s", true, null], m: new Map([[1, { a: 1 }]]), s: new Set("ab"), f() {} };
	console.log("%s %d", "text", 1, rest, A.y, new A(), 12n, Symbol("s"), new Date(0), /a+/g.exec("caab"), [undefined]);
	console.error(JSON.stringify(JSON.parse('{"a":[1,{"b":null}]}')), Object.entries({ a: 1 }).flat().join(), "a,b".split(","));
	try { null.x; } catch (e) { e.stack; console.error(e); }
	function* g() { yield* [3, 1, 2]; }
	[...g()].sort((a, b) => a - b).filter(Boolean).reduce((a, b) => a + b, 0).toFixed(2).padStart(8).replace(/\d/, "x");
	(async () => { for await (const v of [Promise.resolve(1)]) await v; })().catch(() => {});
	clearTimeout(setTimeout(() => {}, 1));
	Math.max(1, Math.floor(Math.random() * 2)); parseInt("12px"); Number("1e3"); String(1.5e21);
})()`

// warm runs warmUp, a few times because some things are made at the second time.
func (s *session) warm() error {
	for range 3 {
		r := s.eval(warmUp, "warm", evalScript)
		if r == exception {
			return errors.New("warm up: " + s.describe(s.caught()))
		}
		s.free(r)
		if _, failed := s.runJobs(); failed {
			return errors.New("warm up: " + s.describe(s.caught()))
		}
	}
	return nil
}

// contextSize is how much of the engine's JSContext is looked at: all of it, and
// some.
const contextSize = 1024

// find evaluates code and returns the address of the one word of size bytes in the
// context for which is holds, given what it was before, what it is now, and the
// result.
func (s *session) find(what, code string, size int, is func(before, after uint64, result float64) bool) (uint64, error) {
	before, ok1 := s.mod.Memory().Read(uint32(s.context), contextSize)
	before = slices.Clone(before)
	result := s.eval(code, "find", evalScript)
	after, ok2 := s.mod.Memory().Read(uint32(s.context), contextSize)
	if !ok1 || !ok2 {
		return 0, errOutside
	}
	word := func(b []byte, at int) uint64 {
		if size == 4 {
			return uint64(binary.LittleEndian.Uint32(b[at:]))
		}
		return binary.LittleEndian.Uint64(b[at:])
	}
	var found []uint64
	for at := 0; at < contextSize; at += size {
		if is(word(before, at), word(after, at), result.float()) {
			found = append(found, s.context+uint64(at))
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%s: %d places in the engine's memory look like it", what, len(found))
	}
	return found[0], nil
}

// findRandom finds the state of Math.random: what one step of xorshift64* leads
// from before to after.
func (s *session) findRandom() (uint64, error) {
	return s.find("the state of Math.random", "Math.random()", 8, func(before, after uint64, _ float64) bool {
		before ^= before >> 12
		before ^= before << 25
		before ^= before >> 27
		return before != 0 && before == after
	})
}

// findOrigin finds the time that performance.now counts from. The prelude has a
// timeOrigin of its own; the engine's is a property of the object behind it.
func (s *session) findOrigin() (uint64, error) {
	return s.find("the origin of performance.now", "Object.getPrototypeOf(performance).timeOrigin", 8, func(_, after uint64, origin float64) bool {
		return origin != 0 && after == math.Float64bits(origin)
	})
}

// maxCounter is what the interrupt counter begins with.
const maxCounter = 10_000

// findCounter finds the engine's interrupt counter, which it counts down at calls
// and loops, to ask at zero whether to go on.
func (s *session) findCounter() (uint64, error) {
	const rounds = 100
	return s.find("the interrupt counter", fmt.Sprintf("for (let i = 0; i < %d; i++);", rounds), 4, func(before, after uint64, _ float64) bool {
		steps := (before - after + maxCounter) % maxCounter
		return before <= maxCounter && after <= maxCounter && steps >= rounds && steps <= 3*rounds
	})
}

// pollIn has the engine ask after n more calls and loops whether to go on.
func (s *session) pollIn(n uint32) {
	if !s.mod.Memory().WriteUint32Le(uint32(s.driver.realm.counter), n) {
		panic(errOutside)
	}
}

// attach takes over an instance that goes on from the image.
func (s *session) attach(r *realm) {
	s.context, s.runtime, s.scratch, s.api = r.context, r.runtime, r.scratch, r.api
}

// refresh gives an instance random numbers and a clock of its own.
func (s *session) refresh(r *realm) {
	s.reseed(r)
	s.setOrigin(r, 0)
}

// reseed gives Math.random a new state, which must not be 0.
func (s *session) reseed(r *realm) {
	var seed [8]byte
	_, _ = io.ReadFull(rand.Reader, seed[:]) // never fails
	if !s.mod.Memory().WriteUint64Le(uint32(r.random), binary.LittleEndian.Uint64(seed[:])|1) {
		panic(errOutside)
	}
}

// setOrigin has performance.now count from a time of the run's monotonic clock, in
// milliseconds.
func (s *session) setOrigin(r *realm, ms float64) {
	if !s.mod.Memory().WriteFloat64Le(uint32(r.origin), ms) {
		panic(errOutside)
	}
}

// configure tells the prelude of the run.
func (s *session) configure() error {
	settings := s.text(s.settings())
	defer s.free(settings)
	r := s.apply(s.api["configure"], settings, number(float64(time.Now().UnixMicro())/1000))
	if r == exception {
		return errors.New("configure the prelude: " + s.describe(s.caught()))
	}
	s.free(r)
	return nil
}

// settings is what the prelude needs to know of the run, as JSON.
func (s *session) settings() string {
	env := map[string]string{}
	for _, kv := range s.cfg.Env {
		if name, v, ok := strings.Cut(kv, "="); ok {
			env[name] = v
		}
	}
	b, _ := json.Marshal(map[string]any{ // cannot fail
		"argv": s.argv(),
		"env":  env,
		"cwd":  s.dir,
		"main": s.main,
	})
	return string(b)
}
