package scheduler

import (
	"time"

	"sandpiper/sandbox"
)

// prepareInterval is how often watch looks whether a language is ready. It adds
// to the wait of the first runs after a start only.
const prepareInterval = 10 * time.Millisecond

// watch lets runs go on whose language has become ready, and ends those that
// have waited for it in vain.
func (s *Scheduler) watch() {
	for {
		select {
		case <-s.unready:
		case <-s.stop:
			return
		}
		for s.checkLanguages() {
			select {
			case <-time.After(prepareInterval):
			case <-s.stop:
				return
			}
		}
	}
}

// checkLanguages looks at every language that runs wait for and reports whether
// there is still one. The engines are asked to prepare those before others.
func (s *Scheduler) checkLanguages() bool {
	states := s.states() // before the lock: it calls the engines
	awaited := s.awaited(states)
	for _, runner := range s.cfg.Runners {
		p, ok := runner.(sandbox.Preparer)
		if !ok {
			continue
		}
		for key := range awaited {
			if key.engine == runner.Engine() {
				p.Prefer(key.id)
			}
		}
	}
	return len(awaited) > 0
}

// awaited lets the runs go on whose languages are ready, by states, and returns the
// languages that the others wait for.
func (s *Scheduler) awaited(states map[languageKey]sandbox.Language) map[languageKey]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	awaited := map[languageKey]bool{}
	for _, r := range s.queue.all() {
		key := languageKey{r.place.engine, r.place.language.ID}
		if !r.ready && !s.checkLanguage(r, states[key]) {
			awaited[key] = true
		}
	}
	s.dispatch()
	return awaited
}

// checkLanguage reports whether r no longer waits for its language, which is l
// by now. Preconditions: s.mu must be held.
func (s *Scheduler) checkLanguage(r *Run, l sandbox.Language) bool {
	name := r.place.language.Name
	switch {
	case l.State == sandbox.LanguageReady:
		r.ready = true
		return true
	case l.State != sandbox.LanguagePreparing:
		s.queue.remove(r)
		s.conclude(r, internal("%s could not be prepared on this server. %s", name, l.Stage))
		return true
	case time.Since(r.submitted) >= s.cfg.PrepareTimeout:
		s.queue.remove(r)
		s.conclude(r, internal("%s was not ready after %v. Try again later.", name, s.cfg.PrepareTimeout))
		return true
	}
	r.report(preparing(l))
	return false
}

// languageReady lets the runs go on that wait for p's language: one that came
// later has found it ready, and must not overtake them.
// Preconditions: s.mu must be held.
func (s *Scheduler) languageReady(p place) {
	for _, r := range s.queue.all() {
		if r.place.engine == p.engine && r.place.language.ID == p.language.ID {
			r.ready = true
		}
	}
}

type languageKey struct {
	engine sandbox.EngineChoice
	id     string
}

// states returns the languages of every engine as they are now.
func (s *Scheduler) states() map[languageKey]sandbox.Language {
	states := make(map[languageKey]sandbox.Language)
	for _, r := range s.cfg.Runners {
		for _, l := range r.Languages() {
			states[languageKey{r.Engine(), l.ID}] = l
		}
	}
	return states
}
