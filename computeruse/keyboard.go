package computeruse

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"sandpiper/computeruse/keys"
	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

const (
	// maxDelay is the longest pause between two keys.
	maxDelay = 5 * time.Second

	// maxTyping is how long the pauses of one request may take together.
	maxTyping = 5 * time.Minute

	// shownText is how many characters of typed text the log shows: enough to
	// tell texts apart, and not enough to tell a password.
	shownText = 3

	// maxShown is how many characters the log shows of names.
	maxShown = 60
)

func (h *Handler) keyboardType(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.TypeRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	n.parameters = textNote(q.Text)
	syms, err := keys.ParseText(q.Text)
	if err != nil {
		return nil, answer.BadRequest("%s", err)
	}
	// Compared as numbers first: a product may be too large for a duration.
	if q.Delay < 0 || q.Delay > int(maxDelay/time.Millisecond) {
		return nil, answer.BadRequest("delay must be from 0 to %d milliseconds", maxDelay/time.Millisecond)
	}
	delay := time.Duration(q.Delay) * time.Millisecond
	if delay*time.Duration(len(syms)) > maxTyping {
		return nil, answer.BadRequest("%d characters with a delay of %v take longer than %v: send them in parts", len(syms), delay, maxTyping)
	}
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	return empty, display.Type(r.Context(), syms, delay)
}

func (h *Handler) keyboardKey(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.KeyRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	if len(q.Modifiers) > 8 {
		return nil, answer.BadRequest("modifiers may name 8 keys at most")
	}
	n.parameters = cut(strings.Join(append(q.Modifiers[:len(q.Modifiers):len(q.Modifiers)], q.Key), "+"), maxShown)
	chord, err := keys.ParseChord(q.Key, q.Modifiers)
	if err != nil {
		return nil, answer.BadRequest("%s", err)
	}
	return h.press(r, chord)
}

func (h *Handler) keyboardHotkey(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.HotkeyRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	n.parameters = cut(q.Keys, maxShown)
	if len(q.Keys) > 200 {
		return nil, answer.BadRequest("keys is longer than any combination of keys")
	}
	chord, err := keys.ParseHotkey(q.Keys)
	if err != nil {
		return nil, answer.BadRequest("%s", err)
	}
	return h.press(r, chord)
}

func (h *Handler) press(r *http.Request, chord keys.Chord) (any, error) {
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	return empty, display.Press(r.Context(), chord)
}

// textNote tells of typed text, which may be a secret, without it.
func textNote(text string) string {
	count := utf8.RuneCountInString(text)
	if count <= 2*shownText {
		return fmt.Sprintf("%d characters", count)
	}
	return fmt.Sprintf("%q and so on, %d characters", cutRunes(text, shownText), count)
}

// cut shortens text for the log.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return cutRunes(text, most) + "…"
}

func cutRunes(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}
