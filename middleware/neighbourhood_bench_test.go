package middleware

import (
	"fmt"
	"testing"
)

// BenchmarkMerge merges as many services as are kept.
func BenchmarkMerge(b *testing.B) {
	var seen []*sighting
	for i := range maxSightings / 4 {
		key := fmt.Sprintf("%064x", i)
		seen = append(seen, seenAs(anna(fmt.Sprint("h", i), "10.0.0.1", idOf(key), key)...)...)
	}
	for b.Loop() {
		if len(mergeSightings(seen, knows())) != maxSightings/4 {
			b.Fatal("not all were found")
		}
	}
}
