// Package sqlite keeps Sandpiper's state in one SQLite file: the history of
// runs, shared snippets, API keys and browser sessions.
//
// The file is in WAL mode with one connection that writes and a pool that only
// reads, so readers never wait for the writer and two writers never meet. What
// a method has acknowledged survives the death of the process at any moment; a
// power cut may take the last moments with it, but leaves the file whole.
//
// The schema is brought up to date by migrations, the files of folder
// migrations in the order of their numbers, each in one transaction. A file
// with a newer schema is refused rather than guessed at.
package sqlite
