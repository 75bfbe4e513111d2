package apitype

// Language is a language that programs can be written in.
type Language struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"For people."`
	Version   string    `json:"version" doc:"Of the runtime that executes it."`
	Aliases   []string  `json:"aliases" doc:"Other names that requests may use."`
	Extension string    `json:"extension" doc:"Of its files, with the dot."`
	Main      string    `json:"main" doc:"The name of the file when a request gives only code."`
	Engine    string    `json:"engine" enum:"wasm,container"`
	State     string    `json:"state" doc:"Runs of a language that is preparing wait for it." enum:"preparing,ready,failed"`
	Stage     string    `json:"stage" doc:"What is going on while preparing, or what went wrong."`
	Summary   string    `json:"summary" doc:"What it can and cannot do here."`
	Hello     string    `json:"hello" doc:"The smallest program that prints something."`
	Examples  []Example `json:"examples"`
}

// Example is a program that shows what a language can do.
type Example struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Files []File   `json:"files"`
	Stdin string   `json:"stdin"`
	Args  []string `json:"args"`
}

// LanguageList is what the server can run.
type LanguageList struct {
	Languages []Language `json:"languages"`
}
