//go:build !race

package media

import "time"

const driftTime = 5 * time.Minute
