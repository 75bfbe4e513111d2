package ui

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
	"sandpiper/web/words"
)

// What a shared program may hold.
const (
	maxShared       = 64 << 10 // bytes of files, input and arguments together
	maxSharedTitle  = 100      // characters
	maxSharedOutput = 16 << 10 // bytes; more is cut
)

// idLength is the length of a shared program's id: 66 bits, unguessable enough
// for a link that is not listed.
const idLength = 11

// longestExpiry bounds how far ahead an expiry may lie.
const longestExpiry = 366 * 24 * time.Hour

var snippetID = lazyregexp.New(`^[A-Za-z0-9_-]{10}[A-Za-z0-9]$`)

// newSnippet returns what is kept of a shared program. Whether its language
// exists is not checked: a program may wait for its language to come back.
func newSnippet(d draft, output string, salt []byte) (sandbox.Snippet, error) {
	s := sandbox.Snippet{Title: d.Title, Language: d.Language, Files: d.Files, Stdin: d.Stdin, Args: d.Args, Output: cut(output, maxSharedOutput)}
	if err := validateShared(s); err != nil {
		return sandbox.Snippet{}, err
	}
	id, err := contentID(s, salt)
	s.ID = id
	return s, err
}

func validateShared(s sandbox.Snippet) error {
	total := len(s.Stdin)
	for _, a := range s.Args {
		total += len(a)
	}
	for i, f := range s.Files {
		total += len(f.Name) + len(f.Content)
		if !utf8.Valid(f.Content) {
			return sandbox.FieldErrorf(fmt.Sprintf("files[%d].content", i), "a shared file must be UTF-8 text")
		}
	}
	switch {
	case total > maxShared:
		return &sandbox.Error{Kind: sandbox.KindTooLarge, Field: "files", Message: fmt.Sprintf("the program has %s and a short link holds %s; use a private link, which has no limit of its own", words.Size(int64(total)), words.Size(maxShared))}
	case utf8.RuneCountInString(s.Title) > maxSharedTitle || !utf8.ValidString(s.Title):
		return sandbox.FieldErrorf("title", "a title may have %d characters", maxSharedTitle)
	case !utf8.ValidString(s.Stdin):
		return sandbox.FieldErrorf("stdin", "shared input must be UTF-8 text")
	}
	return sandbox.Program{Language: s.Language, Files: s.Files, Args: s.Args}.Validate()
}

// contentID derives the id from everything that a visitor of the link sees, so
// that sharing the same again gives the same link and nobody can put other
// content behind a link. The salt keeps outsiders from testing guesses.
func contentID(s sandbox.Snippet, salt []byte) (string, error) {
	s.ID = ""
	content, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode shared program: %w", err)
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write(content)
	return idOf(mac.Sum(nil)), nil
}

// idOf takes the first part of a digest that does not end in a character which
// programs that find links in text leave out.
func idOf(sum []byte) string {
	text := base64.RawURLEncoding.EncodeToString(sum)
	for i := range len(text) - idLength {
		if id := text[i : i+idLength]; snippetID().MatchString(id) {
			return id
		}
	}
	return text[:idLength-1] + "0" // one digest in 2^150
}

// parseExpiry reads how long a shared program is kept: "" or "never", or a
// number of days or hours such as "7d" or "12h". Never is the zero time.
func parseExpiry(s string, now time.Time) (time.Time, error) {
	if s == "" || s == "never" {
		return time.Time{}, nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
	if err != nil || unit == 0 || n == 0 {
		return time.Time{}, sandbox.FieldErrorf("expires", `write how long to keep it as a number of days or hours, such as "7d" or "12h", or as "never"`)
	}
	if d := time.Duration(n) * unit; d <= longestExpiry {
		return now.Add(d), nil
	}
	return time.Time{}, sandbox.FieldErrorf("expires", "a link can be kept for a year, or for ever with %q", "never")
}

// cut returns the beginning of s, at most n bytes, in whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
