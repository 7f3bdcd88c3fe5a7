package registration

import (
	"testing"
	"time"
)

func TestRefresh(t *testing.T) {
	tests := []struct {
		expires time.Duration
		chance  float64
		want    time.Duration
	}{
		{600 * time.Second, 0, 570 * time.Second},
		{600 * time.Second, 1, 513 * time.Second},
		{120 * time.Second, 0.5, 60 * time.Second},
		{25 * time.Second, 0, 12500 * time.Millisecond},
		{0, 0, time.Second},
	}
	for _, tt := range tests {
		if got := Refresh(tt.expires, tt.chance); got != tt.want {
			t.Errorf("Refresh(%v, %v) = %v, want %v", tt.expires, tt.chance, got, tt.want)
		}
	}
}

func TestRefreshComesBeforeTheEnd(t *testing.T) {
	for s := 2; s <= 7200; s++ {
		e := time.Duration(s) * time.Second
		for _, chance := range []float64{0, 0.5, 1} {
			if got := Refresh(e, chance); got >= e || got <= 0 {
				t.Fatalf("Refresh(%v, %v) = %v, want within the registration", e, chance, got)
			}
		}
	}
}

func TestRetry(t *testing.T) {
	tests := []struct {
		name   string
		kind   Failure
		n      int
		after  time.Duration
		chance float64
		want   time.Duration
		again  bool
	}{
		{"first", Temporary, 1, 0, 1, FirstRetry, true},
		{"first, lucky", Temporary, 1, 0, 0, FirstRetry / 2, true},
		{"third", Temporary, 3, 0, 1, 4 * FirstRetry, true},
		{"bounded", Temporary, 40, 0, 1, LongestRetry, true},
		{"the server's word", Temporary, 1, 90 * time.Second, 1, 90 * time.Second, true},
		{"the server's word is bounded", Temporary, 1, 1000 * time.Hour, 1, time.Hour, true},
		{"wrong password", Refused, 1, 0, 1, 0, false},
		{"certificate", Untrusted, 7, 0, 1, TrustRetry, true},
		{"unsupported", Unsupported, 1, 0, 1, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, again := Retry(tt.kind, tt.n, tt.after, tt.chance)
			if got != tt.want || again != tt.again {
				t.Errorf("Retry(%v, %d, %v, %v) = %v, %v, want %v, %v",
					tt.kind, tt.n, tt.after, tt.chance, got, again, tt.want, tt.again)
			}
		})
	}
}
