package peer

import (
	"errors"

	"golang.org/x/sys/windows"
)

// Refused reports whether err means that nobody listens at a socket any more.
func Refused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }
