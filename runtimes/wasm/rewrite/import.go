package rewrite

// importType is one import.
type importType struct {
	name   []byte // module and name
	kind   byte
	table  tableType
	memory memoryType
	other  []byte // the type of a function, global or tag
}

// readImports reads the import section.
func (m *module) readImports() {
	for n := m.count(4); n > 0 && m.err == nil; n-- {
		start := m.pos
		from := m.count(1)
		if string(m.take(from)) == TickModule {
			m.fail(start, "imports from the module %q are reserved", TickModule)
		}
		m.name()
		i := importType{name: m.b[start:m.pos], kind: m.byte()}
		at := m.pos
		switch i.kind {
		case kindFunc:
			m.typeIndex()
			m.importedFuncs++
		case kindTable:
			if i.table = m.tableType(); i.table.init != nil {
				m.fail(at, "an imported table has no initialiser")
			}
		case kindMemory:
			i.memory = m.memoryType()
		case kindGlobal:
			m.valueType()
			m.byte()
			m.importedGlobals++
		case kindTag:
			m.tagType()
		default:
			m.fail(at-1, "import of kind %d", i.kind)
		}
		i.other = m.b[at:m.pos]
		m.imports = append(m.imports, i)
	}
}
