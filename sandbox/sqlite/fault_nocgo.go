//go:build !cgo

package sqlite

// faultOf has no codes to read: without cgo the driver cannot open a file.
func faultOf(error) fault { return faultOther }
