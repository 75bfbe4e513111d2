package components

// Notebooks is the page at /notebook.
type Notebooks struct {
	Languages []LanguageOption // that have sessions
	Examples  []NotebookExample
	Data      any // what the page's script knows, as JSON
}

// NotebookExample is a notebook to begin with.
type NotebookExample struct {
	Title    string
	Language string
	URL      string
}

// Notebook is the page of one notebook.
type Notebook struct {
	Data any // what the page's script knows, as JSON
}
