//go:build race

package media

import "time"

// driftTime is short under the race detector: the test has one goroutine.
const driftTime = 30 * time.Second
