// Package command runs programs with any WASI preview 1 command: a module that
// exports _start and takes the program as a file named in its arguments. Some
// languages of the catalogue are such commands, and operators add their own with
// a manifest in the data folder.
package command
