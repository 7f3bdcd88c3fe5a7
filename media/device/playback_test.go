package device

import "testing"

func TestAhead(t *testing.T) {
	tests := []struct{ frame, spare, period, want int }{
		{480, 0, 240, 480},
		{240, 0, 240, 240}, // half frames: 5 ms
		{240, 0, 60, 240},
		{240, 0, 480, 480},  // a device of long periods
		{240, 240, 60, 480}, // after a gap
		{480, 480, 240, 960},
		{480, 1920, 240, 1920}, // 40 ms at most
		{240, 1920, 2400, 2400},
	}
	for _, tt := range tests {
		if got := ahead(tt.frame, tt.spare, tt.period); got != tt.want {
			t.Errorf("ahead(%d, %d, %d) = %d, want %d", tt.frame, tt.spare, tt.period, got, tt.want)
		}
	}
}
