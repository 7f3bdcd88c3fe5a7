package middleware

import (
	"testing"
	"time"
)

// Times made here have one clock only, which stands for both.
func TestJump(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{
		{jumpTick, false},
		{jumpTick + jumpLeast, false},
		{jumpTick + jumpLeast + time.Second, true},
		{-time.Hour, false}, // the clock was set back
		{8 * time.Hour, true},
	} {
		var j jump
		if j.tick(at) {
			t.Error("the first tick counts as a jump")
		}
		if got := j.tick(at.Add(tt.after)); got != tt.want {
			t.Errorf("tick after %v = %v, want %v", tt.after, got, tt.want)
		}
	}
}
