package toolboxtype

// LspServerRequest asks to start or to stop the language server of a project.
type LspServerRequest struct {
	LanguageID    string `json:"languageId"` // python, typescript or javascript
	PathToProject string `json:"pathToProject"`
}

// LspDocumentRequest names a document of a project.
type LspDocumentRequest struct {
	LanguageID    string `json:"languageId"`
	PathToProject string `json:"pathToProject"`
	URI           string `json:"uri"` // file:// and a path
}

// LspPosition is a place in a document. Both numbers begin at 0; characters are
// counted in UTF-16.
type LspPosition struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// LspRange is what lies between two places.
type LspRange struct {
	Start LspPosition `json:"start"`
	End   LspPosition `json:"end"`
}

// LspLocation is a part of a document.
type LspLocation struct {
	URI   string   `json:"uri"`
	Range LspRange `json:"range"`
}

// LspSymbol is something that has a name in the code.
type LspSymbol struct {
	Name     string      `json:"name"`
	Kind     int         `json:"kind"` // as the Language Server Protocol numbers them
	Location LspLocation `json:"location"`
}

// CompletionContext says what asked for completions.
type CompletionContext struct {
	TriggerKind      int    `json:"triggerKind"` // 1 the user, 2 a character, 3 an incomplete list
	TriggerCharacter string `json:"triggerCharacter,omitempty"`
}

// LspCompletionParams asks what could be written at a place.
type LspCompletionParams struct {
	LanguageID    string             `json:"languageId"`
	PathToProject string             `json:"pathToProject"`
	URI           string             `json:"uri"`
	Position      *LspPosition       `json:"position"`
	Context       *CompletionContext `json:"context,omitempty"`
}

// CompletionItem is one thing that could be written.
type CompletionItem struct {
	Label         string `json:"label"`
	Kind          int    `json:"kind,omitempty"`
	Detail        string `json:"detail,omitempty"`
	Documentation any    `json:"documentation,omitempty"` // a string or {kind, value}
	SortText      string `json:"sortText,omitempty"`
	FilterText    string `json:"filterText,omitempty"`
	InsertText    string `json:"insertText,omitempty"`
}

// CompletionList is all that could be written.
type CompletionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []CompletionItem `json:"items"`
}
