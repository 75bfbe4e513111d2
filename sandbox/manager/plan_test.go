package manager

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

const testRunner = "local"

// A model is records and an engine, without any concurrency: what requests,
// crashes and strangers do to them comes from a list of numbers.
type model struct {
	t       testing.TB
	now     time.Time
	records map[string]*sandbox.Sandbox
	engine  map[string]sandbox.State
	seen    map[string]time.Time // since when the engine holds what
	answers bool
	lastAns time.Time
	wishes  map[string]bool // the user wished it destroyed
	lost    map[string]bool // a stranger took it from the engine
	n       int
	story   []string
}

func newModel(t testing.TB) *model {
	return &model{
		t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), records: map[string]*sandbox.Sandbox{}, engine: map[string]sandbox.State{},
		seen: map[string]time.Time{}, answers: true, wishes: map[string]bool{}, lost: map[string]bool{},
	}
}

func (m *model) say(format string, args ...any) {
	m.story = append(m.story, fmt.Sprintf(format, args...))
}

func (m *model) fatal(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nafter: %s", fmt.Sprintf(format, args...), strings.Join(m.story, "; "))
}

// put notes an engine's sandbox, and since when it is there.
func (m *model) put(id string, state sandbox.State) {
	if m.engine[id] == "" {
		m.seen[id] = m.now
	}
	m.engine[id] = state
}

func (m *model) remove(id string) {
	delete(m.engine, id)
	delete(m.seen, id)
}

// become changes a record as update does.
func (m *model) become(s *sandbox.Sandbox, to sandbox.State) {
	was := s.State
	if err := s.Become(to); err != nil {
		m.fatal("%v", err)
	}
	s.UpdatedAt = m.now
	stamp(s, was, m.now)
	if to == sandbox.StateDestroyed {
		delete(m.records, s.ID)
	}
}

// pick returns one of the records, nil where there are none.
func (m *model) pick(n byte) *sandbox.Sandbox {
	if len(m.records) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(m.records))
	return m.records[ids[int(n)%len(ids)]]
}

// step lets something happen.
func (m *model) step(what, which, how byte) {
	m.now = m.now.Add(time.Second)
	s := m.pick(which)
	switch what % 12 {
	case 0:
		m.create(how)
	case 1, 2, 3, 4:
		if s != nil {
			m.request(s, how)
		}
	case 5:
		m.now = m.now.Add(time.Duration(how) * time.Duration(how) * time.Minute)
		m.say("%d minutes pass", int(how)*int(how))
	case 6, 7:
		if s != nil {
			m.stranger(s, how)
		}
	case 8:
		if s != nil {
			m.halfDone(s)
		}
	case 9:
		m.answers = !m.answers
		m.say("answers: %v", m.answers)
	case 10:
		m.put(fmt.Sprint("orphan", m.n), sandbox.StateStarted)
		m.n++
	case 11:
		m.reconcile(how%2 == 0)
	}
}

func (m *model) create(how byte) {
	m.n++
	s := &sandbox.Sandbox{
		ID: fmt.Sprint("s", m.n), Runner: testRunner, State: sandbox.StateCreating, Desired: sandbox.DesiredStarted, Incarnation: 1,
		CreatedAt: m.now, UpdatedAt: m.now, LastEvent: m.now,
		Intervals: sandbox.Intervals{AutoStop: sandbox.DefaultAutoStop, AutoArchive: sandbox.DefaultAutoArchive, AutoDelete: sandbox.NoAutoDelete},
	}
	switch how % 5 {
	case 1:
		s.DestroyAt = m.now.Add(time.Hour)
	case 2:
		s.Intervals.AutoDelete = 0
	case 3:
		s.Intervals = sandbox.Intervals{AutoPause: time.Hour, AutoDelete: time.Hour}
	case 4:
		s.Intervals.AutoStop = 0
		if o := m.pick(how); o != nil && o.Linked == "" && o.Desired != sandbox.DesiredDestroyed {
			s.Linked, s.Intervals.AutoDelete = o.ID, 0
		}
	}
	m.records[s.ID] = s
	m.say("create %s", s.ID)
}

