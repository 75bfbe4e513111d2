package reply_test

import (
	"context"
	"testing"

	"sandpiper/web/reply"
)

func TestLifelines(t *testing.T) {
	var l reply.Lifelines
	outer, end := context.WithCancel(t.Context())
	one, cancelOne := l.Attach(outer)
	defer cancelOne()
	two, cancelTwo := l.Attach(t.Context())
	three, cancelThree := l.Attach(t.Context())
	defer cancelThree()
	end()
	cancelTwo()
	cancelTwo()
	if one.Err() == nil || two.Err() == nil || three.Err() != nil {
		t.Errorf("before the end: %v, %v, %v", one.Err(), two.Err(), three.Err())
	}
	l.End()
	l.End()
	late, cancelLate := l.Attach(t.Context())
	defer cancelLate()
	if three.Err() == nil || late.Err() == nil {
		t.Errorf("after the end: %v, %v", three.Err(), late.Err())
	}
}
