package rewrite

import "strings"

// GlobalExports returns the names under which a module that Rewrite made exports
// its mutable globals because of Options.ExportGlobals.
func GlobalExports(rewritten []byte) ([]string, error) {
	m := &module{reader: reader{b: rewritten, end: len(rewritten)}}
	m.split()
	var names []string
	if m.open(secExport) {
		for n := m.count(3); n > 0; n-- {
			name := string(m.take(m.count(1)))
			if kind := m.byte(); kind == kindGlobal && strings.HasPrefix(name, GlobalPrefix) {
				names = append(names, name)
			}
			m.u32()
		}
		m.close()
	}
	if m.err != nil {
		return nil, m.err
	}
	return names, nil
}