// request does what the use cases do to a record before a worker comes.
func (m *model) request(s *sandbox.Sandbox, how byte) {
	if s.Desired == sandbox.DesiredDestroyed {
		return
	}
	m.say("request %d for %s, which is %s", how%5, s.ID, s.State)
	switch how % 5 {
	case 0: // destroy
		s.Desired = sandbox.DesiredDestroyed
		m.wishes[s.ID] = true
		if s.State != sandbox.StateDestroy {
			m.become(s, sandbox.StateDestroy)
		}
	case 1: // stop
		if s.State == sandbox.StateArchived || s.State == sandbox.StateArchiving || s.State.Failed() || s.State == sandbox.StateUnknown {
			return
		}
		if s.Desired = sandbox.DesiredStopped; s.State == sandbox.StateStarted || s.State == sandbox.StatePaused {
			m.become(s, sandbox.StateStopping)
		}
	case 2: // start
		to := map[sandbox.State]sandbox.State{sandbox.StateStopped: sandbox.StateStarting, sandbox.StatePaused: sandbox.StateResuming,
			sandbox.StateArchived: sandbox.StateRestoring}[s.State]
		if to != "" {
			s.Desired = sandbox.DesiredStarted
			m.become(s, to)
		}
	case 3: // pause or archive
		if s.State == sandbox.StateStarted {
			s.Desired = sandbox.DesiredPaused
			m.become(s, sandbox.StatePausing)
		} else if s.State == sandbox.StateStopped {
			s.Desired = sandbox.DesiredArchived
			m.become(s, sandbox.StateArchiving)
		}
	case 4: // recover, or an excursion that a crash cuts off
		if s.State == sandbox.StateError && s.Recoverable {
			s.Desired = sandbox.DesiredStarted
			m.become(s, wayBack(*s))
		} else if s.State == sandbox.StateStarted {
			m.become(s, []sandbox.State{sandbox.StateResizing, sandbox.StateForking, sandbox.StateSnapping}[how%3])
		}
	}
}

// stranger does something to the engine behind everybody's back.
func (m *model) stranger(s *sandbox.Sandbox, how byte) {
	if m.engine[s.ID] == "" {
		return
	}
	m.say("stranger %d does it to %s", how%4, s.ID)
	switch how % 4 {
	case 0:
		m.remove(s.ID)
		m.lost[s.ID] = true
	case 1:
		m.put(s.ID, sandbox.StateStopped)
	case 2:
		m.put(s.ID, sandbox.StateStarted)
	case 3:
		m.put(s.ID, sandbox.StateError)
	}
}

// halfDone lets the engine do its part, and the server end before it writes it
// down.
func (m *model) halfDone(s *sandbox.Sandbox) {
	if m.answers {
		m.say("half of %s for %s", next(*s, false), s.ID)
		m.effect(s, next(*s, false))
	}
}

// effect is what an op does in the engine. It returns false where there is
// nothing to do it to.
func (m *model) effect(s *sandbox.Sandbox, at op) bool {
	_, there := m.engine[s.ID]
	switch at {
	case opCreate:
		m.put(s.ID, sandbox.StateStarted)
		return true
	case opRestore:
		m.put(s.ID, sandbox.StateStopped)
		return true
	case opDestroy, opArchive:
		m.remove(s.ID)
		return there || at == opDestroy || s.Archive != ""
	case opStart, opResume:
		if there {
			m.put(s.ID, sandbox.StateStarted)
		}
	case opStop:
		if there {
			m.put(s.ID, sandbox.StateStopped)
		}
		return true
	case opPause:
		if there {
			m.put(s.ID, sandbox.StatePaused)
		}
	}
	return there
}

// work is what a worker does: all that there is to do for a sandbox.
func (m *model) work(s *sandbox.Sandbox) {
	for range 20 {
		at := next(*s, false)
		if at == opNone || m.records[s.ID] == nil {
			return
		}
		if to, ok := begins[at]; ok {
			if at == opBeginDestroy {
				s.Desired = sandbox.DesiredDestroyed
			}
			m.become(s, to)
			continue
		}
		if at == opForget {
			s.Archive = ""
			continue
		}
		if !m.answers {
			m.failed(s, at)
			continue
		}
		if !m.effect(s, at) {
			m.failed(s, at)
			continue
		}
		if at == opArchive {
			s.Archive = "there"
		}
		m.become(s, map[op]sandbox.State{
			opCreate: sandbox.StateStarted, opStart: sandbox.StateStarted, opResume: sandbox.StateStarted, opStop: sandbox.StateStopped,
			opPause: sandbox.StatePaused, opArchive: sandbox.StateArchived, opRestore: sandbox.StateStopped, opDestroy: sandbox.StateDestroyed,
		}[at])
	}
	m.fatal("the worker of %s never ends: %s, %s", s.ID, s.State, s.Desired)
}

