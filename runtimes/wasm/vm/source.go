package vm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Source is where a module's binary comes from. It is read only when the cache does
// not have the forms of the module.
type Source struct {
	Hash string // the binary's SHA-256 in hexadecimal
	Read func() ([]byte, error)
}

// Binary is a Source that is there already.
func Binary(wasm []byte) Source {
	return Source{Hash: digest(wasm), Read: func() ([]byte, error) { return wasm, nil }}
}

func digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return hex.EncodeToString(sum[:])
}

// binary returns the binary, which must be the one that the hash is of.
func (s Source) binary() ([]byte, error) {
	wasm, err := s.Read()
	if err != nil {
		return nil, err
	}
	if got := digest(wasm); got != s.Hash {
		return nil, fmt.Errorf("the module's SHA-256 is %s, not %s: build it again", got, s.Hash)
	}
	return wasm, nil
}
