//go:build !linux || !cgo || wayland || ci

package native

// prepare, move and settle leave it to the system where and how the window
// appears.
func prepare(any, int, int) {}

func move(any, int, int) {}

func settle(any) {}
