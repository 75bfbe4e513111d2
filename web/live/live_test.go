package live_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"sandpiper/web/live"
)

func text(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	})
}

var errEnd = errors.New("the test is over")

// serve streams the scenes, one at each look, and returns what was sent.
func serve(t *testing.T, scenes ...live.Scene) string {
	t.Helper()
	w := httptest.NewRecorder()
	changes := make(chan struct{}, len(scenes))
	next := 0
	err := live.Serve(t.Context(), w, live.Stream{Changes: changes, Look: func(context.Context) (live.Scene, error) {
		if next == len(scenes) {
			return live.Scene{}, errEnd
		}
		next++
		changes <- struct{}{}
		return scenes[next-1], nil
	}})
	if err != nil && !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
	return w.Body.String()
}

func list(items ...string) live.Scene {
	p := live.Part{ID: "list", View: text("<ul>" + strings.Join(items, "") + "</ul>"), Items: []live.Part{}}
	for _, i := range items {
		p.Items = append(p.Items, live.Part{ID: i[:1], View: text(i)})
	}
	return live.Scene{Parts: []live.Part{p}}
}

func TestSendsOnlyWhatDiffers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		scenes []live.Scene
		want   string
	}{
		{"the same twice", []live.Scene{list("a1"), list("a1")},
			`data: <hx-partial hx-target="#list" hx-swap="outerMorph"><ul>a1</ul></hx-partial>` + "\n\n"},
		{"one item", []live.Scene{list("a1", "b1"), list("a1", "b2")},
			`data: <hx-partial hx-target="#list" hx-swap="outerMorph"><ul>a1b1</ul></hx-partial>` + "\n\n" +
				`data: <hx-partial hx-target="#b" hx-swap="outerMorph">b2</hx-partial>` + "\n\n"},
		{"another order", []live.Scene{list("a1", "b1"), list("b1", "a1"), list("b1", "a2")},
			`data: <hx-partial hx-target="#list" hx-swap="outerMorph"><ul>a1b1</ul></hx-partial>` + "\n\n" +
				`data: <hx-partial hx-target="#list" hx-swap="outerMorph"><ul>b1a1</ul></hx-partial>` + "\n\n" +
				`data: <hx-partial hx-target="#a" hx-swap="outerMorph">a2</hx-partial>` + "\n\n"},
		{"an event and an end", []live.Scene{{Events: map[string]string{"e": "1"}}, {Events: map[string]string{"e": "1"}}, {End: "/there"}},
			"event: e\ndata: 1\n\nevent: sandbox:gone\ndata: /there\n\n"},
		{"line ends stay inside of a message", []live.Scene{{Events: map[string]string{"e": "a\r\nb\n\nevent: x"}}},
			"event: e\ndata: a \ndata: b\ndata: \ndata: event: x\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.ReplaceAll(serve(t, tt.scenes...), ": still here\n\n", "")
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestAFirstErrorIsAnAnswer(t *testing.T) {
	w := httptest.NewRecorder()
	err := live.Serve(t.Context(), w, live.Stream{Look: func(context.Context) (live.Scene, error) { return live.Scene{}, errEnd }})
	if !errors.Is(err, errEnd) || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "" {
		t.Errorf("%v, %q", err, w.Body)
	}
}

func TestEndsWithItsChanges(t *testing.T) {
	changes := make(chan struct{})
	close(changes)
	looks := 0
	err := live.Serve(t.Context(), httptest.NewRecorder(), live.Stream{Changes: changes, Look: func(context.Context) (live.Scene, error) {
		looks++
		return live.Scene{}, nil
	}})
	if err != nil || looks != 1 {
		t.Errorf("%v after %d looks", err, looks)
	}
}
