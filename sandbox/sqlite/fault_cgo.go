//go:build cgo

package sqlite

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// faultOf reads the code of an error of the driver.
func faultOf(err error) fault {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return faultOther
	}
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintCheck:
		return faultTooLarge
	case sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintUnique:
		return faultNotUnique
	}
	return faultOfCode(e.Code)
}

func faultOfCode(code sqlite3.ErrNo) fault {
	switch code {
	case sqlite3.ErrFull:
		return faultFull
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return faultBusy
	case sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return faultDisk
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return faultDamaged
	case sqlite3.ErrTooBig:
		return faultTooLarge
	default:
		return faultOther
	}
}
