//go:build !linux

package device

import "github.com/gen2brain/malgo"

// usable reports whether a backend is worth a try.
func usable(malgo.Backend) bool { return true }
