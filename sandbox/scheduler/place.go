package scheduler

import (
	"strings"

	"sandpiper/sandbox"
)

// A place is where a run goes and why.
type place struct {
	runner   sandbox.CodeRunner
	engine   sandbox.EngineChoice
	language sandbox.Language
	reason   string
}

// identity returns what is known of a run before it starts.
func (p place) identity(id string) sandbox.Result {
	return sandbox.Result{
		ID:       id,
		Language: p.language.ID,
		Version:  p.language.Version,
		Engine:   p.engine,
		Reason:   p.reason,
	}
}

// choose finds the place for p: the first engine, in the order of runners, that
// p admits and that has the language in a version p takes. Where the choice is
// ours, Needs says what the program needs that WebAssembly lacks; such a program
// goes to a container if there is one.
func (c Config) choose(p sandbox.Program) (place, error) {
	admitted, err := admissible(c.Runners, p.Engine)
	if err != nil {
		return place{}, err
	}
	first, found := search(admitted, p)
	if first.runner == nil {
		return place{}, noPlace(admitted, p, found, c.Missing(p.Language))
	}
	if first.engine != sandbox.EngineWasm || p.Engine == sandbox.EngineWasm || c.Needs == nil {
		return first, nil
	}
	named := p
	named.Language = first.language.ID
	if lack := c.Needs(named); lack != "" {
		return reroute(admitted, p, first, lack), nil
	}
	return first, nil
}

// search returns the first place that can run p; a zero one where there is none,
// with the languages of the right name.
func search(runners []sandbox.CodeRunner, p sandbox.Program) (place, []sandbox.Language) {
	var found []sandbox.Language
	for _, r := range runners {
		for _, l := range r.Languages() {
			if !l.Is(p.Language) {
				continue
			}
			if l.HasVersion(p.Version) && l.State != sandbox.LanguageFailed {
				return place{r, r.Engine(), l, reason(p.Engine, r.Engine())}, nil
			}
			found = append(found, l)
		}
	}
	return place{}, found
}

// reroute sends a program that WebAssembly lacks something for to a container.
// Where none can take it, it stays, and the reason says what would help.
func reroute(runners []sandbox.CodeRunner, p sandbox.Program, wasm place, lack string) place {
	var containers []sandbox.CodeRunner
	for _, r := range runners {
		if r.Engine() == sandbox.EngineContainer {
			containers = append(containers, r)
		}
	}
	found, unfit := search(containers, p)
	switch {
	case found.runner != nil:
		found.reason = lack
		return found
	case len(containers) == 0:
		wasm.reason = lack + "; a container would have it, and this server has no container engine"
	case len(unfit) == 0:
		wasm.reason = lack + "; this server's containers do not have " + wasm.language.Name
	default:
		wasm.reason = lack + "; a container would have it, and cannot run the program now"
	}
	return wasm
}

// admissible returns the runners that an engine choice allows.
func admissible(runners []sandbox.CodeRunner, want sandbox.EngineChoice) ([]sandbox.CodeRunner, error) {
	switch want {
	case "", sandbox.EngineAuto:
		return runners, nil
	case sandbox.EngineWasm, sandbox.EngineContainer:
	default:
		return nil, sandbox.FieldErrorf("engine", "engine %q is not known: it is auto, wasm or container", want)
	}
	var allowed []sandbox.CodeRunner
	for _, r := range runners {
		if r.Engine() == want {
			allowed = append(allowed, r)
		}
	}
	if len(allowed) > 0 {
		return allowed, nil
	}
	return nil, sandbox.FieldErrorf("engine", "this server has no %s engine; leave the engine out to use what there is", want)
}

func reason(want, got sandbox.EngineChoice) string {
	switch {
	case want == got:
		return "asked for by the request"
	case got == sandbox.EngineWasm:
		return "starts fastest; standard library only"
	default:
		return "the first engine that has the language"
	}
}

// noPlace explains why no runner takes p. The languages found have the right name;
// missing says how else it could be had.
func noPlace(runners []sandbox.CodeRunner, p sandbox.Program, found []sandbox.Language, missing string) error {
	if len(found) == 0 {
		if missing != "" {
			return sandbox.FieldErrorf("language", "%s", missing)
		}
		return sandbox.FieldErrorf("language", "language %q is not known here; there are %s", p.Language, names(runners))
	}
	for _, l := range found {
		if l.HasVersion(p.Version) {
			why := l.Stage
			if missing != "" {
				why += "; without containers, " + missing
			}
			return sandbox.Errorf(sandbox.KindUnavailable, "%s cannot run on this server now: %s", l.Name, why)
		}
	}
	return sandbox.FieldErrorf("version", "%s %s is not here; this server has %s", found[0].Name, p.Version, found[0].Version)
}

func names(runners []sandbox.CodeRunner) string {
	var ids []string
	for _, l := range languages(runners) {
		ids = append(ids, l.ID)
	}
	return strings.Join(ids, ", ")
}

// languages returns what the runners have between them; where two have the same
// language, the earlier one's counts. What only containers have is left out where
// there are none: a server without Docker has nothing amiss.
func languages(runners []sandbox.CodeRunner) []sandbox.Language {
	var all []sandbox.Language
	seen := make(map[string]bool)
	for _, r := range runners {
		for _, l := range r.Languages() {
			if absent := r.Engine() == sandbox.EngineContainer && l.State == sandbox.LanguageFailed; !absent && !seen[l.ID] {
				seen[l.ID] = true
				l.Engine = r.Engine()
				all = append(all, l)
			}
		}
	}
	return all
}
