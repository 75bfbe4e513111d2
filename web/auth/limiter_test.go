package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiterForgetsIdleClients(t *testing.T) {
	l := newLimiter(60, 2)
	now := time.Now()
	for i := range 100 {
		if err := l.allow(fmt.Sprint(i), now); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.forget(now); n != 0 {
		t.Errorf("%d clients forgotten while their rate is in use", n)
	}
	if n := l.forget(now.Add(time.Second)); n != 100 || len(l.clients) != 0 {
		t.Errorf("%d forgotten, %d left", n, len(l.clients))
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(60, 1)
	now := time.Now()
	for i := range maxLimited {
		if err := l.allow(fmt.Sprint(i), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.allow("one more", now); err == nil {
		t.Error("the table grew over its bound")
	}
	if err := l.allow("one more", now.Add(time.Second)); err != nil {
		t.Errorf("idle clients did not make room: %v", err)
	}
}