// failed does to a record what a worker does when the engine fails.
func (m *model) failed(s *sandbox.Sandbox, at op) {
	was := s.State
	s.ErrorReason = "the engine failed"
	if err := (&Manager{}).afterFailure(s, at, sandbox.Errorf(sandbox.KindInternal, "failed")); err != nil {
		m.fatal("%v", err)
	}
	s.UpdatedAt = m.now
	stamp(s, was, m.now)
}

// reconcile plans and does what was planned; with have it looks at the engine.
func (m *model) reconcile(look bool) []action {
	m.now = m.now.Add(time.Second)
	var have *world
	if look {
		v := view{answers: m.answers, answered: m.lastAns, began: m.now}
		if m.answers {
			m.lastAns, v.answered, v.found = m.now, m.now, map[string]sight{}
			for id, state := range m.engine {
				v.found[id] = sight{sandbox.Found{ID: id, State: state}, m.seen[id]}
			}
		}
		have = &world{runners: map[string]view{testRunner: v}, grace: time.Minute}
	}
	var want []wanted
	for _, id := range slices.Sorted(maps.Keys(m.records)) {
		want = append(want, wanted{m.records[id].Clone(), false})
	}
	actions := plan(m.now, want, have)
	for _, a := range actions {
		m.apply(a)
	}
	return actions
}

func (m *model) apply(a action) {
	m.say("%s %s %s%s", a.act, a.id, a.state, a.desired)
	s := m.records[a.id]
	if (s == nil) != (a.act == actSweep) {
		m.fatal("action %+v is for what is not there, or sweeps what is", a)
	}
	switch a.act {
	case actWork:
		m.work(s)
	case actDesire:
		m.desire(s, a)
	case actMark:
		if a.state == sandbox.StateError && a.reason == "" {
			m.fatal("%s fails without a reason", a.id)
		}
		if a.desired != "" {
			s.Desired = a.desired
		}
		s.ErrorReason, s.Recoverable = a.reason, a.recoverable
		m.become(s, a.state)
	case actHalt:
		m.put(a.id, sandbox.StateStopped)
	case actFreeze:
		m.put(a.id, sandbox.StatePaused)
	case actSweep:
		m.remove(a.id)
	}
}

// desire checks that nothing is destroyed before its time.
func (m *model) desire(s *sandbox.Sandbox, a action) {
	if a.desired == sandbox.DesiredDestroyed {
		parent := m.records[s.Linked]
		due := s.Linked != "" && (parent == nil || parent.Desired == sandbox.DesiredDestroyed) || m.wishes[s.ID] || s.Desired == sandbox.DesiredDestroyed || !s.DestroyAt.IsZero() && !m.now.Before(s.DestroyAt) ||
			s.Intervals.AutoDelete >= 0 && !s.StoppedAt.IsZero() && m.now.Sub(s.StoppedAt) >= s.Intervals.AutoDelete
		if !due {
			m.fatal("%s is destroyed for no reason: %s", s.ID, a.reason)
		}
		s.Desired = sandbox.DesiredDestroyed
		m.become(s, sandbox.StateDestroy)
	} else {
		s.Desired = a.desired
	}
	m.work(s)
}

// settle lets the reconciler work undisturbed, and checks what it comes to.
func (m *model) settle() {
	m.answers = true
	m.say("settle")
	quiet := 0
	for range 40 {
		if len(m.reconcile(true)) > 0 {
			quiet = 0
		} else if quiet++; quiet > 3 {
			break
		}
		m.now = m.now.Add(20 * time.Second)
	}
	if quiet <= 3 {
		m.fatal("it never comes to rest")
	}
	for id := range m.engine {
		if m.records[id] == nil {
			m.fatal("%s leaks", id)
		}
	}
	for id, s := range m.records {
		m.checkSettled(id, *s)
	}
}

