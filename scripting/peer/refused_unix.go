//go:build unix

package peer

import (
	"errors"
	"syscall"
)

// Refused reports whether err means that nobody listens at a socket any more.
func Refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