func (m *model) checkSettled(id string, s sandbox.Sandbox) {
	if s.Linked != "" && m.records[s.Linked] == nil {
		m.fatal("%s outlives the sandbox that it is linked to", id)
	}
	held, there := m.engine[id]
	switch s.State {
	case sandbox.StateStarted, sandbox.StateStopped, sandbox.StatePaused:
		if held != s.State {
			m.fatal("%s is called %s and the engine has %q", id, s.State, held)
		}
	case sandbox.StateArchived:
		if s.Archive == "" {
			m.fatal("%s is archived nowhere", id)
		}
	case sandbox.StateError:
		if s.ErrorReason == "" || !s.Recoverable && there && held != sandbox.StateError && !m.lost[id] {
			m.fatal("%s failed: %q, in the engine %q", id, s.ErrorReason, held)
		}
	default:
		m.fatal("%s rests while it is %s", id, s.State)
	}
	if string(s.Desired) != string(s.State) && !s.State.Failed() {
		m.fatal("%s rests while it is %s and should be %s", id, s.State, s.Desired)
	}
}

// play plays a history and lets everything settle now and then.
func (m *model) play(history []byte) {
	for i := 0; i+2 < len(history); i += 3 {
		m.step(history[i], history[i+1], history[i+2])
		if i%60 == 57 {
			m.settle()
		}
	}
	m.settle()
}

func TestPlanUnderRandomHistories(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		history := make([]byte, 3*(5+r.IntN(60)))
		for i := range history {
			history[i] = byte(r.IntN(256))
		}
		newModel(t).play(history)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte{0, 0, 0, 11, 0, 0, 1, 0, 1})
	f.Add([]byte{0, 0, 2, 11, 0, 0, 6, 0, 0, 9, 0, 0, 11, 0, 0})
	f.Add([]byte{0, 0, 3, 8, 0, 0, 1, 0, 3, 8, 0, 0, 5, 0, 200, 11, 0, 0})
	f.Fuzz(func(t *testing.T, history []byte) {
		if len(history) > 600 {
			history = history[:600]
		}
		newModel(t).play(history)
	})
}

func TestPlanIsPure(t *testing.T) {
	m := newModel(t)
	r := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		m.step(byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)))
	}
	var want []wanted
	for _, id := range slices.Sorted(maps.Keys(m.records)) {
		want = append(want, wanted{m.records[id].Clone(), false})
	}
	have := &world{runners: map[string]view{testRunner: {answers: true, began: m.now}}, grace: time.Minute}
	if a, b := fmt.Sprint(plan(m.now, want, have)), fmt.Sprint(plan(m.now, want, have)); a != b || a == "[]" {
		t.Errorf("the same gives\n%s\nand\n%s", a, b)
	}
}

func TestPlanLeavesAloneWhatAWorkerIsAt(t *testing.T) {
	now := time.Now()
	s := sandbox.Sandbox{ID: "a", Runner: testRunner, State: sandbox.StateCreating, Desired: sandbox.DesiredStarted, DestroyAt: now.Add(-time.Hour)}
	if got := plan(now, []wanted{{s, true}}, &world{runners: map[string]view{testRunner: {answers: true}}}); len(got) != 0 {
		t.Errorf("planned %+v", got)
	}
}

func TestPlanDoesNotBelieveAnOldLook(t *testing.T) {
	now := time.Now()
	s := sandbox.Sandbox{ID: "a", Runner: testRunner, State: sandbox.StateStarted, Desired: sandbox.DesiredStarted, CreatedAt: now, LastEvent: now, UpdatedAt: now}
	v := view{answers: true, answered: now, began: now.Add(-time.Second)}
	if got := plan(now, []wanted{{s, false}}, &world{runners: map[string]view{testRunner: v}}); len(got) != 0 {
		t.Errorf("planned %+v", got)
	}
	v.began = now.Add(time.Second)
	if got := plan(now, []wanted{{s, false}}, &world{runners: map[string]view{testRunner: v}}); len(got) != 1 || got[0].state != sandbox.StateError {
		t.Errorf("planned %+v", got)
	}
}
